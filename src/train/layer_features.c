/* The cache of layers, pooled over time: see layer_features.h. */
#include "train/layer_features.h"

#include "base/digest.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "train/evaluate.h"
#include "train/loader.h"
#include "train/sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct layer_features {
    const struct settings *settings;
    struct audio_cache *cache;
    int64_t states; /* how many are asked for */
    char ending[40];
};

struct header {
    char magic[4];
    uint32_t version, checksum, states, width; /* checksum: of the values (states, 2, width) */
};

static const char MAGIC[4] = {'e', 'm', 'o', 'L'};
enum { CACHE_VERSION = 3, LARGEST_BATCH = 1024 };

/* ---- which entries ---- */

/* Adds a hash of each of the encoder's parameters. */
static bool add_parameters(const struct model *model, struct text *key, struct error *error)
{
    const struct parameters *p = &model->parameters;
    struct et_scope *scope = et_scope_open(NULL);
    char hash[SHA256_HEX_SIZE];

    for (size_t i = 0; i < p->count; i++) {
        if (model->kind->layers_above(model, i) < 0 || /* of the head */
            text_ends(p->items[i].name,
                      "masked_spec_embed")) /* of training alone, and random where it is not loaded */
            continue;
        int64_t count = et_numel(p->items[i].tensor);
        float *values = mem_zero((size_t)count, sizeof *values);
        et_read(scope, p->items[i].tensor, values, count);
        digest_bytes(values, (size_t)count * sizeof *values, hash);
        text_add(key, "%s %s\n", p->items[i].name, hash);
        free(values);
    }
    return et_scope_close(scope, error);
}

struct layer_features *layer_features_open(const struct settings *settings, struct audio_cache *cache,
                                           const struct model *model, const struct compute *compute,
                                           int64_t depth, struct error *error)
{
    struct layer_features *features = mem_zero(1, sizeof *features);
    struct text key = {0};
    char hash[SHA256_HEX_SIZE], seconds[TEXT_NUMBER_SIZE];
    int64_t layers = model->kind->hidden->count(model);

    *features = (struct layer_features){
        .settings = settings, .cache = cache, .states = (depth < 0 ? layers : depth) + 1};
    text_add(&key, "%d %s %s %s\n", CACHE_VERSION, text_from_number(seconds, settings->audio.max_seconds),
             model->sound.normalize ? "normalized" : "", compute_precision_name(compute));
    model->kind->hidden->describe(model, &key);
    bool done = add_parameters(model, &key, error);
    digest_bytes(key.text, key.length, hash);
    snprintf(features->ending, sizeof features->ending, "%.16s.layers", hash);
    text_free(&key);
    if (done)
        return features;
    free(features);
    return NULL;
}

void layer_features_close(struct layer_features *features)
{
    free(features);
}

/* ---- entries ---- */

/* An entry in memory; map it is in must be closed. */
struct entry {
    struct file_map map;
    struct header header;
    const unsigned char *values;
};

static bool fits(const struct layer_features *features, const struct entry *e)
{
    const struct header *h = &e->header;
    size_t bytes = e->map.size - sizeof *h, values = (size_t)h->states * 2 * h->width;

    return memcmp(h->magic, MAGIC, sizeof MAGIC) == 0 && h->version == CACHE_VERSION && h->width > 0 &&
           h->states >= features->states && values == bytes / sizeof(float) && bytes % sizeof(float) == 0 &&
           h->checksum == checksum(e->values, bytes);
}

static bool open_entry(const struct layer_features *features, const struct clip *clip, struct entry *entry)
{
    char *path = audio_cache_entry(features->cache, clip->sha256, features->ending);
    struct error ignored = {0};
    bool good = false;

    *entry = (struct entry){0};
    if (path_exists(path) && file_map_open(&entry->map, path, &ignored)) {
        if (entry->map.size > sizeof entry->header) {
            memcpy(&entry->header, entry->map.bytes, sizeof entry->header);
            entry->values = entry->map.bytes + sizeof entry->header;
            good = fits(features, entry);
        }
        if (!good)
            file_map_close(&entry->map);
    }
    free(path);
    return good;
}

static bool write_entry(const struct layer_features *features, const struct clip *clip, const float *values,
                        size_t states, size_t width, struct error *error)
{
    char *path = audio_cache_entry(features->cache, clip->sha256, features->ending),
         *folder = path_folder(path);
    size_t bytes = states * 2 * width * sizeof *values;
    struct header header = {.version = CACHE_VERSION,
                            .checksum = checksum(values, bytes),
                            .states = (uint32_t)states,
                            .width = (uint32_t)width};
    struct file_writer writer;
    bool done = folder_make(folder, error) && file_writer_open(&writer, path, false, error);

    memcpy(header.magic, MAGIC, sizeof MAGIC);
    if (done) {
        file_writer_put(&writer, &header, sizeof header);
        file_writer_put(&writer, values, bytes);
        done = file_writer_commit(&writer, error);
    }
    free(folder);
    free(path);
    return done;
}

/* ---- filling ---- */

/* A clip that has no entry yet. */
struct missing {
    const struct dataset *dataset;
    size_t item;
};

struct filling {
    const struct layer_features *features;
    const struct model *model;
    struct missing *clips;
    size_t count;
    size_t *starts, batches; /* (batches + 1): where each batch begins among the clips */
};

