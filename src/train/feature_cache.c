/* The cache of frozen outputs: see feature_cache.h. */
#include "train/feature_cache.h"

#include "base/digest.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct feature_cache {
    const struct settings *settings;
    struct audio_cache *cache;
    char ending[40]; /* of its entries' names */
};

struct header {
    char magic[4];
    uint32_t version, checksum, channels; /* checksum: of the values */
    uint64_t samples, frames;
    uint32_t header_checksum; /* of all this, with zero in its place */
    uint32_t layers;          /* behind the feature encoder that are in it */
};

static const char MAGIC[4] = {'e', 'm', 'o', 'F'};
enum { CACHE_VERSION = 3 };

/* An entry in memory. */
struct entry {
    struct file_map map;
    struct header header;
    const unsigned char *values;
};

/* ---- which cache ---- */

/* Adds a hash of the frozen parameters; false, with an error, where one is trained. */
static bool add_parameters(const struct model *model, struct text *key, struct error *error)
{
    const struct parameters *p = &model->parameters;
    struct et_scope *scope = et_scope_open(NULL);
    bool frozen = true;

    for (size_t i = 0; i < p->count && frozen; i++) {
        const struct parameter *item = &p->items[i];
        if (!model->kind->frozen->owns(model, item->name))
            continue;
        frozen = !item->trainable;
        int64_t count = et_numel(item->tensor);
        float *values = mem_zero((size_t)count, sizeof *values);
        char hash[SHA256_HEX_SIZE];
        et_read(scope, item->tensor, values, count);
        digest_bytes(values, (size_t)count * sizeof *values, hash);
        text_add(key, "%s %s\n", item->name, hash);
        free(values);
    }
    if (!frozen)
        error_usage(error, "train.feature_cache=yes needs model.freeze=feature_encoder or more");
    return et_scope_close(scope, error) && frozen;
}

static bool find_key(struct feature_cache *store, const struct model *model, struct error *error)
{
    struct text key = {0};
    char hash[SHA256_HEX_SIZE];
    char seconds[TEXT_NUMBER_SIZE];

    if (!model->kind->frozen)
        return error_usage(error, "train.feature_cache=yes: model.kind=%s has no feature encoder to freeze",
                           model->kind->name);
    text_add(&key, "%d %s %s\n", CACHE_VERSION, text_from_number(seconds, store->settings->audio.max_seconds),
             model->sound.normalize ? "normalized" : "");
    bool done = add_parameters(model, &key, error) && model->kind->frozen->describe(model, &key, error);
    if (done) {
        digest_bytes(key.text, key.length, hash);
        snprintf(store->ending, sizeof store->ending, "%.16s.features", hash);
    }
    text_free(&key);
    return done;
}

struct feature_cache *feature_cache_open(const struct settings *settings, struct audio_cache *cache,
                                         const struct model *model, struct error *error)
{
    if (!settings->train.feature_cache)
        return NULL;
    struct feature_cache *store = mem_zero(1, sizeof *store);
    store->settings = settings;
    store->cache = cache;
    if (find_key(store, model, error))
        return store;
    feature_cache_close(store);
    return NULL;
}

void feature_cache_close(struct feature_cache *store)
{
    free(store);
}

const char *feature_cache_ending(const struct feature_cache *store)
{
    return store->ending;
}

/* ---- entries ---- */

static uint32_t header_checksum(struct header header)
{
    header.header_checksum = 0;
    return checksum(&header, sizeof header);
}

/* Whether `bytes` of values follow such a header. */
static bool fits(const struct header *h, const unsigned char *values, size_t bytes)
{
    return memcmp(h->magic, MAGIC, sizeof MAGIC) == 0 && h->version == CACHE_VERSION &&
           h->header_checksum == header_checksum(*h) && h->channels > 0 && h->frames > 0 &&
           h->frames <= bytes / 2 / h->channels && h->frames * h->channels * 2 == bytes &&
           h->checksum == checksum(values, bytes);
}

