/* A model's predictions for a part of a corpus. */
#ifndef EMOTRAIN_TRAIN_EVALUATE_H
#define EMOTRAIN_TRAIN_EVALUATE_H

#include "eval/predictions.h"
#include "train/compute.h"
#include "train/dataset.h"

/* Fills `predictions` (started by the caller with the model's labels) in the dataset's order.  Shows progress
 * as `what`; an interruption is an error.  Several ranks share the clips, and each gets all predictions. */
bool evaluate(const struct model *model, const struct dataset *dataset, const struct compute *compute,
              const char *what, struct prediction_list *predictions, struct error *error);

/* Predictions for one batch (count, labels): probabilities, or numbers. */
bool predict_batch(const struct model *model, const struct batch *batch, const struct compute *compute,
                   float *outputs, struct error *error);

/* Turns the error of a batch that memory did not suffice for into what the batch was and which setting makes
 * it smaller; leaves other errors alone.  Returns false. */
bool explain_batch_memory(const struct model *model, const struct batch *batch, struct error *error);

#endif