/* Up to `size` clips of one dataset in a batch. */
static void deal_batches(struct filling *f, size_t size)
{
    f->starts = mem_zero(f->count + 1, sizeof *f->starts);
    for (size_t i = 1; i <= f->count; i++)
        if (i == f->count || i - f->starts[f->batches] == size ||
            f->clips[i].dataset != f->clips[i - 1].dataset)
            f->starts[++f->batches] = i;
}

/* The clips without an entry, dataset by dataset, each from long to short. */
static void find_missing(struct filling *f, struct dataset *const *datasets, size_t count)
{
    size_t all = 0;
    struct entry entry;

    for (size_t d = 0; d < count; d++)
        all += datasets[d]->count;
    f->clips = mem_zero(all + 1, sizeof *f->clips);
    for (size_t d = 0; d < count; d++) {
        size_t *order = mem_zero(datasets[d]->count, sizeof *order);
        longest_first_order(datasets[d], order);
        for (size_t i = 0; i < datasets[d]->count; i++) {
            if (open_entry(f->features, datasets[d]->items[order[i]].clip, &entry))
                file_map_close(&entry.map);
            else
                f->clips[f->count++] = (struct missing){datasets[d], order[i]};
        }
        free(order);
    }
}

static bool make_batch(void *context, int64_t index, struct batch *batch, struct error *error)
{
    const struct filling *f = context;
    size_t items[LARGEST_BATCH], first = f->starts[index], count = f->starts[index + 1] - first;

    for (size_t i = 0; i < count; i++)
        items[i] = f->clips[first + i].item;
    return dataset_batch(f->clips[first].dataset, items, count, f->model, NULL, 0, batch, error);
}

/* Computes and writes the entries of one batch. */
static bool fill_batch(const struct filling *f, size_t first, const struct batch *batch,
                       const struct compute *compute, struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);

    et_inference_begin(compute->device, compute->precision);
    struct et_tensor *x = f->model->kind->hidden->states(f->model, scope, batch, f->features->states - 1);
    et_inference_end();
    size_t count = x ? (size_t)et_numel(x) : 0, each = count / (size_t)batch->count;
    float *values = mem_zero(count + 1, sizeof *values);
    et_read(scope, x, values, (int64_t)count);
    size_t width = x ? (size_t)et_size(x, 2) / 2 : 0;
    bool done = et_scope_close(scope, error) || explain_batch_memory(f->model, batch, error);
    for (size_t i = 0; done && i < (size_t)batch->count; i++) {
        const struct missing *clip = &f->clips[first + i];
        for (size_t k = 0; done && k < each; k++)
            done = isfinite(values[i * each + k]) ||
                   error_set(error, "%s: what the encoder makes of it is no number, or infinite",
                             clip->dataset->items[clip->item].clip->path);
        done = done && write_entry(f->features, clip->dataset->items[clip->item].clip, values + i * each,
                                   (size_t)f->features->states, width, error);
    }
    free(values);
    return done;
}

static bool fill_all(struct filling *f, const struct compute *compute, struct error *error)
{
    struct progress progress;
    struct batch batch;
    bool done = true;

    struct loader *loader = loader_start(make_batch, f, 0, (int64_t)f->batches);
    progress_start(&progress, "features", "clip", 0, f->count);
    for (size_t b = 0; done && b < f->batches; b++) {
        done = loader_next(loader, &batch, error);
        if (!done)
            break;
        done = fill_batch(f, f->starts[b], &batch, compute, error);
        batch_free(&batch);
        progress_update(&progress, f->starts[b + 1], NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted; the features computed so far are kept");
    }
    progress_end(&progress);
    loader_stop(loader);
    return done;
}

bool layer_features_fill(const struct layer_features *features, struct dataset *const *datasets, size_t count,
                         const struct model *model, const struct compute *compute, struct error *error)
{
    int64_t wanted = features->settings->eval.batch_size;
    struct filling f = {.features = features, .model = model};

    find_missing(&f, datasets, count);
    deal_batches(&f, wanted > 0 && wanted <= LARGEST_BATCH ? (size_t)wanted : 8);
    bool done = f.count == 0 || fill_all(&f, compute, error);
    free(f.starts);
    free(f.clips);
    return done;
}

/* ---- loading ---- */

bool layer_features_load(const struct layer_features *features, const struct clip *const *clips, size_t count,
                         struct batch *batch, struct error *error)
{
    struct entry entry;

    *batch = (struct batch){.count = (int64_t)count, .state_count = features->states};
    for (size_t i = 0; i < count; i++) {
        if (!open_entry(features, clips[i], &entry))
            return error_set(error, "%s: its stored features are gone or damaged: run the command again",
                             clips[i]->path);
        size_t width = entry.header.width, each = (size_t)features->states * 2 * width;
        if (!batch->states) {
            batch->state_width = (int64_t)width;
            batch->states = mem_zero(count * each, sizeof(float));
        }
        bool same = batch->state_width == (int64_t)width;
        if (same)
            memcpy(batch->states + i * each, entry.values, each * sizeof(float));
        file_map_close(&entry.map);
        if (!same)
            return error_set(error, "%s: its stored features are of another width", clips[i]->path);
    }
    return true;
}