static bool open_entry(const struct feature_cache *store, const struct clip *clip, struct entry *entry)
{
    char *path = audio_cache_entry(store->cache, clip->sha256, store->ending);
    struct error ignored = {0};
    bool good = false;

    *entry = (struct entry){0};
    if (path_exists(path) && file_map_open(&entry->map, path, &ignored)) {
        struct header *h = &entry->header;
        size_t bytes = entry->map.size > sizeof *h ? entry->map.size - sizeof *h : 0;
        if (bytes) { /* an empty file is mapped nowhere */
            memcpy(h, entry->map.bytes, sizeof *h);
            entry->values = entry->map.bytes + sizeof *h;
            good = fits(h, entry->values, bytes);
        }
        if (!good)
            file_map_close(&entry->map);
    }
    free(path);
    return good;
}

static bool write_entry(const struct feature_cache *store, const struct clip *clip,
                        const struct header *header, const uint16_t *values, struct error *error)
{
    char *path = audio_cache_entry(store->cache, clip->sha256, store->ending), *folder = path_folder(path);
    size_t bytes = (size_t)(header->frames * header->channels) * sizeof *values;
    struct header full = *header;
    struct file_writer writer;
    bool done = folder_make(folder, error) && file_writer_open(&writer, path, false, error);

    memcpy(full.magic, MAGIC, sizeof MAGIC);
    full.version = CACHE_VERSION;
    full.checksum = checksum(values, bytes);
    full.header_checksum = header_checksum(full);
    if (done) {
        file_writer_put(&writer, &full, sizeof full);
        file_writer_put(&writer, values, bytes);
        done = file_writer_commit(&writer, error);
    }
    free(folder);
    free(path);
    return done;
}

/* ---- filling ---- */

static bool are_finite(const uint16_t *values, size_t count)
{
    const uint16_t exponent = 0x7c00;
    bool finite = true;

    for (size_t i = 0; i < count; i++)
        finite = finite && (values[i] & exponent) != exponent;
    return finite;
}

static bool refuse_range(const struct dataset *dataset, size_t item, struct error *error)
{
    return error_set(error,
                     "%s: what the frozen part makes of it is too large for float16: leave out "
                     "train.feature_cache",
                     dataset->items[item].clip->path);
}

/* What the frozen part makes of one clip; caller frees. */
static uint16_t *compute_clip(const struct dataset *dataset, size_t item, const struct model *model,
                              const struct compute *compute, struct header *header, struct error *error)
{
    const struct forward_mode mode = {.training = false};
    struct batch batch;
    uint16_t *values = NULL;

    if (!dataset_batch(dataset, &item, 1, model, NULL, 0, &batch, error))
        return NULL;
    struct et_scope *scope = et_scope_open(NULL);
    et_inference_begin(compute->device, compute->precision);
    struct et_tensor *x = model->kind->frozen->forward(model, scope, &batch, &mode);
    et_inference_end();
    *header = (struct header){.samples = (uint64_t)batch.lengths[0],
                              .frames = (uint64_t)et_size(x, 1),
                              .channels = (uint32_t)et_size(x, 2),
                              .layers = (uint32_t)model->kind->frozen->layers(model)};
    values = mem_zero((size_t)et_numel(x) + 1, sizeof *values);
    et_read_float16(scope, x, values, et_numel(x));
    batch_free(&batch);
    size_t count = (size_t)(header->frames * header->channels);
    if (et_scope_close(scope, error) && (are_finite(values, count) || refuse_range(dataset, item, error)))
        return values;
    free(values);
    return NULL;
}

/* float16 to float32. */
static bool widen(const void *narrow, int64_t count, float *values, struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);

    et_read(scope, et_from_data(scope, narrow, ET_FLOAT16, &count, 1, ET_CPU), values, count);
    return et_scope_close(scope, error);
}

/* An entry from another run must be what the model makes now, but for rounding: on another machine, or in
 * another precision, it may differ by that. */
