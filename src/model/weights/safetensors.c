/*
 * Safetensors: 8 bytes of header length, a JSON header {name: {dtype, shape, data_offsets}}, the data.
 * Format: https://github.com/huggingface/safetensors#format
 */
#include "base/json.h"
#include "base/text.h"
#include "model/weights/weights.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MAX_HEADER = 100 * 1000 * 1000 }; /* the limit of the format's own reader */

static uint64_t read_length(const unsigned char *bytes)
{
    uint64_t length = 0;

    for (int i = LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | bytes[i];
    return length;
}

static bool find_type(struct weight *entry, const char *name)
{
    static const struct {
        const char *name;
        enum et_dtype dtype;
    } types[] = {{"F32", ET_FLOAT32}, {"F16", ET_FLOAT16}, {"BF16", ET_BFLOAT16}, {"F64", ET_FLOAT64},
                 {"I64", ET_INT64},   {"I32", ET_INT32},   {"BOOL", ET_BOOL}};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) == 0) {
            entry->dtype = types[i].dtype;
            return true;
        }
    }
    return false;
}

static bool whole(const cJSON *item, uint64_t *value)
{
    if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > 0x1p53 ||
        item->valuedouble != (double)(uint64_t)item->valuedouble)
        return false;
    *value = (uint64_t)item->valuedouble;
    return true;
}

static bool read_shape(const cJSON *shape, struct weight *entry)
{
    const cJSON *item = NULL;

    if (!cJSON_IsArray(shape))
        return false;
    cJSON_ArrayForEach(item, shape)
    {
        uint64_t size;
        if (entry->dims == WEIGHT_MAX_DIMS || !whole(item, &size))
            return false;
        entry->shape[entry->dims++] = (int64_t)size;
    }
    return true;
}

static bool read_entry(struct weights *weights, const struct weight_file *file, const cJSON *item,
                       size_t data_start, struct error *error)
{
    const cJSON *dtype = cJSON_GetObjectItemCaseSensitive(item, "dtype");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    uint64_t begin, end, room = file->map.size - data_start;

    if (strcmp(item->string, "__metadata__") == 0)
        return true;
    struct weight *entry = weights_add(weights, item->string);
    if (!cJSON_IsString(dtype) || !read_shape(cJSON_GetObjectItemCaseSensitive(item, "shape"), entry) ||
        cJSON_GetArraySize(offsets) != 2 || !whole(cJSON_GetArrayItem(offsets, 0), &begin) ||
        !whole(cJSON_GetArrayItem(offsets, 1), &end))
        return error_set(error, "%s: \"%s\": bad dtype, shape or data_offsets", file->path, item->string);
    entry->type_name = arena_string(&weights->arena, dtype->valuestring);
    entry->readable = find_type(entry, dtype->valuestring);
    if (begin > end || end > room)
        return error_set(error, "%s: \"%s\" lies beyond the end of the file: it was cut short", file->path,
                         item->string);
    int64_t elements = weight_elements(entry->shape, entry->dims);
    if (elements < 0 || (entry->readable && (uint64_t)elements != (end - begin) / dtype_size(entry->dtype)) ||
        (entry->readable && (end - begin) % dtype_size(entry->dtype) != 0))
        return error_set(error, "%s: \"%s\": its shape does not match its size", file->path, item->string);
    entry->data = file->map.bytes + data_start + begin;
    return true;
}

bool safetensors_open(struct weights *weights, const char *path, struct error *error)
{
    struct weight_file *file = weights_add_file(weights, path);

    if (!file_map_open(&file->map, path, error))
        return false;
    if (file->map.size < LENGTH_BYTES)
        return error_set(error, "%s: not a safetensors file", path);
    uint64_t length = read_length(file->map.bytes);
    if (length > MAX_HEADER || length > file->map.size - LENGTH_BYTES)
        return error_set(error, "%s: not a safetensors file, or cut short", path);
    cJSON *header = json_parse((const char *)file->map.bytes + LENGTH_BYTES, length, path, error);
    if (!header)
        return false;
    const cJSON *item = NULL;
    bool done = true;
    cJSON_ArrayForEach(item, header) done =
        done && read_entry(weights, file, item, LENGTH_BYTES + length, error);
    cJSON_Delete(header);
    return done;
}

static char *make_header(const struct named_tensor *tensors, size_t count)
{
    cJSON *header = cJSON_CreateObject();
    cJSON *metadata = cJSON_AddObjectToObject(header, "__metadata__");
    double offset = 0;

    cJSON_AddStringToObject(metadata, "format", "pt");
    for (size_t i = 0; i < count; i++) {
        cJSON *entry = cJSON_AddObjectToObject(header, tensors[i].name);
        cJSON_AddStringToObject(entry, "dtype", "F32");
        cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
        for (int d = 0; d < et_dims(tensors[i].tensor); d++)
            cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)et_size(tensors[i].tensor, d)));
        double end = offset + 4 * (double)et_numel(tensors[i].tensor);
        double range[2] = {offset, end};
        cJSON_AddItemToObject(entry, "data_offsets", cJSON_CreateDoubleArray(range, 2));
        offset = end;
    }
    char *text = cJSON_PrintUnformatted(header);
    cJSON_Delete(header);
    size_t length = strlen(text), padded = (length + 7) / 8 * 8;
    char *result = mem_alloc(padded + 1);
    memset(result, ' ', padded);
    memcpy(result, text, length);
    result[padded] = '\0';
    cJSON_free(text);
    return result;
}

static void write_data(struct file_writer *writer, const struct named_tensor *named, struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);
    size_t count = (size_t)et_numel(named->tensor);
    float *values = mem_zero(count, sizeof *values);

    if (named->read)
        named->read(scope, named->context, values);
    else
        et_read(scope, named->tensor, values, (int64_t)count);
    file_writer_put(writer, values, count * sizeof *values);
    free(values);
    et_scope_close(scope, error);
}

bool safetensors_write(const char *path, const struct named_tensor *tensors, size_t count,
                       struct error *error)
{
    struct file_writer writer;
    unsigned char length[LENGTH_BYTES];

    if (!file_writer_open(&writer, path, true, error))
        return false;
    char *header = make_header(tensors, count);
    uint64_t size = strlen(header);
    for (int i = 0; i < LENGTH_BYTES; i++)
        length[i] = (unsigned char)(size >> (8 * i));
    file_writer_put(&writer, length, sizeof length);
    file_writer_put(&writer, header, size);
    free(header);
    for (size_t i = 0; i < count && !error->kind && !writer.reason; i++)
        write_data(&writer, &tensors[i], error);
    if (!error->kind)
        return file_writer_commit(&writer, error);
    file_writer_discard(&writer);
    return false;
}
