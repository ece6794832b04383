/* Augmentation and mixup: see augment.h. */
#include "train/augment.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SNR_RANGE = 30; /* dB */

/* Plays the signal `factor` times as fast, by linear interpolation. */
static void change_speed(struct signal *signal, double factor)
{
    size_t count = (size_t)((double)(signal->count - 1) / factor) + 1;
    float *samples = mem_zero(count, sizeof *samples);

    for (size_t t = 0; t < count; t++) {
        double at = (double)t * factor;
        size_t below = (size_t)at;
        double share = at - (double)below;
        float next = below + 1 < signal->count ? signal->samples[below + 1] : signal->samples[below];
        samples[t] = (float)((1 - share) * (double)signal->samples[below] + share * (double)next);
    }
    free(signal->samples);
    signal->samples = samples;
    signal->count = count;
}

/* Moves the sound by `samples`; its length stays.  At least half of it is kept. */
static void shift_signal(struct signal *signal, int64_t samples)
{
    int64_t count = (int64_t)signal->count, most = count / 2;

    samples = samples > most ? most : samples < -most ? -most : samples;
    if (samples > 0) {
        memmove(signal->samples + samples, signal->samples,
                (size_t)(count - samples) * sizeof *signal->samples);
        memset(signal->samples, 0, (size_t)samples * sizeof *signal->samples);
    } else if (samples < 0) {
        memmove(signal->samples, signal->samples - samples,
                (size_t)(count + samples) * sizeof *signal->samples);
        memset(signal->samples + count + samples, 0, (size_t)-samples * sizeof *signal->samples);
    }
}

/* White noise of that signal-to-noise ratio: uniform, which at audible levels is as white as any. */
static void add_noise(struct signal *signal, double snr, struct random_stream *stream)
{
    double power = 0;

    for (size_t t = 0; t < signal->count; t++)
        power += (double)signal->samples[t] * (double)signal->samples[t];
    double deviation = sqrt(power / (double)signal->count) * pow(10, -snr / 20), width = deviation * sqrt(12);
    for (size_t t = 0; t < signal->count; t++)
        signal->samples[t] += (float)(width * (random_uniform(stream) - 0.5));
}

void augment_crop(double seconds, struct signal *signal, uint64_t seed, size_t place)
{
    struct random_stream stream = random_stream(seed, RANDOM_CROP, place);
    size_t length = (size_t)lround(seconds * signal->rate);

    if (length == 0 || signal->count <= length)
        return;
    size_t first = random_below(&stream, signal->count - length + 1);
    memmove(signal->samples, signal->samples + first, length * sizeof *signal->samples);
    signal->count = length;
}

void augment_signal(const struct augment_settings *a, struct signal *signal, uint64_t seed, size_t place)
{
    struct random_stream stream = random_stream(seed, RANDOM_AUGMENT, place);
    double speed = 1 + a->speed * (2 * random_uniform(&stream) - 1);
    double shift = a->shift * (2 * random_uniform(&stream) - 1);
    double chance = random_uniform(&stream), snr = a->noise_snr + SNR_RANGE * random_uniform(&stream);

    if (a->speed > 0 && signal->count > 1)
        change_speed(signal, speed);
    if (a->shift > 0)
        shift_signal(signal, (int64_t)lround(shift * signal->rate));
    if (chance < a->noise)
        add_noise(signal, snr, &stream);
}

/* Beta(alpha, alpha), alpha at most 1 (Joehnk, 1964). */
static double draw_beta(double alpha, struct random_stream *stream)
{
    for (;;) {
        double x = pow(random_uniform(stream), 1 / alpha), y = pow(random_uniform(stream), 1 / alpha);
        if (x + y > 0 && x + y <= 1)
            return x / (x + y);
    }
}

int64_t augment_partner(int64_t i, int64_t count)
{
    return count - 1 - i;
}

double augment_mix(const struct augment_settings *settings, struct batch *batch, uint64_t seed)
{
    struct random_stream stream = random_stream(seed, RANDOM_MIXUP, 0);

    if (settings->mixup == 0 || batch->count < 2 || !batch->samples)
        return 1;
    double share = draw_beta(settings->mixup, &stream);
    for (int64_t i = 0; i < batch->count / 2; i++) {
        int64_t j = augment_partner(i, batch->count);
        float *a = batch->samples + i * batch->width, *b = batch->samples + j * batch->width;
        for (int64_t t = 0; t < batch->width; t++) {
            float x = a[t], y = b[t];
            a[t] = (float)share * x + (float)(1 - share) * y;
            b[t] = (float)share * y + (float)(1 - share) * x;
        }
        int64_t length = batch->lengths[i] > batch->lengths[j] ? batch->lengths[i] : batch->lengths[j];
        batch->lengths[i] = batch->lengths[j] = length;
    }
    return share;
}
