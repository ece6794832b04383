/* Inside train/: what is said where a step's numbers are not finite or memory runs out. */
#ifndef EMOTRAIN_TRAIN_DIAGNOSE_H
#define EMOTRAIN_TRAIN_DIAGNOSE_H

#include "train/trainer.h"

/* Warns of a step, of batches first .. last - 1, whose loss or gradients are not finite, naming the clips of
 * the batch whose loss it was (result->nonfinite_batch), or of the whole step. */
void report_nonfinite_step(const struct trainer *trainer, const struct step_result *result, int64_t first,
                           int64_t last);

/* Turns the error of a batch that memory did not suffice for into what the batch was and which settings make
 * it smaller; leaves other errors alone.  Returns false. */
bool explain_out_of_memory(const struct trainer *trainer, int64_t batch, struct error *error);

#endif
