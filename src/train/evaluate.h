/* A model's answers for a part of a corpus. */
#ifndef EMOTRAIN_TRAIN_EVALUATE_H
#define EMOTRAIN_TRAIN_EVALUATE_H

#include "store/runs.h"
#include "train/dataset.h"

/* How to compute: device and the type of matrix products. */
struct compute {
    int device;
    enum et_dtype precision;
};

/* Fills `predictions` (started by the caller with the model's labels) in the dataset's order.  Shows progress
 * as `what`; an interruption is an error. */
bool evaluate(const struct model *model, const struct dataset *dataset, const struct compute *compute,
              const char *what, struct prediction_list *predictions, struct error *error);

/* Makes a prediction of a row of probabilities: the likeliest label. */
void prediction_fill(struct prediction *prediction, const float *row, size_t labels);

/* Answers for one batch: probabilities (count, labels) by softmax. */
bool answer(const struct model *model, const struct batch *batch, const struct compute *compute,
            float *probabilities, struct error *error);

#endif
