/* Periods of the voice in the waveform: how much their lengths (jitter) and amplitudes (shimmer) vary. */
#include "audio/egemaps/parts.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double LEAST_CORRELATION = 0.5, RANGE = 0.1;

/* What is remembered from frame to frame. */
struct follower {
    const struct tables *tables;
    double seconds; /* of a sample */
    const float *samples;
    size_t count, at;  /* at: the first sample not yet covered by whole periods */
    size_t behind;     /* samples by which that lags behind the frame */
    float last_period; /* seconds; 0: none yet */
    float jitter, shimmer;
};

/* Sums over the periods of one frame. */
struct periods {
    int count, differences;
    float length, length_change, amplitude, amplitude_change;
};

/* Pearson's correlation of two stretches of `n` samples that follow each other. */
static double correlate(const float *x, size_t n)
{
    const float *y = x + n;
    double mean_x = 0, mean_y = 0, xx = 0, yy = 0, xy = 0;

    for (size_t i = 0; i < n; i++) {
        mean_x += (double)x[i];
        mean_y += (double)y[i];
    }
    mean_x /= (double)n;
    mean_y /= (double)n;
    for (size_t i = 0; i < n; i++) {
        double a = (double)x[i] - mean_x, b = (double)y[i] - mean_y;
        xx += a * a;
        yy += b * b;
        xy += a * b;
    }
    return xy / (sqrt(xx) * sqrt(yy));
}

/* Of a period, but for its first and last sample. */
static float peak_to_peak(const float *x, size_t n)
{
    float low = x[1], high = x[1];

    for (size_t i = 2; i + 1 < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    return high - low;
}

/* The highest maximum of the correlation over lags; 0 if there is none. */
static size_t best_lag(const double *correlations, size_t lags)
{
    size_t best = 0;

    for (size_t k = 1; k + 2 < lags; k++)
        if (correlations[k - 1] < correlations[k] && correlations[k] > correlations[k + 1] &&
            (best == 0 || correlations[k] > correlations[best]))
            best = k;
    return best;
}

static void add_period(struct follower *f, struct periods *p, const float *x, size_t length, double exact)
{
    float period = (float)(exact * f->seconds);
    float first = peak_to_peak(x, length), second = peak_to_peak(x + length, length);

    p->length += period;
    p->count++;
    if (f->last_period > 0) {
        p->length_change += fabsf(f->last_period - period);
        p->differences++;
    }
    f->last_period = period;
    p->amplitude += (first + second) / 2;
    p->amplitude_change += fabsf(first - second);
}

/* Follows the periods through the samples at hand; returns how far they reach. */
static size_t follow(struct follower *f, double period, size_t reach, size_t needed, struct periods *p)
{
    size_t shortest = (size_t)floor((1 - RANGE) * period), longest = (size_t)ceil((1 + RANGE) * period),
           lags = longest - shortest + 1, start = 0, covered = 0;
    double *correlations = mem_zero(lags, sizeof *correlations);

    while (start + 2 * longest + 1 < reach) {
        const float *x = f->samples + f->at + start;
        for (size_t k = 0; k < lags; k++)
            correlations[k] = correlate(x, shortest + k);
        size_t best = best_lag(correlations, lags);
        if (best) {
            double lag, height;
            parabola((double)best - 1, correlations[best - 1], (double)best, correlations[best],
                     (double)best + 1, correlations[best + 1], &lag, &height);
            if (height > LEAST_CORRELATION)
                add_period(f, p, x, shortest + best, fabs((double)shortest + lag));
            start += shortest + best;
        } else {
            start += (size_t)lround(period);
        }
        if (start + 1 < needed)
            covered = start;
    }
    free(correlations);
    return covered;
}

static void describe_voiced(struct follower *f, float f0, struct descriptors *d, size_t i)
{
    struct periods p = {0};
    double period = 1 / (double)f0 / f->seconds;
    size_t needed = (size_t)f->tables->hop + f->behind, reach = 2 * (size_t)ceil((1 + RANGE) * period) + 2;

    reach = reach > needed ? reach : needed;
    size_t most = f->behind + (size_t)f->tables->wide.length;
    reach = reach < most ? reach : most;
    if (f->at + reach > f->count)
        reach = f->count - f->at;
    size_t covered = follow(f, period, reach, needed, &p);
    f->behind = needed - covered;
    f->at += covered;
    if (p.count && p.differences)
        f->jitter = p.length_change / (float)p.differences / (p.length / (float)p.count);
    if (p.count)
        f->shimmer = p.amplitude > 0 ? p.amplitude_change / p.amplitude : 0;
    f->jitter = fminf(f->jitter, 1);
    f->shimmer = fminf(f->shimmer, 1);
    d->values[JITTER][i] = p.count && !p.differences ? 0 : f->jitter;
    d->values[SHIMMER][i] = (float)(20 * log10((double)f->shimmer + 1));
}

void jitter_describe(const struct tables *tables, const struct signal *signal, struct descriptors *d)
{
    struct follower f = {
        .tables = tables, .seconds = 1.0 / tables->rate, .samples = signal->samples, .count = signal->count};

    for (size_t i = 0; i < d->long_frames; i++) {
        if (d->values[F0][i] > 0) {
            describe_voiced(&f, d->values[F0][i], d, i);
            continue;
        }
        f.at += (size_t)tables->hop + f.behind;
        f.behind = 0;
        f.last_period = f.jitter = f.shimmer = 0;
    }
}
