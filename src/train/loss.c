/* Losses and class weights: see loss.h. */
#include "train/loss.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct loss_kind {
    const char *name; /* of train.loss */
    enum task task;
    struct et_tensor *(*sum)(const struct loss *loss, struct et_scope *scope, const struct batch *batch,
                             const struct et_tensor *logits, double share);
};

/* The batch's targets (clips, labels); of a mixed batch, mixed. */
static struct et_tensor *targets_of(const struct loss *loss, struct et_scope *scope,
                                    const struct batch *batch, double share)
{
    const int64_t labels = (int64_t)loss->model->labels.count, shape[2] = {batch->count, labels};
    float *mixed = mem_zero((size_t)(batch->count * labels), sizeof *mixed);

    for (int64_t i = 0; i < batch->count; i++) {
        const float *own = batch->targets + i * labels,
                    *other = batch->targets + augment_partner(i, batch->count) * labels;
        for (int64_t k = 0; k < labels; k++)
            mixed[i * labels + k] = (float)share * own[k] + (float)(1 - share) * other[k];
    }
    struct et_tensor *targets =
        et_from_data(scope, mixed, ET_FLOAT32, shape, 2, loss->model->parameters.device);
    free(mixed);
    return targets;
}

struct et_tensor *mixed_cross_entropy_sum(struct et_scope *scope, const struct et_tensor *logits,
                                          const int64_t *classes, const struct mixed_classes *mixed)
{
    int64_t count = mixed->count;
    struct et_tensor *targets = et_from_data(scope, classes, ET_INT64, &count, 1, mixed->device);
    struct et_tensor *sum = et_cross_entropy_sum(scope, logits, targets, mixed->weights, mixed->smoothing);

    if (mixed->share == 1)
        return sum;
    int64_t *others = mem_zero((size_t)count, sizeof *others);
    for (int64_t i = 0; i < count; i++)
        others[i] = classes[augment_partner(i, count)];
    targets = et_from_data(scope, others, ET_INT64, &count, 1, mixed->device);
    free(others);
    return et_add(
        scope, et_mul_scalar(scope, sum, mixed->share),
        et_mul_scalar(scope, et_cross_entropy_sum(scope, logits, targets, mixed->weights, mixed->smoothing),
                      1 - mixed->share));
}

/* ---- the losses ---- */

static struct et_tensor *cross_entropy(const struct loss *loss, struct et_scope *scope,
                                       const struct batch *batch, const struct et_tensor *logits,
                                       double share)
{
    return mixed_cross_entropy_sum(scope, logits, batch->labels,
                                   &(struct mixed_classes){batch->count, share, loss->weights,
                                                           loss->smoothing, loss->model->parameters.device});
}

/* Of each label by itself, averaged over labels. */
static struct et_tensor *binary_cross_entropy(const struct loss *loss, struct et_scope *scope,
                                              const struct batch *batch, const struct et_tensor *logits,
                                              double share)
{
    struct et_tensor *targets = targets_of(loss, scope, batch, share);

    targets = et_add_scalar(scope, et_mul_scalar(scope, targets, 1 - loss->smoothing), loss->smoothing / 2);
    return et_mul_scalar(scope, et_binary_cross_entropy_sum(scope, logits, targets, loss->weights),
                         1.0 / (double)loss->model->labels.count);
}

/* Adds a share of a clip's target: its label, or its annotators' votes. */
static void add_labels(const struct batch *batch, int64_t clip, double share, size_t labels, float *row)
{
    if (!batch->shares)
        row[batch->labels[clip]] += (float)share;
    for (size_t k = 0; batch->shares && k < labels; k++)
        row[k] += (float)share * batch->shares[(size_t)clip * labels + k];
}

static double class_weight(const struct loss *loss, size_t label)
{
    return loss->class_weights && loss->model->task == SINGLE_LABEL ? (double)loss->class_weights[label] : 1;
}

/* The batch's labels as targets (clips, labels): a clip's own, mixed and smoothed, each by its label's
 * weight; *entropy: theirs, summed likewise. */
static struct et_tensor *weighted_targets(const struct loss *loss, struct et_scope *scope,
                                          const struct batch *batch, double share, double *entropy)
{
    size_t labels = loss->model->labels.count, count = (size_t)batch->count;
    const int64_t shape[2] = {batch->count, (int64_t)labels};
    float *targets = mem_zero(count * labels, sizeof *targets);

    *entropy = 0;
    for (size_t i = 0; i < count; i++) {
        float *row = targets + i * labels;
        add_labels(batch, (int64_t)i, share, labels, row);
        add_labels(batch, augment_partner((int64_t)i, batch->count), 1 - share, labels, row);
        for (size_t k = 0; k < labels; k++) {
            double target = (1 - loss->smoothing) * (double)row[k] + loss->smoothing / (double)labels;
            *entropy -= target > 0 ? class_weight(loss, k) * target * log(target) : 0;
            row[k] = (float)(target * class_weight(loss, k));
        }
    }
    struct et_tensor *tensor =
        et_from_data(scope, targets, ET_FLOAT32, shape, 2, loss->model->parameters.device);
    free(targets);
    return tensor;
}

