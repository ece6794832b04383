/* Fingerprints of sounds: see sound.h.  All is computed at 8 kHz, whatever a recording's rate. */
#include "audio/fingerprint.h"

#include "audio/fourier.h"
#include "base/memory.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 8000, WINDOW = 1024, LEAST_RATE = 4100 };

static const double PI = 3.14159265358979323846, LOWEST = 300, HIGHEST = 2000, /* Hz */
    REACH = 1.7,         /* deviations of the energy in time, before and after its mean, that are taken */
    LEAST_SECONDS = 0.5; /* of that part: moments nearer to each other say the same */

/* Share of the bits that differ at most, of two fingerprints of one sound: of short ones, whose moments
 * overlap, fewer. */
static const double MOST_DIFFERENT = 0.26, MOST_SHORT = 0.18, LONG_SECONDS = 1;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct fourier transform;
static double window[WINDOW], edges[FINGERPRINT_BANDS + 2]; /* edges: of the bands, in bins */

static void make_tables(void)
{
    fourier_tables(&transform, WINDOW);
    for (int i = 0; i < WINDOW; i++)
        window[i] = 0.5 - 0.5 * cos(2 * PI * (i + 0.5) / WINDOW);
    for (int b = 0; b < FINGERPRINT_BANDS + 2; b++)
        edges[b] = LOWEST * pow(HIGHEST / LOWEST, (double)b / (FINGERPRINT_BANDS + 1)) * WINDOW / RATE + 0.5;
}

/* ---- the part that holds the energy ---- */

/* A filter of second order (Butterworth), high-pass or low-pass. */
struct biquad {
    double b0, b1, b2, a1, a2, x1, x2, y1, y2;
};

static struct biquad biquad_of(double frequency, bool high)
{
    const double w = 2 * PI * frequency / RATE, c = cos(w), alpha = sin(w) / sqrt(2), a0 = 1 + alpha;
    const double sign = high ? -1 : 1, gain = (1 - sign * c) / 2;

    return (struct biquad){.b0 = gain / a0,
                           .b1 = sign * 2 * gain / a0,
                           .b2 = gain / a0,
                           .a1 = -2 * c / a0,
                           .a2 = (1 - alpha) / a0};
}

static double biquad_step(struct biquad *f, double x)
{
    double y = f->b0 * x + f->b1 * f->x1 + f->b2 * f->x2 - f->a1 * f->y1 - f->a2 * f->y2;

    f->x2 = f->x1;
    f->x1 = x;
    f->y2 = f->y1;
    f->y1 = y;
    return y;
}

/* Where the energy of the bands lies in time: its mean and standard deviation, in samples.  Both change
 * little with little changes of the sound. */
static bool place_energy(const struct signal *signal, double *mean, double *deviation)
{
    struct biquad high = biquad_of(LOWEST, true), low = biquad_of(HIGHEST, false);
    double sum = 0, first = 0, second = 0;

    for (size_t i = 0; i < signal->count; i++) {
        double y = biquad_step(&low, biquad_step(&high, (double)signal->samples[i])), energy = y * y,
               t = (double)i;
        sum += energy;
        first += energy * t;
        second += energy * t * t;
    }
    if (!(sum > 0))
        return false;
    *mean = first / sum;
    *deviation = sqrt(fmax(second / sum - *mean * *mean, 0));
    return true;
}

/* ---- bits ---- */

/* Energies of the bands in a window around a sample. */
static void band_energies(const struct signal *signal, double middle, double *energies)
{
    double frame[WINDOW], sums[WINDOW / 2 + 2] = {0};
    struct bin spectrum[WINDOW / 2 + 1];
    const long long first = llround(middle) - WINDOW / 2;
    double before = 0;

    for (int i = 0; i < WINDOW; i++) {
        long long at = first + i;
        frame[i] = at >= 0 && at < (long long)signal->count ? window[i] * (double)signal->samples[at] : 0;
    }
    fourier(&transform, frame, spectrum);
    for (int k = 0; k <= WINDOW / 2; k++) {
        double re = (double)spectrum[k].re, im = (double)spectrum[k].im;
        sums[k + 1] = sums[k] + re * re + im * im;
    }
    for (int b = 0; b < FINGERPRINT_BANDS + 2; b++) { /* a band's edge may lie within a bin */
        int bin = (int)edges[b];
        double now = sums[bin] + (edges[b] - bin) * (sums[bin + 1] - sums[bin]);
        if (b > 0)
            energies[b - 1] = now - before;
        before = now;
    }
}

