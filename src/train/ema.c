/* The moving average of the weights: see ema.h. */
#include "train/ema.h"

#include <stdlib.h>

bool ema_start(struct ema *ema, const struct model *model, double decay, struct error *error)
{
    const struct parameters *p = &model->parameters;

    *ema = (struct ema){.model = model, .decay = decay};
    if (decay == 0)
        return true;
    ema->scope = et_scope_open(NULL);
    ema->values = mem_zero(p->count, sizeof(struct et_tensor *));
    bool recording = et_grad_mode(false);
    for (size_t i = 0; i < p->count; i++)
        ema->values[i] = et_clone(ema->scope, p->items[i].tensor);
    et_grad_mode(recording);
    return !et_scope_failed(ema->scope) || error_set(error, "no memory for the average of the weights");
}

void ema_end(struct ema *ema)
{
    if (ema->scope)
        et_scope_close(ema->scope, NULL);
    free(ema->values);
    *ema = (struct ema){0};
}

bool ema_update(struct ema *ema, int64_t step, struct error *error)
{
    const struct parameters *p = &ema->model->parameters;
    double early = (double)(1 + step) / (double)(10 + step), decay = early < ema->decay ? early : ema->decay;

    if (ema->decay == 0)
        return true;
    struct et_scope *scope = et_scope_open(NULL);
    for (size_t i = 0; i < p->count; i++)
        et_lerp_(scope, ema->values[i], p->items[i].tensor, 1 - decay);
    return et_scope_close(scope, error);
}

bool ema_swap(struct ema *ema, struct error *error)
{
    const struct parameters *p = &ema->model->parameters;

    if (ema->decay == 0)
        return true;
    struct et_scope *scope = et_scope_open(NULL);
    for (size_t i = 0; i < p->count; i++)
        et_swap_(scope, ema->values[i], p->items[i].tensor);
    return et_scope_close(scope, error);
}
