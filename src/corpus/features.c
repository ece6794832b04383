/* Features from a CSV file: see features.h. */
#include "corpus/features.h"

#include "base/csv.h"
#include "base/files.h"
#include "base/memory.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char *key;
    size_t index;
};

struct features {
    struct strings names;
    float *values; /* (rows, names.count) */
    struct row *rows;
    size_t count, row_capacity, value_capacity;
};

/* Without the quotes that openSMILE puts around names. */
static char *unquoted(const char *text)
{
    size_t length = strlen(text);

    return length > 1 && text[0] == '\'' && text[length - 1] == '\''
               ? mem_format("%.*s", (int)length - 2, text + 1)
               : mem_string(text);
}

/* Which columns hold numbers, from the first row. */
static void choose_columns(struct features *f, struct csv *csv, size_t *columns)
{
    double value;

    for (size_t c = 1; c < csv->columns; c++) {
        const char *title = csv->heading[c].text;
        if (strcmp(title, "frameTime") == 0 || !text_to_number(csv_field(csv, c), &value))
            continue;
        columns[f->names.count] = c;
        strings_add(&f->names, title);
    }
}

static bool add_row(struct features *f, const struct csv *csv, const size_t *columns, struct error *error)
{
    size_t width = f->names.count;

    f->rows = mem_grow(f->rows, &f->row_capacity, f->count + 1, sizeof *f->rows);
    f->values = mem_grow(f->values, &f->value_capacity, (f->count + 1) * width, sizeof *f->values);
    for (size_t k = 0; k < width; k++) {
        double value;
        if (!text_to_number(csv_field(csv, columns[k]), &value) || !(fabs(value) <= (double)FLT_MAX))
            return error_set(error, "%s:%zu: %s: \"%s\" is no number", csv->path, csv->row, f->names.items[k],
                             csv_field(csv, columns[k]));
        f->values[f->count * width + k] = (float)value;
    }
    f->rows[f->count] = (struct row){unquoted(csv_field(csv, 0)), f->count};
    f->count++;
    return true;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

static bool check_unique(const struct features *f, const char *path, struct error *error)
{
    for (size_t i = 1; i < f->count; i++)
        if (by_key(&f->rows[i - 1], &f->rows[i]) == 0)
            return error_set(error, "%s: %s has two rows", path, f->rows[i].key);
    return f->count > 0 || error_set(error, "%s: no row", path);
}

struct features *features_open(const char *path, struct error *error)
{
    struct features *f = mem_zero(1, sizeof *f);
    struct csv csv;
    bool done = csv_open(&csv, path, error);
    size_t *columns = mem_zero(done ? csv.columns : 0, sizeof *columns);

    while (done && csv_next(&csv, error)) {
        if (f->count == 0)
            choose_columns(f, &csv, columns);
        done = f->names.count > 0 ? add_row(f, &csv, columns, error)
                                  : error_set(error, "%s: no column of numbers after the first", path);
    }
    csv_close(&csv);
    free(columns);
    if (f->count)
        qsort(f->rows, f->count, sizeof *f->rows, by_key);
    if (done && !error->kind && check_unique(f, path, error))
        return f;
    features_close(f);
    return NULL;
}

void features_close(struct features *features)
{
    if (!features)
        return;
    for (size_t i = 0; i < features->count; i++)
        free(features->rows[i].key);
    free(features->rows);
    free(features->values);
    strings_free(&features->names);
    free(features);
}

const struct strings *features_names(const struct features *features)
{
    return &features->names;
}

static const float *find_row(const struct features *features, const char *key)
{
    const struct row wanted = {(char *)key, 0};
    const struct row *row = bsearch(&wanted, features->rows, features->count, sizeof *features->rows, by_key);

    return row ? features->values + row->index * features->names.count : NULL;
}

const float *features_row(const struct features *features, const char *root, const char *path,
                          const char *name)
{
    const float *values = find_row(features, path);
    char *whole = path_join(root, path);

    for (const char *tail = whole; !values && tail && *tail; tail = strchr(tail, '/')) {
        values = find_row(features, tail); /* the whole path, then with ever fewer folders before it */
        tail += *tail == '/';
        values = values ? values : find_row(features, tail);
    }
    free(whole);
    return values ? values : find_row(features, name);
}
