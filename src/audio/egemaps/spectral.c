/* Loudness, MFCC, spectral ratios, slopes and flux of frames of 20 ms. */
#include "audio/egemaps/parts.h"

#include <math.h>
#include <string.h>

enum { BANDS = 26, LOWEST = 2, BIN_1000 = 32, BIN_2000 = 64, BIN_5000 = 160, LIFTER = 22 };

static const double PI = 3.14159265358979323846, BIN_WIDTH = 16000.0 / SHORT_FFT;

static double mel_of(double hertz)
{
    return 1127 * log(1 + hertz / 700);
}

/* Equal loudness over angular frequency (Hermansky, 1990), with openSMILE's power of 7 in the last factor. */
static double equal_loudness(double w)
{
    double w2 = w * w, a = w2 + 6.3e6;

    return 1e32 * (w2 + 56.8e6) * w2 * w2 / (a * a * (w2 + 0.38e9) * (pow(w, 7) + 1.7e31));
}

void spectral_tables(struct tables *t)
{
    double low = mel_of(20), step = (mel_of(8000) - low) / (BANDS + 1);

    for (int k = 0; k < SHORT_BINS; k++) {
        double place = (mel_of(BIN_WIDTH * k) - low) / step; /* between band edges, counted from 0 */
        int below = (int)ceil(place) - 1;
        t->mel[k].lower = below - 1;
        t->mel[k].weight = (float)(below + 1 - place);
    }
    for (int b = 0; b < BANDS; b++) {
        double centre = 700 * (exp((low + step * (b + 1)) / 1127) - 1);
        t->loudness_weight[b] = equal_loudness(2 * PI * centre);
    }
    for (int i = 0; i < MFCCS; i++)
        for (int b = 0; b < BANDS; b++)
            t->cosines[i][b] = sqrt(2.0 / BANDS) * (1 + LIFTER / 2.0 * sin(PI * (i + 1) / LIFTER)) *
                               cos(PI * (i + 1) * (b + 0.5) / BANDS);
}

/* The regression line's slope of the spectrum in dB over bins first..last; openSMILE counts a point too few.
 */
static double slope(const double *decibels, int first, int last)
{
    double n = last - first, x = 0, xx = 0, y = 0, xy = 0;

    for (int k = first; k <= last; k++) {
        double f = BIN_WIDTH * k;
        x += f;
        xx += f * f;
        y += decibels[k];
        xy += f * decibels[k];
    }
    return (n * xy - x * y) / (n * xx - x * x);
}

static void describe_bands(const struct tables *t, const float *power, struct descriptors *d, size_t i)
{
    double bands[BANDS] = {0}, loudness = 0;

    for (int k = LOWEST; k < SHORT_BINS - 1; k++) {
        const struct mel_bin *bin = &t->mel[k];
        if (bin->lower >= 0)
            bands[bin->lower] += (double)(bin->weight * power[k]);
        if (bin->lower + 1 < BANDS)
            bands[bin->lower + 1] += (double)((1 - bin->weight) * power[k]);
    }
    for (int b = 0; b < BANDS; b++)
        loudness += pow(fmax(bands[b], 9.3e-10) * t->loudness_weight[b], 0.33) / BANDS;
    d->values[LOUDNESS][i] = (float)loudness;
    for (int b = 0; b < BANDS; b++)
        bands[b] = log(fmax(32767.0 * 32767.0 * bands[b], 1));
    for (int m = 0; m < MFCCS; m++) {
        double sum = 0;
        for (int b = 0; b < BANDS; b++)
            sum += bands[b] * t->cosines[m][b];
        d->values[MFCC_1 + m][i] = (float)sum;
    }
}

/* 10 log10(above / below), with a floor for what is divided. */
static float ratio(double above, double below)
{
    static const double FLOOR = 1e-14;

    return below <= 0 ? 0 : (float)(10 * (log10(above > FLOOR ? above : FLOOR) - log10(below)));
}

static void describe_ratios(const float *power, struct descriptors *d, size_t i)
{
    float low = 0, high = 0, low_peak = 0, high_peak = 0;

    for (int k = 0; k <= BIN_5000; k++) {
        *(k < BIN_1000 ? &low : &high) += power[k];
        float *peak = k < BIN_2000 ? &low_peak : &high_peak;
        *peak = power[k] > *peak ? power[k] : *peak;
    }
    d->values[ALPHA_RATIO][i] = ratio((double)high, (double)low);
    d->values[HAMMARBERG][i] = ratio((double)low_peak, (double)high_peak);
}

void spectral_describe(const struct tables *t, const float *magnitudes, const float *before,
                       struct descriptors *d, size_t i)
{
    float power[SHORT_BINS];
    double decibels[49], flux = 0;

    for (int k = 0; k < SHORT_BINS; k++)
        power[k] = magnitudes[k] * magnitudes[k];
    for (int k = 0; k < 49; k++)
        decibels[k] = 10 * log10(fmax((double)power[k], 1e-14));
    for (int k = 0; before && k < BIN_5000; k++)
        flux += (double)(magnitudes[k] - before[k]) * (double)(magnitudes[k] - before[k]);
    d->values[FLUX][i] = (float)sqrt(flux / BIN_5000);
    d->values[SLOPE_0_500][i] = (float)slope(decibels, 0, 16);
    d->values[SLOPE_500_1500][i] = (float)slope(decibels, 16, 48);
    describe_bands(t, power, d, i);
    describe_ratios(power, d, i);
}
