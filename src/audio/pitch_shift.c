/* A sound higher or lower: see pitch_shift.h. */
#include "audio/pitch_shift.h"

#include "base/memory.h"
#include "base/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;
static const double PIECE_SECONDS = 0.04, SEARCH_SECONDS = 0.01;
enum { COARSE = 4, LANES = 16 }; /* COARSE: samples between the places that are tried first */

/* A stretching under way. */
struct stretching {
    const float *samples; /* of the sound, with room for a piece and a search at both ends */
    int64_t hop, search;  /* samples; a piece is two hops long */
    float *window;        /* (2 * hop) */
};

SIMD_CLONES
static void add_products(const float *restrict a, const float *restrict b, int64_t count,
                         float sums[restrict LANES])
{
    for (int64_t i = 0; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            sums[k] += a[i + k] * b[i + k];
}

static double product(const float *a, const float *b, int64_t count)
{
    float sums[LANES] = {0};
    double sum = 0;

    add_products(a, b, count, sums);
    for (int k = 0; k < LANES; k++)
        sum += (double)sums[k];
    return sum;
}

/* How well the piece at `at` goes on from what `next` begins. */
static double fit(const struct stretching *s, const float *next, int64_t at)
{
    const float *piece = s->samples + at;
    double power = product(piece, piece, 2 * s->hop);

    return power > 0 ? product(piece, next, 2 * s->hop) / sqrt(power) : 0;
}

/* The place around `at` whose piece goes on best from what `next` begins. */
static int64_t search(const struct stretching *s, const float *next, int64_t at)
{
    int64_t best = at, middle;
    double most = fit(s, next, at);

    for (int round = 0; round < 2; round++) {
        int64_t step = round ? 1 : COARSE, reach = round ? COARSE - 1 : s->search;
        middle = best;
        for (int64_t i = middle - reach; i <= middle + reach; i += step) {
            double now = i >= 0 && i != middle ? fit(s, next, i) : most;
            if (now > most) {
                most = now;
                best = i;
            }
        }
    }
    return best;
}

/* Adds pieces, each under a Hann window, half a piece apart: their windows sum to one. */
static void stretch(const struct stretching *s, double factor, float *out, int64_t count)
{
    int64_t at = 0;

    for (int64_t first = 0; first < count; first += s->hop) {
        int64_t wanted = (int64_t)lround((double)first / factor);
        at = first == 0 ? 0 : search(s, s->samples + at + s->hop, wanted);
        for (int64_t i = 0; i < 2 * s->hop; i++)
            out[first + i] += s->window[i] * s->samples[at + i];
    }
}

bool pitch_shift(struct signal *signal, double semitones, struct error *error)
{
    double factor = pow(2, semitones / 12);
    int rate = signal->rate, faster = (int)lround(rate * factor);
    int64_t half = (int64_t)lround(PIECE_SECONDS * rate / 2 / LANES) * LANES, /* whole products */
        count = (int64_t)signal->count, wanted = (int64_t)((double)count * factor);
    int64_t before = 2 * half, margin = 8 * half, lead = (int64_t)lround((double)before * factor);
    struct stretching s = {.hop = half, .search = (int64_t)lround(SEARCH_SECONDS * rate)};

    if (count == 0 || half == 0 || faster == rate)
        return true;
    /* A piece of silence before the sound, so that its beginning stands under whole windows as well. */
    float *samples = mem_zero((size_t)(count + 2 * margin), sizeof *samples),
          *out = mem_zero((size_t)(wanted + margin), sizeof *out);
    memcpy(samples + before, signal->samples, (size_t)count * sizeof *samples);
    s.samples = samples;
    s.window = mem_zero((size_t)(2 * half), sizeof *s.window);
    for (int64_t i = 0; i < 2 * half; i++)
        s.window[i] = (float)(0.5 - 0.5 * cos(PI * (double)i / (double)half));
    stretch(&s, factor, out, wanted + lead);
    free(samples);
    free(s.window);
    free(signal->samples);
    memmove(out, out + lead, (size_t)wanted * sizeof *out);
    *signal = (struct signal){out, (size_t)wanted, faster};
    if (!audio_resample(signal, rate, "sinc_fastest", error))
        return false;
    size_t now = signal->count; /* but for rounding as many as there were */
    signal->samples = mem_resize(signal->samples, (size_t)count, sizeof *signal->samples);
    for (size_t i = now; i < (size_t)count; i++)
        signal->samples[i] = 0;
    signal->count = (size_t)count;
    return true;
}
