/* The 88 functionals: descriptors frame by frame, then functionals over them; see egemaps.h. */
#include "audio/egemaps/parts.h"
#include "base/memory.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const char *const EGEMAPS_NAMES[EGEMAPS_COUNT] = {
    "F0semitoneFrom27.5Hz_sma3nz_amean",
    "F0semitoneFrom27.5Hz_sma3nz_stddevNorm",
    "F0semitoneFrom27.5Hz_sma3nz_percentile20.0",
    "F0semitoneFrom27.5Hz_sma3nz_percentile50.0",
    "F0semitoneFrom27.5Hz_sma3nz_percentile80.0",
    "F0semitoneFrom27.5Hz_sma3nz_pctlrange0-2",
    "F0semitoneFrom27.5Hz_sma3nz_meanRisingSlope",
    "F0semitoneFrom27.5Hz_sma3nz_stddevRisingSlope",
    "F0semitoneFrom27.5Hz_sma3nz_meanFallingSlope",
    "F0semitoneFrom27.5Hz_sma3nz_stddevFallingSlope",
    "loudness_sma3_amean",
    "loudness_sma3_stddevNorm",
    "loudness_sma3_percentile20.0",
    "loudness_sma3_percentile50.0",
    "loudness_sma3_percentile80.0",
    "loudness_sma3_pctlrange0-2",
    "loudness_sma3_meanRisingSlope",
    "loudness_sma3_stddevRisingSlope",
    "loudness_sma3_meanFallingSlope",
    "loudness_sma3_stddevFallingSlope",
    "spectralFlux_sma3_amean",
    "spectralFlux_sma3_stddevNorm",
    "mfcc1_sma3_amean",
    "mfcc1_sma3_stddevNorm",
    "mfcc2_sma3_amean",
    "mfcc2_sma3_stddevNorm",
    "mfcc3_sma3_amean",
    "mfcc3_sma3_stddevNorm",
    "mfcc4_sma3_amean",
    "mfcc4_sma3_stddevNorm",
    "jitterLocal_sma3nz_amean",
    "jitterLocal_sma3nz_stddevNorm",
    "shimmerLocaldB_sma3nz_amean",
    "shimmerLocaldB_sma3nz_stddevNorm",
    "HNRdBACF_sma3nz_amean",
    "HNRdBACF_sma3nz_stddevNorm",
    "logRelF0-H1-H2_sma3nz_amean",
    "logRelF0-H1-H2_sma3nz_stddevNorm",
    "logRelF0-H1-A3_sma3nz_amean",
    "logRelF0-H1-A3_sma3nz_stddevNorm",
    "F1frequency_sma3nz_amean",
    "F1frequency_sma3nz_stddevNorm",
    "F1bandwidth_sma3nz_amean",
    "F1bandwidth_sma3nz_stddevNorm",
    "F1amplitudeLogRelF0_sma3nz_amean",
    "F1amplitudeLogRelF0_sma3nz_stddevNorm",
    "F2frequency_sma3nz_amean",
    "F2frequency_sma3nz_stddevNorm",
    "F2bandwidth_sma3nz_amean",
    "F2bandwidth_sma3nz_stddevNorm",
    "F2amplitudeLogRelF0_sma3nz_amean",
    "F2amplitudeLogRelF0_sma3nz_stddevNorm",
    "F3frequency_sma3nz_amean",
    "F3frequency_sma3nz_stddevNorm",
    "F3bandwidth_sma3nz_amean",
    "F3bandwidth_sma3nz_stddevNorm",
    "F3amplitudeLogRelF0_sma3nz_amean",
    "F3amplitudeLogRelF0_sma3nz_stddevNorm",
    "alphaRatioV_sma3nz_amean",
    "alphaRatioV_sma3nz_stddevNorm",
    "hammarbergIndexV_sma3nz_amean",
    "hammarbergIndexV_sma3nz_stddevNorm",
    "slopeV0-500_sma3nz_amean",
    "slopeV0-500_sma3nz_stddevNorm",
    "slopeV500-1500_sma3nz_amean",
    "slopeV500-1500_sma3nz_stddevNorm",
    "spectralFluxV_sma3nz_amean",
    "spectralFluxV_sma3nz_stddevNorm",
    "mfcc1V_sma3nz_amean",
    "mfcc1V_sma3nz_stddevNorm",
    "mfcc2V_sma3nz_amean",
    "mfcc2V_sma3nz_stddevNorm",
    "mfcc3V_sma3nz_amean",
    "mfcc3V_sma3nz_stddevNorm",
    "mfcc4V_sma3nz_amean",
    "mfcc4V_sma3nz_stddevNorm",
    "alphaRatioUV_sma3nz_amean",
    "hammarbergIndexUV_sma3nz_amean",
    "slopeUV0-500_sma3nz_amean",
    "slopeUV500-1500_sma3nz_amean",
    "spectralFluxUV_sma3nz_amean",
    "loudnessPeaksPerSec",
    "VoicedSegmentsPerSec",
    "MeanVoicedSegmentLengthSec",
    "StddevVoicedSegmentLengthSec",
    "MeanUnvoicedSegmentLength",
    "StddevUnvoicedSegmentLength",
    "equivalentSoundLevel_dBp",
};

