/*
 * Formants by linear prediction (Markel and Gray, 1976): the frame brought to 11 kHz by way of its spectrum,
 * an all-pole model of order 11 by autocorrelation, the angles and radii of its roots.
 *
 * openSMILE keeps only the spectrum's lower half doing so (up to 3.4 kHz), which leaves the model
 * ill-conditioned: where it differs from this one, rounding does.  Sums are in single precision and in
 * openSMILE's order, which halves the differences.
 */
#include "audio/egemaps/parts.h"
#include "base/memory.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ORDER = 11, RATE = 11000, LENGTH = RATE / 50 /* 20 ms */, LAST_BIN = LENGTH / 2 - 1 };

static const double PI = 3.14159265358979323846, LOWEST = 50, HIGHEST = 5450;

/* Row k - 1: LENGTH cosines, then LENGTH sines of bin k. */
void formant_tables(struct tables *tables)
{
    tables->resample = mem_zero((size_t)LAST_BIN * 2 * LENGTH, sizeof *tables->resample);
    for (int k = 1; k <= LAST_BIN; k++) {
        float *row = tables->resample + (size_t)(k - 1) * 2 * LENGTH;
        for (int i = 0; i < LENGTH; i++) {
            double angle = 2 * PI * tables->brief.length / LENGTH * k * i / tables->brief.fft;
            row[i] = (float)cos(angle);
            row[LENGTH + i] = (float)sin(angle);
        }
    }
}

static void resample(const struct tables *tables, const struct bin *spectrum, float *y)
{
    const float *table = tables->resample;

    for (int i = 0; i < LENGTH; i++)
        y[i] = spectrum[0].re;
    for (int k = 1; k <= LAST_BIN; k++) {
        const float *cosines = table + (size_t)(k - 1) * 2 * LENGTH, *sines = cosines + LENGTH;
        float re = spectrum[k].re, im = -spectrum[k].im;
        for (int i = 0; i < LENGTH; i++)
            y[i] = y[i] + re * cosines[i] + im * sines[i];
    }
    for (int i = 0; i < LENGTH; i++)
        y[i] /= (float)(tables->brief.fft / 2);
}

/* Levinson and Durbin's recursion; false where the frame is silent. */
static bool linear_prediction(const float *y, float a[ORDER + 1])
{
    float r[ORDER + 1];

    for (int lag = 0; lag <= ORDER; lag++) {
        r[lag] = 0;
        for (int n = lag; n < LENGTH; n++)
            r[lag] += y[n] * y[n - lag];
    }
    float error = r[0];
    memset(a, 0, (ORDER + 1) * sizeof *a);
    for (int m = 1; m <= ORDER && error != 0; m++) {
        float sum = r[m], before[ORDER + 1];
        for (int i = 1; i < m; i++)
            sum += a[i] * r[m - i];
        float k = -1 / error * sum;
        memcpy(before, a, sizeof before);
        a[m] = k;
        for (int i = 1; i < m; i++)
            a[i] += k * before[m - i];
        error *= 1 - k * k;
    }
    return r[0] != 0;
}

/* a / b, without C's care for infinities, which costs more than the rest of the search. */
static double complex quotient(double complex a, double complex b)
{
    return a * conj(b) / (creal(b) * creal(b) + cimag(b) * cimag(b));
}

static double complex product(double complex a, double complex b)
{
    return creal(a) * creal(b) - cimag(a) * cimag(b) +
           (creal(a) * cimag(b) + cimag(a) * creal(b)) * I; /* clang 14 has no CMPLX beside glibc */
}

/* By how much to move root i. */
static double complex root_step(const float a[ORDER + 1], const double complex roots[ORDER], int i)
{
    double complex value = 1, slope = 0, crowd = 0;

    for (int k = 1; k <= ORDER; k++) {
        slope = product(slope, roots[i]) + value;
        value = product(value, roots[i]) - (double)a[k];
    }
    for (int j = 0; j < ORDER; j++)
        if (j != i)
            crowd += quotient(1, roots[i] - roots[j]);
    double complex newton = quotient(value, slope);
    return quotient(newton, 1 - product(newton, crowd));
}

/* All roots of z^ORDER - a_1 z^(ORDER-1) - ... - a_ORDER together (Aberth, 1973).  The signs are openSMILE's.
 */
static void find_roots(const float a[ORDER + 1], double complex roots[ORDER])
{
    for (int i = 0; i < ORDER; i++)
        roots[i] = 0.9 * cexp(2 * PI * I * (i + 0.25) / ORDER);
    for (int round = 0; round < 100; round++) {
        double largest = 0;
        for (int i = 0; i < ORDER; i++) {
            double complex move = root_step(a, roots, i);
            double size = creal(move) * creal(move) + cimag(move) * cimag(move);
            if (!isfinite(size))
                continue;
            roots[i] -= move;
            largest = size > largest ? size : largest;
        }
        if (largest < 1e-24)
            return;
    }
}

void formants_describe(const struct tables *tables, const struct bin *spectrum, struct descriptors *d,
                       size_t i)
{
    float y[LENGTH], a[ORDER + 1];
    double complex roots[ORDER];
    double frequencies[ORDER], bandwidths[ORDER];
    int count = 0;

    resample(tables, spectrum, y);
    if (!linear_prediction(y, a))
        return;
    find_roots(a, roots);
    for (int k = 0; k < ORDER; k++) {
        double frequency = atan2(cimag(roots[k]), creal(roots[k])) * RATE / (2 * PI);
        if (!(frequency >= LOWEST && frequency <= HIGHEST))
            continue;
        int place = count++;
        for (; place > 0 && frequencies[place - 1] > frequency; place--) {
            frequencies[place] = frequencies[place - 1];
            bandwidths[place] = bandwidths[place - 1];
        }
        frequencies[place] = frequency;
        bandwidths[place] =
            fabs(log(cabs(roots[k]))) * RATE / PI; /* a root outside the circle is mirrored into it */
    }
    for (int f = 0; f < FORMANTS && f < count; f++) {
        d->values[FORMANT_1F + 3 * f][i] = (float)frequencies[f];
        d->values[FORMANT_1B + 3 * f][i] = (float)bandwidths[f];
    }
}