static bool check_entry(const struct feature_cache *store, const struct clip *clip,
                        const struct header *header, const uint16_t *values, struct error *error)
{
    struct entry entry;
    double apart = 0, size = 0;

    if (!open_entry(store, clip, &entry))
        return error_set(error, "%s: its stored features cannot be read", clip->path);
    bool same_shape = entry.header.frames == header->frames && entry.header.channels == header->channels &&
                      entry.header.layers == header->layers;
    size_t count = same_shape ? (size_t)(header->frames * header->channels) : 0;
    float *stored = mem_zero(count + 1, sizeof *stored), *made = mem_zero(count + 1, sizeof *made);
    bool read =
        widen(entry.values, (int64_t)count, stored, error) && widen(values, (int64_t)count, made, error);
    for (size_t i = 0; i < count; i++) {
        double a = (double)stored[i], b = (double)made[i];
        apart += (a - b) * (a - b);
        size += b * b;
    }
    free(stored);
    free(made);
    file_map_close(&entry.map);
    if (!read)
        return false;
    if (same_shape &&
        apart <=
            1e-3 * size) /* a thirtieth of their norm: bfloat16's products are that exact, layer by layer */
        return true;
    return error_set(error,
                     "%s: its stored features are not what this model makes of it: remove *%s in the cache",
                     clip->path, store->ending);
}

static bool fill_clip(struct feature_cache *store, const struct dataset *dataset, size_t item,
                      const struct model *model, const struct compute *compute, struct error *error)
{
    const struct clip *clip = dataset->items[item].clip;
    struct entry entry;
    struct header header;
    bool there = open_entry(store, clip, &entry);

    if (there)
        file_map_close(&entry.map);
    if (there && item > 0)
        return true;
    uint16_t *values = compute_clip(dataset, item, model, compute, &header, error);
    bool done = values && (there ? check_entry(store, clip, &header, values, error)
                                 : write_entry(store, clip, &header, values, error));
    free(values);
    return done;
}

bool feature_cache_fill(struct feature_cache *store, const struct dataset *dataset, const struct model *model,
                        const struct compute *compute, struct error *error)
{
    struct progress progress;
    bool done = true;

    progress_start(&progress, "features", "clip", 0, dataset->count);
    for (size_t i = 0; done && i < dataset->count; i++) {
        done = fill_clip(store, dataset, i, model, compute, error);
        progress_update(&progress, i + 1, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted; what was computed is kept");
    }
    progress_end(&progress);
    return done;
}

/* ---- loading ---- */

static void copy_entries(struct batch *batch, const struct entry *entries, size_t count)
{
    size_t channels = (size_t)batch->frozen_channels;

    batch->frozen_width = 0;
    batch->lengths = mem_zero(count, sizeof *batch->lengths);
    for (size_t i = 0; i < count; i++) {
        int64_t frames = (int64_t)entries[i].header.frames;
        batch->lengths[i] = (int64_t)entries[i].header.samples;
        batch->frozen_width = frames > batch->frozen_width ? frames : batch->frozen_width;
    }
    batch->frozen = mem_zero(count * (size_t)batch->frozen_width * channels, sizeof *batch->frozen);
    for (size_t i = 0; i < count; i++)
        memcpy(batch->frozen + i * (size_t)batch->frozen_width * channels, entries[i].values,
               (size_t)entries[i].header.frames * channels * sizeof *batch->frozen);
}

bool feature_cache_load(const struct feature_cache *store, const struct clip *const *clips, size_t count,
                        struct batch *batch, struct error *error)
{
    struct entry *entries = mem_zero(count, sizeof *entries);
    size_t opened = 0, alike = 0;

    *batch = (struct batch){.count = (int64_t)count};
    while (alike == opened && opened < count && open_entry(store, clips[opened], &entries[opened])) {
        alike += entries[opened].header.channels == entries[0].header.channels &&
                 entries[opened].header.layers == entries[0].header.layers;
        opened++;
    }
    if (alike == count) {
        batch->frozen_channels = (int64_t)entries[0].header.channels;
        batch->frozen_layers = (int64_t)entries[0].header.layers;
        copy_entries(batch, entries, count);
    } else {
        error_set(error, "%s: its stored features are gone or damaged: run the command again",
                  clips[alike]->path);
    }
    for (size_t i = 0; i < opened; i++)
        file_map_close(&entries[i].map);
    free(entries);
    return !error->kind;
}
