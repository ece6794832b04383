/*
 * Which transformer layers are pooled over time: the last, one of them, or all, weighted by a learned softmax
 * as SUPERB does (Yang et al., 2021).
 */
#ifndef EMOTRAIN_MODEL_HEAD_LAYER_MIX_H
#define EMOTRAIN_MODEL_HEAD_LAYER_MIX_H

#include "model/weights/parameters.h"

struct layer_mix {
    enum { LAYERS_LAST, LAYERS_ONE, LAYERS_WEIGHTED } kind;
    int64_t layers; /* of the transformer */
    int64_t index;  /* LAYERS_ONE: hidden state 0 (the transformer's input) to `layers` (its output) */
    size_t weights; /* LAYERS_WEIGHTED: index of the parameter layer_weights (layers + 1) */
};

/* `text`: last, weighted, or a number.  Declares layer_weights if it is needed. */
bool layer_mix_start(struct layer_mix *mix, const char *text, int64_t layers, struct parameters *parameters,
                     struct error *error);

/* How many layers must run. */
int64_t layer_mix_depth(const struct layer_mix *mix);

/* Adds hidden state `index`, weighted, to `sum` (NULL at first), which it replaces; -> the new sum, in
 * `scope`. Returns NULL where nothing is weighted. */
struct et_tensor *layer_mix_add(const struct layer_mix *mix, const struct parameters *parameters,
                                struct et_scope *scope, struct et_tensor *sum, struct et_tensor *hidden,
                                int64_t index);

#endif
