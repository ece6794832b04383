/* Measuring the scale of pooled vectors: see head_scale.h. */
#include "train/head_scale.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "train/loader.h"
#include "train/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of a measurement: batches of clips from long to short, and their vectors. */
struct measurement {
    const struct model *model;
    const struct dataset *train;
    size_t *order, size, width;
    double *sums, *squares; /* (width) */
    float *rows;            /* (size, width) of the batch under way */
    bool failed;
};

static const double LEAST_DEVIATION = 1e-6;

static bool make_batch(void *context, int64_t index, struct batch *batch, struct error *error)
{
    const struct measurement *m = context;
    size_t first = (size_t)index * m->size, left = m->train->count - first;

    return dataset_batch(m->train, m->order + first, left < m->size ? left : m->size, m->model, NULL, 0,
                         batch, error);
}

static void observe(void *context, const char *name, const struct et_tensor *tensor)
{
    struct measurement *m = context;

    if (strcmp(name, "pooled") != 0)
        return;
    struct et_scope *scope = et_scope_open(NULL);
    et_read(scope, tensor, m->rows, et_numel(tensor));
    m->failed = !et_scope_close(scope, &(struct error){0}) || m->failed;
}

static bool take_batch(struct measurement *m, const struct batch *batch, const struct compute *compute,
                       struct error *error)
{
    const struct forward_mode mode = {.observe = observe, .context = m};
    struct et_scope *scope = et_scope_open(NULL);

    et_inference_begin(compute->device, compute->precision);
    model_forward(m->model, scope, batch, &mode);
    et_inference_end();
    bool done = et_scope_close(scope, error);
    for (int64_t i = 0; done && i < batch->count; i++)
        for (size_t k = 0; k < m->width; k++) {
            double value = (double)m->rows[(size_t)i * m->width + k];
            m->sums[k] += value;
            m->squares[k] += value * value;
        }
    return done && (!m->failed || error_set(error, "the pooled vectors cannot be read"));
}

static bool take_all(struct measurement *m, const struct compute *compute, struct error *error)
{
    int64_t batches = (int64_t)((m->train->count + m->size - 1) / m->size);
    struct loader *loader = loader_start(make_batch, m, 0, batches);
    struct progress progress;
    struct batch batch;
    bool done = true;

    progress_start(&progress, "measure", "clip", 0, m->train->count);
    for (int64_t b = 0; done && b < batches; b++) {
        done = loader_next(loader, &batch, error);
        if (!done)
            break;
        done = take_batch(m, &batch, compute, error);
        batch_free(&batch);
        progress_update(&progress, m->train->count * (size_t)(b + 1) / (size_t)batches, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted while measuring; a run goes on with --resume");
    }
    progress_end(&progress);
    loader_stop(loader);
    return done;
}

/* Means and deviations into the model's parameters. */
static bool fill_scale(const struct measurement *m, struct parameter *mean, struct parameter *deviation,
                       struct error *error)
{
    float *means = mem_zero(m->width, sizeof *means), *deviations = mem_zero(m->width, sizeof *deviations);
    struct et_scope *scope = et_scope_open(NULL);
    double count = (double)m->train->count;

    for (size_t k = 0; k < m->width; k++) {
        double average = m->sums[k] / count, variance = m->squares[k] / count - average * average;
        means[k] = (float)average;
        deviations[k] = (float)(variance > 0 ? fmax(sqrt(variance), LEAST_DEVIATION) : 1);
    }
    et_copy_data_(scope, mean->tensor, means, ET_FLOAT32);
    et_copy_data_(scope, deviation->tensor, deviations, ET_FLOAT32);
    mean->loaded = deviation->loaded = true;
    free(means);
    free(deviations);
    return et_scope_close(scope, error);
}

bool measure_head_scale(struct model *model, const struct dataset *train, const struct compute *compute,
                        struct error *error)
{
    size_t mean, deviation;

    if (!model->kind->scale || !model->kind->scale(model, &mean, &deviation) ||
        model->parameters.items[mean].loaded)
        return true;
    int64_t wanted = train->source.settings->eval.batch_size;
    struct measurement m = {
        .model = model, .train = train, .width = (size_t)model->parameters.items[mean].shape[0]};
    m.size = wanted > 0 && (size_t)wanted < train->count ? (size_t)wanted : train->count;
    m.order = mem_zero(train->count, sizeof *m.order);
    m.sums = mem_zero(m.width, sizeof *m.sums);
    m.squares = mem_zero(m.width, sizeof *m.squares);
    m.rows = mem_zero(m.size * m.width, sizeof *m.rows);
    longest_first_order(train, m.order);
    bool done = take_all(&m, compute, error) &&
                fill_scale(&m, &model->parameters.items[mean], &model->parameters.items[deviation], error);
    free(m.order);
    free(m.sums);
    free(m.squares);
    free(m.rows);
    return done;
}
