/* Features by speaker: see speaker_scale.h. */
#include "train/speaker_scale.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "train/loader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 }; /* clips loaded at a time, where each has one row */

static const double LEAST_DEVIATION = 1e-6; /* as a share of the mean; below, a feature is constant */

/* Mean and sum of squares of the differences from it, as Welford's method keeps them (1962). */
struct speaker_sums {
    double *means, *squares; /* (width) */
    size_t rows;
};

struct speaker_scale {
    struct strings speakers;
    size_t width, capacity;
    struct speaker_sums *sums; /* (speakers) */
};

static struct speaker_sums *find_sums(struct speaker_scale *scale, const char *speaker)
{
    strings_add_new(&scale->speakers, speaker);
    size_t i = (size_t)strings_index(&scale->speakers, speaker), before = scale->capacity;

    scale->sums = mem_grow(scale->sums, &scale->capacity, scale->speakers.count, sizeof *scale->sums);
    if (scale->capacity > before)
        memset(scale->sums + before, 0, (scale->capacity - before) * sizeof *scale->sums);
    struct speaker_sums *s = &scale->sums[i];
    if (!s->means) {
        s->means = mem_zero(scale->width, sizeof *s->means);
        s->squares = mem_zero(scale->width, sizeof *s->squares);
    }
    return s;
}

static void add_row(const struct speaker_scale *scale, struct speaker_sums *s, const float *row)
{
    s->rows++;
    for (size_t k = 0; k < scale->width; k++) {
        double off = (double)row[k] - s->means[k];
        s->means[k] += off / (double)s->rows;
        s->squares[k] += off * ((double)row[k] - s->means[k]);
    }
}

/* ---- measuring ---- */

/* Of a measurement: chunks of each dataset, one after the other. */
struct measurement {
    struct dataset *const *datasets;
    size_t dataset_count, chunk;
    const struct model *model;
    const struct compute *compute;
};

/* The clips of a chunk. */
struct chunk {
    const struct dataset *dataset; /* NULL: there are no more chunks */
    size_t first, count;
};

static struct chunk find_chunk(const struct measurement *m, int64_t index)
{
    size_t before = (size_t)index;

    for (size_t d = 0; d < m->dataset_count; d++) {
        size_t clips = m->datasets[d]->count, chunks = (clips + m->chunk - 1) / m->chunk;
        if (before < chunks) {
            size_t first = before * m->chunk, left = clips - first;
            return (struct chunk){m->datasets[d], first, left < m->chunk ? left : m->chunk};
        }
        before -= chunks;
    }
    return (struct chunk){0};
}

static bool make_chunk(void *context, int64_t index, struct batch *batch, struct error *error)
{
    const struct measurement *m = context;
    struct chunk chunk = find_chunk(m, index);
    size_t items[CHUNK];

    for (size_t i = 0; i < chunk.count; i++) {
        const struct clip *clip = chunk.dataset->items[chunk.first + i].clip;
        items[i] = chunk.first + i;
        if (!clip->speaker)
            return error_set(error, "%s has no speaker, by which the model's input is standardised",
                             clip->path);
    }
    return dataset_batch(chunk.dataset, items, chunk.count, m->model, NULL, 0, batch, error);
}

/* The frames of one clip. */
static bool add_frames(struct speaker_scale *scale, const struct measurement *m, const struct batch *batch,
                       const char *speaker, struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);

    et_inference_begin(m->compute->device, m->compute->precision);
    struct et_tensor *frames = m->model->kind->speaker_frames(m->model, scope, batch);
    et_inference_end();
    size_t rows = (size_t)et_size(frames, 0);
    scale->width = (size_t)et_size(frames, 1);
    float *values = mem_zero(rows * scale->width + 1, sizeof *values);
    et_read(scope, frames, values, (int64_t)(rows * scale->width));
    bool done = et_scope_close(scope, error);
    struct speaker_sums *sums = find_sums(scale, speaker);
    for (size_t i = 0; done && i < rows; i++)
        add_row(scale, sums, values + i * scale->width);
    free(values);
    return done;
}

