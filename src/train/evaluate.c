/* Predictions of a model for a dataset: see evaluate.h. */
#include "train/evaluate.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "train/loader.h"
#include "train/sampler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool explain_batch_memory(const struct model *model, const struct batch *batch, struct error *error)
{
    int64_t longest = 0;
    char smaller[64];

    if (error->kind != ERROR_MEMORY)
        return false;
    for (int64_t i = 0; batch->lengths && i < batch->count; i++)
        longest = batch->lengths[i] > longest ? batch->lengths[i] : longest;
    double seconds = model->sound.sample_rate > 0 ? (double)longest / (double)model->sound.sample_rate : 0;
    if (batch->count > 1)
        snprintf(smaller, sizeof smaller, "eval.batch_size=%lld", (long long)batch->count / 2);
    else
        snprintf(smaller, sizeof smaller, "audio.max_seconds=%.0f (longer clips are cut)",
                 seconds > 2 ? seconds / 2 : 1);
    *error = (struct error){0};
    return error_memory(error, "no memory for a batch of %lld clips of at most %.1f s: try %s",
                        (long long)batch->count, seconds, smaller);
}

/* The weighted mean of an ensemble's members' predictions. */
static bool predict_members(const struct model *model, const struct batch *batch,
                            const struct compute *compute, float *outputs, struct error *error)
{
    size_t count = (size_t)batch->count * model->labels.count;
    double *sum = mem_zero(count + 1, sizeof *sum);
    bool done = true;

    for (size_t k = 0; done && k < model->member_count; k++) {
        done = predict_batch(model->members[k], &batch->members[k], compute, outputs, error);
        for (size_t i = 0; done && i < count; i++)
            sum[i] += model->weights_of_members[k] * (double)outputs[i];
    }
    for (size_t i = 0; i < count; i++)
        outputs[i] = (float)sum[i];
    free(sum);
    return done;
}

bool predict_batch(const struct model *model, const struct batch *batch, const struct compute *compute,
                   float *outputs, struct error *error)
{
    const struct forward_mode mode = {.training = false};

    if (!batch->by_speaker && !model_stands_alone(model, error))
        return false;
    if (model->members)
        return predict_members(model, batch, compute, outputs, error);
    if (model->kind->predict)
        return model->kind->predict(model, batch, outputs, error);
    struct et_scope *scope = et_scope_open(NULL);
    et_inference_begin(compute->device, compute->precision);
    struct et_tensor *logits = model_forward(model, scope, batch, &mode);
    et_inference_end();
    et_read(scope, logits, outputs, batch->count * (int64_t)model->labels.count);
    bool done = et_scope_close(scope, error) || explain_batch_memory(model, batch, error);
    for (int64_t i = 0; done && model->trained && i < batch->count * (int64_t)model->labels.count; i++)
        done = isfinite(outputs[i]) ||
               error_set(
                   error,
                   "%s: what it makes of a clip is no number, or infinite: its weights are damaged, or the "
                   "clip's samples are far from full scale",
                   model->path);
    if (done)
        model_probabilities(model, outputs, batch->count);
    return done;
}

/* An evaluation under way: the clips from long to short, `size` at a time, of which this rank has its share.
 */
struct evaluation_run {
    const struct model *model;
    const struct dataset *dataset;
    const struct ranks *ranks;
    size_t *order, size;
    double *outputs; /* (clips, labels); zeros for those of other ranks */
};

/* The clips order[first] .. order[last - 1]. */
struct range {
    size_t first, last;
};

static struct range batch_range(const struct evaluation_run *run, int64_t index)
{
    size_t first = (size_t)index * run->size, clips = run->dataset->count;

    return (struct range){first, first + run->size < clips ? first + run->size : clips};
}

/* Another rank's batch is left empty. */
static bool make_batch(void *context, int64_t index, struct batch *batch, struct error *error)
{
    const struct evaluation_run *run = context;
    struct range range = batch_range(run, index);

    if (!ranks_deal(run->ranks, index)) {
        *batch = (struct batch){0};
        return true;
    }
    return dataset_batch(run->dataset, run->order + range.first, range.last - range.first, run->model, NULL,
                         0, batch, error);
}

