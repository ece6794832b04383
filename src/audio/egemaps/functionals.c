/*
 * From descriptors over frames to 88 numbers: smoothing over three frames, then means, deviations,
 * percentiles, slopes, segments.
 *
 * openSMILE takes its functionals while the recording's last frames are still on their way: those of the
 * pitch see only the frames that were settled by then (descriptors.decided), some with the frame after them
 * as a neighbour when smoothing and some without.
 */
#include "audio/egemaps/parts.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A contour of one descriptor. */
struct contour {
    float *values;
    size_t count;
    double step; /* seconds from frame to frame, where slopes or lengths are taken of it */
};

/* ---- smoothing and choosing ---- */

/* The mean of each frame and its neighbours.  `nonzero`: frames of 0 stay 0 and count in no mean.  `known`:
 * frames there are to look at, from `count` on only as neighbours; the ends are repeated. */
static struct contour smooth(const float *x, size_t count, size_t known, bool nonzero)
{
    struct contour c = {.values = mem_zero(count, sizeof *c.values), .count = count};

    for (size_t i = 0; i < count; i++) {
        const float window[] = {x[i], x[i ? i - 1 : 0], x[i + 1 < known ? i + 1 : known - 1]};
        float sum = 0;
        int terms = 0;
        for (int k = 0; k < 3; k++) {
            if (!nonzero || window[k] != 0) {
                sum += window[k];
                terms++;
            }
        }
        c.values[i] = nonzero && x[i] == 0 ? 0 : sum / (float)terms;
    }
    return c;
}

static struct contour smooth_where(const float *x, const float *semitones, bool voiced, size_t count,
                                   size_t known)
{
    float *chosen = mem_zero(known, sizeof *chosen);

    for (size_t i = 0; i < known; i++)
        chosen[i] = (semitones[i] > 1e-6F) == voiced ? x[i] : 0;
    struct contour c = smooth(chosen, count, known, true);
    free(chosen);
    return c;
}

static void drop_zeros(struct contour *c)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->count; i++)
        if (c->values[i] != 0)
            c->values[kept++] = c->values[i];
    c->count = kept;
}

/* ---- moments and percentiles ---- */

static float mean_of(const struct contour *c)
{
    double sum = 0;

    for (size_t i = 0; i < c->count; i++)
        sum += (double)c->values[i];
    return c->count ? (float)(sum / (double)c->count) : 0;
}

/* The standard deviation over the mean, with its sign. */
static float deviation_of(const struct contour *c)
{
    double mean = (double)mean_of(c), sum = 0;

    for (size_t i = 0; i < c->count; i++)
        sum += ((double)c->values[i] - mean) * ((double)c->values[i] - mean);
    return c->count ? (float)(sqrt(sum / (double)c->count) / (mean == 0 ? 1 : mean)) : 0;
}

static int ascending(const void *a, const void *b)
{
    const float *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* 20th, 50th and 80th percentile, and the distance between the outer two. */
static void percentiles(const struct contour *c, float out[4])
{
    static const double SHARES[] = {0.2, 0.5, 0.8};
    float *sorted = mem_zero(c->count, sizeof *sorted);

    memcpy(sorted, c->values, c->count * sizeof *sorted);
    qsort(sorted, c->count, sizeof *sorted, ascending);
    for (int p = 0; p < 3; p++) {
        double place = SHARES[p] * (double)(c->count - 1);
        size_t below = (size_t)floor(place), above = (size_t)ceil(place);
        double share = place - (double)below;
        out[p] = (float)((double)sorted[below] * (1 - share) + (double)sorted[above] * share);
    }
    out[3] = fabsf(out[2] - out[0]);
    free(sorted);
}

/* ---- peaks and slopes ---- */

struct extreme {
    size_t place;
    float value;
    bool is_peak, gone;
};

struct extremes {
    struct extreme *items;
    size_t count;
};

static void list_extremes(const struct contour *c, struct extremes *list)
{
    const float *x = c->values;

    list->items = mem_zero(c->count, sizeof *list->items);
    for (size_t i = 2; i + 2 < c->count; i++) {
        bool peak = x[i] > x[i - 1] && x[i] > x[i + 1], valley = x[i] < x[i - 1] && x[i] < x[i + 1];
        if (peak || valley)
            list->items[list->count++] = (struct extreme){i, x[i], peak, false};
    }
}

/* Leaves out peaks that stand out too little from what came just before them. */
static void drop_low_peaks(struct extremes *list, float start, float threshold)
{
    float last = start, last_valley = start, last_peak = start;
    bool after_valley = false;
    struct extreme *kept = NULL; /* the last peak */

    for (size_t i = 0; i < list->count; i++) {
        struct extreme *e = &list->items[i];
        bool near = fabsf(e->value - last) < threshold;
        last = e->value;
        if (!e->is_peak) {
            if (!near) {
                after_valley = true;
                last_valley = e->value;
            }
            continue;
        }
        if (near && e->value - last_valley < threshold) {
            e->gone = true;
            continue;
        }
        bool higher = e->value > 1.05F * last_peak, taken = !near || higher || after_valley;
        if (near && higher && kept)
            kept->gone = true;
        after_valley = false;
        e->gone = !taken;
        if (taken) {
            last_peak = e->value;
            kept = e;
        }
    }
}

/* Leaves out valleys that are too shallow under the peak before them. */
static void drop_shallow_valleys(struct extremes *list, float start, float threshold)
{
    float peak = start;

    for (size_t i = 0; i < list->count; i++) {
        struct extreme *e = &list->items[i];
        if (e->gone)
            continue;
        if (e->is_peak)
            peak = e->value;
        else
            e->gone = peak - e->value < threshold;
    }
}

/* Keeps the most extreme of neighbours of one kind, so that peaks and valleys alternate; packs the list. */
static void alternate(struct extremes *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct extreme *e = &list->items[i];
        struct extreme *before = kept ? &list->items[kept - 1] : NULL;
        if (e->gone)
            continue;
        if (!before || before->is_peak != e->is_peak)
            list->items[kept++] = *e;
        else if (e->is_peak ? e->value > before->value : e->value < before->value)
            *before = *e;
    }
    list->count = kept;
}

