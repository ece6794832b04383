#include "train/average.h"

#include <stdlib.h>

bool average_start(struct average *average, const struct model *model, double decay, struct error *error)
{
    const struct parameters *p = &model->parameters;

    *average = (struct average){.model = model, .decay = decay};
    if (decay == 0)
        return true;
    average->scope = et_scope_open(NULL);
    average->values = mem_zero(p->count, sizeof(struct et_tensor *));
    bool recording = et_grad_mode(false);
    for (size_t i = 0; i < p->count; i++)
        average->values[i] = et_clone(average->scope, p->items[i].tensor);
    et_grad_mode(recording);
    return !et_scope_failed(average->scope) || error_set(error, "no memory for the average of the weights");
}

void average_end(struct average *average)
{
    if (average->scope)
        et_scope_close(average->scope, NULL);
    free(average->values);
    *average = (struct average){0};
}

bool average_update(struct average *average, int64_t step, struct error *error)
{
    const struct parameters *p = &average->model->parameters;
    double early = (double)(1 + step) / (double)(10 + step),
           decay = early < average->decay ? early : average->decay;

    if (average->decay == 0)
        return true;
    struct et_scope *scope = et_scope_open(NULL);
    for (size_t i = 0; i < p->count; i++)
        et_lerp_(scope, average->values[i], p->items[i].tensor, 1 - decay);
    return et_scope_close(scope, error);
}

bool average_swap(struct average *average, struct error *error)
{
    const struct parameters *p = &average->model->parameters;

    if (average->decay == 0)
        return true;
    struct et_scope *scope = et_scope_open(NULL);
    for (size_t i = 0; i < p->count; i++)
        et_swap_(scope, average->values[i], p->items[i].tensor);
    return et_scope_close(scope, error);
}
