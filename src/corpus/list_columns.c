/* Which column of a list holds what: see list_columns.h. */
#include "corpus/list_columns.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/config.h"
#include "corpus/corpus.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* A column's name in corpus.columns, and what it is usually called, in small letters without blanks, "_", "-"
 * and ".", apart by blanks; what comes first is taken first.  Of times only what cannot mean anything else:
 * MELD's StartTime is the episode's. */
static const struct {
    const char *name, *usual;
} COLUMNS[LIST_COLUMNS] = {
    {"path", "path file filename filepath wav wavfile wavpath audio audiofile audiopath audiofilepath clip "
             "recording fname utteranceid uttid utt key"},
    {"label", "label labels emotion emotions emo emoclass emotionlabel emotionclass class category"},
    {"speaker", "speaker speakerid spk spkid spkrid spkr actor actorid"},
    {"sex", "sex gender speakersex speakergender"},
    {"text", "text transcript transcription sentence"},
    {"part", "part split splitset set subset partition"},
    {"start", "start startsec startseconds"},
    {"end", "end endsec endseconds"}};

/* A heading as the table has it; caller frees. */
static char *plain_heading(const char *heading)
{
    char *plain = mem_string(heading), *to = plain;

    for (const char *from = plain; *from; from++)
        if (!strchr(" \t_-.", *from))
            *to++ = (char)tolower((unsigned char)*from);
    *to = '\0';
    return plain;
}

/* The column of that heading: exactly so, else in other case or with other blanks. */
static size_t find_heading(const struct csv *csv, const char *wanted)
{
    size_t c = csv_column(csv, wanted);
    char *plain = plain_heading(wanted);

    for (size_t k = 0; c == csv->columns && k < csv->columns; k++) {
        char *other = plain_heading(csv_heading(csv, k));
        if (strcmp(plain, other) == 0)
            c = k;
        free(other);
    }
    free(plain);
    return c;
}

static size_t find_usual(const struct csv *csv, enum list_column column)
{
    size_t c = csv->columns;
    const char *rest = COLUMNS[column].usual;

    for (char *name; c == csv->columns && (name = list_next(&rest, ' ')); free(name))
        c = find_heading(csv, name);
    return c;
}

/* One heading twice: which of the two is meant is not known. */
static bool check_single(const struct csv *csv, size_t column, struct error *error)
{
    for (size_t c = 0; c < csv->columns; c++)
        if (c != column && strcmp(csv_heading(csv, c), csv_heading(csv, column)) == 0)
            return error_usage(error, "%s:1: columns %zu and %zu are both called \"%s\"", csv->path,
                               (c < column ? c : column) + 1, (c < column ? column : c) + 1,
                               csv_heading(csv, column));
    return true;
}

/* ---- corpus.columns ---- */

/* The next "path=NAME" at *cursor, after blanks and commas; NAME may stand in quotes, with blanks and commas.
 * Caller frees; NULL at the end. */
static char *next_title(const char **cursor)
{
    const char *at = *cursor + strspn(*cursor, ", \t");
    struct text word = {0};
    bool quoted = false;

    for (; *at && (quoted || !strchr(", \t", *at)); at++) {
        if (*at == '"')
            quoted = !quoted;
        else
            text_add_bytes(&word, at, 1);
    }
    *cursor = at;
    return word.text;
}

static bool take_title(struct list_columns *columns, bool given[LIST_COLUMNS], const struct csv *csv,
                       const char *word, struct error *error)
{
    const char *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : 0;

    for (int c = 0; equals && c < LIST_COLUMNS; c++) {
        if (strlen(COLUMNS[c].name) != length || strncmp(COLUMNS[c].name, word, length) != 0)
            continue;
        if (given[c])
            return error_usage(error, "corpus.columns: %s= stands there twice", COLUMNS[c].name);
        given[c] = true;
        columns->at[c] = equals[1] ? find_heading(csv, equals + 1) : csv->columns;
        if (equals[1] && columns->at[c] == csv->columns)
            return error_usage(error, "%s: no column \"%s\" (corpus.columns says which holds the %s)",
                               csv->path, equals + 1, COLUMNS[c].name);
        return true;
    }
    return error_usage(error,
                       "corpus.columns: \"%s\": expected path=NAME, label=NAME, speaker=, sex=, text=, "
                       "part=, start= or end=",
                       word);
}