static struct extremes find_extremes(const struct contour *c)
{
    struct extremes list = {0};
    float low = c->values[0], high = c->values[0];

    for (size_t i = 1; i < c->count; i++) {
        low = fminf(low, c->values[i]);
        high = fmaxf(high, c->values[i]);
    }
    float threshold = 0.1F * (high - low);
    list_extremes(c, &list);
    drop_low_peaks(&list, c->values[0], threshold);
    drop_shallow_valleys(&list, c->values[0], threshold);
    alternate(&list);
    return list;
}

/* Slopes of one direction, per second. */
struct slopes {
    double *values, sum;
    size_t count, inner; /* inner: without the one to the contour's end */
};

static void add_slope(struct slopes *s, double slope, bool inner)
{
    s->values[s->count++] = slope;
    s->inner += inner;
    s->sum += slope;
}

/* Mean and deviation; the slope to the end counts in the mean, and in the deviation only as a number. */
static void sum_up(const struct slopes *s, float out[2])
{
    double mean = s->count ? s->sum / (double)s->count : 0, sum = 0;

    for (size_t i = 0; i < s->inner; i++)
        sum += (s->values[i] - mean) * (s->values[i] - mean);
    out[0] = (float)mean;
    out[1] = s->count ? (float)sqrt(sum / (double)s->count) : 0;
}

/* meanRisingSlope, stddevRisingSlope, meanFallingSlope, stddevFallingSlope */
static void slopes(const struct contour *c, float out[4])
{
    struct extremes list = find_extremes(c);
    struct slopes rising = {.values = mem_zero(list.count + 1, sizeof(double))},
                  falling = {.values = mem_zero(list.count + 1, sizeof(double))};
    struct extreme from = {0, c->values[0], false, false};
    size_t end = c->count - 1;

    for (size_t i = 0; i < list.count; i++) {
        struct extreme to = list.items[i];
        double change = (double)(to.value - from.value) / ((double)(to.place - from.place) * c->step);
        if (to.is_peak)
            add_slope(&rising, change, true);
        else
            add_slope(&falling, -change, true);
        from = to;
    }
    /* the last one, to the contour's end: falling, it keeps its sign, unlike the others */
    if (list.count && end > from.place)
        add_slope(from.is_peak ? &falling : &rising,
                  (double)(c->values[end] - from.value) / ((double)(end - from.place) * c->step), false);
    sum_up(&rising, out);
    sum_up(&falling, out + 2);
    if (list.count == 0) { /* per frame here */
        float slope = (c->values[end] - c->values[0]) / (float)c->count;
        out[slope > 0 ? 0 : 2] = slope;
    }
    free(rising.values);
    free(falling.values);
    free(list.items);
}