/* ---- what the stages share ---- */

void parabola(double x1, double y1, double x2, double y2, double x3, double y3, double *x, double *y)
{
    double left = x1 - x2, right = x3 - x2; /* from the middle point, where numbers are small */
    double a = ((y3 - y2) / right - (y1 - y2) / left) / (right - left), b = (y1 - y2) / left - a * left;

    if (a != 0 && isfinite(a)) {
        double place = -b / (2 * a);
        *x = x2 + place;
        *y = y2 + place * (b + a * place);
        return;
    }
    *x = y1 > y2 && y1 > y3 ? x1 : y3 > y2 && y3 > y1 ? x3 : x2;
    *y = fmax(y1, fmax(y2, y3));
}

bool is_peak(const float *values, int count, int i)
{
    return i >= 0 && i < count && (i == 0 || values[i] > values[i - 1]) &&
           (i == count - 1 || values[i] > values[i + 1]);
}

/* A length of time in samples, as openSMILE rounds it. */
static int samples_of(int rate, double seconds)
{
    return (int)lround(seconds / (1.0 / rate));
}

/* The same, and the power of two that holds it. */
static struct frame_size frame_size(int rate, double seconds)
{
    struct frame_size size = {.length = samples_of(rate, seconds), .fft = 1};

    while (size.fft < size.length)
        size.fft *= 2;
    size.bins = size.fft / 2 + 1;
    size.bin_width = (double)rate / size.fft;
    return size;
}

static void make_tables(struct tables *t, int rate)
{
    static const double PI = 3.14159265358979323846;

    t->rate = rate;
    t->hop = samples_of(rate, 0.010);
    t->brief = frame_size(rate, 0.020);
    t->wide = frame_size(rate, 0.060);
    for (int i = 0; i < t->brief.length; i++)
        t->hamming[i] = (float)(0.54 - 0.46 * cos(2 * PI * i / (t->brief.length - 1)));
    for (int i = 0; i < t->wide.length; i++) {
        double middle = (t->wide.length - 1) / 2.0, x = (i - middle) / (0.4 * middle);
        t->gauss[i] = (float)exp(-0.5 * x * x);
    }
    fourier_tables(&t->short_fourier, t->brief.fft);
    fourier_tables(&t->long_fourier, t->wide.fft);
    spectral_tables(t);
    pitch_tables(t);
    formant_tables(t);
}

enum { MOST_RATES = 64 }; /* tables of a rate take a megabyte and stay */

const struct tables *tables_get(int rate)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static struct tables *first;
    struct tables *t;
    int count = 0;

    jmp_buf *escape = mem_escape(NULL); /* nobody leaves with the lock */
    pthread_mutex_lock(&mutex);
    for (t = first; t && t->rate != rate; t = t->next)
        count++;
    if (!t && count < MOST_RATES) {
        t = mem_zero(1, sizeof *t);
        make_tables(t, rate);
        t->next = first;
        first = t;
    }
    pthread_mutex_unlock(&mutex);
    mem_escape(escape);
    return t;
}

/* ---- descriptors ---- */

/* Spectrum and magnitudes of a windowed frame, put into the middle of as many samples as the transform has.
 */
static void transform_frame(const struct fourier *f, const float *samples, const float *window, int length,
                            struct bin *spectrum, float *magnitudes)
{
    double frame[MOST_LONG_FFT];
    int before = (f->size - length) / 2;

    memset(frame, 0, (size_t)f->size * sizeof *frame);
    for (int i = 0; i < length; i++)
        frame[before + i] = (double)(samples[i] * window[i]);
    fourier(f, frame, spectrum);
    for (int k = 0; k <= f->size / 2; k++)
        magnitudes[k] = sqrtf(spectrum[k].re * spectrum[k].re + spectrum[k].im * spectrum[k].im);
}

static void describe_short(const struct tables *t, const float *samples, struct descriptors *d)
{
    struct bin spectrum[MOST_SHORT_BINS];
    float magnitudes[2][MOST_SHORT_BINS];

    for (size_t i = 0; i < d->short_frames; i++) {
        const float *frame = samples + i * (size_t)t->hop;
        double energy = 0;
        transform_frame(&t->short_fourier, frame, t->hamming, t->brief.length, spectrum, magnitudes[i % 2]);
        spectral_describe(t, magnitudes[i % 2], i ? magnitudes[(i + 1) % 2] : NULL, d, i);
        formants_describe(t, spectrum, d, i);
        for (int k = 0; k < t->brief.length; k++)
            energy += (double)frame[k] * (double)frame[k];
        d->values[ENERGY][i] = (float)(energy / t->brief.length);
    }
}

