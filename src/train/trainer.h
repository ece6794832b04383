/*
 * Training: batches, accumulation, clipping, schedule, evaluation, checkpoints.
 *
 * One optimizer step takes the clips of up to train.accumulate batches; its loss is the mean over all of
 * them, whatever the batches' sizes, so that batch_size and accumulate change memory and speed but not the
 * gradient.  Every random draw is a function of run.seed and the position, so a resumed run is, on the CPU,
 * the run that was never stopped.
 */
#ifndef EMOTRAIN_TRAIN_TRAINER_H
#define EMOTRAIN_TRAIN_TRAINER_H

#include "train/checkpoint.h"
#include "train/evaluate.h"
#include "train/recorder.h"

/* What a step's time goes to: batches that are waited for, the part of the forward pass that ends with the
 * feature encoder (where there is one) and the rest, the backward pass, the optimizer. */
enum stage { STAGE_LOAD, STAGE_FEATURES, STAGE_FORWARD, STAGE_BACKWARD, STAGE_OPTIMIZER, STAGE_COUNT };

struct trainer {
    const struct config *config;
    const char *run; /* the run's folder */
    struct model *model;
    const struct dataset *train, *selection; /* selection: what checkpoints are chosen by */
    struct compute compute;
    struct recorder *recorder;

    /* Appends figures of an evaluation to `metrics` and returns the one to choose by, larger is better.  May
     * change the answers, as by thresholds that it finds. */
    double (*judge)(void *context, struct prediction_list *predictions, int64_t step, double epoch,
                    struct metric_list *metrics);

    /* Called as each stage of a step ends, to measure it; or NULL.  Batches that run at the same time have a
     * lane each, which tells by itself of all between STAGE_LOAD and STAGE_OPTIMIZER; lane 0 is the
     * trainer's thread, whose STAGE_BACKWARD ends when all lanes' have. */
    void (*stage_ended)(void *context, enum stage stage, int lane);
    void *context;

    /* What train() leaves. */
    struct trainer_state state;
    double seconds; /* of this call */
    int64_t clips;  /* heard in this call */
};

/* Trains from `resume_from`, a checkpoint's folder, or from the beginning if it is NULL.  Interrupted by the
 * user, it finishes the step, saves and returns an interruption error. */
bool train(struct trainer *trainer, const char *resume_from, struct error *error);

#endif
