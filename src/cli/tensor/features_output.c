/*
 * Features as files: see features_output.h.
 *
 * CSV: path and a column for each feature (layer4_mean_0 ...), a row for each recording; of frames path,
 * layer, frame and the values, a row for each frame.  NumPy archive: "features" (recordings, values) with
 * "paths" and "names", which linear.features reads; of frames "features" (frames of all, layers, width) with
 * "paths", "layers" and "offsets" (recordings + 1), where each recording's frames begin.
 */
#include "cli/tensor/features_output.h"

#include "base/csv.h"
#include "base/files.h"
#include "base/npz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct features_output {
    const char *path; /* NULL: standard output */
    const struct layer_table *table;
    bool archive;
    struct file_writer writer; /* CSV in a file */
    struct text text;          /* CSV: the rows of one recording */
    size_t width;              /* of a layer; 0 before the first recording */
    struct strings paths, names;
    float *values; /* archive, pooled: of all */
    size_t value_capacity;
    FILE *frames; /* archive, of frames: all of them behind room for a header; removed already */
    int64_t *offsets;
    size_t offset_capacity;
    int reason; /* errno of the first failure */
};

struct features_output *features_output_open(const char *path, const struct layer_table *table,
                                             struct error *error)
{
    struct features_output *o = mem_zero(1, sizeof *o);
    static const char room[NPZ_HEADER];

    *o = (struct features_output){.path = path, .table = table, .archive = path && text_ends(path, ".npz")};
    bool done = o->archive || !path || file_writer_open(&o->writer, path, false, error);
    if (o->archive && table->pooling == FEATURES_FRAMES) {
        o->frames = tmpfile();
        done = (o->frames && fwrite(room, 1, sizeof room, o->frames) == sizeof room) ||
               error_set(error, "no temporary file for frames can be made: %s", strerror(errno));
    }
    if (done)
        return o;
    if (o->frames)
        fclose(o->frames);
    free(o);
    return NULL;
}

/* Parts of a layer: mean, or mean and deviation. */
static size_t parts_of(const struct features_output *o)
{
    return o->table->pooling == FEATURES_MEAN_STD ? 2 : 1;
}

static void put_text(struct features_output *o)
{
    if (o->path)
        file_writer_put(&o->writer, o->text.text, o->text.length);
    else if (fwrite(o->text.text, 1, o->text.length, stdout) != o->text.length && !o->reason)
        o->reason = errno;
    o->text.length = 0;
}

/* With the first recording the width is known. */
static void start_columns(struct features_output *o, size_t width)
{
    static const char *const parts[] = {"mean", "std"};

    if (o->width)
        return;
    o->width = width;
    for (size_t l = 0; o->table->pooling != FEATURES_FRAMES && l < o->table->count; l++)
        for (size_t part = 0; part < parts_of(o); part++)
            for (size_t k = 0; k < width; k++) {
                char *name = mem_format("layer%lld_%s_%zu", (long long)o->table->layers[l], parts[part], k);
                strings_add(&o->names, name);
                free(name);
            }
    text_add(&o->text, o->table->pooling == FEATURES_FRAMES ? "path,layer,frame" : "path");
    for (size_t i = 0; i < o->names.count; i++)
        text_add(&o->text, ",%s", o->names.items[i]);
    for (size_t k = 0; o->table->pooling == FEATURES_FRAMES && k < width; k++)
        text_add(&o->text, ",%zu", k);
    text_add(&o->text, "\n");
}

static void add_values(struct text *text, const float *values, size_t count)
{
    for (size_t k = 0; k < count; k++)
        text_add(text, ",%.9g", (double)values[k]); /* reads back as the same float32 */
}

void features_output_pooled(struct features_output *o, const char *path, const float *states, size_t width)
{
    size_t each = o->table->count * parts_of(o) * width, at = o->paths.count * each;

    start_columns(o, width);
    strings_add(&o->paths, path);
    if (o->archive)
        o->values = mem_grow(o->values, &o->value_capacity, at + each, sizeof *o->values);
    else
        csv_add_path(&o->text, path);
    for (size_t l = 0; l < o->table->count; l++) {
        const float *values = states + (size_t)o->table->layers[l] * 2 * width;
        if (o->archive)
            memcpy(o->values + at + l * parts_of(o) * width, values, parts_of(o) * width * sizeof *values);
        else
            add_values(&o->text, values, parts_of(o) * width);
    }
    if (o->archive)
        return;
    text_add(&o->text, "\n");
    put_text(o);
}

void features_output_frames(struct features_output *o, const char *path, const float *values, size_t frames,
                            size_t width)
{
    start_columns(o, width);
    strings_add(&o->paths, path);
    o->offsets = mem_grow(o->offsets, &o->offset_capacity, o->paths.count + 1, sizeof *o->offsets);
    if (o->paths.count == 1)
        o->offsets[0] = 0;
    o->offsets[o->paths.count] = o->offsets[o->paths.count - 1] + (int64_t)frames;
    for (size_t t = 0; o->archive && t < frames; t++)
        for (size_t l = 0; l < o->table->count; l++)
            if (fwrite(values + ((size_t)o->table->layers[l] * frames + t) * width, sizeof *values, width,
                       o->frames) != width &&
                !o->reason)
                o->reason = errno;
    for (size_t l = 0; !o->archive && l < o->table->count; l++)
        for (size_t t = 0; t < frames; t++) {
            csv_add_path(&o->text, path);
            text_add(&o->text, ",%lld,%zu", (long long)o->table->layers[l], t);
            add_values(&o->text, values + ((size_t)o->table->layers[l] * frames + t) * width, width);
            text_add(&o->text, "\n");
        }
    if (!o->archive)
        put_text(o);
}

static bool write_archive(struct features_output *o, struct error *error)
{
    struct npz_writer *writer = npz_create();
    const size_t clips = o->paths.count, pooled[2] = {clips, o->names.count},
                 frames[3] = {o->offsets ? (size_t)o->offsets[clips] : 0, o->table->count, o->width};

    if (o->frames) {
        npz_add_file(writer, "features", o->frames, 3, frames);
        npz_add_integers(writer, "offsets", o->offsets, clips + 1);
        o->frames = NULL; /* the writer closes it */
    } else {
        npz_add_floats(writer, "features", o->values, 2, pooled);
        npz_add_texts(writer, "names", &o->names);
    }
    npz_add_texts(writer, "paths", &o->paths);
    npz_add_integers(writer, "layers", o->table->layers, o->table->count);
    return npz_commit(writer, o->path, error);
}

bool features_output_close(struct features_output *o, bool good, struct error *error)
{
    bool done = good;

    if (good && o->reason)
        done = error_set(error, "%s: cannot be written: %s", o->path ? o->path : "standard output",
                         strerror(o->reason));
    if (o->path && !o->archive && done)
        done = file_writer_commit(&o->writer, error);
    else if (o->path && !o->archive)
        file_writer_discard(&o->writer);
    else if (o->archive && done)
        done = write_archive(o, error);
    if (o->frames)
        fclose(o->frames);
    text_free(&o->text);
    strings_free(&o->paths);
    strings_free(&o->names);
    free(o->values);
    free(o->offsets);
    free(o);
    return done;
}