static bool add_chunk(struct speaker_scale *scale, const struct measurement *m, const struct chunk *chunk,
                      const struct batch *batch, struct error *error)
{
    if (m->model->kind->speaker_frames)
        return add_frames(scale, m, batch, chunk->dataset->items[chunk->first].clip->speaker, error);
    const float *features = batch_features(batch, m->model, &scale->width);
    for (size_t i = 0; i < chunk->count; i++)
        add_row(scale, find_sums(scale, chunk->dataset->items[chunk->first + i].clip->speaker),
                features + i * scale->width);
    return true;
}

static bool add_all(struct speaker_scale *scale, struct measurement *m, struct error *error)
{
    struct progress progress;
    size_t clips = 0, seen = 0;
    int64_t chunks = 0;
    bool done = true;

    while (find_chunk(m, chunks).dataset)
        clips += find_chunk(m, chunks++).count;
    progress_start(&progress, "speakers", "clip", 0, clips);
    struct loader *loader = loader_start(make_chunk, m, 0, chunks);
    for (int64_t i = 0; done && i < chunks; i++) {
        struct chunk chunk = find_chunk(m, i);
        struct batch batch;
        if (!(done = loader_next(loader, &batch, error)))
            break;
        done = add_chunk(scale, m, &chunk, &batch, error);
        batch_free(&batch);
        progress_update(&progress, seen += chunk.count, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted while measuring speakers, which begins again");
    }
    progress_end(&progress);
    loader_stop(loader);
    return done;
}

struct speaker_scale *speaker_scale_make(struct dataset *const *datasets, size_t count,
                                         const struct model *model, const struct compute *compute,
                                         struct error *error)
{
    struct speaker_scale *scale = mem_zero(1, sizeof *scale);
    struct measurement m = {.datasets = datasets,
                            .dataset_count = count,
                            .chunk = model->kind->speaker_frames ? 1 : CHUNK,
                            .model = model,
                            .compute = compute};

    if (add_all(scale, &m, error))
        return scale;
    speaker_scale_free(scale);
    return NULL;
}

void speaker_scale_free(struct speaker_scale *scale)
{
    if (!scale)
        return;
    for (size_t i = 0; i < scale->speakers.count; i++) {
        free(scale->sums[i].means);
        free(scale->sums[i].squares);
    }
    free(scale->sums);
    strings_free(&scale->speakers);
    free(scale);
}

/* ---- scaling ---- */

bool speaker_scale_applies(const struct model *model)
{
    return model->by_speaker && (model->kind->speaker_frames || model->kind->input == INPUT_FEATURES);
}

static const struct speaker_sums *sums_of(const struct speaker_scale *scale, const char *speaker)
{
    return &scale->sums[strings_index(&scale->speakers, speaker)];
}

static double deviation_of(const struct speaker_sums *s, size_t k)
{
    double deviation = sqrt(s->squares[k] / (double)s->rows);

    return deviation > LEAST_DEVIATION * fabs(s->means[k]) ? deviation : 1;
}

size_t speaker_scale_width(const struct speaker_scale *scale)
{
    return scale->width;
}

void speaker_scale_apply(const struct speaker_scale *scale, const char *speaker, float *features)
{
    const struct speaker_sums *s = sums_of(scale, speaker);

    for (size_t k = 0; k < scale->width; k++)
        features[k] = (float)(((double)features[k] - s->means[k]) / deviation_of(s, k));
}

void speaker_scale_read(const struct speaker_scale *scale, const char *speaker, float *values)
{
    const struct speaker_sums *s = sums_of(scale, speaker);

    for (size_t k = 0; k < scale->width; k++) {
        values[k] = (float)s->means[k];
        values[scale->width + k] = (float)deviation_of(s, k);
    }
}
