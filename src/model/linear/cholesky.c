/* The Cholesky factor of second moments: see cholesky.h. */
#include "model/linear/cholesky.h"

#include "base/memory.h"
#include "base/simd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = CHOLESKY_LANES, ROWS = 8 };

struct cholesky {
    size_t width;
    double *moments; /* (width, width) x'x / count, the lower half */
    double *factor;  /* L, once it is set */
    double *inverse; /* (width) 1 / its diagonal */
};

/* moments, the lower half, += x (ROWS, width) transposed times x */
SIMD_CLONES
static void add_moments(const double *x, size_t width, double *moments)
{
    for (size_t i = 0; i < width; i++) {
        double *row = moments + i * width;
        double a[ROWS];
        for (size_t r = 0; r < ROWS; r++)
            a[r] = x[r * width + i];
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t r = 0; r < ROWS; r++)
                sum += a[r] * x[r * width + j];
            row[j] += sum;
        }
    }
}

struct cholesky *cholesky_open(const double *x, size_t count, size_t width)
{
    struct cholesky *f = mem_zero(1, sizeof *f);
    size_t whole = count / ROWS * ROWS;

    f->width = width;
    f->moments = mem_zero(width * width, sizeof(double));
    f->factor = mem_zero(width * width, sizeof(double));
    f->inverse = mem_zero(width, sizeof(double));
    double *last = mem_zero(ROWS * width, sizeof(double));
    for (size_t i = 0; i < whole; i += ROWS)
        add_moments(x + i * width, width, f->moments);
    memcpy(last, x + whole * width, (count - whole) * width * sizeof(double));
    add_moments(last, width, f->moments);
    free(last);
    for (size_t i = 0; i < width * width; i++)
        f->moments[i] /= (double)count;
    return f;
}

void cholesky_close(struct cholesky *f)
{
    if (!f)
        return;
    free(f->moments);
    free(f->factor);
    free(f->inverse);
    free(f);
}

SIMD_CLONES
static double product(const double *a, const double *b, size_t count)
{
    double sums[2 * LANES] = {0}, sum = 0;
    size_t i = 0;

    for (; i + 2 * LANES <= count; i += 2 * LANES)
        for (size_t k = 0; k < 2 * LANES; k++)
            sums[k] += a[i + k] * b[i + k];
    for (; i < count; i++)
        sum += a[i] * b[i];
    for (size_t k = 0; k < 2 * LANES; k++)
        sum += sums[k];
    return sum;
}

void cholesky_factor(struct cholesky *f, double scale, double ridge)
{
    for (size_t i = 0; i < f->width; i++) {
        double *row = f->factor + i * f->width;
        for (size_t j = 0; j < i; j++)
            row[j] = (scale * f->moments[i * f->width + j] - product(row, f->factor + j * f->width, j)) *
                     f->inverse[j];
        double own = scale * f->moments[i * f->width + i] + ridge - product(row, row, i);
        row[i] = sqrt(fmax(own, 0.5 * ridge)); /* rounding takes nothing below the ridge */
        f->inverse[i] = 1 / row[i];
    }
}

SIMD_CLONES
void cholesky_solve_transposed(const struct cholesky *f, double *values)
{
    for (size_t j = f->width; j-- > 0;) {
        const double *row = f->factor + j * f->width;
        double own[LANES];
        for (size_t k = 0; k < LANES; k++)
            values[j * LANES + k] = own[k] = values[j * LANES + k] * f->inverse[j];
        for (size_t i = 0; i < j; i++)
            for (size_t k = 0; k < LANES; k++)
                values[i * LANES + k] -= row[i] * own[k];
    }
}

SIMD_CLONES
void cholesky_multiply_transposed(const struct cholesky *f, double *values)
{
    for (size_t j = 0; j < f->width; j++) {
        const double *row = f->factor + j * f->width;
        double own[LANES];
        memcpy(own, values + j * LANES, sizeof own);
        for (size_t i = 0; i < j; i++)
            for (size_t k = 0; k < LANES; k++)
                values[i * LANES + k] += row[i] * own[k];
        for (size_t k = 0; k < LANES; k++)
            values[j * LANES + k] = row[j] * own[k];
    }
}

SIMD_CLONES
void cholesky_solve(const struct cholesky *f, double *values)
{
    for (size_t i = 0; i < f->width; i++) {
        const double *row = f->factor + i * f->width;
        double a[LANES] = {0}, b[LANES] = {0}, c[LANES] = {0}, d[LANES] = {0}; /* four sums at a time */
        size_t j = 0;
        for (; j + 4 <= i; j += 4) {
            const double *at = values + j * LANES;
            for (size_t k = 0; k < LANES; k++) {
                a[k] += row[j] * at[k];
                b[k] += row[j + 1] * at[LANES + k];
                c[k] += row[j + 2] * at[2 * LANES + k];
                d[k] += row[j + 3] * at[3 * LANES + k];
            }
        }
        for (; j < i; j++)
            for (size_t k = 0; k < LANES; k++)
                a[k] += row[j] * values[j * LANES + k];
        for (size_t k = 0; k < LANES; k++)
            values[i * LANES + k] = (values[i * LANES + k] - (a[k] + b[k] + c[k] + d[k])) * f->inverse[i];
    }
}
