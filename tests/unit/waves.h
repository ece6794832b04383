/* Sound files for tests. */
#ifndef EMOTRAIN_TESTS_WAVES_H
#define EMOTRAIN_TESTS_WAVES_H

#include <math.h>
#include <sndfile.h>
#include <stdlib.h>

/* A sine of that peak on every channel, each a bit softer than the one before, with a little noise.  Returns
 * whether it was written. */
static inline int write_loud_wave(const char *path, int rate, int channels, int frames, double frequency,
                                  double peak, int format)
{
    SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
    SNDFILE *file = sf_open(path, SFM_WRITE, &info);
    float *samples = calloc((size_t)frames * (size_t)channels + 1, sizeof *samples);
    unsigned noise = (unsigned)(frequency * 7) + 1;

    for (int t = 0; t < frames; t++) {
        noise = noise * 1664525u + 1013904223u;
        double hiss = 0.02 * ((double)(noise >> 8) / (1 << 23) - 1);
        for (int c = 0; c < channels; c++)
            samples[t * channels + c] =
                (float)(peak / (c + 1) * sin(6.283185307 * frequency * t / rate) + hiss);
    }
    int good = file && sf_writef_float(file, samples, frames) == frames;
    if (file)
        sf_close(file);
    free(samples);
    return good;
}

static inline int write_wave(const char *path, int rate, int channels, int frames, double frequency,
                             int format)
{
    return write_loud_wave(path, rate, channels, frames, frequency, 0.5, format);
}

#endif
