/* Pitch candidates by subharmonic summation (Hermes, JASA 83, 1988) on an octave scale. */
#include "audio/egemaps/parts.h"
#include "base/memory.h"

#include <math.h>
#include <string.h>

enum { HARMONICS = 15 };

static const double PI = 3.14159265358979323846, LOW = 25, LOWEST_PITCH = 55, HIGHEST_PITCH = 1000;
static const float COMPRESSION = 0.85F;

/* From the linear to the octave scale by a natural cubic spline over log2 of the frequency, and the ear's
 * weighting there. */
struct octave {
    int bins;
    double place[MOST_LONG_BINS]; /* log2 Hz of each bin */
    double forward[MOST_LONG_BINS],
        backward[MOST_LONG_BINS];      /* of the spline's equations: they do not depend on the data */
    int segment[MOST_LONG_BINS];       /* of each point of the octave scale: the bin above it */
    double weights[MOST_LONG_BINS][4]; /* of both bins' values and second derivatives */
    double ear[MOST_LONG_BINS];
    int shifts[HARMONICS + 1]; /* points from a harmonic to its fundamental */
    float first, step;         /* log2 Hz */
};

static void prepare_spline(struct octave *o)
{
    const double *t = o->place;

    for (int i = 1; i < o->bins - 1; i++) {
        double share = (t[i] - t[i - 1]) / (t[i + 1] - t[i - 1]);
        o->forward[i] = 1 / (share * o->backward[i - 1] + 2);
        o->backward[i] = (share - 1) * o->forward[i];
    }
}

void pitch_tables(struct tables *tables)
{
    struct octave *o = mem_zero(1, sizeof *o);
    int bins = o->bins = tables->wide.bins;
    double high = tables->rate / 2.0, first = log2(LOW), step = (log2(high) - first) / (bins - 1),
           points = bins / log2(high / LOW), /* per octave */
        start = points * log2(65.0 / 50) - 1;

    for (int k = 1; k < bins; k++)
        o->place[k] = log2(tables->wide.bin_width * k);
    o->place[0] = 2 * o->place[1] - o->place[2];
    prepare_spline(o);
    for (int i = 0, upper = 1; i < bins; i++) {
        double x = first + i * step;
        while (upper < bins - 1 && o->place[upper] < x)
            upper++;
        double width = o->place[upper] - o->place[upper - 1], a = (o->place[upper] - x) / width, b = 1 - a;
        o->segment[i] = upper;
        o->weights[i][0] = a;
        o->weights[i][1] = b;
        o->weights[i][2] = (a * a * a - a) * width * width / 6;
        o->weights[i][3] = (b * b * b - b) * width * width / 6;
        o->ear[i] = 0.5 + atan(3 * (i + 1 - start) / points) / PI;
    }
    for (int h = 2; h <= HARMONICS; h++)
        o->shifts[h] = (int)floor(points * log2(h));
    o->first = (float)first;
    o->step = ((float)log2(high) - (float)first) / (float)(bins - 1);
    tables->octave = o;
}

/* Zeroes what lies more than two bins from the nearest maximum, between maxima. */
static void enhance(double *y, int bins)
{
    int last = -1;

    for (int i = 0; i < bins; i++) {
        bool peak =
            (i == 0 || y[i] > y[i - 1]) && (i == bins - 1 || (i == 0 ? y[0] > y[1] : y[i] >= y[i + 1]));
        if (!peak)
            continue;
        for (int j = last + 3; last >= 0 && j <= i - 3; j++)
            y[j] = 0;
        last = i;
    }
}

static void smooth(double *y, int bins)
{
    double before = 0;

    for (int i = 0; i < bins - 1; i++) {
        double here = y[i];
        y[i] = (before + 2 * here + y[i + 1]) / 4;
        before = here;
    }
}