/* ---- all ---- */

/* Without a column of labels: one for each.  *missing: one that there is not; caller frees. */
static bool find_value_columns(struct list_columns *columns, const struct csv *csv, const char *labels,
                               char **missing)
{
    struct error unused = {0};
    bool all = corpus_label_names(labels, &columns->names, &unused) && columns->names.count;

    columns->values = mem_zero(columns->names.count, sizeof *columns->values);
    for (size_t k = 0; k < columns->names.count; k++) {
        columns->values[k] = csv_column(csv, columns->names.items[k]);
        if (columns->values[k] == csv->columns && !*missing)
            *missing = mem_string(columns->names.items[k]);
        all = all && columns->values[k] < csv->columns;
    }
    if (!all)
        strings_free(&columns->names);
    return all;
}

static void say_guesses(const struct list_columns *columns, const bool given[LIST_COLUMNS],
                        const struct csv *csv)
{
    struct text line = {0};

    for (int c = 0; c < LIST_COLUMNS; c++) {
        const char *heading = columns->at[c] < csv->columns ? csv_heading(csv, columns->at[c]) : NULL;
        char *plain = heading ? plain_heading(heading) : NULL;
        if (!given[c] && plain && strcmp(plain, COLUMNS[c].name) != 0)
            text_add(&line, "%s%s=%s", line.length ? " " : "", COLUMNS[c].name, heading);
        free(plain);
    }
    if (line.length)
        log_info("%s: taken as columns: %s (corpus.columns says otherwise)", csv->path, line.text);
    text_free(&line);
}

bool list_columns_find(struct list_columns *columns, const struct csv *csv, const char *setting,
                       const char *labels, bool may_be_apart, struct error *error)
{
    bool given[LIST_COLUMNS] = {false}, done = true;
    char *missing = NULL;

    *columns = (struct list_columns){0};
    for (char *word; done && (word = next_title(&setting)); free(word))
        done = take_title(columns, given, csv, word, error);
    for (int c = 0; done && c < LIST_COLUMNS; c++) {
        bool apart = false;
        if (c == LIST_LABEL && !given[c] && csv_column(csv, "label") == csv->columns)
            apart = may_be_apart && find_value_columns(columns, csv, labels, &missing);
        if (!given[c])
            columns->at[c] = apart ? csv->columns : find_usual(csv, (enum list_column)c);
        bool there = columns->at[c] < csv->columns;
        if (!there && missing)
            done = error_usage(error,
                               "%s: no column \"label\", nor \"%s\" of corpus.labels (corpus.columns "
                               "says which holds the label)",
                               csv->path, missing);
        else if (!there && !apart && (c == LIST_PATH || c == LIST_LABEL))
            done = error_usage(error, "%s: no column \"%s\" (corpus.columns says which holds the %s)",
                               csv->path, COLUMNS[c].name, COLUMNS[c].name);
        free(missing);
        missing = NULL;
        done = done && (!there || check_single(csv, columns->at[c], error));
    }
    columns->part_is_guess = done && !given[LIST_PART] && columns->at[LIST_PART] < csv->columns &&
                             strcmp(csv_heading(csv, columns->at[LIST_PART]), "part") != 0;
    if (done)
        say_guesses(columns, given, csv);
    return done;
}

void list_columns_free(struct list_columns *columns)
{
    strings_free(&columns->names);
    free(columns->values);
    *columns = (struct list_columns){0};
}