/* x to the power of the loss' gamma; x from 0 to 1. */
static struct et_tensor *to_gamma(const struct loss *loss, struct et_scope *scope, const struct et_tensor *x)
{
    const double least = 1e-12; /* where the logarithm is still a number */

    return et_exp(scope, et_mul_scalar(scope, et_log(scope, et_clamp(scope, x, least, 1)), loss->gamma));
}

/* 1 - x */
static struct et_tensor *complement(struct et_scope *scope, const struct et_tensor *x)
{
    return et_add_scalar(scope, et_mul_scalar(scope, x, -1), 1);
}

/* -(1 - p)^gamma log p of the clip's label (Lin et al., 2017); of smoothed or mixed labels, their mean. */
static struct et_tensor *focal(const struct loss *loss, struct et_scope *scope, const struct batch *batch,
                               const struct et_tensor *logits, double share)
{
    double entropy;
    struct et_tensor *log_p = et_log_softmax(scope, logits, 1);
    struct et_tensor *factor = to_gamma(loss, scope, complement(scope, et_exp(scope, log_p)));
    struct et_tensor *terms =
        et_mul(scope, weighted_targets(loss, scope, batch, share, &entropy), et_mul(scope, factor, log_p));

    return et_mul_scalar(scope, et_sum(scope, terms), -1);
}

/* Kullback and Leibler's divergence of what is predicted from the annotators' votes. */
static struct et_tensor *divergence(const struct loss *loss, struct et_scope *scope,
                                    const struct batch *batch, const struct et_tensor *logits, double share)
{
    double entropy;
    struct et_tensor *targets = weighted_targets(loss, scope, batch, share, &entropy);
    struct et_tensor *cross = et_sum(scope, et_mul(scope, targets, et_log_softmax(scope, logits, 1)));

    return et_add_scalar(scope, et_mul_scalar(scope, cross, -1), -entropy);
}

/* The focal loss of each label by itself, so or not so, averaged over labels. */
static struct et_tensor *binary_focal(const struct loss *loss, struct et_scope *scope,
                                      const struct batch *batch, const struct et_tensor *logits, double share)
{
    struct et_tensor *targets = targets_of(loss, scope, batch, share),
                     *x = et_to_dtype(scope, logits, ET_FLOAT32), *sum = NULL;

    targets = et_add_scalar(scope, et_mul_scalar(scope, targets, 1 - loss->smoothing), loss->smoothing / 2);
    for (int so = 0; so < 2; so++) {
        struct et_tensor *own = so ? x : et_mul_scalar(scope, x, -1); /* p = sigmoid(own) */
        struct et_tensor *target = so ? targets : complement(scope, targets);
        struct et_tensor *log_p = et_log_sigmoid(scope, own);
        if (so && loss->weights)
            target = et_mul(scope, target, loss->weights);
        struct et_tensor *terms =
            et_mul(scope, target,
                   et_mul(scope, to_gamma(loss, scope, complement(scope, et_sigmoid(scope, own))), log_p));
        sum = sum ? et_add(scope, sum, et_sum(scope, terms)) : et_sum(scope, terms);
    }
    return et_mul_scalar(scope, sum, -1.0 / (double)loss->model->labels.count);
}

static struct et_tensor *squared_error(const struct loss *loss, struct et_scope *scope,
                                       const struct batch *batch, const struct et_tensor *logits,
                                       double share)
{
    struct et_tensor *off =
        et_sub(scope, et_to_dtype(scope, logits, ET_FLOAT32), targets_of(loss, scope, batch, share));

    return et_mul_scalar(scope, et_sum(scope, et_mul(scope, off, off)),
                         1.0 / (double)loss->model->labels.count);
}

