#include "train/evaluate.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "train/loader.h"
#include "train/order.h"

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

/* An evaluation under way: the clips from long to short, `size` at a time. */
struct evaluation_run {
    const struct model *model;
    const struct dataset *dataset;
    size_t *order, size;
};

static size_t batch_count(const struct evaluation_run *run, size_t first)
{
    return first + run->size < run->dataset->count ? run->size : run->dataset->count - first;
}

static bool make_batch(void *context, int64_t index, struct batch *batch, struct error *error)
{
    const struct evaluation_run *run = context;
    size_t first = (size_t)index * run->size;

    return dataset_batch(run->dataset, run->order + first, batch_count(run, first), run->model, NULL, 0,
                         batch, error);
}

static bool evaluate_batches(const struct evaluation_run *run, const struct compute *compute,
                             const char *what, struct prediction *items, struct error *error)
{
    size_t labels = run->model->labels.count, clips = run->dataset->count;
    float *rows = mem_zero(run->size * labels, sizeof *rows);
    int64_t batches = clips ? (int64_t)((clips + run->size - 1) / run->size) : 0;
    struct loader *loader = loader_start(make_batch, (void *)run, 0, batches);
    struct progress progress;
    bool done = true;

    progress_start(&progress, what, "clip", 0, clips);
    for (size_t first = 0; done && first < clips; first += run->size) {
        size_t count = batch_count(run, first);
        struct batch batch;
        done = loader_next(loader, &batch, error) && answer(run->model, &batch, compute, rows, error);
        for (size_t i = 0; done && i < count; i++)
            prediction_fill(&items[run->order[first + i]], rows + i * labels, run->model);
        batch_free(&batch);
        progress_update(&progress, first + count, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted while evaluating; a run goes on with --resume");
    }
    progress_end(&progress);
    loader_stop(loader);
    free(rows);
    return done;
}

bool evaluate(const struct model *model, const struct dataset *dataset, const struct compute *compute,
              const char *what, struct prediction_list *predictions, struct error *error)
{
    struct evaluation_run run = {model, dataset, mem_zero(dataset->count, sizeof *run.order),
                                 (size_t)config_integer(dataset->source.config, "eval.batch_size")};

    if (run.size > dataset->count && dataset->count)
        run.size = dataset->count;
    for (size_t i = 0; i < dataset->count; i++)
        prediction_list_add(predictions, dataset->items[i].clip->path, dataset->items[i].label,
                            dataset->items[i].targets);
    order_longest_first(dataset, run.order);
    bool done = evaluate_batches(&run, compute, what, predictions->items, error);
    free(run.order);
    return done;
}
