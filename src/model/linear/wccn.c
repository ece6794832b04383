/* Within-class covariance normalisation: see wccn.h. */
#include "model/linear/wccn.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const double SHRINKAGE = 0.5; /* the identity's share */

struct wccn {
    size_t width;
    struct preconditioner *factor; /* L, the covariance's Cholesky factor */
};

/* x less the mean of the row's label. */
static double *around_means(const double *x, const int64_t *labels, size_t count, size_t width,
                            size_t classes)
{
    double *means = mem_zero(classes * width, sizeof *means), *sizes = mem_zero(classes, sizeof *sizes),
           *rest = mem_zero(count * width, sizeof *rest);

    for (size_t i = 0; i < count; i++)
        sizes[labels[i]]++;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < width; j++)
            means[(size_t)labels[i] * width + j] += x[i * width + j] / sizes[labels[i]];
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < width; j++)
            rest[i * width + j] = x[i * width + j] - means[(size_t)labels[i] * width + j];
    free(means);
    free(sizes);
    return rest;
}

struct wccn *wccn_measure(const double *x, const int64_t *labels, size_t count, size_t width, size_t classes)
{
    struct wccn *wccn = mem_zero(1, sizeof *wccn);
    double *rest = around_means(x, labels, count, width, classes), variance = 0;

    for (size_t i = 0; i < count * width; i++)
        variance += rest[i] * rest[i] / (double)(count * width);
    wccn->width = width;
    wccn->factor = preconditioner_open(rest, count, width);
    preconditioner_set(wccn->factor, 1 - SHRINKAGE, variance > 0 ? SHRINKAGE * variance : 1);
    free(rest);
    return wccn;
}

void wccn_free(struct wccn *wccn)
{
    if (wccn)
        preconditioner_close(wccn->factor);
    free(wccn);
}

/* Vectors (count, width), in place, through an operation on several side by side. */
static void transform(const struct wccn *wccn, double *vectors, size_t count,
                      void (*operation)(const struct preconditioner *, double *))
{
    size_t width = wccn->width;
    double *lanes = mem_zero(width * PRECONDITION_LANES, sizeof *lanes);

    for (size_t from = 0; from < count; from += PRECONDITION_LANES) {
        size_t used = count - from < PRECONDITION_LANES ? count - from : PRECONDITION_LANES;
        for (size_t k = 0; k < used; k++)
            for (size_t j = 0; j < width; j++)
                lanes[j * PRECONDITION_LANES + k] = vectors[(from + k) * width + j];
        operation(wccn->factor, lanes);
        for (size_t k = 0; k < used; k++)
            for (size_t j = 0; j < width; j++)
                vectors[(from + k) * width + j] = lanes[j * PRECONDITION_LANES + k];
    }
    free(lanes);
}

/* The normalised features are solve(L, row), */
void wccn_apply(const struct wccn *wccn, double *rows, size_t count)
{
    transform(wccn, rows, count, preconditioner_gradient);
}

/* so that weights w of theirs are solve(transpose(L), w) of the row's. */
void wccn_weights(const struct wccn *wccn, double *weights, size_t columns)
{
    transform(wccn, weights, columns, preconditioner_weights);
}
