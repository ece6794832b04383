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
    struct cholesky *p = mem_zero(1, sizeof *p);
    size_t whole = count / ROWS * ROWS;

    p->width = width;
    p->moments = mem_zero(width * width, sizeof(double));
    p->factor = mem_zero(width * width, sizeof(double));
    p->inverse = mem_zero(width, sizeof(double));
    double *last = mem_zero(ROWS * width, sizeof(double));
    for (size_t i = 0; i < whole; i += ROWS)
        add_moments(x + i * width, width, p->moments);
    memcpy(last, x + whole * width, (count - whole) * width * sizeof(double));
    add_moments(last, width, p->moments);
    free(last);
    for (size_t i = 0; i < width * width; i++)
        p->moments[i] /= (double)count;
    return p;
}

void cholesky_close(struct cholesky *p)
{
    if (!p)
        return;
    free(p->moments);
    free(p->factor);
    free(p->inverse);
    free(p);
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

void cholesky_factor(struct cholesky *p, double scale, double ridge)
{
    for (size_t i = 0; i < p->width; i++) {
        double *row = p->factor + i * p->width;
        for (size_t j = 0; j < i; j++)
            row[j] = (scale * p->moments[i * p->width + j] - product(row, p->factor + j * p->width, j)) *
                     p->inverse[j];
        double own = scale * p->moments[i * p->width + i] + ridge - product(row, row, i);
        row[i] = sqrt(fmax(own, 0.5 * ridge)); /* rounding takes nothing below the ridge */
        p->inverse[i] = 1 / row[i];
    }
}

SIMD_CLONES
void cholesky_solve_transposed(const struct cholesky *p, double *values)
{
    for (size_t j = p->width; j-- > 0;) {
        const double *row = p->factor + j * p->width;
        double own[LANES];
        for (size_t k = 0; k < LANES; k++)
            values[j * LANES + k] = own[k] = values[j * LANES + k] * p->inverse[j];
        for (size_t i = 0; i < j; i++)
            for (size_t k = 0; k < LANES; k++)
                values[i * LANES + k] -= row[i] * own[k];
    }
}

SIMD_CLONES
void cholesky_multiply_transposed(const struct cholesky *p, double *values)
{
    for (size_t j = 0; j < p->width; j++) {
        const double *row = p->factor + j * p->width;
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
void cholesky_solve(const struct cholesky *p, double *values)
{
    for (size_t i = 0; i < p->width; i++) {
        const double *row = p->factor + i * p->width;
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
            values[i * LANES + k] = (values[i * LANES + k] - (a[k] + b[k] + c[k] + d[k])) * p->inverse[i];
    }
}
