/* Losses and class weights: see loss.h. */
#include "train/loss.h"

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

/* ---- the losses ---- */

static struct et_tensor *cross_entropy(const struct loss *loss, struct et_scope *scope,
                                       const struct batch *batch, const struct et_tensor *logits,
                                       double share)
{
    const int64_t shape[1] = {batch->count};
    int device = loss->model->parameters.device;
    struct et_tensor *targets = et_from_data(scope, batch->labels, ET_INT64, shape, 1, device);
    struct et_tensor *sum = et_cross_entropy_sum(scope, logits, targets, loss->weights, loss->smoothing);

    if (share == 1)
        return sum;
    int64_t *others = mem_zero((size_t)batch->count, sizeof *others);
    for (int64_t i = 0; i < batch->count; i++)
        others[i] = batch->labels[augment_partner(i, batch->count)];
    targets = et_from_data(scope, others, ET_INT64, shape, 1, device);
    free(others);
    return et_add(scope, et_mul_scalar(scope, sum, share),
                  et_mul_scalar(scope,
                                et_cross_entropy_sum(scope, logits, targets, loss->weights, loss->smoothing),
                                1 - share));
}

/* Of each label by itself, averaged over labels. */
static struct et_tensor *binary_cross_entropy(const struct loss *loss, struct et_scope *scope,
                                              const struct batch *batch, const struct et_tensor *logits,
                                              double share)
{
    struct et_tensor *targets = targets_of(loss, scope, batch, share);

    targets = et_add_scalar(scope, et_mul_scalar(scope, targets, 1 - loss->smoothing), loss->smoothing / 2);
    return et_mul_scalar(scope, et_binary_cross_entropy_sum(scope, logits, targets),
                         1.0 / (double)loss->model->labels.count);
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

/* Weights of scikit-learn's "balanced": clips / (labels * clips of the label). */
static bool make_class_weights(struct loss *loss, const size_t *counts, struct error *error)
{
    size_t labels = loss->model->labels.count, clips = 0;
    const int64_t shape[1] = {(int64_t)labels};

    loss->class_weights = mem_zero(labels, sizeof *loss->class_weights);
    for (size_t k = 0; k < labels; k++)
        clips += counts[k];
    for (size_t k = 0; k < labels; k++)
        if (counts[k] > 0)
            loss->class_weights[k] = (float)clips / ((float)labels * (float)counts[k]);
    loss->weights =
        et_from_data(loss->scope, loss->class_weights, ET_FLOAT32, shape, 1, loss->model->parameters.device);
    return !et_scope_failed(loss->scope) || error_set(error, "cannot make class weights");
}

bool loss_start(struct loss *loss, const struct train_settings *settings, const struct model *model,
                const size_t *counts, struct error *error)
{
    const char *name = settings->loss;

    *loss = (struct loss){.kind = find_loss(name, model->task),
                          .model = model,
                          .smoothing = settings->label_smoothing,
                          .scope = et_scope_open(NULL)};
    if (!loss->kind)
        return error_usage(error, "train.loss=%s: no loss for model.task=%s", name, TASKS[model->task].name);
    if (strcmp(loss->kind->name, "ccc") == 0 && settings->batch_size < 2)
        return error_usage(error,
                           "train.loss=ccc compares the clips of a batch: train.batch_size must be above 1");
    if (!settings->class_weights)
        return true;
    if (!counts)
        return error_usage(error, "train.class_weights=yes is for model.task=single_label");
    return make_class_weights(loss, counts, error);
}

void loss_end(struct loss *loss)
{
    if (loss->scope)
        et_scope_close(loss->scope, NULL);
    free(loss->class_weights);
}

double loss_weight(const struct loss *loss, int label)
{
    return loss->class_weights ? (double)loss->class_weights[label] : 1;
}

struct et_tensor *loss_sum(const struct loss *loss, struct et_scope *scope, const struct batch *batch,
                           const struct et_tensor *logits, double share)
{
    return loss->kind->sum(loss, scope, batch, logits, share);
}
