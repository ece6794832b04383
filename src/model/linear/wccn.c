/* Within-class covariance normalisation: see wccn.h. */
#include "model/linear/wccn.h"

#include "base/memory.h"
#include "model/linear/cholesky.h"

#include <stdbool.h>
#include <stdlib.h>

static const double SHRINKAGE = 0.5;  /* the identity's share */
static const double ROUNDING = 1e-20; /* a variance below this share of the mean square is none */

struct wccn {
    size_t width;
    struct cholesky *covariance;
};

/* x less the mean of the row's label. */
static double *residuals_of(const double *x, const int64_t *labels, size_t count, size_t width,
                            size_t classes)
{
    double *means = mem_zero(classes * width, sizeof *means), *sizes = mem_zero(classes, sizeof *sizes),
           *residuals = mem_zero(count * width, sizeof *residuals);

    for (size_t i = 0; i < count; i++) {
        sizes[labels[i]]++;
        for (size_t j = 0; j < width; j++)
            means[(size_t)labels[i] * width + j] += x[i * width + j];
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < width; j++)
            residuals[i * width + j] =
                x[i * width + j] - means[(size_t)labels[i] * width + j] / sizes[labels[i]];
    free(means);
    free(sizes);
    return residuals;
}

static double mean_square(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    return sum / (double)count;
}

struct wccn *wccn_measure(const double *x, const int64_t *labels, size_t count, size_t width, size_t classes)
{
    struct wccn *wccn = mem_zero(1, sizeof *wccn);
    double *residuals = residuals_of(x, labels, count, width, classes),
           variance = mean_square(residuals, count * width);
    bool varies = variance > ROUNDING * mean_square(x, count * width);

    wccn->width = width;
    wccn->covariance = cholesky_open(residuals, count, width);
    cholesky_factor(wccn->covariance, varies ? 1 - SHRINKAGE : 0, varies ? SHRINKAGE * variance : 1);
    free(residuals);
    return wccn;
}

void wccn_free(struct wccn *wccn)
{
    if (wccn)
        cholesky_close(wccn->covariance);
    free(wccn);
}

/* Takes vectors (count, width), in place, through an operation on lanes of them. */
static void apply_in_lanes(const struct wccn *wccn, double *vectors, size_t count,
                           void (*operation)(const struct cholesky *, double *))
{
    size_t width = wccn->width;
    double *lanes = mem_zero(width * CHOLESKY_LANES, sizeof *lanes);

    for (size_t from = 0; from < count; from += CHOLESKY_LANES) {
        size_t used = count - from < CHOLESKY_LANES ? count - from : CHOLESKY_LANES;
        for (size_t k = 0; k < used; k++)
            for (size_t j = 0; j < width; j++)
                lanes[j * CHOLESKY_LANES + k] = vectors[(from + k) * width + j];
        operation(wccn->covariance, lanes);
        for (size_t k = 0; k < used; k++)
            for (size_t j = 0; j < width; j++)
                vectors[(from + k) * width + j] = lanes[j * CHOLESKY_LANES + k];
    }
    free(lanes);
}

/* A score is weights . solve(L, row) = solve(transpose(L), weights) . row. */
void wccn_apply(const struct wccn *wccn, double *rows, size_t count)
{
    apply_in_lanes(wccn, rows, count, cholesky_solve);
}

void wccn_weights(const struct wccn *wccn, double *weights, size_t columns)
{
    apply_in_lanes(wccn, weights, columns, cholesky_solve_transposed);
}
