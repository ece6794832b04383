/*
 * An exponential moving average of a model's parameters (Polyak and Juditsky, 1992), which is what is
 * evaluated and saved: train.average.  Running statistics of norms are averaged along.
 */
#ifndef EMOTRAIN_TRAIN_AVERAGE_H
#define EMOTRAIN_TRAIN_AVERAGE_H

#include "model/model.h"

struct average {
    const struct model *model;
    double decay;
    struct et_scope *scope;
    struct et_tensor **values; /* one per parameter; while swapped, the parameters as trained */
};

/* Begins at the model's present parameters; with a decay of 0 all of this does nothing. */
bool average_start(struct average *average, const struct model *model, double decay, struct error *error);
void average_end(struct average *average);

/* Takes in the parameters after optimizer step `step` (from 1); the first steps count for more. */
bool average_update(struct average *average, int64_t step, struct error *error);

/* Exchanges average and parameters: before an evaluation or a save, and after it. */
bool average_swap(struct average *average, struct error *error);

#endif
