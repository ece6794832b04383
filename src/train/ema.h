/*
 * An exponential moving average of a model's parameters (Polyak and Juditsky, 1992), which is what is
 * evaluated and saved: train.ema_decay.  Running statistics of norms are averaged too.
 */
#ifndef EMOTRAIN_TRAIN_EMA_H
#define EMOTRAIN_TRAIN_EMA_H

#include "model/model.h"

struct ema {
    const struct model *model;
    double decay;
    struct et_scope *scope;
    struct et_tensor **values; /* one per parameter; while swapped, the parameters as trained */
};

/* Begins at the model's present parameters; with a decay of 0 all of this does nothing. */
bool ema_start(struct ema *ema, const struct model *model, double decay, struct error *error);
void ema_end(struct ema *ema);

/* Takes in the parameters after optimizer step `step` (from 1); the first steps count for more. */
bool ema_update(struct ema *ema, int64_t step, struct error *error);

/* Exchanges average and parameters: before an evaluation or a save, and after it. */
bool ema_swap(struct ema *ema, struct error *error);

#endif
