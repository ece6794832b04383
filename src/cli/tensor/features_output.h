/* Inside cli/tensor/ only: the rows of emotrain features MODEL, as CSV or NumPy archive. */
#ifndef EMOTRAIN_CLI_TENSOR_FEATURES_OUTPUT_H
#define EMOTRAIN_CLI_TENSOR_FEATURES_OUTPUT_H

#include "base/error.h"
#include "model/head/layer_mix.h"

enum features_pooling { FEATURES_MEAN, FEATURES_MEAN_STD, FEATURES_FRAMES };

/* Which layers, from low to high, and how they are pooled over time. */
struct layer_table {
    int64_t layers[LAYERS_MOST];
    size_t count;
    enum features_pooling pooling;
};

struct features_output;

/* path: .csv or .npz; NULL: CSV to standard output.  `table` must outlive it. */
struct features_output *features_output_open(const char *path, const struct layer_table *table,
                                             struct error *error);

/* A recording's row: states (highest layer + 1, 2, width), mean and deviation. */
void features_output_pooled(struct features_output *output, const char *path, const float *states,
                            size_t width);

/* A recording's frames (highest layer + 1, frames, width). */
void features_output_frames(struct features_output *output, const char *path, const float *values,
                            size_t frames, size_t width);

/* Writes the file where `good`, and frees it all. */
bool features_output_close(struct features_output *output, bool good, struct error *error);

#endif
