/* Layers to pool: see layer_mix.h. */
#include "model/head/layer_mix.h"

#include "base/text.h"
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

bool layers_read(const char *text, int64_t highest, int64_t layers[LAYERS_MOST], int64_t *count)
{
    long long index;
    bool good = true;

    *count = 0;
    for (char *item; (item = list_next(&text, ',')); free(item)) {
        good = good && *count < LAYERS_MOST && text_to_integer(item, &index) && index >= 0 &&
               index <= highest && (*count == 0 || index > layers[*count - 1]);
        if (good)
            layers[(*count)++] = index;
    }
    return good && *count > 0;
}

bool layer_mix_start(struct layer_mix *mix, const char *text, int64_t layers, struct parameters *parameters,
                     struct error *error)
{
    const int64_t shape[4] = {layers + 1};

    *mix = (struct layer_mix){
        .kind = LAYERS_LAST, .layers = layers, .index = layers, .chosen = {layers}, .count = 1};
    if (strcmp(text, "weighted") == 0) {
        mix->kind = LAYERS_WEIGHTED;
        /* all alike: the softmax of zeros */
        mix->weights = parameters_add(parameters, false, INIT_ZEROS, 0, shape, "layer_weights");
    } else if (strcmp(text, "last") != 0) {
        if (!layers_read(text, layers, mix->chosen, &mix->count))
            return error_usage(error,
                               "model.layer must be last, weighted, a layer from 0 to %lld, or several like "
                               "2,3,4, not \"%s\"",
                               (long long)layers, text);
        mix->kind = mix->count > 1 ? LAYERS_SEVERAL : LAYERS_ONE;
        mix->index = mix->chosen[mix->count - 1];
    }
    return true;
}

int64_t layer_mix_depth(const struct layer_mix *mix)
{
    return mix->index;
}

int64_t layer_mix_count(const struct layer_mix *mix)
{
    return mix->kind == LAYERS_SEVERAL ? mix->count : 1;
}

bool layer_mix_has(const struct layer_mix *mix, int64_t index)
{
    for (int64_t i = 0; i < mix->count; i++)
        if (mix->chosen[i] == index)
            return true;
    return false;
}

/* `hidden` beside those there are, along their last axis. */
static struct et_tensor *put_beside(struct et_scope *scope, struct et_tensor *others,
                                    struct et_tensor *hidden)
{
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *const both[2] = {others, hidden};
    struct et_tensor *joined = others ? et_cat(s, both, 2, 2) : et_mul_scalar(s, hidden, 1); /* a copy */

    joined = et_keep(joined, scope);
    et_drop(others);
    et_scope_close(s, NULL);
    return joined;
}

struct et_tensor *layer_mix_add(const struct layer_mix *mix, const struct parameters *parameters,
                                struct et_scope *scope, struct et_tensor *sum, struct et_tensor *hidden,
                                int64_t index)
{
    if (mix->kind == LAYERS_SEVERAL)
        return layer_mix_has(mix, index) ? put_beside(scope, sum, hidden) : sum;
    if (mix->kind != LAYERS_WEIGHTED)
        return NULL;
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *shares = et_softmax(s, parameters_tensor(parameters, mix->weights), 0);
    struct et_tensor *part = et_mul(s, hidden, et_narrow(s, shares, 0, index, 1));
    part = et_keep(sum ? et_add(s, sum, part) : part, scope);
    et_drop(sum);
    et_scope_close(s, NULL);
    return part;
}
