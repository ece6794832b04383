/*
 * Checkpoints: RUN/checkpoints/step-NNNNNN, a Hugging Face model directory with the optimizer's state
 * (optimizer.safetensors) and the trainer's (trainer_state.json) beside it.
 *
 * A checkpoint is written under another name, synced and renamed, so that a kill at any moment leaves the
 * last good one; the links `last` and `best` in the run's folder are replaced after that.
 */
#ifndef EMOTRAIN_TRAIN_CHECKPOINT_H
#define EMOTRAIN_TRAIN_CHECKPOINT_H

#include "model/model.h"
#include "train/ema.h"
#include "train/schedule.h"

/* Where training stands.  All that is random is a function of seed and position, so nothing else is needed.
 */
struct trainer_state {
    int64_t step;         /* optimizer steps done */
    int64_t epoch;        /* epochs finished */
    int64_t batches;      /* batches done in the current epoch */
    double logged_loss;   /* sum of the losses since the last logged line */
    int64_t logged_steps; /* how many those are */
    double epoch_loss;    /* likewise since the epoch began */
    int64_t epoch_steps;
    int64_t evaluated_step;    /* the last step after which an evaluation was made */
    int64_t record_bytes;      /* length of metrics.jsonl */
    int64_t best_step;         /* 0: none yet */
    double best_score;         /* of eval.best_metric, larger is better */
    int64_t stale_evaluations; /* in a row that were no better than the best */
    struct plateau plateau;    /* of train.lr_scheduler=reduce_lr_on_plateau */
    double loss_scale;         /* float16 only */
    int64_t good_steps;        /* since the loss scale last changed */
    int64_t nonfinite_steps;   /* the last ones, in a row, whose loss or gradients were not finite */
};

/* Where training begins. */
struct trainer_state trainer_state_new(double loss_scale);

/* What training goes on with, besides the model. */
struct optimizer_state {
    struct et_adamw *optimizer;
    struct et_tensor *const *tensors; /* that it trains */
    const char *const *names;         /* of those */
    size_t count;
    struct ema *ema;
};

/* Writes a checkpoint, points `last` and, if state->best_step is this step, `best` to it, and removes all but
 * the newest `keep` and the best.  An average of the weights must be swapped in. */
bool checkpoint_save(const char *run, const struct model *model, const struct optimizer_state *optimizer,
                     const struct trainer_state *state, int64_t keep, struct error *error);

/* Whether the checkpoint's files are as they were written, by the checksums in its state; the error names the
 * file that is not.  `model_only`: all but the optimizer's. */
bool checkpoint_check(const char *folder, bool model_only, struct error *error);

/* The newest checkpoint that is not damaged: what a run goes on from; a warning names those that are.  NULL
 * where there is none yet; an error where all are damaged.  Caller frees. */
bool checkpoint_newest(const char *run, char **newest, struct error *error);

/* The folder that the link `best` points to, for the caller to free; NULL where there is no such link yet.  A
 * link to nowhere is an error. */
bool checkpoint_best(const char *run, char **folder, struct error *error);

/* Reads trainer_state.json and optimizer.safetensors of a checkpoint, whose model has been opened. */
bool checkpoint_load(const char *folder, const struct optimizer_state *optimizer, struct trainer_state *state,
                     struct error *error);

/* Sets the links and the folder right, where a kill left them behind the state that was loaded. */
bool checkpoint_settle(const char *run, const struct trainer_state *state, struct error *error);

/* trainer_state.json alone. */
bool checkpoint_read_state(const char *folder, struct trainer_state *state, struct error *error);

#endif
