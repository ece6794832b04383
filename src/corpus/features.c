/* Features from a file: see features.h. */
#include "corpus/features.h"

#include "base/csv.h"
#include "base/files.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/npz.h"
#include "base/text.h"

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

/* Also nan and inf, which are refused where they stand. */
static bool is_number(const char *text)
{
    char *end;

    strtod(text, &end);
    return *text && !*end;
}

enum column_kind { EMPTY_COLUMN, NUMBERS, TEXTS };

/* By the first row in which a column is not empty; (csv->columns), of which the first is not looked at. */
static void find_kinds(struct csv *csv, enum column_kind *kinds, struct error *error)
{
    size_t unknown = csv->columns - 1;

    while (unknown > 0 && csv_next(csv, error))
        for (size_t c = 1; c < csv->columns; c++) {
            const char *field = csv_field(csv, c);
            if (kinds[c] != EMPTY_COLUMN || !*field)
                continue;
            bool feature = is_number(field) && strcmp(csv_heading(csv, c), "frameTime") != 0;
            kinds[c] = feature ? NUMBERS : TEXTS;
            unknown--;
        }
}

/* Takes the columns that hold numbers, and says the others. */
static void choose_columns(struct features *f, struct csv *csv, size_t *columns, struct error *error)
{
    enum column_kind *kinds = mem_zero(csv->columns, sizeof *kinds);
    struct text others = {0};

    find_kinds(csv, kinds, error);
    for (size_t c = 1; c < csv->columns; c++)
        if (kinds[c] == NUMBERS) {
            columns[f->names.count] = c;
            strings_add(&f->names, csv_heading(csv, c));
        } else {
            text_add(&others, "%s%s", others.length ? ", " : "", csv_heading(csv, c));
        }
    if (others.length && f->names.count > 0)
        log_info("%s: no features: %s", csv->path, others.text);
    text_free(&others);
    free(kinds);
}

static bool add_row(struct features *f, const struct csv *csv, const size_t *columns, struct error *error)
{
    size_t width = f->names.count;

    f->rows = mem_grow(f->rows, &f->row_capacity, f->count + 1, sizeof *f->rows);
    f->values = mem_grow(f->values, &f->value_capacity, (f->count + 1) * width, sizeof *f->values);
    for (size_t k = 0; k < width; k++) {
        double value;
        bool number = text_to_number(csv_field(csv, columns[k]), &value);
        if (!number || !(fabs(value) <= (double)FLT_MAX))
            return error_set(error, "%s:%zu: %s: \"%s\" is %s", csv->path, csv->row, f->names.items[k],
                             csv_field(csv, columns[k]), number ? "beyond float32's range" : "no number");
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

static bool read_csv(struct features *f, const char *path, struct error *error)
{
    struct csv csv;
    bool done = csv_open(&csv, path, error);
    size_t *columns = mem_zero(done ? csv.columns : 0, sizeof *columns);

    if (done) {
        choose_columns(f, &csv, columns, error);
        csv_rewind(&csv);
    }
    while (done && !error->kind && csv_next(&csv, error))
        done = f->names.count > 0 ? add_row(f, &csv, columns, error)
                                  : error_set(error, "%s: no column of numbers after the first", path);
    csv_close(&csv);
    free(columns);
    return done && !error->kind;
}

/* Names of an archive's columns: what it says, or numbers. */
static bool name_columns(struct features *f, const char *path, size_t width, struct error *error)
{
    struct npz_array names = {0};

    if (npz_read(path, "names", &names, error) && names.texts.count != width)
        error_set(error, "%s: %zu names of %zu features", path, names.texts.count, width);
    for (size_t k = 0; !error->kind && k < width; k++) {
        char *number = mem_format("%zu", k);
        strings_add(&f->names, names.texts.count ? names.texts.items[k] : number);
        free(number);
    }
    npz_free(&names);
    return !error->kind;
}

static bool read_npz(struct features *f, const char *path, struct error *error)
{
    struct npz_array values = {0}, paths = {0};
    bool done = (npz_read(path, "features", &values, error) && npz_read(path, "paths", &paths, error)) ||
                error->kind || error_set(error, "%s: no arrays \"features\" and \"paths\"", path);

    done = done && !error->kind;
    if (done &&
        (values.dims < 2 || !values.values || paths.texts.count != values.shape[0] || values.count == 0))
        done = error_set(
            error,
            "%s: \"features\" is to be numbers (clips, ...), and \"paths\" as many texts: frames of "
            "clips (--pooling none) are not read back",
            path);
    size_t width = done ? values.count / values.shape[0] : 0;
    for (size_t i = 0; done && i < values.count; i++)
        if (!(fabsf(values.values[i]) <= FLT_MAX))
            done =
                error_set(error, "%s: %s: a feature is no finite number", path, paths.texts.items[i / width]);
    if (done && (done = name_columns(f, path, width, error))) {
        f->values = values.values;
        values.values = NULL;
        f->count = values.shape[0];
        f->rows = mem_zero(f->count, sizeof *f->rows);
        for (size_t i = 0; i < f->count; i++)
            f->rows[i] = (struct row){mem_string(paths.texts.items[i]), i};
    }
    npz_free(&values);
    npz_free(&paths);
    return done;
}

struct features *features_open(const char *path, struct error *error)
{
    struct features *f = mem_zero(1, sizeof *f);
    bool done = text_ends(path, ".npz") ? read_npz(f, path, error) : read_csv(f, path, error);

    if (f->count)
        qsort(f->rows, f->count, sizeof *f->rows, by_key);
    if (done && check_unique(f, path, error))
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
