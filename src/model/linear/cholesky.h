/*
 * The Cholesky factor L of scale * x'x / count + ridge * identity, the second moments of features, and what
 * it takes vectors to.  Vectors are in lanes: (width, CHOLESKY_LANES), several side by side.
 */
#ifndef EMOTRAIN_MODEL_LINEAR_CHOLESKY_H
#define EMOTRAIN_MODEL_LINEAR_CHOLESKY_H

#include <stddef.h>

enum { CHOLESKY_LANES = 8 };

struct cholesky;

/* Measures x (count, width). */
struct cholesky *cholesky_open(const double *x, size_t count, size_t width);
void cholesky_close(struct cholesky *cholesky); /* NULL does nothing */

/* Makes L; again, from the same moments. */
void cholesky_factor(struct cholesky *cholesky, double scale, double ridge);

/* In place: solve(L, v), solve(transpose(L), v), transpose(L) v. */
void cholesky_solve(const struct cholesky *cholesky, double *v);
void cholesky_solve_transposed(const struct cholesky *cholesky, double *v);
void cholesky_multiply_transposed(const struct cholesky *cholesky, double *v);

#endif
