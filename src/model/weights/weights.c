/* Finding and opening weights in a model directory: see weights.h. */
#include "model/weights/weights.h"

#include "base/json.h"
#include "base/strings.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

int64_t weight_elements(const int64_t *shape, int dims)
{
    int64_t elements = 1;

    for (int d = 0; d < dims; d++)
        if (shape[d] < 0 || __builtin_mul_overflow(elements, shape[d], &elements))
            return -1;
    return elements;
}

size_t dtype_size(enum et_dtype dtype)
{
    static const size_t sizes[] = {[ET_FLOAT32] = 4, [ET_FLOAT16] = 2, [ET_BFLOAT16] = 2, [ET_FLOAT64] = 8,
                                   [ET_INT64] = 8,   [ET_INT32] = 4,   [ET_BOOL] = 1};

    return sizes[dtype];
}

struct weight_file *weights_add_file(struct weights *weights, const char *path)
{
    weights->files = mem_grow(weights->files, &weights->file_capacity, weights->file_count + 1,
                              sizeof(struct weight_file *));
    struct weight_file *file = mem_zero(1, sizeof *file);
    file->path = mem_string(path);
    weights->files[weights->file_count++] = file;
    return file;
}

struct weight *weights_add(struct weights *weights, const char *name)
{
    weights->entries =
        mem_grow(weights->entries, &weights->capacity, weights->count + 1, sizeof *weights->entries);
    struct weight *entry = &weights->entries[weights->count++];
    *entry = (struct weight){.name = arena_string(&weights->arena, name), .file = weights->file_count - 1};
    return entry;
}

/* A shard's name comes from a file: it must stay in its folder. */
static bool open_shard(struct weights *weights, const char *directory, const char *index, const char *shard,
                       struct error *error)
{
    if (strchr(shard, '/') || text_starts(shard, "."))
        return error_set(error, "%s: shard \"%s\" is not a plain file name", index, shard);
    char *path = path_join(directory, shard);
    bool done = text_ends(shard, ".safetensors") ? safetensors_open(weights, path, error)
                                                 : pickle_open(weights, path, error);
    free(path);
    return done;
}

static bool open_shards(struct weights *weights, const char *directory, const char *index,
                        struct error *error)
{
    cJSON *object = json_read(index, error);
    struct strings shards = {0};

    if (!object)
        return false;
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(object, "weight_map"), *item = NULL;
    if (!cJSON_IsObject(map) || !map->child)
        error_set(error, "%s: no \"weight_map\"", index);
    cJSON_ArrayForEach(item, map)
    {
        if (!cJSON_IsString(item))
            error_set(error, "%s: the shard of \"%s\" is not a string", index, item->string);
        else
            strings_add_new(&shards, item->valuestring);
    }
    bool done = !error->kind;
    for (size_t i = 0; done && i < shards.count; i++)
        done = open_shard(weights, directory, index, shards.items[i], error);
    cJSON_ArrayForEach(item, map) if (done && weights_index(weights, item->string) == weights->count) done =
        error_set(error, "%s: \"%s\" is not in its shard %s", index, item->string, item->valuestring);
    strings_free(&shards);
    cJSON_Delete(object);
    return done;
}

struct weights *weights_open(const char *directory, struct error *error)
{
    static const struct {
        const char *name;
        bool sharded;
        bool (*open)(struct weights *weights, const char *path, struct error *error);
        const char *second; /* another of the same format, with the rest; NULL: there is none */
    } candidates[] = {{"model.safetensors", false, safetensors_open, NULL},
                      {"model.safetensors.index.json", true, NULL, NULL},
                      {"pytorch_model.bin", false, pickle_open, NULL},
                      {"pytorch_model.bin.index.json", true, NULL, NULL},
                      {"model.pt", false, pickle_open, NULL},
                      {"wav2vec2.ckpt", false, pickle_open, "model.ckpt"}}; /* SpeechBrain's */
    struct weights *weights = mem_zero(1, sizeof *weights);
    bool found = false, done = false;

    for (size_t i = 0; !found && i < sizeof candidates / sizeof candidates[0]; i++) {
        char *path = path_join(directory, candidates[i].name);
        found = path_exists(path);
        if (found)
            done = candidates[i].sharded ? open_shards(weights, directory, path, error)
                                         : candidates[i].open(weights, path, error);
        free(path);
        if (done && candidates[i].second) {
            path = path_join(directory, candidates[i].second);
            done = candidates[i].open(weights, path, error);
            free(path);
        }
    }
    if (done)
        return weights;
    weights_close(weights);
    return NULL;
}

void weights_close(struct weights *weights)
{
    if (!weights)
        return;
    for (size_t i = 0; i < weights->file_count; i++) {
        struct weight_file *file = weights->files[i];
        file_map_close(&file->map);
        if (file->archive)
            zip_discard(file->archive);
        free(file->archive_prefix);
        free(file->path);
        free(file);
    }
    free(weights->files);
    free(weights->entries);
    arena_free(&weights->arena);
    free(weights);
}

size_t weights_index(const struct weights *weights, const char *name)
{
    size_t i = 0;

    while (i < weights->count && strcmp(weights->entries[i].name, name) != 0)
        i++;
    return i;
}

bool weight_fits(const struct weight *weight, const struct et_tensor *tensor)
{
    int at = 0, dims = et_dims(tensor);

    for (int d = 0; d < weight->dims; d++) {
        if (weight->shape[d] == 1)
            continue;
        while (at < dims && et_size(tensor, at) == 1)
            at++;
        if (at == dims || et_size(tensor, at++) != weight->shape[d])
            return false;
    }
    while (at < dims && et_size(tensor, at) == 1)
        at++;
    return at == dims;
}

bool weights_copy(struct weights *weights, size_t i, struct et_tensor *tensor, struct error *error)
{
    const struct weight *entry = &weights->entries[i];
    const char *path = weights->files[entry->file]->path;

    if (!entry->readable)
        return error_set(error, "%s: \"%s\" is of type %s, which cannot be read", path, entry->name,
                         entry->type_name);
    size_t bytes = (size_t)weight_elements(entry->shape, entry->dims) * dtype_size(entry->dtype);
    void *own = NULL;
    if (!entry->data && !(own = pickle_read(weights, entry, error)))
        return false;
    if (entry->data && (uintptr_t)entry->data % 8 != 0) /* safetensors pads its header, but need not */
        own = memcpy(mem_alloc(bytes), entry->data, bytes);
    struct et_scope *scope = et_scope_open(NULL);
    et_copy_data_(scope, tensor, own ? own : entry->data, entry->dtype);
    bool done = et_scope_close(scope, error);
    free(own);
    return done || error_prefix(error, "%s: \"%s\"", path, entry->name);
}
