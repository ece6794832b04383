/*
 * A preconditioner for linear models under an L2 penalty: variables in which the objective is about as steep
 * in every direction, so that L-BFGS takes tens of steps where it took hundreds (Nocedal and Wright, 2006,
 * chapter 5).  The minimum is the same.
 *
 * The weights of each column are solve(transpose(L), point), with L the Cholesky factor of
 * curvature * x'x / count + ridge: the objective's matrix of second derivatives if all examples curve alike.
 */
#ifndef EMOTRAIN_MODEL_LINEAR_PRECONDITION_H
#define EMOTRAIN_MODEL_LINEAR_PRECONDITION_H

#include <stddef.h>

enum {
    PRECONDITION_LANES = 8, /* columns are taken so many at a time: (width, lanes) */
    PRECONDITION_WIDTH_MOST = 2048
};

struct preconditioner;

/* For features x (count, width).  Very wide ones are left as they are: their factor would take longer than it
 * spares. */
struct preconditioner *preconditioner_open(const double *x, size_t count, size_t width);
void preconditioner_close(struct preconditioner *p);

void preconditioner_set(struct preconditioner *p, double curvature, double ridge);

/* In place, (width, lanes): a point to its weights; weights to their point; the gradient by weights to that
 * by the point. */
void preconditioner_weights(const struct preconditioner *p, double *values);
void preconditioner_point(const struct preconditioner *p, double *values);
void preconditioner_gradient(const struct preconditioner *p, double *values);

#endif
