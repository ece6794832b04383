/* Level, clipping, silence and noise of a recording: see sound.h. */
#include "audio/sound.h"

#include "audio/audio.h"
#include "audio/fingerprint.h"
#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

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

/* Mean squares of the frames, sorted; a rest shorter than a frame is left out unless it is all there is. */
static double *frame_energies(const struct signal *signal, size_t *count)
{
    size_t length = (size_t)ceil(FRAME_SECONDS * signal->rate);

    length = length < signal->count ? length : signal->count;
    *count = signal->count / length;
    double *energies = mem_zero(*count, sizeof *energies);
    for (size_t f = 0; f < *count; f++) {
        for (size_t i = f * length; i < (f + 1) * length; i++)
            energies[f] += (double)signal->samples[i] * (double)signal->samples[i];
        energies[f] /= (double)length;
    }
    qsort(energies, *count, sizeof *energies, by_energy);
    return energies;
}

static void measure_frames(const struct signal *signal, struct sound *sound)
{
    size_t count, silent = 0;
    double *energies = frame_energies(signal, &count), noise = 0, speech = 0;
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
    free(energies);
}

void sound_measure(const struct signal *signal, struct sound *sound)
{
    double energy = 0, peak = 0;
    size_t clipped = 0;

    for (size_t i = 0; i < signal->count; i++) {
        double value = fabs((double)signal->samples[i]);
        energy += value * value;
        peak = value > peak ? value : peak;
        clipped += value >= FULL_SCALE;
    }
    *sound = (struct sound){.level = decibels(energy / (double)signal->count),
                            .peak = decibels(peak * peak),
                            .clipped = (float)((double)clipped / (double)signal->count)};
    measure_frames(signal, sound);
    fingerprint_make(signal, &sound->fingerprint);
}
