#include "train/evaluate.h"

#include "base/interrupt.h"
#include "base/log.h"

#include <stdlib.h>

bool answer(const struct model *model, const struct batch *batch, const struct compute *compute,
            float *answers, struct error *error)
{
    const struct forward_mode mode = {.training = false};

    if (model->kind->answer)
        return model->kind->answer(model, batch, answers, error);
    struct et_scope *scope = et_scope_open(NULL);
    bool recording = et_grad_mode(false);
    et_autocast_begin(compute->device, compute->precision);
    struct et_tensor *outputs = model_forward(model, scope, batch, &mode);
    et_autocast_end();
    et_read(scope, outputs, answers, batch->count * (int64_t)model->labels.count);
    et_grad_mode(recording);
    bool done = et_scope_close(scope, error);
    if (done)
        model_answers(model, answers, batch->count);
    return done;
}

void prediction_fill(struct prediction *prediction, const float *row, const struct model *model)
{
    size_t best = 0;

    for (size_t k = 0; k < model->labels.count; k++) {
        prediction->probabilities[k] = (double)row[k];
        if (row[k] > row[best])
            best = k;
    }
    prediction->predicted = (int)best;
    predictions_decide(prediction, 1, model);
}

void predictions_decide(struct prediction *predictions, size_t count, const struct model *model)
{
    for (size_t i = 0; model->problem == MULTI_LABEL && i < count; i++)
        for (size_t k = 0; k < model->labels.count; k++)
            predictions[i].decisions[k] = predictions[i].probabilities[k] > model->thresholds[k];
}

bool evaluate(const struct model *model, const struct dataset *dataset, const struct compute *compute,
              const char *what, struct prediction_list *predictions, struct error *error)
{
    size_t size = (size_t)config_integer(dataset->source.config, "eval.batch_size"),
           labels = model->labels.count;
    if (size > dataset->count)
        size = dataset->count;
    size_t *order = mem_zero(dataset->count, sizeof *order);
    float *rows = mem_zero(size * labels, sizeof *rows);
    struct progress progress;
    bool done = true;

    for (size_t i = 0; i < dataset->count; i++)
        prediction_list_add(predictions, dataset->items[i].clip->path, dataset->items[i].label,
                            dataset->items[i].targets);
    dataset_longest_first(dataset, order);
    progress_start(&progress, what, "clip", 0, dataset->count);
    for (size_t first = 0; done && first < dataset->count; first += size) {
        size_t count = first + size < dataset->count ? size : dataset->count - first;
        struct batch batch = {0};
        done = dataset_batch(dataset, order + first, count, model, NULL, 0, &batch, error) &&
               answer(model, &batch, compute, rows, error);
        for (size_t i = 0; done && i < count; i++)
            prediction_fill(&predictions->items[order[first + i]], rows + i * labels, model);
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
