/*
 * Linear models under an L2 penalty, by L-BFGS (Nocedal and Wright, 2006; the library is liblbfgs):
 * multinomial and binary logistic regression, and ridge regression.
 *
 * The objective is scikit-learn's: C times the sum of the losses of all examples, by their weights, plus half
 * the sum of the squared weights of the model; biases are not penalised.  Of one label out of two there is
 * one column, as there.  Ridge's alpha is 1 / (2 C) for half of the squared error.
 */
#ifndef EMOTRAIN_MODEL_LINEAR_LOGISTIC_H
#define EMOTRAIN_MODEL_LINEAR_LOGISTIC_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum linear_loss {
    LOSS_SOFTMAX, /* one of several labels: a column each */
    LOSS_SIGMOID, /* each column yes or no by itself */
    LOSS_SQUARED  /* each column a number: half of the squared error */
};

struct linear_problem {
    enum linear_loss loss;
    size_t count, width, columns;
    const double *x;       /* (count, width) */
    const int64_t *labels; /* (count), of LOSS_SOFTMAX */
    const double *targets; /* (count, columns), of the others: 0 or 1, or numbers */
    const double *weights; /* (count) of examples; NULL: 1 each */
};

/* The model itself: x times the weights plus the biases. */
struct linear_fit {
    const struct linear_problem *problem;
    size_t width, columns;
    double *weights;                 /* (columns, width) */
    double *biases;                  /* (columns) */
    struct cholesky *preconditioner; /* NULL: too wide for one */
    double curvature;                /* where it stands: mean of the loss' second derivatives by a score */
};

/* Starts at zero; the problem must outlive it.  linear_fit_free when done. */
void linear_fit_start(struct linear_fit *fit, const struct linear_problem *problem);
void linear_fit_free(struct linear_fit *fit);

/* Minimises from where `fit` stands until no element of the mean loss' gradient is above `tolerance`
 * (scikit-learn's "tol", 1e-4 by default).  Fails where it cannot. */
bool linear_fit_minimise(struct linear_fit *fit, double C, double tolerance, struct error *error);

/* log(1 + exp(x)), which does not overflow. */
double softplus(double x);

/* Scores of one example, (columns). */
void linear_fit_scores(const struct linear_fit *fit, const double *x, double *scores);

#endif
