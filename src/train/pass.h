/* Inside train/: forward and backward passes of a step's batches, several at the same time where there are
 * lanes.
 *
 * A lane beside the first sees the model through twins of its parameters.  Their gradients are added to the
 * parameters' own in the batches' order, so that no sum depends on which lane was faster.
 */
#ifndef EMOTRAIN_TRAIN_PASS_H
#define EMOTRAIN_TRAIN_PASS_H

#include "train/lanes.h"
#include "train/step.h"

/* Chooses how many lanes (train.concurrent_batches) and makes them.  passes_end is due after an error too. */
bool passes_start(struct training *training, struct error *error);
void passes_end(struct training *training);

struct lanes *passes_lanes(const struct training *training);

/* Passes of batches first .. last - 1 of the epoch, as far as they are this rank's, whose losses are divided
 * by `weight`; adds what they are to the figures. */
bool passes_run(struct training *training, int64_t first, int64_t last, double weight,
                struct step_figures *figures, struct error *error);

/* A loader_make: batch `index` of the epoch.  Another rank's is left empty. */
bool pass_make_batch(void *training, int64_t index, struct batch *batch, struct error *error);

/* Tells who measures that a stage has ended in a lane. */
void pass_mark(const struct trainer *trainer, enum stage stage, int lane);

#endif
