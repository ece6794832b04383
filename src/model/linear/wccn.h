/*
 * Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, 2006): features in which clips of one
 * label vary alike in every direction. What tells speakers apart spreads clips of one label most, so a
 * penalised classifier on such features leans less on it.
 *
 * Of the covariance of clips around the mean of their label, half is taken, and half of the identity times
 * its mean variance: few speakers alone would leave directions in which nothing seems to vary.
 */
#ifndef EMOTRAIN_MODEL_LINEAR_WCCN_H
#define EMOTRAIN_MODEL_LINEAR_WCCN_H

#include "model/linear/precondition.h"

#include <stdint.h>

enum { WCCN_WIDTH_MOST = PRECONDITION_WIDTH_MOST }; /* features */

struct wccn;

/* Of features x (count, width) and their labels, below `classes`. */
struct wccn *wccn_measure(const double *x, const int64_t *labels, size_t count, size_t width, size_t classes);
void wccn_free(struct wccn *wccn); /* NULL does nothing */

/* Normalises rows (count, width) in place. */
void wccn_apply(const struct wccn *wccn, double *rows, size_t count);

/* Weights (columns, width) of normalised features, in place to those of features as they were. */
void wccn_weights(const struct wccn *wccn, double *weights, size_t columns);

#endif
