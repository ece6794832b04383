/*
 * Any corpus as a list: corpus.file is a CSV whose first row names its columns.
 *
 *     path,label,speaker,part,start,end
 *     interview/a.wav,angry,ann,train,1.5,4.25
 *
 * path (relative to corpus.root) and label must be there; speaker, sex, text, part (train, validation or
 * test: what split.protocol=predefined takes) and start, end (seconds: a stretch of the file) may.
 * corpus.columns says under which names, where they are others: "path=file label=emotion".
 *
 * Of several labels (model.task=multi_label) the column holds them all, "happy;surprised"; it may be
 * called labels.  Instead of it, or of regression's column of numbers, there may be a column for each of
 * corpus.labels: 0 or 1, or the number.
 */
#include "base/csv.h"
#include "base/files.h"
#include "base/text.h"
#include "corpus/corpus.h"
#include "corpus/split/split.h"

#include <stdlib.h>
#include <string.h>

enum column { PATH, LABEL, SPEAKER, SEX, TEXT, PART, START, END, COLUMNS };
static const char *const NAMES[COLUMNS] = {"path", "label", "speaker", "sex", "text", "part", "start", "end"};

/* A list being read. */
struct list {
    struct csv csv;
    char *titles[COLUMNS]; /* of the columns in the file */
    size_t columns[COLUMNS];
    enum task task;
    struct strings names;  /* corpus.labels, where each has a column */
    size_t *value_columns; /* of those */
    struct clip_list *found;
};

static bool take_title(struct list *list, const char *word, struct error *error)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : 0;

    for (int c = 0; equals && c < COLUMNS; c++) {
        if (strlen(NAMES[c]) != length || strncmp(NAMES[c], word, length) != 0)
            continue;
        free(list->titles[c]);
        list->titles[c] = mem_string(equals + 1);
        return true;
    }
    return error_usage(
        error,
        "corpus.columns: \"%s\": expected path=NAME, label=NAME, speaker=, sex=, text=, part=, start= or "
        "end=",
        word);
}

static bool read_titles(struct list *list, const char *columns, struct error *error)
{
    char *copy = mem_string(columns), *rest = copy;
    bool done = true;

    for (int c = 0; c < COLUMNS; c++)
        list->titles[c] = mem_string(NAMES[c]);
    for (char *word; done && (word = strsep(&rest, ", \t"));)
        done = !*word || take_title(list, word, error);
    free(copy);
    return done;
}

/* Without a column of labels: one for each. */
static bool find_value_columns(struct list *list, const char *labels)
{
    struct error unused = {0};
    bool all =
        list->task != SINGLE_LABEL && corpus_label_names(labels, &list->names, &unused) && list->names.count;

    list->value_columns = mem_zero(list->names.count, sizeof *list->value_columns);
    for (size_t k = 0; k < list->names.count; k++) {
        list->value_columns[k] = csv_column(&list->csv, list->names.items[k]);
        all = all && list->value_columns[k] < list->csv.columns;
    }
    if (!all)
        strings_free(&list->names);
    return all;
}

/* Every column that corpus.columns names must be in the file. */
static bool find_columns(struct list *list, const char *labels, struct error *error)
{
    bool plain = strcmp(list->titles[LABEL], NAMES[LABEL]) == 0;

    if (plain && csv_column(&list->csv, "label") == list->csv.columns &&
        csv_column(&list->csv, "labels") < list->csv.columns) {
        free(list->titles[LABEL]);
        list->titles[LABEL] = mem_string("labels");
    }
    for (int c = 0; c < COLUMNS; c++) {
        list->columns[c] = csv_column(&list->csv, list->titles[c]);
        bool needed = c == PATH || c == LABEL || strcmp(list->titles[c], NAMES[c]) != 0;
        if (c == LABEL && plain && list->columns[c] == list->csv.columns && find_value_columns(list, labels))
            continue;
        if (needed && list->columns[c] == list->csv.columns)
            return error_usage(error, "%s: no column \"%s\" (corpus.columns says which holds the %s)",
                               list->csv.path, list->titles[c], NAMES[c]);
    }
    return true;
}

static const char *row_field(const struct list *list, enum column column)
{
    return csv_field(&list->csv, list->columns[column]);
}

static const char *known_field(const struct list *list, enum column column)
{
    const char *value = row_field(list, column);

    return *value ? value : NULL;
}