static void make_bits(const struct signal *signal, double begin, double end, struct fingerprint *fingerprint)
{
    double energies[2][FINGERPRINT_BANDS + 1];

    for (int m = 0; m <= FINGERPRINT_MOMENTS; m++) {
        double *now = energies[m % 2], *before = energies[(m + 1) % 2];
        band_energies(signal, begin + (end - begin) * m / FINGERPRINT_MOMENTS, now);
        for (int b = 0; m > 0 && b < FINGERPRINT_BANDS; b++) {
            int bit = (m - 1) * FINGERPRINT_BANDS + b;
            bool rises = (now[b] - now[b + 1]) - (before[b] - before[b + 1]) > 0;
            fingerprint->bits[bit / 64] |= (uint64_t)rises << bit % 64;
        }
    }
}

void fingerprint_make(const struct signal *signal, struct fingerprint *fingerprint)
{
    struct signal low = {mem_alloc(signal->count * sizeof *low.samples), signal->count, signal->rate};
    struct error none = {0};
    double mean, deviation;

    memset(fingerprint, 0, sizeof *fingerprint); /* it is written to files as it is */
    memcpy(low.samples, signal->samples, signal->count * sizeof *low.samples);
    if (signal->rate >= LEAST_RATE && audio_resample(&low, RATE, "sinc_fastest", &none) &&
        place_energy(&low, &mean, &deviation) && 2 * REACH * deviation >= LEAST_SECONDS * RATE) {
        pthread_once(&once, make_tables);
        fingerprint->seconds = (float)(2 * REACH * deviation / RATE);
        make_bits(&low, mean - REACH * deviation, mean + REACH * deviation, fingerprint);
    }
    signal_free(&low);
}

/* ---- comparing ---- */

float fingerprint_slack(float seconds)
{
    return 0.03F + 0.01F * seconds;
}

static int differing_bits(const struct fingerprint *a, const struct fingerprint *b, int from, int to)
{
    int bits = 0;

    for (int w = from; w < to; w++)
        bits += __builtin_popcountll(a->bits[w] ^ b->bits[w]);
    return bits;
}

bool fingerprint_same(const struct fingerprint *a, const struct fingerprint *b)
{
    enum { FIRST = 4, FIRST_MOST = 64 * FIRST * 2 / 5 }; /* most pairs are told apart by the first words */

    const float seconds = a->seconds < b->seconds ? a->seconds : b->seconds;

    if (!(seconds > 0) || !(fabsf(a->seconds - b->seconds) <= fingerprint_slack(seconds)))
        return false;
    const double most = (double)seconds < LONG_SECONDS ? MOST_SHORT : MOST_DIFFERENT;
    int different = differing_bits(a, b, 0, FIRST);
    return different < FIRST_MOST &&
           different + differing_bits(a, b, FIRST, FINGERPRINT_WORDS) <= most * 64 * FINGERPRINT_WORDS;
}

/* ---- as text ---- */

void fingerprint_write(const struct fingerprint *fingerprint, char text[FINGERPRINT_TEXT_SIZE])
{
    uint32_t seconds;

    memcpy(&seconds, &fingerprint->seconds, sizeof seconds);
    snprintf(text, 9, "%08" PRIx32, seconds);
    for (int w = 0; w < FINGERPRINT_WORDS; w++)
        snprintf(text + 8 + 16 * w, 17, "%016" PRIx64, fingerprint->bits[w]);
}

/* So many hexadecimal digits; false where there are others. */
static bool read_digits(const char *text, int digits, uint64_t *value)
{
    char word[17] = "";

    memcpy(word, text, (size_t)digits);
    *value = strtoull(word, NULL, 16);
    return strspn(word, "0123456789abcdef") == (size_t)digits;
}

void fingerprint_read(struct fingerprint *fingerprint, const char *text)
{
    uint64_t seconds = 0;

    *fingerprint = (struct fingerprint){0};
    if (!text || strlen(text) + 1 != FINGERPRINT_TEXT_SIZE || !read_digits(text, 8, &seconds))
        return;
    for (int w = 0; w < FINGERPRINT_WORDS; w++)
        if (!read_digits(text + 8 + 16 * w, 16, &fingerprint->bits[w]))
            return;
    const uint32_t bits = (uint32_t)seconds;
    memcpy(&fingerprint->seconds, &bits, sizeof bits);
}
