/*
 * Which transformer layers are pooled over time: the last, one of them, several side by side, or all,
 * weighted by a learned softmax as SUPERB does (Yang et al., 2021).
 */
#ifndef EMOTRAIN_MODEL_HEAD_LAYER_MIX_H
#define EMOTRAIN_MODEL_HEAD_LAYER_MIX_H

#include "model/weights/parameters.h"

enum { LAYERS_MOST = 64 }; /* side by side */

struct layer_mix {
    enum { LAYERS_LAST, LAYERS_ONE, LAYERS_SEVERAL, LAYERS_WEIGHTED } kind;
    int64_t layers; /* of the transformer */
    int64_t index;  /* the highest hidden state: 0 (the transformer's input) to `layers` (its output) */
    int64_t chosen[LAYERS_MOST], count; /* of all but LAYERS_WEIGHTED: those pooled, from low to high */
    size_t weights; /* LAYERS_WEIGHTED: index of the parameter layer_weights (layers + 1) */
};

/* Reads "2,3,4": layers from 0 to `highest`, from low to high, at least one; false for another text. */
bool layers_read(const char *text, int64_t highest, int64_t layers[LAYERS_MOST], int64_t *count);

/* `text`: last, weighted, a number, or numbers with commas, from low to high.  Declares layer_weights if it
 * is needed. */
bool layer_mix_start(struct layer_mix *mix, const char *text, int64_t layers, struct parameters *parameters,
                     struct error *error);

/* How many layers must run. */
int64_t layer_mix_depth(const struct layer_mix *mix);

/* Hidden states side by side: what is pooled is so many times as wide. */
int64_t layer_mix_count(const struct layer_mix *mix);

/* Whether hidden state `index` is one of those side by side. */
bool layer_mix_has(const struct layer_mix *mix, int64_t index);

/* Adds hidden state `index`, weighted, to `sum` (NULL at first), which it replaces, or puts it beside those
 * already there; -> the new sum, in `scope`.  Returns NULL where there is but one. */
struct et_tensor *layer_mix_add(const struct layer_mix *mix, const struct parameters *parameters,
                                struct et_scope *scope, struct et_tensor *sum, struct et_tensor *hidden,
                                int64_t index);

#endif
