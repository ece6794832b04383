/* Batches of made-up clips for tests of models. */
#ifndef EMOTRAIN_TESTS_BATCHES_H
#define EMOTRAIN_TESTS_BATCHES_H

#include "base/random.h"
#include "model/model.h"

#include <stdlib.h>

#include "unit.h"

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

/* What the model makes of a batch: logits (clips, labels). */
static inline void batch_outputs(const struct model *model, const struct batch *batch, bool training,
                                 float *logits)
{
    const struct forward_mode mode = {.training = training, .seed = 9};
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    bool recording = et_grad_mode(training);

    et_read(scope, model_forward(model, scope, batch, &mode), logits,
            batch->count * (int64_t)model->labels.count);
    et_grad_mode(recording);
    assert_good(et_scope_close(scope, &error), error);
}

/* Each clip of a batch, alone and without its padding, gets the prediction that it gets in the batch. */
static inline void check_padding_changes_nothing(const struct model *model, const struct batch *together)
{
    size_t labels = model->labels.count;
    float *all = mem_zero((size_t)together->count * labels, sizeof *all),
          *alone = mem_zero(labels, sizeof *alone);

    batch_outputs(model, together, false, all);
    for (int64_t b = 0; b < together->count; b++) {
        struct batch one = {.count = 1,
                            .width = together->lengths[b],
                            .samples = together->samples + b * together->width,
                            .lengths = together->lengths + b,
                            .labels = together->labels};
        batch_outputs(model, &one, false, alone);
        for (size_t k = 0; k < labels; k++)
            assert_float_equal(alone[k], all[(size_t)b * labels + k], 1e-5f);
    }
    free(all);
    free(alone);
}

#endif
