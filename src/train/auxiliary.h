/*
 * train.auxiliary_task: something else that is known of the clips (the speaker's sex, say) is predicted in
 * training by a linear layer on the same pooled vector, and its loss is added to the main one (multi-task
 * learning: Caruana, 1997).  After training the layer is left out: the model is one of emotions alone.
 */
#ifndef EMOTRAIN_TRAIN_AUXILIARY_H
#define EMOTRAIN_TRAIN_AUXILIARY_H

#include "train/dataset.h"

/* What a training part's clips are in the task that the settings name; nothing where they name none.  Fails
 * where the clips are not of at least two classes. */
bool auxiliary_start(struct dataset *train, struct error *error);

/* Of the pooled vectors (clips, width): the cross-entropy summed over the clips whose class is known, times
 * train.auxiliary_weight.  `share` as loss_sum takes it. */
struct et_tensor *auxiliary_loss_sum(const struct train_settings *settings, const struct model *model,
                                     struct et_scope *scope, const struct batch *batch,
                                     const struct et_tensor *pooled, double share);

#endif
