/* Linear models under an L2 penalty: see logistic.h. */
#include "model/linear/logistic.h"

#include "base/memory.h"
#include "base/simd.h"
#include "model/linear/cholesky.h"

#include <lbfgs.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LANES = CHOLESKY_LANES,
    ROWS = 8,
    HALF = ROWS / 2,
    MOST_ITERATIONS = 5000,
    MEMORY = 10,
    PRECONDITIONED_MOST = 2048 /* features: the factor of more would take longer than it spares */
};

/* Columns lie side by side, in groups of LANES, so that a group is one vector; rows of x are taken ROWS at a
 * time.  What L-BFGS moves are weights and gradient (groups, width, LANES), preconditioned, then the biases.
 */
struct objective {
    const struct linear_problem *problem;
    const struct cholesky *preconditioner;
    size_t groups, padded; /* columns rounded up */
    double C, tolerance;
    double *weights, *gradient; /* not preconditioned */
    double *scores;             /* (ROWS, padded) */
    double total;               /* of the examples' weights */
    double bias_scale;
    double curvature, largest; /* of the last evaluation: mean of the loss' second derivatives by a score; the
                                  gradient's largest element */
};

static size_t groups_of(size_t columns)
{
    return (columns + LANES - 1) / LANES;
}

void linear_fit_start(struct linear_fit *fit, const struct linear_problem *problem)
{
    size_t columns = problem->columns;

    *fit = (struct linear_fit){.problem = problem,
                               .width = problem->width,
                               .columns = columns,
                               .weights = mem_zero(columns * problem->width, sizeof(double)),
                               .biases = mem_zero(columns, sizeof(double))};
    fit->curvature = problem->loss == LOSS_SQUARED   ? 1
                     : problem->loss == LOSS_SIGMOID ? 0.25
                                                     : (1 - 1 / (double)columns) / (double)columns;
    if (problem->width <= PRECONDITIONED_MOST)
        fit->preconditioner = cholesky_open(problem->x, problem->count, problem->width);
}

void linear_fit_free(struct linear_fit *fit)
{
    cholesky_close(fit->preconditioner);
    free(fit->weights);
    free(fit->biases);
    *fit = (struct linear_fit){0};
}

/* ---- products ---- */

/* scores (ROWS, stride)[.., LANES] += x (ROWS of `width`) times weights (width, LANES) */
SIMD_CLONES
static void multiply(const double *const *x, size_t width, const double *weights, double *scores,
                     size_t stride)
{
    double s0[LANES] = {0}, s1[LANES] = {0}, s2[LANES] = {0}, s3[LANES] = {0}, s4[LANES] = {0},
           s5[LANES] = {0}, s6[LANES] = {0}, s7[LANES] = {0};
    double *const sums[ROWS] = {s0, s1, s2, s3, s4, s5, s6, s7};

    for (size_t j = 0; j < width; j++) {
        const double *w = weights + j * LANES;
        for (size_t k = 0; k < LANES; k++) {
            s0[k] += x[0][j] * w[k];
            s1[k] += x[1][j] * w[k];
            s2[k] += x[2][j] * w[k];
            s3[k] += x[3][j] * w[k];
            s4[k] += x[4][j] * w[k];
            s5[k] += x[5][j] * w[k];
            s6[k] += x[6][j] * w[k];
            s7[k] += x[7][j] * w[k];
        }
    }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < LANES; k++)
            scores[r * stride + k] += sums[r][k];
}

/* gradient (width, LANES) += x (HALF rows of `width`), transposed, times residuals (HALF, stride)[.., LANES].
 * More rows at a time are slower where rows lie a multiple of 4096 bytes apart. */
SIMD_CLONES
static void accumulate(const double *const *x, size_t width, const double *residuals, size_t stride,
                       double *gradient)
{
    double r0[LANES], r1[LANES], r2[LANES], r3[LANES];

    memcpy(r0, residuals, sizeof r0);
    memcpy(r1, residuals + stride, sizeof r1);
    memcpy(r2, residuals + 2 * stride, sizeof r2);
    memcpy(r3, residuals + 3 * stride, sizeof r3);
    for (size_t j = 0; j < width; j++)
        for (size_t k = 0; k < LANES; k++)
            gradient[j * LANES + k] += x[0][j] * r0[k] + x[1][j] * r1[k] + x[2][j] * r2[k] + x[3][j] * r3[k];
}

/* ---- losses ---- */

double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* The loss of example i; its scores become the loss' gradient by them. */
static double softmax_loss(const struct linear_problem *p, size_t i, double *scores)
{
    size_t label = (size_t)p->labels[i];
    double largest = scores[0], sum = 0, own = scores[label];

    for (size_t k = 1; k < p->columns; k++)
        largest = fmax(largest, scores[k]);
    for (size_t k = 0; k < p->columns; k++)
        sum += scores[k] = exp(scores[k] - largest);
    for (size_t k = 0; k < p->columns; k++)
        scores[k] = scores[k] / sum - (k == label ? 1 : 0);
    /* cppcheck-suppress invalidFunctionArg ; the largest score alone makes the sum 1 */
    return log(sum) + largest - own;
}

