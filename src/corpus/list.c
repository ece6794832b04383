/*
 * Any corpus as a list: corpus.file is a table, CSV or JSON lines (base/csv.h), whose first row or keys name
 * its columns.
 *
 *     path,label,speaker,part,start,end
 *     interview/a.wav,angry,ann,train,1.5,4.25
 *
 * path and label must be there; speaker, sex, text, part (train, validation or test: what
 * split.protocol=predefined takes) and start, end (a stretch of the file) may.  Their usual other names are
 * known (list_columns.c); corpus.columns says which are meant where that does not do.
 *
 * Of several labels (model.task=multi_label) the column holds them all, "happy;surprised"; it may be
 * called labels.  Instead of it, or of regression's column of numbers, there may be a column for each of
 * corpus.labels: 0 or 1, or the number.
 */
#include "base/csv.h"
#include "base/files.h"
#include "base/log.h"
#include "base/text.h"
#include "corpus/corpus.h"
#include "corpus/list_columns.h"
#include "corpus/list_values.h"
#include "corpus/list_votes.h"
#include "corpus/renaming.h"
#include "corpus/vote_shares.h"

#include <stdlib.h>
#include <string.h>

/* A list being read. */
struct list {
    struct csv csv;
    struct list_columns columns;
    struct list_places places;
    struct renamings part_map;
    enum task task;
    struct clip_list *found;
    bool votes, all_agree; /* corpus.votes: whether labels are of several annotators, who must all agree */
    size_t left_out;       /* rows, by corpus.part_map */
};

/* A field of the row without blanks around it. */
static const char *row_field(struct list *list, enum list_column column)
{
    return csv_trimmed(&list->csv, list->columns.at[column]);
}

static const char *known_field(struct list *list, enum list_column column)
{
    const char *value = row_field(list, column);

    return value_is_missing(value) ? NULL : value;
}

/* The path with its stretch, if the row has one; caller frees; NULL on error. */
static char *clip_path(struct list *list, struct error *error)
{
    const char *start = known_field(list, LIST_START), *end = known_field(list, LIST_END);
    char *path = list_path(&list->places, row_field(list, LIST_PATH)), *stretch = NULL;

    if (!path)
        error_usage(error, "%s:%zu: \"%s\": expected the path of a recording", list->csv.path, list->csv.row,
                    row_field(list, LIST_PATH));
    else if (!(stretch = value_stretch(path, start, end)))
        error_usage(error, "%s:%zu: no stretch from \"%s\" to \"%s\" s", list->csv.path, list->csv.row,
                    start ? start : "", end ? end : "");
    free(path);
    return stretch;
}

/* What the row says the clip is: its label, or what its columns say together; NULL: nothing.  *votes: of
 * columns of votes.  Caller frees both. */
static char *row_label(struct list *list, char **votes, struct error *error)
{
    double *values = mem_zero(list->columns.names.count, sizeof *values);
    struct text label = {0};

    if (list->columns.names.count == 0) {
        free(values);
        const char *known = known_field(list, LIST_LABEL);
        return mem_string(!known && list->task == MULTI_LABEL ? "" : known);
    }
    for (size_t k = 0; k < list->columns.names.count; k++) {
        const char *value = csv_trimmed(&list->csv, list->columns.values[k]);
        if (value_is_missing(value)) {
            free(values);
            return NULL;
        }
        if (!text_to_number(value, &values[k]) ||
            (list->task == MULTI_LABEL && values[k] != 0 && values[k] != 1))
            error_usage(error, "%s:%zu: %s: \"%s\" is no number, or of a label neither 0 nor 1",
                        list->csv.path, list->csv.row, list->columns.names.items[k], value);
    }
    int chosen = list->votes ? votes_choose(values, list->columns.names.count, list->all_agree) : -1;
    if (list->votes) {
        text_add(&label, "%s", chosen >= 0 ? list->columns.names.items[chosen] : "");
        *votes =
            votes_print((const char *const *)list->columns.names.items, values, list->columns.names.count);
    } else
        target_print(list->task, (const char *const *)list->columns.names.items, list->columns.names.count,
                     values, &label);
    free(values);
    if (list->votes && label.length == 0)
        text_free(&label);
    return label.text;
}

