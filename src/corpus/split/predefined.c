/*
 * Predefined splits: split.file is a CSV whose first row names its columns, among them `part` (train,
 * validation or test) and `name` (file name without ending) or `path` (relative to corpus.root).  Clips that
 * it does not name are in no part.
 */
#include "base/csv.h"
#include "base/log.h"
#include "base/memory.h"
#include "corpus/split/split.h"

#include <stdlib.h>
#include <string.h>

/* The first clip, sorted by name, whose name is not below `key`. */
static size_t first_of_name(const struct clip_list *clips, const char *key)
{
    size_t low = 0, high = clips->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(clips->clips[middle].name, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The clip of that name or path among those that are divided, or clips->count; *several: a further one has
 * the name. */
static size_t find_clip(const struct clip_list *clips, const char *key, bool is_path, bool *several)
{
    size_t found = clips->count;

    *several = false;
    for (size_t i = is_path ? 0 : first_of_name(clips, key); i < clips->count; i++) {
        const struct clip *clip = &clips->clips[i];
        bool same = strcmp(is_path ? clip->path : clip->name, key) == 0;
        if (!same && !is_path)
            break;
        if (!same || clip->part_is_fixed)
            continue;
        *several = found < clips->count;
        if (is_path || *several)
            return i;
        found = i;
    }
    return found;
}

/* Rows whose clip is not there to be used. */
struct unused {
    size_t count;
    char *first; /* "FILE:ROW: no usable clip ..." */
};

static bool assign_row(const struct split_request *request, const char *where, const char *key, bool is_path,
                       const char *part_name, enum part *parts, struct unused *unused, struct error *error)
{
    bool several;
    size_t i = find_clip(request->clips, key, is_path, &several);
    struct error unknown = {0};
    enum part part = part_find(part_name, &unknown);

    if (unknown.kind)
        return error_set(error, "%s: %s", where, unknown.message);
    if (i == request->clips->count) {
        if (unused->count++ == 0)
            unused->first = mem_format("%s: no usable clip \"%s\" in the corpus", where, key);
        return true;
    }
    if (several)
        return error_set(error, "%s: several clips are called \"%s\": give their path in place of the name",
                         where, key);
    if (parts[i] != PART_COUNT)
        return error_set(error, "%s: clip \"%s\" is given twice", where, key);
    parts[i] = part;
    return true;
}

static bool assign_rows(const struct split_request *request, struct csv *csv, enum part *parts,
                        struct error *error)
{
    size_t part = csv_column(csv, "part"), name = csv_column(csv, "name"), path = csv_column(csv, "path");
    size_t key = name < csv->columns ? name : path, rows = 0;
    struct unused unused = {0};
    bool done = true;

    if (part == csv->columns || key == csv->columns)
        return error_set(error, "%s:1: expected a row of column names with \"part\" and \"name\" or \"path\"",
                         csv->path);
    while (done && csv_next(csv, error)) {
        char *where = mem_format("%s:%zu", csv->path, csv->row);
        done = assign_row(request, where, csv_field(csv, key), key != name, csv_field(csv, part), parts,
                          &unused, error);
        free(where);
        rows++;
    }
    done = done && !error->kind;
    if (done && unused.count > 0 && unused.count == rows)
        done = error_set(error, "%s", unused.first);
    else if (done && unused.count > 0)
        log_warn("%s; so it is with %zu of the file's %zu rows: their clips are broken, left out by a "
                 "setting, or not there",
                 unused.first, unused.count, rows);
    free(unused.first);
    return done;
}

/* Without split.file: the parts that the corpus itself knows. */
static bool assign_own(const struct split_request *request, enum part *parts, struct error *error)
{
    size_t known = 0;

    for (size_t i = 0; i < request->clips->count; i++) {
        const char *part = request->clips->clips[i].part;
        parts[i] = part ? part_find(part, error) : PART_COUNT;
        if (error->kind)
            return error_prefix(error, "%s", request->clips->clips[i].path);
        known += part != NULL;
    }
    return known > 0 ||
           error_usage(error, "split.protocol=predefined needs split.file, or a corpus that names parts");
}

static bool assign_predefined(const struct split_request *request, enum part *parts, struct error *error)
{
    const char *path = request->settings->file;

    if (!*path)
        return assign_own(request, parts, error);
    for (size_t i = 0; i < request->clips->count; i++)
        parts[i] = PART_COUNT;
    struct csv csv;
    bool open = csv_open(&csv, path, error);
    if (!open)
        error->kind = ERROR_USAGE;
    bool done = open ? assign_rows(request, &csv, parts, error) : error_prefix(error, "split.file");
    csv_close(&csv);
    return done;
}

const struct split_protocol SPLIT_PREDEFINED = {
    .name = "predefined",
    .summary = "as a CSV says (split.file)",
    .assign = assign_predefined,
};
