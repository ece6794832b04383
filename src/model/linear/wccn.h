/*
 * Within-class covariance normalisation (Hatch, Kajarekar and Stolcke, 2006, whose classes are speakers; here
 * they are labels): a linear transform of the features under which clips of one label vary about alike in
 * every direction.  A penalised classifier then leans less on directions that spread clips of one label, be
 * it by speaker, sentence or channel.
 *
 * Half of the covariance around the labels' means is taken, and half of the identity times the mean variance:
 * a few speakers alone leave directions in which nothing seems to vary.
 */
#ifndef EMOTRAIN_MODEL_LINEAR_WCCN_H
#define EMOTRAIN_MODEL_LINEAR_WCCN_H

#include <stddef.h>
#include <stdint.h>

enum { WCCN_WIDTH_MOST = 4096 }; /* features; so many take 270 MB for each fit at a time */

struct wccn;

/* Of features x (count, width), width up to WCCN_WIDTH_MOST, and their labels, below `classes`. */
struct wccn *wccn_measure(const double *x, const int64_t *labels, size_t count, size_t width, size_t classes);
void wccn_free(struct wccn *wccn); /* NULL does nothing */

/* Transforms rows (count, width) in place. */
void wccn_apply(const struct wccn *wccn, double *rows, size_t count);

/* Weights (columns, width) of transformed features, in place to those of features as they were. */
void wccn_weights(const struct wccn *wccn, double *weights, size_t columns);

#endif