/* Paths stay below corpus.root. */
static bool is_inside(const char *path)
{
    bool inside = *path && *path != '/';

    for (const char *part = path; inside && part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        inside = strncmp(part, "..", 2) != 0 || (part[2] != '/' && part[2] != '\0');
    return inside;
}

/* The path with its stretch, if the row has one; caller frees; NULL on error. */
static char *clip_path(const struct list *list, struct error *error)
{
    const char *path = row_field(list, PATH), *start = row_field(list, START), *end = row_field(list, END);
    char first[TEXT_NUMBER_SIZE], last[TEXT_NUMBER_SIZE];
    double from = 0, to;

    if (!is_inside(path)) {
        error_usage(error, "%s:%zu: \"%s\": expected a path below corpus.root", list->csv.path, list->csv.row,
                    path);
        return NULL;
    }
    if (!*start && !*end)
        return mem_string(path);
    if ((*start && !text_to_number(start, &from)) || !text_to_number(end, &to) || from < 0 || to <= from) {
        error_usage(error, "%s:%zu: no stretch from \"%s\" to \"%s\" s", list->csv.path, list->csv.row, start,
                    end);
        return NULL;
    }
    return mem_format("%s#t=%s,%s", path, text_from_number(first, from), text_from_number(last, to));
}

/* What the row says the clip is: its label, or what its columns say together; caller frees; NULL: nothing. */
static char *row_label(const struct list *list, struct error *error)
{
    double *values = mem_zero(list->names.count, sizeof *values);
    struct text label = {0};

    if (list->names.count == 0) {
        free(values);
        return mem_string(list->task == MULTI_LABEL ? row_field(list, LABEL) : known_field(list, LABEL));
    }
    for (size_t k = 0; k < list->names.count; k++) {
        const char *value = csv_field(&list->csv, list->value_columns[k]);
        if (!text_to_number(value, &values[k]) ||
            (list->task == MULTI_LABEL && values[k] != 0 && values[k] != 1))
            error_usage(error, "%s:%zu: %s: \"%s\" is no number, or of a label neither 0 nor 1",
                        list->csv.path, list->csv.row, list->names.items[k], value);
    }
    target_print(list->task, (const char *const *)list->names.items, list->names.count, values, &label);
    free(values);
    return label.text;
}

static bool add_row(struct list *list, struct error *error)
{
    const char *part = known_field(list, PART);
    struct error unknown = {0};
    char *path = clip_path(list, error);

    if (!path)
        return false;
    if (part && part_find(part, &unknown) == PART_COUNT) {
        free(path);
        return error_usage(error, "%s:%zu: %s", list->csv.path, list->csv.row, unknown.message);
    }
    char *label = row_label(list, error);
    bool whole = strcmp(path, row_field(list, PATH)) == 0;
    char *name = whole ? path_stem(path) : mem_string(path);
    clip_list_add(list->found, &(struct clip){.path = path,
                                              .name = name,
                                              .label = label,
                                              .speaker = known_field(list, SPEAKER),
                                              .sex = known_field(list, SEX),
                                              .text = known_field(list, TEXT),
                                              .part = part,
                                              .defect = label ? NULL : "no label"});
    free(label);
    free(name);
    free(path);
    return !error->kind;
}

static int by_path(const void *a, const void *b)
{
    return strcmp((*(const struct clip *const *)a)->path, (*(const struct clip *const *)b)->path);
}

static bool check_unique(const struct list *list, struct error *error)
{
    size_t count = list->found->count;
    const struct clip **order = mem_zero(count, sizeof *order);

    for (size_t i = 0; i < count; i++)
        order[i] = &list->found->clips[i];
    if (count)
        qsort(order, count, sizeof *order, by_path);
    for (size_t i = 1; i < count && !error->kind; i++)
        if (by_path(&order[i - 1], &order[i]) == 0)
            error_usage(error, "%s: %s is listed twice", list->csv.path, order[i]->path);
    free(order);
    return !error->kind;
}

static bool list_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                       struct clip_list *found, struct error *error)
{
    struct list list = {.found = found, .task = corpora->task};
    bool done = *corpus->file || error_usage(error, "corpus.kind=list needs corpus.file");

    done = done && read_titles(&list, corpus->columns, error) && csv_open(&list.csv, corpus->file, error) &&
           find_columns(&list, corpora->labels, error);
    while (done && csv_next(&list.csv, error))
        done = add_row(&list, error);
    done = done && !error->kind && check_unique(&list, error);
    csv_close(&list.csv);
    strings_free(&list.names);
    free(list.value_columns);
    for (int c = 0; c < COLUMNS; c++)
        free(list.titles[c]);
    return done;
}

const struct corpus_format CORPUS_LIST = {
    .name = "list",
    .summary = "clips, or stretches of files, as a CSV lists them (corpus.file)",
    .list = list_clips,
};