/* 1 less the concordance correlation coefficient (Lin, 1989) over the batch, averaged over targets. */
static struct et_tensor *concordance(const struct loss *loss, struct et_scope *scope,
                                     const struct batch *batch, const struct et_tensor *logits, double share)
{
    struct et_tensor *x = et_to_dtype(scope, logits, ET_FLOAT32), *y = targets_of(loss, scope, batch, share);
    struct et_tensor *mean_x = et_mean_dim(scope, x, 0, true), *mean_y = et_mean_dim(scope, y, 0, true);
    struct et_tensor *dx = et_sub(scope, x, mean_x), *dy = et_sub(scope, y, mean_y),
                     *gap = et_sub(scope, mean_x, mean_y);
    struct et_tensor *together = et_mul_scalar(scope, et_mean_dim(scope, et_mul(scope, dx, dy), 0, true), 2);
    struct et_tensor *apart = et_add(scope,
                                     et_add(scope, et_mean_dim(scope, et_mul(scope, dx, dx), 0, true),
                                            et_mean_dim(scope, et_mul(scope, dy, dy), 0, true)),
                                     et_mul(scope, gap, gap));
    struct et_tensor *ccc = et_div(scope, together, et_add_scalar(scope, apart, 1e-8));
    double labels = (double)loss->model->labels.count;

    return et_mul_scalar(scope,
                         et_add_scalar(scope, et_mul_scalar(scope, et_sum(scope, ccc), -1 / labels), 1),
                         (double)batch->count);
}

/* The first of a task is what train.loss=auto means there. */
static const struct loss_kind LOSSES[] = {
    {"cross_entropy", SINGLE_LABEL, cross_entropy},
    {"cross_entropy", MULTI_LABEL, binary_cross_entropy},
    {"focal", SINGLE_LABEL, focal},
    {"focal", MULTI_LABEL, binary_focal},
    {"kl", SINGLE_LABEL, divergence},
    {"mse", REGRESSION, squared_error},
    {"ccc", REGRESSION, concordance},
};

/* ---- choosing one ---- */

static const struct loss_kind *find_loss(const char *name, enum task task)
{
    for (size_t i = 0; i < sizeof LOSSES / sizeof LOSSES[0]; i++)
        if (LOSSES[i].task == task && (strcmp(name, "auto") == 0 || strcmp(name, LOSSES[i].name) == 0))
            return &LOSSES[i];
    return NULL;
}

/* Weights of scikit-learn's "balanced": clips / (labels * clips of the label); of several labels, clips
 * without it / clips with it, as PyTorch advises for pos_weight. */
static bool make_class_weights(struct loss *loss, const struct label_counts *counts, struct error *error)
{
    size_t labels = loss->model->labels.count;
    const int64_t shape[1] = {(int64_t)labels};
    bool several = loss->model->task == MULTI_LABEL;

    loss->class_weights = mem_zero(labels, sizeof *loss->class_weights);
    for (size_t k = 0; k < labels; k++) {
        float with = (float)counts->with[k], all = (float)counts->clips;
        if (with > 0)
            loss->class_weights[k] = several ? (all - with) / with : all / ((float)labels * with);
    }
    loss->weights =
        et_from_data(loss->scope, loss->class_weights, ET_FLOAT32, shape, 1, loss->model->parameters.device);
    return !et_scope_failed(loss->scope) || error_set(error, "cannot make class weights");
}

bool loss_is_default(const char *name, enum task task)
{
    return find_loss(name, task) == find_loss("auto", task);
}

bool loss_check(const struct train_settings *settings, enum task task, struct error *error)
{
    const struct loss_kind *kind = find_loss(settings->loss, task);

    if (!kind)
        return error_usage(error, "train.loss=%s: no loss for model.task=%s", settings->loss,
                           TASKS[task].name);
    if (strcmp(kind->name, "ccc") == 0 && settings->batch_size < 2 && settings->batch_seconds == 0)
        return error_usage(error,
                           "train.loss=ccc compares the clips of a batch: train.batch_size must be above 1");
    return !settings->class_weights || task != REGRESSION ||
           error_usage(error, "train.class_weights=yes: model.task=regression has no classes");
}

bool loss_start(struct loss *loss, const struct train_settings *settings, const struct model *model,
                const struct label_counts *counts, struct error *error)
{
    *loss = (struct loss){.kind = find_loss(settings->loss, model->task),
                          .model = model,
                          .smoothing = settings->label_smoothing,
                          .gamma = settings->focal_gamma,
                          .scope = et_scope_open(NULL)};
    if (!loss_check(settings, model->task, error))
        return false;
    return !settings->class_weights || make_class_weights(loss, counts, error);
}

void loss_end(struct loss *loss)
{
    if (loss->scope)
        et_scope_close(loss->scope, NULL);
    free(loss->class_weights);
}

double loss_weight(const struct loss *loss, int label, const double *shares)
{
    double sum = 0;

    if (!shares)
        return class_weight(loss, (size_t)label);
    for (size_t k = 0; k < loss->model->labels.count; k++)
        sum += shares[k] * class_weight(loss, k);
    return sum;
}

struct et_tensor *loss_sum(const struct loss *loss, struct et_scope *scope, const struct batch *batch,
                           const struct et_tensor *logits, double share)
{
    return loss->kind->sum(loss, scope, batch, logits, share);
}