static double column_losses(const struct linear_problem *p, size_t i, double *scores)
{
    double loss = 0;

    for (size_t k = 0; k < p->columns; k++) {
        double target = p->targets[i * p->columns + k], score = scores[k];
        if (p->loss == LOSS_SQUARED) {
            scores[k] = score - target;
            loss += 0.5 * scores[k] * scores[k];
        } else {
            scores[k] = 1 / (1 + exp(-score)) - target;
            loss += softplus(score) - target * score;
        }
    }
    return loss;
}

/* Adds the losses of examples first .. first + ROWS - 1, as far as there are, and their gradients. */
static double add_rows(struct objective *o, const double *biases, size_t first, double *bias_gradient)
{
    const struct linear_problem *p = o->problem;
    const double *x[ROWS];
    double loss = 0;

    for (size_t r = 0; r < ROWS; r++) {
        x[r] = p->x + (first + r < p->count ? first + r : first) * p->width;
        memset(o->scores + r * o->padded, 0, o->padded * sizeof(double));
        memcpy(o->scores + r * o->padded, biases, p->columns * sizeof(double));
    }
    for (size_t g = 0; g < o->groups; g++)
        multiply(x, p->width, o->weights + g * p->width * LANES, o->scores + g * LANES, o->padded);
    for (size_t r = 0; r < ROWS; r++) {
        double *scores = o->scores + r * o->padded;
        bool there = first + r < p->count;
        double weight = !there ? 0 : p->weights ? p->weights[first + r] : 1;
        if (there)
            loss += weight * (p->loss == LOSS_SOFTMAX ? softmax_loss(p, first + r, scores)
                                                      : column_losses(p, first + r, scores));
        for (size_t k = 0; k < p->columns; k++)
            o->curvature += weight * fabs(scores[k]) * (1 - fabs(scores[k]));
        for (size_t k = 0; k < o->padded; k++)
            scores[k] = k < p->columns ? weight * scores[k] : 0;
        for (size_t k = 0; k < p->columns; k++)
            bias_gradient[k] += scores[k];
    }
    for (size_t g = 0; g < o->groups; g++)
        for (size_t r = 0; r < ROWS; r += HALF)
            accumulate(x + r, p->width, o->scores + r * o->padded + g * LANES, o->padded,
                       o->gradient + g * p->width * LANES);
    return loss;
}

/* ---- the objective, over the examples' weight and C: a mean loss ---- */

/* Biases and their gradient (columns), each in its own scale. */
static double sum_losses(struct objective *o, const double *biases, double *bias_gradient)
{
    const struct linear_problem *p = o->problem;
    double loss = 0;

    memset(o->gradient, 0, o->padded * p->width * sizeof(double));
    memset(bias_gradient, 0, p->columns * sizeof(double));
    o->curvature = 0;
    for (size_t i = 0; i < p->count; i += ROWS)
        loss += add_rows(o, biases, i, bias_gradient);
    o->curvature = p->loss == LOSS_SQUARED ? 1 : o->curvature / (o->total * (double)p->columns);
    return loss / o->total;
}

/* Takes all groups of columns (groups, width, LANES) through the preconditioner: variables in which the
 * objective is about as steep in every direction, so that L-BFGS takes tens of steps where it took hundreds
 * (Nocedal and Wright, 2006, chapter 5).  The weights of a column are solve(transpose(L), point), with L the
 * factor of the matrix of second derivatives if all examples curve alike. */
static void each_group(const struct objective *o, double *values,
                       void (*operation)(const struct cholesky *, double *))
{
    for (size_t g = 0; o->preconditioner && g < o->groups; g++)
        operation(o->preconditioner, values + g * o->problem->width * LANES);
}

static lbfgsfloatval_t evaluate(void *instance, const lbfgsfloatval_t *at, lbfgsfloatval_t *gradient, int n,
                                lbfgsfloatval_t step)
{
    struct objective *o = instance;
    const struct linear_problem *p = o->problem;
    size_t weights = o->padded * p->width;
    double penalty = 0, ridge = 1 / (o->C * o->total), *biases = o->scores + ROWS * o->padded;

    (void)n;
    (void)step;
    memcpy(o->weights, at, weights * sizeof(double));
    each_group(o, o->weights, cholesky_solve_transposed);
    for (size_t k = 0; k < p->columns; k++)
        biases[k] = at[weights + k] / o->bias_scale;
    double loss = sum_losses(o, biases, gradient + weights);
    o->largest = 0;
    for (size_t i = 0; i < weights; i++) {
        penalty += o->weights[i] * o->weights[i];
        gradient[i] = o->gradient[i] / o->total + ridge * o->weights[i];
        o->largest = fmax(o->largest, fabs(gradient[i]));
    }
    for (size_t k = 0; k < p->columns; k++) {
        gradient[weights + k] /= o->total;
        o->largest = fmax(o->largest, fabs(gradient[weights + k]));
        gradient[weights + k] /= o->bias_scale;
    }
    each_group(o, gradient, cholesky_solve);
    return loss + 0.5 * ridge * penalty;
}

