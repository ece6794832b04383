/*
 * Training: batches, gradient accumulation, clipping, schedule, evaluation, checkpoints.
 *
 * One optimizer step takes the clips of train.gradient_accumulation_steps batches; its loss is the mean over
 * all of them, whatever the batches' sizes, so that batch_size and accumulation change memory and speed but
 * not the gradient.  Everything random is a function of run.seed and the position, so a resumed run is, on
 * the CPU, the run that was never stopped.
 *
 * From the loop to the backward pass: train() in trainer.c, trainer_step() in step.c, microbatches_run() in
 * microbatch.c.
 */
#ifndef EMOTRAIN_TRAIN_TRAINER_H
#define EMOTRAIN_TRAIN_TRAINER_H

#include "train/checkpoint.h"
#include "train/compute.h"
#include "train/dataset.h"
#include "train/evaluate.h"
#include "train/loader.h"
#include "train/loss.h"
#include "train/recorder.h"
#include "train/sampler.h"
#include "train/schedule.h"
#include "train/workers.h"

/* What a step's time goes to: batches requested but not yet delivered, the part of the forward pass that ends
 * with the feature encoder (where there is one) and the rest, the backward pass, the optimizer. */
enum stage { STAGE_LOAD, STAGE_FEATURES, STAGE_FORWARD, STAGE_BACKWARD, STAGE_OPTIMIZER, STAGE_COUNT };

/* A buffer of the model (a statistic that forward passes change and no optimizer trains), and what it was
 * before the step. */
struct buffer {
    struct et_tensor *tensor, *before;
};

struct trainer {
    /* Set by the caller. */
    const struct settings *settings;
    const char *run; /* the run's folder */
    struct model *model;
    const struct dataset *train, *selection; /* selection: what checkpoints are chosen by */
    struct compute compute;
    struct recorder *recorder;

    /* Appends the metrics of an evaluation to `metrics` and returns the one to choose by, larger is better.
     * May change the predictions, as by thresholds that it finds. */
    double (*score)(void *context, struct prediction_list *predictions, int64_t step, double epoch,
                    struct metric_list *metrics);

    /* Called as each stage of a step ends, to measure it; or NULL.  Batches that run at the same time have a
     * worker each, which reports all stages between STAGE_LOAD and STAGE_OPTIMIZER itself; worker 0 is the
     * trainer's thread, whose STAGE_BACKWARD ends when those of all workers have. */
    void (*stage_ended)(void *context, enum stage stage, int worker);
    void *context;

    /* What train() leaves. */
    struct trainer_state state;
    double seconds; /* of this call */
    int64_t clips;  /* trained on in this call */

    /* Training under way, from trainer_start to trainer_end. */
    int64_t total_steps;
    struct et_adamw *optimizer;
    struct et_buckets *gradient_buckets; /* where several ranks train; or NULL */
    struct et_tensor **tensors;          /* that are trained */
    const char **names;
    size_t count;
    struct epoch epoch; /* the batches of the present epoch */
    struct loader *loader;
    struct workers *workers;
    struct replica *replicas; /* of the model: one for each worker beside the first */
    const struct schedule *schedule;
    struct loss loss;
    struct ema ema;
    struct buffer *buffers;
    size_t buffer_count;
    struct et_scope *scope; /* of the buffers' copies and the replicas */
    int phases, phase;      /* of model_kind.phases, before the last; the present one */
    int64_t saved_step;
    bool interrupted; /* some rank's user asked to stop */
};

/* Trains from `resume_from`, a checkpoint's folder, or from the beginning if it is NULL.  Interrupted by the
 * user, it finishes the step, saves and returns an interruption error. */
bool train(struct trainer *trainer, const char *resume_from, struct error *error);

/* Whether the clips can be sampled, and the model trained, as the settings say: asked before a run begins. */
bool trainer_check(const struct dataset *train, const struct model *model, struct error *error);

/* Whether models of a kind are trained step by step, or else fitted at once. */
bool trainer_takes_steps(const struct model_kind *kind);

/* ---- one step at a time, as the benchmark takes them ---- */

/* What one step did. */
struct step_result {
    double loss;
    double learning_rate, grad_norm;
    bool skipped;            /* loss or gradients were not finite: no parameter changed */
    int64_t nonfinite_batch; /* of the epoch: the first whose loss was not finite; or -1 */
};

/* Begins with the optimizer's moments at zero.  trainer_end is due after an error too. */
bool trainer_start(struct trainer *trainer, struct error *error);
void trainer_end(struct trainer *trainer);

/* Plans the epoch of the next step, where it is not planned yet, and begins to load its batches. */
void trainer_enter_epoch(struct trainer *trainer);

/* Takes the step after state.step, which must be below total_steps. */
bool trainer_step(struct trainer *trainer, struct step_result *result, struct error *error);

#endif