/* Second derivatives of the natural spline through (place, y). */
static void solve_spline(const struct octave *o, const double *y, double *second)
{
    const double *t = o->place;
    double right[MOST_LONG_BINS] = {0};

    for (int i = 1; i < o->bins - 1; i++) {
        double span = t[i + 1] - t[i - 1], share = (t[i] - t[i - 1]) / span;
        double bend =
            (y[i + 1] - y[i]) / ((t[i + 1] - t[i]) * span) - (y[i] - y[i - 1]) / ((t[i] - t[i - 1]) * span);
        right[i] = o->forward[i] * (6 * bend - share * right[i - 1]);
    }
    second[o->bins - 1] = 0;
    for (int i = o->bins - 2; i >= 0; i--)
        second[i] = o->backward[i] * second[i + 1] + right[i];
}

static void to_octaves(const struct octave *o, const float *magnitudes, float *out)
{
    double y[MOST_LONG_BINS], second[MOST_LONG_BINS];

    for (int k = 0; k < o->bins; k++)
        y[k] = (double)magnitudes[k];
    enhance(y, o->bins);
    smooth(y, o->bins);
    solve_spline(o, y, second);
    for (int i = 0; i < o->bins; i++) {
        int u = o->segment[i];
        const double *w = o->weights[i];
        float value = (float)(w[0] * y[u - 1] + w[1] * y[u] + w[2] * second[u - 1] + w[3] * second[u]);
        out[i] = value > 0 ? (float)((double)value * o->ear[i]) : 0;
    }
}

/* Adds the harmonics of every point to it; returns the mean over all. */
static double sum_harmonics(const struct octave *o, const float *spectrum, float *sums)
{
    float share = COMPRESSION;
    double mean = 0;

    memcpy(sums, spectrum, (size_t)o->bins * sizeof *sums);
    for (int h = 2; h <= HARMONICS; h++) {
        for (int j = o->shifts[h]; j < o->bins; j++)
            sums[j - o->shifts[h]] += spectrum[j] * share;
        share *= COMPRESSION;
    }
    for (int j = 0; j < o->bins; j++) {
        sums[j] = sums[j] > 0 ? sums[j] / HARMONICS : 0;
        mean += (double)sums[j];
    }
    return mean / o->bins;
}

/* The highest maxima, the highest first; returns how many. */
static int find_peaks(const float *sums, int bins, int peaks[CANDIDATES])
{
    int count = 0;

    for (int i = 1; i < bins - 1; i++) {
        if (!(sums[i - 1] < sums[i] && sums[i] > sums[i + 1]))
            continue;
        int slot = count;
        while (slot > 0 && sums[peaks[slot - 1]] < sums[i])
            slot--;
        if (slot == CANDIDATES)
            continue;
        count += count < CANDIDATES;
        memmove(peaks + slot + 1, peaks + slot, (size_t)(count - slot - 1) * sizeof *peaks);
        peaks[slot] = i;
    }
    return count;
}

void pitch_candidates(const struct tables *tables, const float *magnitudes, struct pitch *pitch)
{
    const struct octave *o = tables->octave;
    float spectrum[MOST_LONG_BINS], sums[MOST_LONG_BINS], scores[CANDIDATES] = {0};
    int peaks[CANDIDATES], kept = 0, best = 0;

    to_octaves(o, magnitudes, spectrum);
    double mean = sum_harmonics(o, spectrum, sums);
    int count = find_peaks(sums, o->bins, peaks);
    *pitch = (struct pitch){{0}, {0}};
    for (int c = 0; c < count; c++) {
        int i = peaks[c];
        double x, y;
        parabola((double)((float)(i - 1) * o->step + o->first), (double)sums[i - 1],
                 (double)((float)i * o->step + o->first), (double)sums[i],
                 (double)((float)(i + 1) * o->step + o->first), (double)sums[i + 1], &x, &y);
        float frequency = (float)exp2(x);
        if ((double)frequency < LOWEST_PITCH || (double)frequency > HIGHEST_PITCH)
            continue;
        pitch->frequency[kept] = frequency;
        pitch->voicing[kept] = y > 0 && y > mean ? (float)(1 - mean / y) : 0;
        scores[kept] = (float)y;
        best = scores[kept] > scores[best] ? kept : best;
        kept++;
    }
    float frequency = pitch->frequency[0], voicing = pitch->voicing[0];
    pitch->frequency[0] = pitch->frequency[best];
    pitch->voicing[0] = pitch->voicing[best];
    pitch->frequency[best] = frequency;
    pitch->voicing[best] = voicing;
}