/* Whether a frame of 60 ms, windowed, is loud enough to have a pitch. */
static bool is_audible(const struct tables *t, const float *samples)
{
    static const double LEAST = 0.001; /* root mean square */
    double energy = 0;

    for (int i = 0; i < t->wide.length; i++) {
        double x = (double)(samples[i] * t->gauss[i]);
        energy += x * x;
    }
    return sqrt(energy / t->wide.length) > LEAST;
}

static float semitones(double f0)
{
    return f0 <= 0 ? 0 : f0 <= 29.136 ? 1 : (float)(12 * log2(f0 / 27.5)); /* 0 is kept for unvoiced frames */
}

static void describe_long(const struct tables *t, const struct signal *signal, struct descriptors *d)
{
    size_t n = d->long_frames, bins = (size_t)t->wide.bins, hop = (size_t)t->hop;
    struct bin spectrum[MOST_LONG_BINS];
    float *magnitudes = mem_zero(n, bins * sizeof *magnitudes);
    struct pitch *pitches = mem_zero(n, sizeof *pitches);

    for (size_t i = 0; i < n; i++) {
        float *row = magnitudes + i * bins;
        transform_frame(&t->long_fourier, signal->samples + i * hop, t->gauss, t->wide.length, spectrum, row);
        pitch_candidates(t, row, &pitches[i]);
    }
    d->decided = pitch_track(pitches, n, d->values[F0]);
    for (size_t i = 0; i < n; i++) {
        if (!is_audible(t, signal->samples + i * hop))
            d->values[F0][i] = 0;
        d->values[SEMITONE][i] = semitones((double)d->values[F0][i]);
    }
    jitter_describe(t, signal, d);
    for (size_t i = 0; i < n; i++)
        harmonics_describe(t, magnitudes + i * bins, d, i);
    free(pitches);
    free(magnitudes);
}

static void make_descriptors(const struct tables *t, const struct signal *signal, struct descriptors *d)
{
    d->step = (double)t->hop / t->rate;
    d->short_frames = (signal->count - (size_t)t->brief.length) / (size_t)t->hop + 1;
    d->long_frames = (signal->count - (size_t)t->wide.length) / (size_t)t->hop + 1;
    for (int k = 0; k < DESCRIPTORS; k++)
        d->values[k] = mem_zero(d->short_frames, sizeof *d->values[k]);
    describe_short(t, signal->samples, d);
    describe_long(t, signal, d);
}

/* A rate that there may be, and enough sound for one frame of 60 ms. */
static bool check_signal(const struct signal *signal, struct error *error)
{
    int rate = signal->rate;

    if (rate != EGEMAPS_LOWEST_RATE && (rate < 11000 || rate > EGEMAPS_HIGHEST_RATE))
        return error_set(error,
                         "eGeMAPS takes sound at 8000 Hz, or from 11000 to %d Hz, not at %d Hz: resample it, "
                         "or train with audio.sample_rate=16000",
                         EGEMAPS_HIGHEST_RATE, rate);
    return signal->count >= (size_t)frame_size(rate, 0.060).length ||
           error_set(
               error,
               "eGeMAPS needs at least 0.06 s of sound, here are %.3f s; audio.min_seconds=0.06 leaves such "
               "clips out",
               (double)signal->count / rate);
}

bool egemaps(const struct signal *signal, float values[EGEMAPS_COUNT], struct error *error)
{
    struct descriptors d = {0};
    const struct tables *t = check_signal(signal, error) ? tables_get(signal->rate) : NULL;

    if (!t)
        return error->kind ? false
                           : error_set(error, "more than %d different sample rates: set audio.sample_rate",
                                       MOST_RATES);
    struct signal scaled = {mem_zero(signal->count, sizeof *scaled.samples), signal->count, signal->rate};
    for (size_t i = 0; i < signal->count; i++)
        scaled.samples[i] = signal->samples[i] * 32768 / 32767; /* openSMILE's full scale */
    make_descriptors(t, &scaled, &d);
    functionals(&d, values);
    for (int k = 0; k < DESCRIPTORS; k++)
        free(d.values[k]);
    free(scaled.samples);
    for (int k = 0; k < EGEMAPS_COUNT; k++)
        if (!isfinite(values[k]))
            return error_set(error,
                             "its functionals are not finite (%s): its samples are far from full scale",
                             EGEMAPS_NAMES[k]);
    return true;
}
