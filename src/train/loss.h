/*
 * What training makes small: LOSSES in loss.c, chosen by train.loss and model.task.
 *
 * A loss is summed over a batch's clips, so that an optimizer step's mean over all of its clips does not
 * depend on how they fell into batches; ccc alone is of a batch as a whole.
 */
#ifndef EMOTRAIN_TRAIN_LOSS_H
#define EMOTRAIN_TRAIN_LOSS_H

#include "model/model.h"
#include "train/augment.h"

struct loss {
    const struct loss_kind *kind;
    const struct model *model;
    double smoothing, gamma; /* of labels; of the focal loss */
    float *class_weights;    /* (labels) or NULL */
    struct et_scope *scope;  /* owns their tensor */
    struct et_tensor *weights;
};

/* A batch's classes, each clip's own and, where share is below 1, its partner's (augment_mix). */
struct mixed_classes {
    int64_t count; /* clips */
    double share;
    const struct et_tensor *weights; /* of classes, or NULL */
    double smoothing;
    int device;
};

/* logits (clips, classes), classes (clips), -100 where unknown -> the sum over clips. */
struct et_tensor *mixed_cross_entropy_sum(struct et_scope *scope, const struct et_tensor *logits,
                                          const int64_t *classes, const struct mixed_classes *mixed);

/* Whether the settings name a loss of the task. */
bool loss_check(const struct train_settings *settings, enum task task, struct error *error);

/* Whether it is what train.loss=auto means in the task. */
bool loss_is_default(const char *name, enum task task);

/* How many clips the training part has, and with each label. */
struct label_counts {
    size_t clips, *with; /* with: (labels) */
};

/* `counts` is for class weights.  End it, started or not. */
bool loss_start(struct loss *loss, const struct train_settings *settings, const struct model *model,
                const struct label_counts *counts, struct error *error);
void loss_end(struct loss *loss);

/* By what a clip counts: 1, or its class' weight where it has one label; of votes (`shares` of the labels;
 * NULL: none), the classes' weights by their shares. */
double loss_weight(const struct loss *loss, int label, const double *shares);

/* logits (clips, labels) -> the sum over clips.  `share`: that of a mixed batch's own labels (augment_mix).
 */
struct et_tensor *loss_sum(const struct loss *loss, struct et_scope *scope, const struct batch *batch,
                           const struct et_tensor *logits, double share);

#endif
