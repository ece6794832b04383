/* Inside train/: forward and backward passes of a step's batches (its micro-batches), several at the same
 * time where there are workers.
 *
 * A worker beside the first sees the model through a replica: the same weights with gradients of their own.
 * These are added to the parameters' gradients in the batches' order, so that no sum depends on which worker
 * was faster.
 */
#ifndef EMOTRAIN_TRAIN_MICROBATCH_H
#define EMOTRAIN_TRAIN_MICROBATCH_H

#include "train/trainer.h"

/* Chooses how many workers (train.concurrent_batches) and makes them.  microbatches_end is due after an error
 * too. */
bool microbatches_start(struct trainer *trainer, struct error *error);
void microbatches_end(struct trainer *trainer);

/* Runs batches first .. last - 1 of the epoch, as far as they are this rank's, with losses divided by
 * `weight`; adds their losses to the result. */
bool microbatches_run(struct trainer *trainer, int64_t first, int64_t last, double weight,
                      struct step_result *result, struct error *error);

/* A loader_make: batch `index` of the epoch.  Another rank's is left empty. */
bool make_train_batch(void *trainer, int64_t index, struct batch *batch, struct error *error);

/* Whether this rank takes batch `index` of the epoch: those of a step are dealt from the first on. */
bool batch_is_local(const struct trainer *trainer, int64_t index);

/* Reports that a stage has ended in a worker. */
void mark_stage(const struct trainer *trainer, enum stage stage, int worker);

#endif
