/* Layers to pool: see layer_mix.h. */
#include "model/head/layer_mix.h"

#include "base/text.h"

#include <string.h>

bool layer_mix_start(struct layer_mix *mix, const char *text, int64_t layers, struct parameters *parameters,
                     struct error *error)
{
    const int64_t shape[4] = {layers + 1};
    long long index;

    *mix = (struct layer_mix){.kind = LAYERS_LAST, .layers = layers, .index = layers};
    if (strcmp(text, "weighted") == 0) {
        mix->kind = LAYERS_WEIGHTED;
        /* all alike: the softmax of zeros */
        mix->weights = parameters_add(parameters, false, INIT_ZEROS, 0, shape, "layer_weights");
    } else if (strcmp(text, "last") != 0) {
        if (!text_to_integer(text, &index) || index < 0 || index > layers)
            return error_usage(error,
                               "model.layer must be last, weighted or a layer from 0 to %lld, not \"%s\"",
                               (long long)layers, text);
        mix->kind = LAYERS_ONE;
        mix->index = index;
    }
    return true;
}

int64_t layer_mix_depth(const struct layer_mix *mix)
{
    return mix->index;
}

struct et_tensor *layer_mix_add(const struct layer_mix *mix, const struct parameters *parameters,
                                struct et_scope *scope, struct et_tensor *sum, struct et_tensor *hidden,
                                int64_t index)
{
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
