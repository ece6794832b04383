/*
 * Merge strategies: from one vector per frame to one per clip.  A strategy is a constant struct in POOLINGS.
 */
#ifndef EMOTRAIN_MODEL_POOLING_H
#define EMOTRAIN_MODEL_POOLING_H

#include "torch/torch.h"

struct pooling {
    const char *name, *summary;

    /* hidden (clips, frames, width); padding (clips, frames, 1) ET_BOOL, true where a frame is padding, or
     * NULL to merge over every frame; frames (clips, 1) float32, each clip's own frames, with padding.
     * -> (clips, width) */
    struct et_tensor *(*apply)(struct et_scope *scope, struct et_tensor *hidden, struct et_tensor *padding,
                               struct et_tensor *frames);
};

const struct pooling *pooling_find(const char *name, struct error *error);

#endif
