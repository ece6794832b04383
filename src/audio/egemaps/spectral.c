/* Loudness, MFCC, spectral ratios, slopes and flux of frames of 20 ms. */
#include "audio/egemaps/parts.h"

#include <math.h>
#include <string.h>

enum { BANDS = 26, LIFTER = 22 };

static const double PI = 3.14159265358979323846, LOWEST = 20, HIGHEST = 8000; /* Hz, of the mel bands */

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
    double width = t->brief.bin_width, high = fmin(HIGHEST, t->rate / 2.0), low = mel_of(LOWEST),
           step = (mel_of(high) - low) / (BANDS + 1);

    t->first_bin = (int)lround(LOWEST / width) + 1;
    t->last_bin = (int)lround(high / width) - 1;
    for (int k = 0; k < t->brief.bins; k++) {
        double place = (mel_of(width * k) - low) / step; /* between band edges, counted from 0 */
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

/* The regression line's slope of the spectrum in dB over low..high Hz; openSMILE counts a point too few. Bins
 * at the ends count in part, where they do not lie there; so do their frequencies. */
static double slope(const struct frame_size *size, const double *decibels, double low, double high)
{
    double width = size->bin_width;
    int first = (int)floor(low / width), last = (int)floor(high / width);
    double n = last - first, left = first + 1 - low / width, right = high / width - last;

    if (right == 0) /* exactly there */
        right = 1;
    double x = left * width * first, xx = x * x, y = left * decibels[first], xy = x * decibels[first];
    for (int k = first + 1; k <= last; k++) {
        double share = k == last ? right : 1, f = share * width * k;
        x += f;
        xx += f * f;
        y += share * decibels[k];
        xy += f * decibels[k];
    }
    return (n * xy - x * y) / (n * xx - x * x);
}

static void describe_bands(const struct tables *t, const float *power, struct descriptors *d, size_t i)
{
    double bands[BANDS] = {0}, loudness = 0;

    for (int k = t->first_bin; k <= t->last_bin; k++) {
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

static void describe_ratios(const struct frame_size *size, const float *power, struct descriptors *d,
                            size_t i)
{
    float low = 0, high = 0, low_peak = 0, high_peak = 0;

    for (int k = 0; k < size->bins && size->bin_width * k <= 5000; k++) {
        *(size->bin_width * k < 1000 ? &low : &high) += power[k];
        float *peak = size->bin_width * k < 2000 ? &low_peak : &high_peak;
        *peak = power[k] > *peak ? power[k] : *peak;
    }
    d->values[ALPHA_RATIO][i] = ratio((double)high, (double)low);
    d->values[HAMMARBERG][i] = ratio((double)low_peak, (double)high_peak);
}

void spectral_describe(const struct tables *t, const float *magnitudes, const float *before,
                       struct descriptors *d, size_t i)
{
    const struct frame_size *size = &t->brief;
    float power[MOST_SHORT_BINS];
    double decibels[MOST_SHORT_BINS], flux = 0;
    int below = 0; /* bins below 5 kHz */

    for (int k = 0; k < size->bins; k++)
        power[k] = magnitudes[k] * magnitudes[k];
    for (int k = 0; k < size->bins && size->bin_width * k <= 1500; k++)
        decibels[k] = 10 * log10(fmax((double)power[k], 1e-14));
    for (; below < size->bins && size->bin_width * below < 5000; below++)
        if (before)
            flux += (double)(magnitudes[below] - before[below]) * (double)(magnitudes[below] - before[below]);
    d->values[FLUX][i] = (float)sqrt(flux / below);
    d->values[SLOPE_0_500][i] = (float)slope(size, decibels, 0, 500);
    d->values[SLOPE_500_1500][i] = (float)slope(size, decibels, 500, 1500);
    describe_bands(t, power, d, i);
    describe_ratios(size, power, d, i);
}
