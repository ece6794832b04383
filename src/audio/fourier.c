/*
 * The discrete Fourier transform of real frames, in double precision: single precision's rounding, which is
 * what the distributions' KissFFT has, is enough to move formants.  FFTW would do, but is under the GPL, and
 * the project under the MIT licence.
 */
#include "audio/fourier.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

void fourier_tables(struct fourier *f, int size)
{
    f->size = size;
    for (int k = 0; k < size / 2; k++) {
        f->cosines[k] = cos(2 * PI * k / size);
        f->sines[k] = sin(2 * PI * k / size);
    }
}

/* In place, over n = size / 2 complex numbers (Cooley and Tukey, 1965). */
static void transform(const struct fourier *f, double *re, double *im)
{
    int n = f->size / 2;

    for (int i = 1, j = 0; i < n; i++) { /* bit reversal */
        int bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            double a = re[i], b = im[i];
            re[i] = re[j];
            im[i] = im[j];
            re[j] = a;
            im[j] = b;
        }
    }
    for (int half = 1; half < n; half *= 2) {
        for (int k = 0; k < half; k++) {
            double c = f->cosines[k * (n / half)], s = f->sines[k * (n / half)];
            for (int i = k; i < n; i += 2 * half) {
                /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): n values are set */
                double a = re[i + half] * c + im[i + half] * s, b = im[i + half] * c - re[i + half] * s;
                re[i + half] = re[i] - a;
                im[i + half] = im[i] - b;
                re[i] += a;
                im[i] += b;
            }
        }
    }
}

void fourier(const struct fourier *f, const double *samples, struct bin *spectrum)
{
    double re[MOST_FOURIER / 2], im[MOST_FOURIER / 2];
    int n = f->size / 2; /* at least 1 */

    for (int i = 0; i < n; i++) { /* even samples as real, odd ones as imaginary parts */
        re[i] = samples[2 * i];
        im[i] = samples[2 * i + 1];
    }
    transform(f, re, im);
    for (int k = 0; k <= n; k++) {
        int a = k % n, b = (n - k) % n; /* NOLINT(clang-analyzer-core.DivideZero): n is at least 1 */
        double c = k < n ? f->cosines[k] : -1, s = k < n ? f->sines[k] : 0;
        double even_re = (re[a] + re[b]) / 2, even_im = (im[a] - im[b]) / 2, odd_re = (im[a] + im[b]) / 2,
               odd_im = (re[b] - re[a]) / 2;
        spectrum[k] = (struct bin){(float)(even_re + c * odd_re + s * odd_im),
                                   (float)(even_im + c * odd_im - s * odd_re)};
    }
}