/* The row's part by corpus.part_map or as such words are meant; *left_out where the map says so. */
static const char *row_part(struct list *list, bool *left_out, struct error *error)
{
    const char *word = known_field(list, LIST_PART),
               *name = word ? renamings_find(&list->part_map, word) : NULL;
    enum part part = name ? part_of_word(name) : PART_COUNT;

    *left_out = word && !name;
    if (name && part == PART_COUNT)
        error_usage(
            error,
            "%s:%zu: no part \"%s\": it is train, validation or test; corpus.part_map=%s=test says what "
            "another word means, %s=- leaves its clips out, corpus.columns=part= takes no column for it",
            list->csv.path, list->csv.row, name, name, name);
    return part < PART_COUNT ? PART_NAMES[part] : NULL;
}

static bool add_row(struct list *list, struct error *error)
{
    bool left_out;
    const char *part = row_part(list, &left_out, error), *speaker = row_field(list, LIST_SPEAKER);

    list->left_out += left_out;
    if (error->kind || left_out)
        return !error->kind;
    char *path = clip_path(list, error);
    if (!path)
        return false;
    char *votes = NULL, *label = row_label(list, &votes, error);
    char *name = clip_name(path);
    clip_list_add(list->found,
                  &(struct clip){.path = path,
                                 .name = name,
                                 .label = label,
                                 .speaker = speaker_is_unknown(speaker) ? NULL : speaker,
                                 .sex = known_field(list, LIST_SEX),
                                 .text = known_field(list, LIST_TEXT),
                                 .votes = votes,
                                 .part = part,
                                 .defect = label                                      ? NULL
                                           : list->votes && list->columns.names.count ? VOTES_UNDECIDED
                                                                                      : "no label"});
    free(label);
    free(votes);
    free(name);
    free(path);
    return !error->kind;
}

/* A column that only seems to hold parts ("set": A, B, C) is not taken for one, and that is said. */
static bool check_guessed_part(struct list *list, struct error *error)
{
    struct csv csv;
    const size_t column = list->columns.at[LIST_PART];
    bool holds = true, done = true;

    if (!list->columns.part_is_guess || list->part_map.count > 0)
        return true;
    done = csv_open(&csv, list->csv.path, error);
    while (done && holds && csv_next(&csv, error)) {
        const char *word = csv_trimmed(&csv, column);
        holds = value_is_missing(word) || part_of_word(word) < PART_COUNT;
        if (!holds)
            log_warn(
                "%s:%zu: \"%s\" is no part, so the column %s is not taken for parts; corpus.part_map=%s=test "
                "would say what it means",
                csv.path, csv.row, word, csv_heading(&csv, column), word);
    }
    if (!holds)
        list->columns.at[LIST_PART] = list->csv.columns;
    csv_close(&csv);
    return done && !error->kind;
}

static bool read_rows(struct list *list, struct error *error)
{
    bool done = true;

    while (done && csv_next(&list->csv, error))
        done = add_row(list, error);
    const char *unused = renamings_unused(&list->part_map);
    if (done && !error->kind && unused)
        error_usage(error, "corpus.part_map: no row of %s has the part \"%s\"", list->csv.path, unused);
    if (list->left_out)
        log_info("%s: %zu rows left out by corpus.part_map", list->csv.path, list->left_out);
    if (done && list->votes)
        votes_join_rows(list->found, list->all_agree);
    return done && !error->kind;
}

static bool list_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                       struct clip_list *found, struct error *error)
{
    struct list list = {.found = found,
                        .task = corpora->task,
                        .votes = strcmp(corpus->votes, "none") != 0,
                        .all_agree = strcmp(corpus->votes, "all_agree") == 0};
    bool done = *corpus->file || error_usage(error, "corpus.kind=list needs corpus.file");

    if (done && list.votes && list.task != SINGLE_LABEL)
        done = error_usage(error, "corpus.votes=%s is for model.task=single_label", corpus->votes);
    char *root = done ? corpus_root(corpus, error) : NULL, *name = path_folder(corpus->file),
         *folder = realpath(name, NULL);

    list.places = (struct list_places){.root = root, .beside = folder ? folder : root};
    done = root && csv_open(&list.csv, corpus->file, error) &&
           list_columns_find(&list.columns, &list.csv, corpus->columns, corpora->labels,
                             list.task != SINGLE_LABEL || list.votes, error) &&
           renamings_read(&list.part_map, "corpus.part_map", corpus->part_map, true, error) &&
           check_guessed_part(&list, error) && read_rows(&list, error);
    csv_close(&list.csv);
    list_columns_free(&list.columns);
    renamings_free(&list.part_map);
    free(folder);
    free(name);
    free(root);
    return done;
}

const struct corpus_format CORPUS_LIST = {
    .name = "list",
    .summary = "clips, or stretches of files, as a CSV or JSON lines list them (corpus.file)",
    .list = list_clips,
};
