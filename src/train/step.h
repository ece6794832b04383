/* Inside train/: training under way, one optimizer step at a time; trainer.c does what comes between steps.
 */
#ifndef EMOTRAIN_TRAIN_STEP_H
#define EMOTRAIN_TRAIN_STEP_H

#include "train/average.h"
#include "train/loader.h"
#include "train/loss.h"
#include "train/order.h"
#include "train/schedule.h"
#include "train/trainer.h"

struct training {
    struct trainer *trainer;
    struct et_adamw *optimizer;
    struct et_buckets *buckets; /* of gradients, where several ranks train; or NULL */
    struct et_tensor **tensors; /* trainable ones */
    const char **names;
    size_t count;
    struct epoch epoch; /* the present one's batches */
    struct loader *loader;
    struct passes *passes; /* of its batches */
    int64_t accumulate, total_steps;
    const struct schedule *schedule;
    struct augmentation augmentation;
    struct loss loss;
    struct average average;
    struct moving {
        struct et_tensor *tensor, *before; /* a statistic that forward passes move, and what it was before */
    } * moving;
    size_t moving_count;
    struct et_scope *scope; /* of those copies */
    int phases, phase;      /* of model_kind.phases, before the last; the present one */
};

/* What one step did. */
struct step_figures {
    double loss; /* NaN where a model is fitted all at once */
    double learning_rate, grad_norm;
    bool skipped;      /* numbers went wrong: no parameter was moved */
    int64_t bad_batch; /* of the epoch: the first whose loss was not finite; or -1 */
    bool interrupted;  /* the user asked one of the ranks to stop */
};

/* Begins with the optimizer's moments at zero.  training_end is due after an error too. */
bool training_start(struct training *training, struct trainer *trainer, struct error *error);
void training_end(struct training *training);

/* Takes the step after trainer->state.step, which must be below total_steps. */
bool training_step(struct training *training, struct step_figures *figures, struct error *error);

/* Epochs done so far, with their fraction. */
double training_epochs(const struct training *training);

/* Inside step.c and fit.c: fits a model of a kind with `fit` to all clips. */
bool training_fit(struct training *training, struct error *error);

#endif
