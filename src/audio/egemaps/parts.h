/* Inside audio/egemaps/ only: the stages of the computation, one file each. */
#ifndef EMOTRAIN_AUDIO_EGEMAPS_PARTS_H
#define EMOTRAIN_AUDIO_EGEMAPS_PARTS_H

#include "audio/egemaps/egemaps.h"
#include "audio/fourier.h"

enum {
    MOST_SHORT_FFT = 2048, /* at 96 kHz */
    MOST_SHORT_BINS = MOST_SHORT_FFT / 2 + 1,
    MOST_LONG_FFT = MOST_FOURIER,
    MOST_LONG_BINS = MOST_LONG_FFT / 2 + 1,
    MFCCS = 4,
    FORMANTS = 3,
};

/* Frames of one length, and their spectra: zeros fill them up to a power of two. */
struct frame_size {
    int length, fft, bins; /* samples; bins: fft / 2 + 1 */
    double bin_width;      /* Hz */
};

/* The low-level descriptors, before smoothing, one row each. */
enum descriptor {
    /* of the 20 ms frames */
    LOUDNESS,
    ALPHA_RATIO,
    HAMMARBERG,
    SLOPE_0_500,
    SLOPE_500_1500,
    FLUX,
    MFCC_1,
    MFCC_4 = MFCC_1 + MFCCS - 1,
    ENERGY, /* mean square */
    /* of the 60 ms frames */
    F0,       /* Hz; 0: unvoiced */
    SEMITONE, /* over 27.5 Hz; 0: unvoiced */
    JITTER,
    SHIMMER,    /* dB */
    HNR,        /* dB */
    H1_H2,      /* dB */
    H1_A3,      /* dB */
    FORMANT_1F, /* frequency, bandwidth (Hz), amplitude (dB over F0's) of each formant */
    FORMANT_1B,
    FORMANT_1A,
    FORMANT_3A = FORMANT_1A + 3 * (FORMANTS - 1),
    DESCRIPTORS,
};

struct descriptors {
    size_t short_frames, long_frames;
    double step;                /* seconds between frames */
    size_t decided;             /* long frames whose pitch was settled before the recording ended */
    float *values[DESCRIPTORS]; /* (frames) */
};

/* What depends on the sample rate alone; made once for each. */
struct tables {
    int rate, hop;                 /* Hz; samples between frames */
    struct frame_size brief, wide; /* 20 ms, for the spectra; 60 ms, for the pitch */
    struct fourier short_fourier, long_fourier;
    float hamming[MOST_SHORT_FFT], gauss[MOST_LONG_FFT];
    struct mel_bin {
        int lower;    /* band below the bin, -1: none */
        float weight; /* its share; the rest goes to the band above */
    } mel[MOST_SHORT_BINS];
    int first_bin, last_bin; /* of the mel bands */
    double loudness_weight[26], cosines[MFCCS][26];
    struct octave *octave;
    float *resample;     /* of the formants: cosines and sines */
    struct tables *next; /* of another rate */
};

/* Of a rate that egemaps takes; NULL where there are too many already. */
const struct tables *tables_get(int rate);

/* ---- for several stages (egemaps.c) ---- */

/* Extreme of the parabola through three points; where there is none, the highest of them. */
void parabola(double x1, double y1, double x2, double y2, double x3, double y3, double *x, double *y);

/* Whether element i is larger than its neighbours. */
bool is_peak(const float *values, int count, int i);

/* ---- spectra (spectral.c) ---- */

void spectral_tables(struct tables *tables);

/* LOUDNESS to MFCC_4 of frame i, but for FLUX, from its magnitudes; FLUX from those of the frame before too,
 * NULL for the first. */
void spectral_describe(const struct tables *tables, const float *magnitudes, const float *before,
                       struct descriptors *d, size_t i);

/* ---- pitch (pitch.c, viterbi.c) ---- */

enum { CANDIDATES = 6 };

struct pitch {
    float frequency[CANDIDATES],
        voicing[CANDIDATES]; /* Hz, 0 to 1; the likeliest first, 0 where there is none */
};

void pitch_tables(struct tables *tables);

/* Candidates by subharmonic summation (Hermes, 1988) from the magnitudes of a 60 ms frame. */
void pitch_candidates(const struct tables *tables, const float *magnitudes, struct pitch *pitch);

/* The likeliest course of the pitch; `f0` gets one per frame, 0 where unvoiced.  Returns how many frames were
 * settled before the last one was known. */
size_t pitch_track(const struct pitch *pitches, size_t count, float *f0);

/* ---- periods of the voice (jitter.c) ---- */

/* JITTER and SHIMMER, from F0. */
void jitter_describe(const struct tables *tables, const struct signal *signal, struct descriptors *d);

/* ---- formants (formants.c) ---- */

void formant_tables(struct tables *tables);

/* Frequencies and bandwidths of frame i from the spectrum of 20 ms. */
void formants_describe(const struct tables *tables, const struct bin *spectrum, struct descriptors *d,
                       size_t i);

/* ---- harmonics (harmonics.c) ---- */

/* HNR, H1_H2, H1_A3 and the formants' amplitudes of frame i, from F0, formants and magnitudes of 60 ms. */
void harmonics_describe(const struct tables *tables, const float *magnitudes, struct descriptors *d,
                        size_t i);

/* ---- functionals (functionals.c) ---- */

void functionals(const struct descriptors *d, float values[EGEMAPS_COUNT]);

#endif
