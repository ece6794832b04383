/*
 * Merge strategies: from one vector per frame to one per clip.
 *
 * A pooling is a constant struct listed in POOLINGS (pooling.c).  Padding is left out of every pooling unless
 * the model pools over it on purpose.
 */
#ifndef EMOTRAIN_MODEL_HEAD_POOLING_H
#define EMOTRAIN_MODEL_HEAD_POOLING_H

#include "model/onnx/onnx.h"
#include "model/weights/parameters.h"

enum { POOLING_ATTENTION_WIDTH = 128 }; /* unless a published model says otherwise */

struct pooling_input {
    struct et_tensor *hidden;  /* (clips, frames, width) float32 */
    struct et_tensor *padding; /* (clips, frames, 1) ET_BOOL, true where a frame is padding; NULL: none is */
    struct et_tensor *counts;  /* (clips, 1) float32: each clip's frames */
    const int64_t *lengths;    /* (clips): the same, on the host */
    const struct parameters *parameters;
    size_t first; /* index of the first parameter that `declare` declared */
};

struct pooling {
    const char *name, *summary;
    int64_t outputs; /* values it makes of each of the hidden state's: 1, or 2 for mean and deviation */

    /* Declares what it learns, as pooling.*; NULL: nothing.  attention_width: of the layer that scores
     * frames; `range`: standard deviation of weights. */
    void (*declare)(struct parameters *parameters, int64_t width, int64_t attention_width, double range);

    /* -> (clips, outputs * width) */
    struct et_tensor *(*apply)(struct et_scope *scope, const struct pooling_input *input);

    /* The same as a graph, of clips without padding: hidden (clips, frames, width). */
    const char *(*build_onnx)(struct onnx *graph, const char *hidden, const struct parameters *parameters,
                              size_t first);
};

const struct pooling *pooling_find(const char *name, struct error *error);

extern const struct pooling POOLING_STATISTICS, POOLING_ATTENTION, POOLING_ATTENTIVE_STATISTICS;

#endif
