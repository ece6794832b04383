/*
 * pytorch_model.bin: what torch.save(model.state_dict()) writes since PyTorch 1.6, a zip archive of a pickle
 * (PREFIX/data.pkl, read by unpickle.c) and of raw storages (PREFIX/data/N).
 */
#include "base/archive.h"
#include "base/text.h"
#include "model/weights/unpickle.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

/* A whole member of the archive; caller frees.  Members are stored, so none can be larger than the file. */
static char *read_member(const struct weight_file *file, const char *name, size_t *size, struct error *error)
{
    zip_stat_t facts;
    struct stat whole;

    if (zip_stat(file->archive, name, 0, &facts) != 0) {
        error_set(error, "%s: holds no %s", file->path, name);
        return NULL;
    }
    if (facts.comp_method != ZIP_CM_STORE || facts.size != facts.comp_size) {
        error_set(error, "%s: %s is compressed, which torch.save never does", file->path, name);
        return NULL;
    }
    zip_file_t *member = zip_fopen(file->archive, name, 0);
    if (!member || stat(file->path, &whole) != 0 || facts.size > (zip_uint64_t)whole.st_size) {
        error_set(error, "%s: cannot read %s: damaged or cut short", file->path, name);
        if (member)
            zip_fclose(member);
        return NULL;
    }
    char *bytes = mem_alloc(facts.size), beyond;
    bool done = zip_fread(member, bytes, facts.size) == (zip_int64_t)facts.size &&
                zip_fread(member, &beyond, 1) == 0; /* only at its end does libzip compare the checksum */
    if (!done) {
        error_set(error, "%s: cannot read %s: %s", file->path, name, zip_file_strerror(member));
        free(bytes);
    }
    zip_fclose(member);
    *size = facts.size;
    return done ? bytes : NULL;
}

/* The folder inside the archive: its data.pkl stands at PREFIX/data.pkl. */
static char *find_prefix(struct zip *archive)
{
    zip_int64_t count = zip_get_num_entries(archive, 0);

    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(archive, (zip_uint64_t)i, 0);
        if (name && (text_ends(name, "/data.pkl") || strcmp(name, "data.pkl") == 0))
            return mem_format("%.*s", (int)(strlen(name) - strlen("data.pkl")), name);
    }
    return NULL;
}

bool pickle_open(struct weights *weights, const char *path, struct error *error)
{
    struct weight_file *file = weights_add_file(weights, path);
    size_t size;

    file->archive = archive_open(path, error);
    if (!file->archive)
        return error_set(error,
                         "%s: not a zip archive, or cut short; a file of PyTorch before 1.6 must be saved "
                         "again by a newer one",
                         path);
    file->archive_prefix = find_prefix(file->archive);
    if (!file->archive_prefix)
        return error_set(error, "%s: holds no data.pkl: not written by torch.save", path);
    char *name = mem_format("%sdata.pkl", file->archive_prefix);
    char *bytes = read_member(file, name, &size, error);
    free(name);
    if (!bytes)
        return false;
    bool done = unpickle(weights, (const unsigned char *)bytes, size, path, error);
    free(bytes);
    return done;
}

/* Copies a strided view into contiguous memory. */
static void gather(const struct weight *weight, const char *storage, char *out)
{
    size_t width = dtype_size(weight->dtype);
    int64_t elements = weight_elements(weight->shape, weight->dims), index[WEIGHT_MAX_DIMS] = {0};

    for (int64_t n = 0; n < elements; n++) {
        int64_t at = weight->pickled->offset;
        for (int d = 0; d < weight->dims; d++)
            at += index[d] * weight->pickled->stride[d];
        memcpy(out + (size_t)n * width, storage + (size_t)at * width, width);
        for (int d = weight->dims - 1; d >= 0 && ++index[d] == weight->shape[d]; d--)
            index[d] = 0;
    }
}

static bool is_contiguous(const struct weight *weight)
{
    int64_t expected = 1;

    for (int d = weight->dims - 1; d >= 0; d--) {
        if (weight->shape[d] != 1 && weight->pickled->stride[d] != expected)
            return false;
        expected *= weight->shape[d];
    }
    return true;
}

void *pickle_read(struct weights *weights, const struct weight *weight, struct error *error)
{
    struct weight_file *file = weights->files[weight->file];
    size_t size, width = dtype_size(weight->dtype), wanted;
    char *name = mem_format("%sdata/%s", file->archive_prefix, weight->pickled->storage);
    char *storage = read_member(file, name, &size, error);

    free(name);
    if (!storage)
        return NULL;
    int64_t last = weight->pickled->offset; /* no overflow: checked against the claimed size when unpickled */
    for (int d = 0; d < weight->dims; d++)
        last += weight->shape[d] > 0 ? (weight->shape[d] - 1) * weight->pickled->stride[d] : 0;
    if (__builtin_mul_overflow((size_t)last + 1, width, &wanted) || wanted > size) {
        error_set(error, "%s: \"%s\" reaches beyond its storage: the file was cut short", file->path,
                  weight->name);
        free(storage);
        return NULL;
    }
    size_t bytes = (size_t)weight_elements(weight->shape, weight->dims) * width;
    if (is_contiguous(weight)) {
        memmove(storage, storage + (size_t)weight->pickled->offset * width, bytes);
        return storage;
    }
    char *out = mem_alloc(bytes);
    gather(weight, storage, out);
    free(storage);
    return out;
}
