/* Inside train/: what to say and do when a step's numbers go wrong or memory runs out. */
#ifndef EMOTRAIN_TRAIN_TROUBLE_H
#define EMOTRAIN_TRAIN_TROUBLE_H

#include "train/step.h"

/* Warns of a step, of batches first .. last - 1, whose loss or gradients are not finite, naming the clips of
 * the batch whose loss it was (figures->bad_batch), or of the whole step. */
void trouble_bad_step(const struct training *training, const struct step_figures *figures, int64_t first,
                      int64_t last);

/* Turns the error of a batch that memory did not suffice for into what the batch was and which settings make
 * it smaller; leaves other errors alone.  Returns false. */
bool trouble_memory(const struct training *training, int64_t batch, struct error *error);

#endif