static bool predict_one_batch(const struct evaluation_run *run, struct range range, struct loader *loader,
                              const struct compute *compute, float *rows, struct error *error)
{
    size_t labels = run->model->labels.count;
    struct batch batch;

    if (!loader_next(loader, &batch, error))
        return false;
    if (batch.count == 0)
        return true;
    bool done = predict_batch(run->model, &batch, compute, rows, error);
    for (size_t i = range.first; done && i < range.last; i++)
        for (size_t k = 0; k < labels; k++)
            run->outputs[run->order[i] * labels + k] = (double)rows[(i - range.first) * labels + k];
    batch_free(&batch);
    return done;
}

static bool predict_batches(const struct evaluation_run *run, const struct compute *compute, const char *what,
                            struct error *error)
{
    float *rows = mem_zero(run->size * run->model->labels.count, sizeof *rows);
    int64_t batches = (int64_t)((run->dataset->count + run->size - 1) / run->size);
    struct loader *loader = loader_start(make_batch, (void *)run, 0, batches);
    struct progress progress;
    bool done = true;

    progress_start(&progress, what, "clip", 0, run->dataset->count);
    for (int64_t b = 0; done && b < batches; b++) {
        struct range range = batch_range(run, b);
        done = predict_one_batch(run, range, loader, compute, rows, error);
        progress_update(&progress, range.last, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error,
                                     "interrupted while evaluating; a run that trains goes on with --resume");
    }
    progress_end(&progress);
    loader_stop(loader);
    free(rows);
    return done;
}

/* Every prediction is one rank's, and zero elsewhere: the sum is exact. */
static bool fill_predictions(const struct evaluation_run *run, struct prediction_list *predictions,
                             struct error *error)
{
    size_t labels = run->model->labels.count, clips = run->dataset->count;
    float *row = mem_zero(labels + 1, sizeof *row);
    bool done = ranks_allreduce(run->ranks, run->outputs, clips * labels, error);
    size_t broken = 0;

    for (size_t i = 0; done && i < clips; i++) {
        bool finite = true;
        for (size_t k = 0; k < labels; k++) {
            row[k] = (float)run->outputs[i * labels + k];
            finite = finite && isfinite(row[k]);
        }
        broken += !finite;
        prediction_fill(predictions, &predictions->items[i], row, run->model->thresholds);
    }
    if (broken && ranks_write(run->ranks)) /* of a trained model, an error before this */
        log_warn("the model's outputs for %zu of %zu clips are not finite: lower train.learning_rate", broken,
                 clips);
    free(row);
    return done;
}

/* Clips at once, at least one. */
static size_t batch_size(const struct dataset *dataset)
{
    int64_t wanted = dataset->source.settings->eval.batch_size;
    size_t most = dataset->count ? dataset->count : 1;

    return wanted > 0 && (size_t)wanted < most ? (size_t)wanted : most;
}

bool evaluate(const struct model *model, const struct dataset *dataset, const struct compute *compute,
              const char *what, struct prediction_list *predictions, struct error *error)
{
    struct evaluation_run run = {.model = model,
                                 .dataset = dataset,
                                 .ranks = compute->ranks,
                                 .order = mem_zero(dataset->count, sizeof *run.order),
                                 .size = batch_size(dataset),
                                 .outputs =
                                     mem_zero(dataset->count * model->labels.count + 1, sizeof(double))};

    for (size_t i = 0; i < dataset->count; i++) {
        const struct clip *clip = dataset->items[i].clip;
        prediction_set_facts(
            predictions,
            prediction_list_add(predictions, clip->path, dataset->items[i].label, dataset->items[i].targets),
            clip->speaker, clip->sex, clip->intensity, clip->text);
    }
    longest_first_order(dataset, run.order);
    predict_batches(&run, compute, what, error);
    bool done = ranks_agree(run.ranks, error) && fill_predictions(&run, predictions, error);
    free(run.order);
    free(run.outputs);
    return done;
}
