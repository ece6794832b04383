/* Inside train/: a step that several ranks share (ranks.h).  Alone, a process takes all batches and sums
 * nothing. */
#ifndef EMOTRAIN_TRAIN_SHARE_H
#define EMOTRAIN_TRAIN_SHARE_H

#include "train/step.h"

/* Whether this rank takes batch `index` of the epoch: those of a step are dealt from the first on. */
bool share_takes(const struct training *training, int64_t index);

/* The last of the batches first .. last - 1 that this rank takes; -1: none. */
int64_t share_last(const struct training *training, int64_t first, int64_t last);

/* After a step's batches: what each rank has of gradients, loss and trouble becomes that of all, what forward
 * passes moved becomes its mean, and a wish to stop is heard by all at the same step. */
bool share_sum(struct training *training, int64_t first, int64_t last, struct step_figures *figures,
               struct error *error);

#endif
