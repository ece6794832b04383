/* Harmonics of the voice in the spectrum of 60 ms: their strength against noise, each other and the formants.
 */
#include "audio/egemaps/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HARMONICS = 100 };

static const double LEAST = -201, FAINTEST = -200;

struct harmonic {
    int bin;                             /* of its maximum, or nearest to where it should be; 0: none */
    float frequency, magnitude, highest; /* highest: between bins */
    double decibels;                     /* over the first */
};

/* ---- harmonics to noise ---- */

/* The maximum nearest to lag `wanted`; where there is none, the wanted lag. */
static int nearest_peak(const float *r, int count, int wanted)
{
    if (is_peak(r, count, wanted))
        return wanted;
    for (int o = 1; wanted - o > 0 || wanted + o < count - 1; o++) {
        if (wanted - o > 0 && is_peak(r, count, wanted - o))
            return wanted - o;
        if (wanted + o < count - 1 && is_peak(r, count, wanted + o))
            return wanted + o;
    }
    return r[0] > r[wanted] ? 0 : wanted;
}

/* From the autocorrelation at the period (Boersma, 1993), in dB. */
static float harmonics_to_noise(const struct tables *tables, const float *magnitudes, float f0)
{
    double power[MOST_LONG_FFT];
    struct bin transformed[MOST_LONG_BINS];
    float r[MOST_LONG_BINS];
    int period = (int)floor(tables->rate / (double)f0), bins = tables->wide.bins, size = tables->wide.fft;

    memset(power, 0, (size_t)size * sizeof *power);

    for (int k = 0; k < bins; k++)
        power[k] = power[(size - k) % size] = (double)(magnitudes[k] * magnitudes[k]);
    fourier(&tables->long_fourier, power,
            transformed); /* of an even sequence: its inverse, but for a factor */
    for (int l = 0; l < bins; l++)
        r[l] = fabsf(transformed[l].re);
    if (period >= bins)
        return 0;
    int lag = nearest_peak(r, bins, period);
    if (lag == 0)
        return 0;
    double noise = (double)(r[0] - r[lag]), ratio = noise == 0 ? 1e11 : (double)r[lag] / noise;
    return (float)(10 * log10(fmin(fmax(ratio, 1e-9), 1e11)));
}

/* ---- search ---- */

/* The bin nearest to a frequency, from bin `start` on; 0 beyond the last. */
static int bin_of(const struct frame_size *size, float frequency, int start)
{
    double width = size->bin_width;
    int k = (int)((double)frequency / width) + 1; /* the first above it */

    k = k > start ? k : start;
    if (k >= size->bins)
        return 0;
    return width * k - (double)frequency > (double)frequency - width * (k - 1) ? k - 1 : k;
}

/* The maximum nearest to bin `centre`, between halfway to the harmonics before and after it; -1: none. */
static int find_peak(const float *magnitudes, int bins, int centre, int low, int high)
{
    int left = centre - 1, right = centre + 1;

    if (is_peak(magnitudes, bins, centre))
        return centre;
    for (; left >= low || right <= high; left--, right++) {
        if (right <= high && is_peak(magnitudes, bins, right))
            return right;
        if (left >= low && is_peak(magnitudes, bins, left))
            return left;
    }
    return -1;
}

static void find_harmonics(const struct frame_size *size, const float *magnitudes, float f0,
                           struct harmonic harmonics[HARMONICS])
{
    double width = size->bin_width;
    int last = bin_of(size, 0.5F * f0, 1), first = bin_of(size, 0.5F * f0, last);

    for (int i = 0; i < HARMONICS; i++) {
        int centre = bin_of(size, (float)(i + 1) * f0, last);
        int peak = find_peak(magnitudes, size->bins, centre, bin_of(size, ((float)i + 0.5F) * f0, last),
                             bin_of(size, ((float)i + 1.5F) * f0, centre));
        harmonics[i] = (struct harmonic){.bin = centre, .decibels = LEAST};
        if (peak >= first && peak > 0 && peak < size->bins - 1) {
            double x, y;
            parabola(width * (peak - 1), (double)magnitudes[peak - 1], width * peak, (double)magnitudes[peak],
                     width * (peak + 1), (double)magnitudes[peak + 1], &x, &y);
            harmonics[i] = (struct harmonic){peak, (float)x, magnitudes[peak], (float)y, LEAST};
        }
        last = centre;
    }
}

static void relate_to_first(struct harmonic harmonics[HARMONICS])
{
    double first = (double)harmonics[0].magnitude;

    harmonics[0].decibels = 0;
    for (int i = 1; i < HARMONICS; i++) {
        struct harmonic *h = &harmonics[i];
        if (first != 0)
            h->decibels =
                h->highest > 0 ? fmax(FAINTEST, 20 * (log10((double)h->highest) - log10(first))) : FAINTEST;
        if (h->bin == harmonics[i - 1].bin) /* found twice */
            *h = (struct harmonic){.decibels = LEAST};
    }
}

/* The strongest harmonic within a fifth of the formant's frequency, or -1. */
static int harmonic_of(const struct harmonic harmonics[HARMONICS], float formant)
{
    float low = 0.8F * formant, high = 1.2F * formant, strongest = 0;
    int best = -1;

    for (int i = 0; i < HARMONICS; i++) {
        const struct harmonic *h = &harmonics[i];
        if (h->frequency >= low && h->frequency <= high && h->magnitude > strongest) {
            strongest = h->magnitude;
            best = i;
        }
    }
    return best;
}

static float limited(double decibels)
{
    return (float)fmax(LEAST, fmin(-LEAST, decibels));
}

void harmonics_describe(const struct tables *tables, const float *magnitudes, struct descriptors *d, size_t i)
{
    struct harmonic harmonics[HARMONICS];
    float f0 = d->values[F0][i];
    int nearest = -1;

    for (int f = 0; f < FORMANTS; f++)
        d->values[FORMANT_1A + 3 * f][i] = (float)LEAST;
    if (f0 <= 0)
        return;
    d->values[HNR][i] = harmonics_to_noise(tables, magnitudes, f0);
    find_harmonics(&tables->wide, magnitudes, f0, harmonics);
    relate_to_first(harmonics);
    for (int f = 0; f < FORMANTS; f++) {
        nearest = harmonic_of(harmonics, d->values[FORMANT_1F + 3 * f][i]);
        d->values[FORMANT_1A + 3 * f][i] = nearest >= 0 ? (float)harmonics[nearest].decibels : 0;
    }
    /* openSMILE's numbering begins at 0, so that its H1 and H2 are the second and third harmonic */
    d->values[H1_H2][i] = limited(harmonics[1].decibels - harmonics[2].decibels);
    d->values[H1_A3][i] =
        limited(harmonics[1].decibels - (nearest >= 0 ? harmonics[nearest].decibels : -LEAST));
}
