/* Which clips stand in which batch of which epoch: functions of the configuration, run.seed and the epoch. */
#ifndef EMOTRAIN_TRAIN_SAMPLER_H
#define EMOTRAIN_TRAIN_SAMPLER_H

#include "train/dataset.h"

/* Whether the clips can be sampled as train.sampler says. */
bool sampler_check(const struct dataset *dataset, struct error *error);

/* One epoch: its clips in order; batch b is order[starts[b]] .. order[starts[b + 1] - 1]. */
struct epoch {
    int64_t number;         /* from 0 */
    size_t *order, *starts; /* dataset.count; batches + 1 */
    int64_t batches;
    int64_t earlier; /* batches of the epochs before it */
};

/* Makes epoch `number` in the place of the one that is there; begin with a zeroed struct. */
void epoch_plan(struct epoch *epoch, const struct dataset *dataset, int64_t number);

/* Epoch 0 with every clip once, whatever train.sampler says: for models that are fitted at once. */
void epoch_plan_whole(struct epoch *epoch, const struct dataset *dataset);
void epoch_free(struct epoch *epoch);

/* Optimizer steps of an epoch with so many batches, and of the whole of training. */
int64_t train_epoch_steps(const struct train_settings *settings, int64_t batches);
int64_t train_total_steps(const struct dataset *dataset);

/* Indices sorted from long to short, ties in order: evaluation's order, with little padding. */
void longest_first_order(const struct dataset *dataset, size_t *order);

#endif
