/*
 * Predefined splits: split.file is a CSV whose first row names its columns, among them `part` (train,
 * validation or test) and `name` (file name without ending) or `path` (relative to corpus.root).  Clips that
 * it does not name are in no part.
 */
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "corpus/split.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 256 };

/* One row; false at the end of the text.  Fields are reused from row to row. */
static bool read_row(const char **cursor, struct text fields[MAX_COLUMNS], size_t *count)
{
    bool last = false;

    *count = 0;
    while (!last && *count < MAX_COLUMNS && text_next_csv(cursor, &fields[*count], &last))
        ++*count;
    return *count > 0;
}

static size_t column(const struct text *fields, size_t count, const char *name)
{
    size_t c = 0;

    while (c < count && strcmp(fields[c].text, name) != 0)
        c++;
    return c;
}

/* Index of the clip of that name or path, or clips->count.  Clips are sorted by name. */
static size_t find_clip(const struct clip_list *clips, const char *key, bool is_path)
{
    size_t low = 0, high = clips->count;

    if (is_path) {
        while (low < clips->count && strcmp(clips->clips[low].path, key) != 0)
            low++;
        return low;
    }
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(clips->clips[middle].name, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < clips->count && strcmp(clips->clips[low].name, key) == 0 ? low : clips->count;
}

static bool assign_row(const struct split_task *task, const char *where, const char *key, bool is_path,
                       const char *part_name, enum part *parts, struct error *error)
{
    size_t i = find_clip(task->clips, key, is_path);
    struct error unknown = {0};
    enum part part = part_find(part_name, &unknown);

    if (unknown.kind)
        return error_set(error, "%s: %s", where, unknown.message);
    if (i == task->clips->count)
        return error_set(error, "%s: no usable clip \"%s\" in the corpus", where, key);
    if (parts[i] != PART_COUNT)
        return error_set(error, "%s: clip \"%s\" is given twice", where, key);
    parts[i] = part;
    return true;
}

static bool assign_rows(const struct split_task *task, const char *path, const char *text, enum part *parts,
                        struct error *error)
{
    struct text *fields = mem_zero(MAX_COLUMNS, sizeof *fields);
    size_t count, line = 1;

    bool done = read_row(&text, fields, &count);
    size_t part = column(fields, count, "part"), name = column(fields, count, "name");
    size_t by_path = column(fields, count, "path"), key = name < count ? name : by_path;
    if (!done || part >= count || key >= count)
        done = error_set(error, "%s:1: expected a row of column names with \"part\" and \"name\" or \"path\"",
                         path);
    while (done && read_row(&text, fields, &count)) {
        char *where = mem_format("%s:%zu", path, ++line);
        if (count == 1 && fields[0].length == 0)
            ; /* an empty line */
        else if (part >= count || key >= count)
            done = error_set(error, "%s: too few columns", where);
        else
            done = assign_row(task, where, fields[key].text, key != name, fields[part].text, parts, error);
        free(where);
    }
    for (size_t i = 0; i < MAX_COLUMNS; i++)
        text_free(&fields[i]);
    free(fields);
    return done;
}

static bool assign(const struct split_task *task, enum part *parts, struct error *error)
{
    const char *path = config_text(task->config, "split.file");

    if (!*path)
        return error_usage(error, "split.protocol=predefined needs split.file");
    char *text = file_read(path, NULL, error);
    if (!text) {
        error->kind = ERROR_USAGE;
        return error_prefix(error, "split.file");
    }
    for (size_t i = 0; i < task->count; i++)
        parts[i] = PART_COUNT;
    bool done = assign_rows(task, path, text, parts, error);
    free(text);
    return done;
}

const struct split_protocol SPLIT_PREDEFINED = {
    .name = "predefined",
    .summary = "as a CSV says (split.file)",
    .assign = assign,
};
