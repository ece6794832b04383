/* A second task in training: see auxiliary.h. */
#include "train/auxiliary.h"

#include "base/log.h"
#include "corpus/clip_field.h"
#include "train/loss.h"

#include <string.h>

enum { CLASS_UNKNOWN = -100 }; /* what PyTorch's cross-entropy leaves out */

bool auxiliary_start(struct dataset *train, struct error *error)
{
    const char *task = train->source.settings->train.auxiliary_task;
    size_t known = 0;

    if (strcmp(task, "none") == 0)
        return true;
    const struct clip_field *field = clip_field_find(task);
    for (size_t i = 0; i < train->count; i++) {
        const char *value = clip_field_of(train->items[i].clip, field);
        if (value)
            strings_add(&train->auxiliary, value);
    }
    strings_sort_distinct(&train->auxiliary);
    for (size_t i = 0; i < train->count; i++) {
        const char *value = clip_field_of(train->items[i].clip, field);
        train->items[i].auxiliary = value ? strings_find(&train->auxiliary, value) : CLASS_UNKNOWN;
        known += value != NULL;
    }
    if (train->auxiliary.count < 2)
        return error_usage(
            error,
            "train.auxiliary_task=%s: a task needs two different values of it, and the training "
            "part's clips have %zu",
            task, train->auxiliary.count);
    log_info("auxiliary task: %s, %zu classes, known of %zu of %zu clips", task, train->auxiliary.count,
             known, train->count);
    return true;
}

struct et_tensor *auxiliary_loss_sum(const struct train_settings *settings, const struct model *model,
                                     struct et_scope *scope, const struct batch *batch,
                                     const struct et_tensor *pooled, double share)
{
    const struct parameters *p = &model->parameters;
    struct et_tensor *x = et_to_dtype(scope, pooled, ET_FLOAT32);
    size_t mean, deviation;

    if (model->kind->scale && model->kind->scale(model, &mean, &deviation))
        x = et_div(scope, et_sub(scope, x, parameters_tensor(p, mean)), parameters_tensor(p, deviation));
    struct et_tensor *logits = et_linear(scope, x, parameters_tensor(p, model->auxiliary_weight),
                                         parameters_tensor(p, model->auxiliary_bias));
    struct et_tensor *sum = mixed_cross_entropy_sum(
        scope, logits, batch->auxiliary,
        &(struct mixed_classes){.count = batch->count, .share = share, .device = p->device});
    return et_mul_scalar(scope, sum, settings->auxiliary_weight);
}
