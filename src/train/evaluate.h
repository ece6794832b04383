/* A model's answers for a part of a corpus. */
#ifndef EMOTRAIN_TRAIN_EVALUATE_H
#define EMOTRAIN_TRAIN_EVALUATE_H

#include "store/runs.h"
#include "train/dataset.h"
#include "train/ranks.h"

/* How to compute: device, the type of matrix products, and with whom. */
struct compute {
    int device;
    enum et_dtype precision;
    const struct ranks *ranks; /* NULL: alone */
};

/* Fills `predictions` (started by the caller with the model's labels) in the dataset's order.  Shows progress
 * as `what`; an interruption is an error.  Several ranks share the clips, and each gets all predictions. */
bool evaluate(const struct model *model, const struct dataset *dataset, const struct compute *compute,
              const char *what, struct prediction_list *predictions, struct error *error);

/* Answers for one batch (count, labels): probabilities, or numbers. */
bool answer(const struct model *model, const struct batch *batch, const struct compute *compute,
            float *answers, struct error *error);

#endif
