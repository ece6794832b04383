/* Batches of made-up clips for tests of models. */
#ifndef EMOTRAIN_TESTS_BATCHES_H
#define EMOTRAIN_TESTS_BATCHES_H

#include "base/random.h"
#include "model/model.h"

#include <stdlib.h>

/* Random clips of the given lengths; what stands after a clip's end is `padding`. */
static inline struct batch make_batch(const int64_t *lengths, int64_t count, int64_t width, float padding)
{
    struct batch batch = {.count = count, .width = width};
    struct random_stream stream = random_stream(1, RANDOM_ORDER, 0);

    batch.samples = mem_zero((size_t)(count * width), sizeof(float));
    batch.lengths = mem_zero((size_t)count, sizeof(int64_t));
    batch.labels = mem_zero((size_t)count, sizeof(int64_t));
    for (int64_t b = 0; b < count; b++) {
        batch.lengths[b] = lengths[b];
        for (int64_t t = 0; t < width; t++) /* clip b is the same whatever the width */
            batch.samples[b * width + t] =
                t < lengths[b] ? (float)(2 * random_uniform(&stream) - 1) : padding;
    }
    return batch;
}

static inline void free_batch(struct batch *batch)
{
    free(batch->samples);
    free(batch->lengths);
    free(batch->labels);
}

#endif
