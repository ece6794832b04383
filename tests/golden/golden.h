/* What the programs that compare with golden numbers share: files of numbers, the device, AdamW. */
#ifndef EMOTRAIN_TESTS_GOLDEN_H
#define EMOTRAIN_TESTS_GOLDEN_H

#include "base/memory.h"
#include "model/model.h"
#include "model/weights/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void die(const struct error *error)
{
    fprintf(stderr, "parity: %s\n", error->message);
    exit(2);
}

static struct weights *open_file(const char *folder, const char *name)
{
    struct weights *weights = mem_zero(1, sizeof *weights);
    struct error error = {0};
    char *path = path_join(folder, name);

    if (!safetensors_open(weights, path, &error))
        die(&error);
    free(path);
    return weights;
}

/* An entry's data; it must be there. */
static const void *data_of(const struct weights *weights, const char *name, int64_t *elements)
{
    size_t i = weights_index(weights, name);
    struct error error = {0};

    if (i == weights->count) {
        error_set(&error, "no \"%s\"", name);
        die(&error);
    }
    if (elements)
        *elements = weight_elements(weights->entries[i].shape, weights->entries[i].dims);
    return weights->entries[i].data;
}

/* The processor, or EMOTRAIN_TEST_DEVICE: cuda, or cuda:N. */
static int device(void)
{
    const char *card = getenv("EMOTRAIN_TEST_DEVICE");

    if (!card || strcmp(card, "cpu") == 0)
        return ET_CPU;
    return strncmp(card, "cuda:", 5) == 0 ? atoi(card + 5) : 0;
}

/* The loss before each of so many steps of AdamW, learning rate falling linearly from 1e-3, gradients clipped
 * to 1; `backward` makes the gradients and returns the loss. */
static void adamw_losses(const struct model *model, float (*backward)(void *context), void *context,
                         int64_t steps, float *losses)
{
    struct et_tensor **tensors = mem_zero(model->parameters.count, sizeof(struct et_tensor *));
    size_t count = 0;
    struct error error = {0};

    for (size_t i = 0; i < model->parameters.count; i++)
        if (model->parameters.items[i].trainable)
            tensors[count++] = model->parameters.items[i].tensor;
    struct et_adamw *optimizer =
        et_adamw_new(tensors, count, (struct et_adamw_settings){0.9, 0.999, 1e-8, 0, false}, &error);
    for (int64_t step = 0; step < steps && !error.kind; step++) {
        et_clear_grads(tensors, count);
        losses[step] = backward(context);
        struct et_scope *scope = et_scope_open(NULL);
        double norm = et_grad_norm(scope, tensors, count);
        et_scope_close(scope, &error);
        et_adamw_step(optimizer, 1e-3 * (double)(steps - step) / (double)steps,
                      norm > 1 ? 1 / (norm + 1e-6) : 1, &error);
    }
    if (error.kind)
        die(&error);
    et_adamw_free(optimizer);
    free(tensors);
}

/* The batch of a file: samples by that name, lengths, labels; caller frees with free_golden_batch. */
static struct batch load_golden_batch(const struct weights *file, const char *samples_name)
{
    int64_t count, elements;
    const void *samples = data_of(file, samples_name, &elements), *lengths = data_of(file, "lengths", &count);
    struct batch batch = {.count = count, .width = elements / count};

    batch.samples = mem_alloc((size_t)elements * sizeof(float));
    batch.lengths = mem_alloc((size_t)count * sizeof(int64_t));
    batch.labels = mem_alloc((size_t)count * sizeof(int64_t));
    memcpy(batch.samples, samples, (size_t)elements * sizeof(float));
    memcpy(batch.lengths, lengths, (size_t)count * sizeof(int64_t));
    memcpy(batch.labels, data_of(file, "labels", NULL), (size_t)count * sizeof(int64_t));
    return batch;
}

static void free_golden_batch(struct batch *batch)
{
    free(batch->samples);
    free(batch->lengths);
    free(batch->labels);
}

#endif
