#include "train/evaluate.h"

#include "base/interrupt.h"
#include "base/log.h"

#include <math.h>
#include <stdlib.h>

static void softmax(float *row, size_t count)
{
    double largest = (double)row[0], sum = 0;

    for (size_t k = 1; k < count; k++)
        largest = (double)row[k] > largest ? (double)row[k] : largest;
    for (size_t k = 0; k < count; k++)
        sum += exp((double)row[k] - largest);
    for (size_t k = 0; k < count; k++)
        row[k] = (float)(exp((double)row[k] - largest) / sum);
}

bool answer(const struct model *model, const struct batch *batch, const struct compute *compute,
            float *probabilities, struct error *error)
{
    const struct forward_mode mode = {.training = false};
    size_t labels = model->labels.count;
    struct et_scope *scope = et_scope_open(NULL);
    bool recording = et_grad_mode(false);

    et_autocast_begin(compute->device, compute->precision);
    struct et_tensor *logits = model_forward(model, scope, batch, &mode);
    et_autocast_end();
    et_read(scope, logits, probabilities, batch->count * (int64_t)labels);
    et_grad_mode(recording);
    bool done = et_scope_close(scope, error);
    for (int64_t i = 0; done && i < batch->count; i++)
        softmax(probabilities + (size_t)i * labels, labels);
    return done;
}

void prediction_fill(struct prediction *prediction, const float *row, size_t labels)
{
    size_t best = 0;

    for (size_t k = 0; k < labels; k++) {
        prediction->probabilities[k] = (double)row[k];
        if (row[k] > row[best])
            best = k;
    }
    prediction->predicted = (int)best;
}

bool evaluate(const struct model *model, const struct dataset *dataset, const struct compute *compute,
              const char *what, struct prediction_list *predictions, struct error *error)
{
    size_t size = (size_t)config_integer(dataset->config, "eval.batch_size"), labels = model->labels.count;
    if (size > dataset->count)
        size = dataset->count;
    size_t *order = mem_zero(dataset->count, sizeof *order);
    float *rows = mem_zero(size * labels, sizeof *rows);
    struct progress progress;
    bool done = true;

    for (size_t i = 0; i < dataset->count; i++)
        prediction_list_add(predictions, dataset->items[i].path, dataset->items[i].label);
    dataset_longest_first(dataset, order);
    progress_start(&progress, what, "clip", 0, dataset->count);
    for (size_t first = 0; done && first < dataset->count; first += size) {
        size_t count = first + size < dataset->count ? size : dataset->count - first;
        struct batch batch = {0};
        done = dataset_batch(dataset, order + first, count, model, NULL, 0, &batch, error) &&
               answer(model, &batch, compute, rows, error);
        for (size_t i = 0; done && i < count; i++)
            prediction_fill(&predictions->items[order[first + i]], rows + i * labels, labels);
        batch_free(&batch);
        progress_update(&progress, first + count, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted while evaluating; a run goes on with --resume");
    }
    progress_end(&progress);
    free(order);
    free(rows);
    return done;
}
