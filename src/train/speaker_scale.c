/* Features by speaker: see speaker_scale.h. */
#include "train/speaker_scale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 }; /* clips loaded at a time */

/* Mean and sum of squares of the differences from it, as Welford's method keeps them (1962). */
struct speaker_sums {
    double *means, *squares; /* (width) */
    size_t clips;
};

struct speaker_scale {
    struct strings speakers;
    size_t width, capacity;
    struct speaker_sums *sums; /* (speakers) */
};

static void add_clip(struct speaker_scale *scale, const char *speaker, const float *features)
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
    s->clips++;
    for (size_t k = 0; k < scale->width; k++) {
        double off = (double)features[k] - s->means[k];
        s->means[k] += off / (double)s->clips;
        s->squares[k] += off * ((double)features[k] - s->means[k]);
    }
}

static bool add_chunk(struct speaker_scale *scale, const struct dataset *dataset, size_t first, size_t count,
                      const struct model *model, struct error *error)
{
    size_t items[CHUNK], width;
    struct batch batch;

    for (size_t i = 0; i < count; i++)
        items[i] = first + i;
    if (!dataset_batch(dataset, items, count, model, NULL, 0, &batch, error))
        return false;
    const float *features = batch_features(&batch, model, &width);
    scale->width = width;
    for (size_t i = 0; i < count && !error->kind; i++) {
        const struct clip *clip = dataset->items[first + i].clip;
        if (!clip->speaker)
            error_set(error, "linear.scale=speaker: %s has no speaker", clip->path);
        else
            add_clip(scale, clip->speaker, features + i * width);
    }
    batch_free(&batch);
    return !error->kind;
}

bool speaker_scale_applies(const struct model *model)
{
    return model->by_speaker && model->kind->input == INPUT_FEATURES;
}

struct speaker_scale *speaker_scale_make(struct dataset *const *datasets, size_t count,
                                         const struct model *model, struct error *error)
{
    struct speaker_scale *scale = mem_zero(1, sizeof *scale);
    bool done = true;

    for (size_t d = 0; d < count; d++)
        for (size_t i = 0; done && i < datasets[d]->count; i += CHUNK) {
            size_t left = datasets[d]->count - i;
            done = add_chunk(scale, datasets[d], i, left < CHUNK ? left : CHUNK, model, error);
        }
    if (done)
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

void speaker_scale_apply(const struct speaker_scale *scale, const char *speaker, float *features)
{
    const struct speaker_sums *s = &scale->sums[strings_index(&scale->speakers, speaker)];

    for (size_t k = 0; k < scale->width; k++) {
        double deviation = sqrt(s->squares[k] / (double)s->clips), mean = s->means[k];
        features[k] = (float)(((double)features[k] - mean) / (deviation > 1e-6 * fabs(mean) ? deviation : 1));
    }
}