/* Stops where every element of the gradient is small, before it is preconditioned. */
static int look(void *instance, const lbfgsfloatval_t *at, const lbfgsfloatval_t *gradient,
                const lbfgsfloatval_t value, const lbfgsfloatval_t norm_at, const lbfgsfloatval_t norm,
                const lbfgsfloatval_t step, int n, int iteration, int evaluations)
{
    const struct objective *o = instance;

    (void)at;
    (void)gradient;
    (void)value;
    (void)norm_at;
    (void)norm;
    (void)step;
    (void)n;
    (void)iteration;
    (void)evaluations;
    return o->largest <= o->tolerance;
}

/* ---- fitting ---- */

/* The fit as a point of L-BFGS. */
static void put_point(const struct linear_fit *fit, const struct objective *o, double *at)
{
    size_t weights = o->padded * fit->width;

    memset(at, 0, weights * sizeof *at);
    for (size_t k = 0; k < fit->columns; k++) {
        for (size_t j = 0; j < fit->width; j++)
            at[(k / LANES * fit->width + j) * LANES + k % LANES] = fit->weights[k * fit->width + j];
        at[weights + k] = fit->biases[k] * o->bias_scale;
    }
    each_group(o, at, cholesky_multiply_transposed);
}

/* The reverse. */
static void take_point(struct linear_fit *fit, const struct objective *o, double *at)
{
    size_t weights = o->padded * fit->width;

    each_group(o, at, cholesky_solve_transposed);
    for (size_t k = 0; k < fit->columns; k++) {
        for (size_t j = 0; j < fit->width; j++)
            fit->weights[k * fit->width + j] = at[(k / LANES * fit->width + j) * LANES + k % LANES];
        fit->biases[k] = at[weights + k] / o->bias_scale;
    }
}

static int minimise(struct linear_fit *fit, struct objective *o)
{
    size_t n = o->padded * fit->width + fit->columns;
    lbfgsfloatval_t *at = lbfgs_malloc((int)n);
    lbfgs_parameter_t parameters;

    if (!at)
        return LBFGSERR_OUTOFMEMORY;
    lbfgs_parameter_init(&parameters);
    parameters.m = MEMORY;
    parameters.epsilon = 0; /* look() decides */
    parameters.max_iterations = MOST_ITERATIONS;
    put_point(fit, o, at);
    int status = lbfgs((int)n, at, NULL, evaluate, look, o, &parameters);
    take_point(fit, o, at);
    lbfgs_free(at);
    return status;
}

bool linear_fit_minimise(struct linear_fit *fit, double C, double tolerance, struct error *error)
{
    const struct linear_problem *problem = fit->problem;
    size_t groups = groups_of(problem->columns), padded = groups * LANES;
    struct objective o = {.problem = problem,
                          .preconditioner = fit->preconditioner,
                          .groups = groups,
                          .padded = padded,
                          .C = C,
                          .tolerance = tolerance,
                          .weights = mem_zero(padded * fit->width, sizeof(double)),
                          .gradient = mem_zero(padded * fit->width, sizeof(double)),
                          .scores = mem_zero((ROWS + 1) * padded, sizeof(double)),
                          .bias_scale = sqrt(fit->curvature)};

    for (size_t i = 0; i < problem->count; i++)
        o.total += problem->weights ? problem->weights[i] : 1;
    if (fit->preconditioner)
        cholesky_factor(fit->preconditioner, fit->curvature, 1 / (C * o.total));
    int status = minimise(fit, &o);
    fit->curvature = fmax(o.curvature, 1e-3);
    free(o.weights);
    free(o.gradient);
    free(o.scores);
    /* where the line search finds nothing lower, rounding is all that is left */
    return status >= 0 || status == LBFGSERR_MAXIMUMITERATION || status == LBFGSERR_ROUNDING_ERROR ||
           status == LBFGSERR_MAXIMUMLINESEARCH || status == LBFGSERR_MINIMUMSTEP ||
           status == LBFGSERR_WIDTHTOOSMALL ||
           error_set(error, "the linear model cannot be fitted (L-BFGS %d): are all features finite?",
                     status);
}

void linear_fit_scores(const struct linear_fit *fit, const double *x, double *scores)
{
    for (size_t k = 0; k < fit->columns; k++) {
        scores[k] = fit->biases[k];
        for (size_t j = 0; j < fit->width; j++)
            scores[k] += fit->weights[k * fit->width + j] * x[j];
    }
}
