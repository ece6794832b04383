/* Linear models under an L2 penalty: see logistic.h. */
#include "model/linear/logistic.h"

#include "base/memory.h"
#include "base/simd.h"

#include <lbfgs.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8, ROWS = 4, MOST_ITERATIONS = 5000, MEMORY = 10 };

/* Columns lie side by side, in groups of LANES, so that a group is one vector; rows of x are taken ROWS at a
 * time.  Weights and gradient: (groups, width, LANES). */
struct objective {
    const struct linear_problem *problem;
    size_t groups, padded; /* columns rounded up */
    double C, tolerance;
    double *weights, *gradient;
    double *scores; /* (ROWS, padded) */
    double total;   /* of the examples' weights */
};

void linear_fit_start(struct linear_fit *fit, size_t width, size_t columns)
{
    *fit = (struct linear_fit){width, columns, mem_zero(columns * width, sizeof(double)),
                               mem_zero(columns, sizeof(double))};
}

void linear_fit_free(struct linear_fit *fit)
{
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
    double sums[ROWS][LANES] = {{0}};

    for (size_t j = 0; j < width; j++)
        for (int r = 0; r < ROWS; r++)
            for (int k = 0; k < LANES; k++)
                sums[r][k] += x[r][j] * weights[j * LANES + (size_t)k];
    for (int r = 0; r < ROWS; r++)
        for (int k = 0; k < LANES; k++)
            scores[(size_t)r * stride + (size_t)k] += sums[r][k];
}

/* gradient (width, LANES) += x (ROWS of `width`), transposed, times residuals (ROWS, stride)[.., LANES] */
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
        for (size_t k = 0; k < o->padded; k++)
            scores[k] = k < p->columns ? weight * scores[k] : 0;
        for (size_t k = 0; k < p->columns; k++)
            bias_gradient[k] += scores[k];
    }
    for (size_t g = 0; g < o->groups; g++)
        accumulate(x, p->width, o->scores + g * LANES, o->padded, o->gradient + g * p->width * LANES);
    return loss;
}

/* ---- the objective, over the examples' weight and C: a mean loss ---- */

static lbfgsfloatval_t evaluate(void *instance, const lbfgsfloatval_t *at, lbfgsfloatval_t *gradient, int n,
                                lbfgsfloatval_t step)
{
    struct objective *o = instance;
    const struct linear_problem *p = o->problem;
    size_t weights = p->columns * p->width;
    double loss = 0, penalty = 0, ridge = 1 / (o->C * o->total);

    (void)n;
    (void)step;
    memset(o->gradient, 0, o->padded * p->width * sizeof(double));
    for (size_t k = 0; k < p->columns; k++)
        for (size_t j = 0; j < p->width; j++)
            o->weights[(k / LANES * p->width + j) * LANES + k % LANES] = at[k * p->width + j];
    memset(gradient + weights, 0, p->columns * sizeof *gradient);
    for (size_t i = 0; i < p->count; i += ROWS)
        loss += add_rows(o, at + weights, i, gradient + weights);
    for (size_t k = 0; k < p->columns; k++)
        for (size_t j = 0; j < p->width; j++) {
            double value = at[k * p->width + j];
            penalty += value * value;
            gradient[k * p->width + j] =
                o->gradient[(k / LANES * p->width + j) * LANES + k % LANES] / o->total + ridge * value;
        }
    for (size_t k = 0; k < p->columns; k++)
        gradient[weights + k] /= o->total;
    return loss / o->total + 0.5 * ridge * penalty;
}

/* Stops where every element of the gradient is small. */
static int look(void *instance, const lbfgsfloatval_t *at, const lbfgsfloatval_t *gradient,
                const lbfgsfloatval_t value, const lbfgsfloatval_t norm_at, const lbfgsfloatval_t norm,
                const lbfgsfloatval_t step, int n, int iteration, int evaluations)
{
    const struct objective *o = instance;
    double largest = 0;

    (void)at;
    (void)value;
    (void)norm_at;
    (void)norm;
    (void)step;
    (void)iteration;
    (void)evaluations;
    for (int i = 0; i < n; i++)
        largest = fmax(largest, fabs(gradient[i]));
    return largest <= o->tolerance;
}

bool linear_fit_minimise(struct linear_fit *fit, const struct linear_problem *problem, double C,
                         double tolerance, struct error *error)
{
    size_t groups = (problem->columns + LANES - 1) / LANES, weights = fit->columns * fit->width,
           n = weights + fit->columns;
    struct objective o = {.problem = problem,
                          .groups = groups,
                          .padded = groups * LANES,
                          .C = C,
                          .tolerance = tolerance,
                          .weights = mem_zero(groups * LANES * fit->width, sizeof(double)),
                          .gradient = mem_zero(groups * LANES * fit->width, sizeof(double)),
                          .scores = mem_zero(ROWS * groups * LANES, sizeof(double))};
    lbfgsfloatval_t *at = lbfgs_malloc((int)n);
    lbfgs_parameter_t parameters;
    int status = LBFGSERR_OUTOFMEMORY;

    for (size_t i = 0; i < problem->count; i++)
        o.total += problem->weights ? problem->weights[i] : 1;
    lbfgs_parameter_init(&parameters);
    parameters.m = MEMORY;
    parameters.epsilon = 0; /* look() decides */
    parameters.max_iterations = MOST_ITERATIONS;
    if (at) {
        memcpy(at, fit->weights, weights * sizeof *at);
        memcpy(at + weights, fit->biases, fit->columns * sizeof *at);
        status = lbfgs((int)n, at, NULL, evaluate, look, &o, &parameters);
        memcpy(fit->weights, at, weights * sizeof *at);
        memcpy(fit->biases, at + weights, fit->columns * sizeof *at);
    }
    lbfgs_free(at);
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
