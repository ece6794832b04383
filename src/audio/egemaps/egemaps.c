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

static struct tables tables;

static void make_tables(void)
{
    static const double PI = 3.14159265358979323846;

    for (int i = 0; i < SHORT; i++)
        tables.hamming[i] = (float)(0.54 - 0.46 * cos(2 * PI * i / (SHORT - 1)));
    for (int i = 0; i < LONG; i++) {
        double middle = (LONG - 1) / 2.0, t = (i - middle) / (0.4 * middle);
        tables.gauss[i] = (float)exp(-0.5 * t * t);
    }
    fourier_tables(&tables.short_fourier, SHORT_FFT);
    fourier_tables(&tables.long_fourier, LONG_FFT);
    spectral_tables(&tables);
    pitch_tables(&tables);
    formant_tables(&tables);
}

const struct tables *tables_get(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_tables);
    return &tables;
}

/* ---- descriptors ---- */

/* Spectrum and magnitudes of a windowed frame, put into the middle of as many samples as the transform has.
 */
static void transform_frame(const struct fourier *f, const float *samples, const float *window, int length,
                            struct bin *spectrum, float *magnitudes)
{
    double frame[LONG_FFT] = {0};
    int before = (f->size - length) / 2;

    for (int i = 0; i < length; i++)
        frame[before + i] = (double)(samples[i] * window[i]);
    fourier(f, frame, spectrum);
    for (int k = 0; k <= f->size / 2; k++)
        magnitudes[k] = sqrtf(spectrum[k].re * spectrum[k].re + spectrum[k].im * spectrum[k].im);
}

static void describe_short(const struct tables *t, const float *samples, struct descriptors *d)
{
    struct bin spectrum[SHORT_BINS];
    float magnitudes[2][SHORT_BINS];

    for (size_t i = 0; i < d->short_frames; i++) {
        const float *frame = samples + i * HOP;
        double energy = 0;
        transform_frame(&t->short_fourier, frame, t->hamming, SHORT, spectrum, magnitudes[i % 2]);
        spectral_describe(t, magnitudes[i % 2], i ? magnitudes[(i + 1) % 2] : NULL, d, i);
        formants_describe(t, spectrum, d, i);
        for (int k = 0; k < SHORT; k++)
            energy += (double)frame[k] * (double)frame[k];
        d->values[ENERGY][i] = (float)(energy / SHORT);
    }
}

/* Whether a frame of 60 ms, windowed, is loud enough to have a pitch. */
static bool is_audible(const float *samples, const float *window)
{
    static const double LEAST = 0.001; /* root mean square */
    double energy = 0;

    for (int i = 0; i < LONG; i++) {
        double x = (double)(samples[i] * window[i]);
        energy += x * x;
    }
    return sqrt(energy / LONG) > LEAST;
}

static float semitones(double f0)
{
    return f0 <= 0 ? 0 : f0 <= 29.136 ? 1 : (float)(12 * log2(f0 / 27.5)); /* 0 is kept for unvoiced frames */
}

static void describe_long(const struct tables *t, const struct signal *signal, struct descriptors *d)
{
    size_t n = d->long_frames;
    struct bin spectrum[LONG_BINS];
    float *magnitudes = mem_zero(n, LONG_BINS * sizeof *magnitudes);
    struct pitch *pitches = mem_zero(n, sizeof *pitches);

    for (size_t i = 0; i < n; i++) {
        float *row = magnitudes + i * LONG_BINS;
        transform_frame(&t->long_fourier, signal->samples + i * HOP, t->gauss, LONG, spectrum, row);
        pitch_candidates(t->octave, row, &pitches[i]);
    }
    d->decided = pitch_track(pitches, n, d->values[F0]);
    for (size_t i = 0; i < n; i++) {
        if (!is_audible(signal->samples + i * HOP, t->gauss))
            d->values[F0][i] = 0;
        d->values[SEMITONE][i] = semitones((double)d->values[F0][i]);
    }
    jitter_describe(signal, d);
    for (size_t i = 0; i < n; i++)
        harmonics_describe(t, magnitudes + i * LONG_BINS, d, i);
    free(pitches);
    free(magnitudes);
}

static void make_descriptors(const struct signal *signal, struct descriptors *d)
{
    const struct tables *t = tables_get();

    d->short_frames = (signal->count - SHORT) / HOP + 1;
    d->long_frames = (signal->count - LONG) / HOP + 1;
    for (int k = 0; k < DESCRIPTORS; k++)
        d->values[k] = mem_zero(d->short_frames, sizeof *d->values[k]);
    describe_short(t, signal->samples, d);
    describe_long(t, signal, d);
}

bool egemaps(const struct signal *signal, float values[EGEMAPS_COUNT], struct error *error)
{
    struct descriptors d = {0};
    struct signal scaled = {mem_zero(signal->count, sizeof *scaled.samples), signal->count, signal->rate};

    if (signal->rate != EGEMAPS_RATE || signal->count < LONG) {
        free(scaled.samples);
        return error_set(error, "eGeMAPS needs at least 0.06 s of sound at %d Hz, here are %.3f s at %d Hz",
                         EGEMAPS_RATE, (double)signal->count / signal->rate, signal->rate);
    }
    for (size_t i = 0; i < signal->count; i++)
        scaled.samples[i] = signal->samples[i] * 32768 / 32767; /* openSMILE's full scale */
    make_descriptors(&scaled, &d);
    functionals(&d, values);
    for (int k = 0; k < DESCRIPTORS; k++)
        free(d.values[k]);
    free(scaled.samples);
    return true;
}
