/*
 * model.head_scale=standard: the mean and deviation of the training clips' pooled vectors, which the head
 * takes away, measured before the first step.
 */
#ifndef EMOTRAIN_TRAIN_HEAD_SCALE_H
#define EMOTRAIN_TRAIN_HEAD_SCALE_H

#include "train/compute.h"
#include "train/dataset.h"

/* Measures where the model has such a scale and no checkpoint gave it; else does nothing. */
bool measure_head_scale(struct model *model, const struct dataset *train, const struct compute *compute,
                        struct error *error);

#endif
