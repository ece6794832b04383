/* Inside audio/: the discrete Fourier transform of real frames. */
#ifndef EMOTRAIN_AUDIO_FOURIER_H
#define EMOTRAIN_AUDIO_FOURIER_H

enum { MOST_FOURIER = 8192 };

/* A Fourier transform of `size` real samples. */
struct fourier {
    int size;
    double cosines[MOST_FOURIER / 2], sines[MOST_FOURIER / 2];
};

struct bin {
    float re, im;
};

void fourier_tables(struct fourier *fourier, int size); /* a power of two up to MOST_FOURIER */

/* samples (size) -> spectrum (size / 2 + 1), unnormalised */
void fourier(const struct fourier *fourier, const double *samples, struct bin *spectrum);

#endif
