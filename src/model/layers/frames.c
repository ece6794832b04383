/* Frames of clips: which are padding, and pooling them: see frames.h. */
#include "model/layers/frames.h"

#include <stdlib.h>

struct et_tensor *frames_padding(struct et_scope *scope, const int64_t *lengths, int64_t clips,
                                 int64_t frames, int device)
{
    const int64_t shape[2] = {clips, frames};
    bool *mask = mem_zero((size_t)(clips * frames), sizeof *mask), any = false;

    for (int64_t b = 0; b < clips; b++) {
        for (int64_t t = lengths[b]; t < frames; t++)
            mask[b * frames + t] = any = true;
    }
    struct et_tensor *result = any ? et_from_data(scope, mask, ET_BOOL, shape, 2, device) : NULL;
    free(mask);
    return result;
}

struct et_tensor *frames_pool(const struct model *model, const struct pooling *pooling,
                              struct et_scope *scope, struct et_tensor *hidden, struct et_tensor *padding,
                              const int64_t *lengths, size_t first)
{
    bool all = model->pooling_includes_padding;
    int64_t clips = et_size(hidden, 0), frames = et_size(hidden, 1);
    const int64_t shape[2] = {clips, 1};
    float *counts = mem_zero((size_t)clips, sizeof *counts);
    int64_t *pooled = et_scope_memory(scope, (size_t)clips * sizeof *pooled);

    for (int64_t b = 0; b < clips; b++) {
        pooled[b] = all ? frames : lengths[b];
        counts[b] = (float)pooled[b];
    }
    struct pooling_input input = {
        .hidden = hidden,
        .padding = all ? NULL : padding,
        .counts = et_from_data(scope, counts, ET_FLOAT32, shape, 2, model->parameters.device),
        .lengths = pooled,
        .parameters = &model->parameters,
        .first = first};
    free(counts);
    /* cppcheck-suppress returnDanglingLifetime ; what comes back is a tensor */
    return pooling->apply(scope, &input);
}