static float peaks_per_second(const struct contour *c)
{
    struct extremes list = find_extremes(c);
    size_t peaks = 0;

    for (size_t i = 0; i < list.count; i++)
        peaks += list.items[i].is_peak;
    free(list.items);
    return (float)((double)peaks / ((double)c->count * c->step));
}

/* ---- segments ---- */

/* Number, mean length and deviation (seconds) of stretches of voiced, or unvoiced, frames.  Three frames open
 * one, two others close it. */
static void segments(const struct contour *c, bool voiced, float *per_second, float *mean, float *deviation)
{
    enum { IDLE, OPENING, OPEN } state = IDLE;
    size_t hits = 0, misses = 0, start = 0, count = 0;
    double sum = 0, squares = 0;

    for (size_t i = 0; i <= c->count; i++) {
        bool ended = i == c->count, hit = !ended && (c->values[i] != 0) == voiced;
        if (hit) {
            misses = 0;
            if (state == IDLE) {
                state = OPENING;
                start = i;
                hits = 0;
            }
            if (state == OPENING && ++hits >= 3)
                state = OPEN;
        } else if (state != IDLE && (++misses >= 2 || ended)) {
            double length = (double)(i - misses - start);
            if (state == OPEN) {
                count++;
                sum += length;
                squares += length * length;
            }
            state = IDLE;
            misses = 0;
        }
    }
    double average = count ? sum / (double)count : 0,
           variance = count > 1 ? squares / (double)count - average * average : 0;
    if (per_second)
        *per_second = c->count ? (float)((double)count / ((double)c->count * c->step)) : 0;
    *mean = (float)(average * c->step);
    *deviation = (float)(sqrt(fmax(variance, 0)) * c->step);
}

/* ---- all of them, in openSMILE's order ---- */

/* Where the next functional goes. */
struct writer {
    float *next;
};

/* Mean and deviation; frees the contour. */
static void put_moments(struct writer *w, struct contour c, bool nonzero, bool deviation)
{
    if (nonzero)
        drop_zeros(&c);
    *w->next++ = mean_of(&c);
    if (deviation)
        *w->next++ = deviation_of(&c);
    free(c.values);
}

/* Moments, percentiles and slopes. */
static void put_all(struct writer *w, const struct contour *c)
{
    *w->next++ = mean_of(c);
    *w->next++ = deviation_of(c);
    if (c->count) {
        percentiles(c, w->next);
        slopes(c, w->next + 4);
    }
    w->next += 8;
}

void functionals(const struct descriptors *d, float values[EGEMAPS_COUNT])
{
    const float *semitones = d->values[SEMITONE];
    size_t all = d->short_frames, voiced = d->decided, known = d->long_frames;
    struct writer w = {values};
    double energy = 0;

    memset(values, 0, EGEMAPS_COUNT * sizeof *values);
    struct contour pitch = smooth(semitones, voiced, known, true),
                   loudness = smooth(d->values[LOUDNESS], all, all, false);
    struct contour closed = {mem_zero(voiced, sizeof *closed.values), voiced, d->step};
    pitch.step = loudness.step = d->step;
    memcpy(closed.values, pitch.values, voiced * sizeof *closed.values);
    drop_zeros(&closed);
    put_all(&w, &closed);
    put_all(&w, &loudness);
    for (int k = FLUX; k <= MFCC_4; k++)
        put_moments(&w, smooth(d->values[k], all, all, false), false, true);
    for (int k = JITTER; k <= FORMANT_3A; k++) {
        bool gated =
            k >= FORMANT_1F && (k - FORMANT_1F) % 3 != 2; /* frequencies and bandwidths, not amplitudes */
        put_moments(&w,
                    gated ? smooth_where(d->values[k], semitones, true, voiced, voiced)
                          : smooth(d->values[k], voiced, voiced, true),
                    true, true);
    }
    for (int k = ALPHA_RATIO; k <= MFCC_4; k++)
        put_moments(&w, smooth_where(d->values[k], semitones, true, voiced, known), true, true);
    for (int k = ALPHA_RATIO; k <= FLUX; k++)
        put_moments(&w, smooth_where(d->values[k], semitones, false, voiced, known), true, false);
    *w.next++ = peaks_per_second(&loudness);
    segments(&pitch, true, w.next, w.next + 1, w.next + 2);
    segments(&pitch, false, NULL, w.next + 3, w.next + 4);
    for (size_t i = 0; i < all; i++)
        energy += (double)d->values[ENERGY][i] / (double)all;
    w.next[5] = (float)(10 * log10(fmax(energy, 1e-12)));
    free(pitch.values);
    free(closed.values);
    free(loudness.values);
}
