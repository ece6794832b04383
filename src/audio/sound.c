/* Level, clipping, silence and noise of a recording: see sound.h. */
#include "audio/sound.h"

#include "audio/audio.h"
#include "audio/fingerprint.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double FRAME_SECONDS = 0.025, LOUD = 0.95, QUIET = 0.1, SILENT = 1e-4 /* of the loud: -40 dB */,
                    FLOOR = 1e-10 /* -100 dB of full scale */, FULL_SCALE = 0.9995;

static float decibels(double energy)
{
    return (float)(10 * log10(energy > FLOOR ? energy : FLOOR));
}

static int by_energy(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void end_frame(struct sound_meter *meter)
{
    meter->energies = mem_grow(meter->energies, &meter->capacity, meter->frames + 1, sizeof *meter->energies);
    meter->energies[meter->frames++] = meter->frame_energy / (double)meter->in_frame;
    meter->frame_energy = 0;
    meter->in_frame = 0;
}

void sound_meter_add(struct sound_meter *meter, const struct signal *signal, size_t from)
{
    const size_t length = (size_t)ceil(FRAME_SECONDS * signal->rate);

    for (size_t i = from; i < signal->count; i++) {
        double value = fabs((double)signal->samples[i]), energy = value * value;
        meter->energy += energy;
        meter->peak = value > meter->peak ? value : meter->peak;
        meter->clipped += value >= FULL_SCALE;
        meter->frame_energy += energy;
        if (++meter->in_frame == length)
            end_frame(meter);
    }
    meter->samples += signal->count - from;
}

/* Silence and noise, of the frames' mean squares. */
static void measure_frames(struct sound_meter *meter, struct sound *sound)
{
    const size_t count = meter->frames;
    double *energies = meter->energies, noise = 0, speech = 0;
    size_t silent = 0;

    qsort(energies, count, sizeof *energies, by_energy);
    const double limit = SILENT * energies[(size_t)(LOUD * (double)(count - 1))];
    const size_t quiet = (size_t)ceil(QUIET * (double)count);
    while (silent + 1 < count && energies[silent] <= limit)
        silent++;
    for (size_t f = silent; f < count; f++)
        speech += energies[f] / (double)(count - silent);
    for (size_t f = 0; f < quiet; f++)
        noise += energies[f] / (double)quiet;
    noise = noise > FLOOR ? noise : FLOOR;
    sound->silence = (float)((double)silent / (double)count);
    sound->snr = decibels(fmax((speech - noise) / noise, 1));
}

void sound_meter_finish(struct sound_meter *meter, struct sound *sound)
{
    memset(sound, 0, sizeof *sound); /* it is written to files as it is */
    if (meter->frames == 0 && meter->in_frame > 0)
        end_frame(meter); /* a rest shorter than a frame counts where it is all there is */
    if (meter->frames > 0) {
        sound->level = decibels(meter->energy / (double)meter->samples);
        sound->peak = decibels(meter->peak * meter->peak);
        sound->clipped = (float)((double)meter->clipped / (double)meter->samples);
        measure_frames(meter, sound);
    }
    free(meter->energies);
    *meter = (struct sound_meter){0};
}

void sound_measure(const struct signal *signal, struct sound *sound)
{
    struct sound_meter meter = {0};

    sound_meter_add(&meter, signal, 0);
    sound_meter_finish(&meter, sound);
    fingerprint_make(signal, &sound->fingerprint);
}
