/* Inside corpus/: which column of a list holds what. */
#ifndef EMOTRAIN_CORPUS_LIST_COLUMNS_H
#define EMOTRAIN_CORPUS_LIST_COLUMNS_H

#include "base/csv.h"
#include "base/strings.h"

enum list_column {
    LIST_PATH,
    LIST_LABEL,
    LIST_SPEAKER,
    LIST_SEX,
    LIST_TEXT,
    LIST_PART,
    LIST_START,
    LIST_END,
    LIST_COLUMNS
};

struct list_columns {
    size_t at[LIST_COLUMNS]; /* csv->columns: there is none */
    bool part_is_guess;   /* LIST_PART has a name that parts often have, and nothing says that it is meant */
    struct strings names; /* corpus.labels, where each has a column of its own in place of LIST_LABEL */
    size_t *values;       /* (names.count): those columns */
};

/* Finds the columns: those that corpus.columns (`setting`) names, the others by their usual names, whatever
 * their case, blanks and underscores.  Says in one line which were found under other names than ours.
 * `labels`: corpus.labels, which `may_be_apart`, in columns of their own.  Free them, found or not. */
bool list_columns_find(struct list_columns *columns, const struct csv *csv, const char *setting,
                       const char *labels, bool may_be_apart, struct error *error);
void list_columns_free(struct list_columns *columns);

#endif
