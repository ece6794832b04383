/* Inside corpus/: what people write in lists: missing values, times, parts, paths. */
#ifndef EMOTRAIN_CORPUS_LIST_VALUES_H
#define EMOTRAIN_CORPUS_LIST_VALUES_H

#include "store/splits.h"

#include <stdbool.h>

/* Nothing, or what pandas writes for it: nan, NA, None and so on. */
bool value_is_missing(const char *value);

/* The same, or a word for a speaker who is not known. */
bool speaker_is_unknown(const char *speaker);

/* Seconds: "1.5", "0:01:05.5" (h:m:s), "1:05" (m:s), "0 days 00:00:01.5" (pandas). */
bool value_to_seconds(const char *value, double *seconds);

/* The path of a stretch of a file, FILE#t=START,END; without times (NULL), of all of it.  Caller frees; NULL:
 * no such stretch. */
char *value_stretch(const char *file, const char *start, const char *end);

/* What splits call a clip: its path without the ending, or with the stretch.  Caller frees. */
char *clip_name(const char *path);

/* The part that a word names: train, training, dev, Validation, test ...; PART_COUNT: none that is known. */
enum part part_of_word(const char *word);

/* How the files of a list are found. */
struct list_places {
    const char *root;   /* corpus.root, absolute */
    const char *beside; /* the list's folder, absolute: for paths that are not below the root */
    bool is_beside;     /* whether paths are relative to that */
    int tries;          /* paths for which neither folder had a file */
};

/* The recording that a list's path means, as it stands in the catalogue: relative to the root where it lies
 * below it, else absolute.  It may be absolute, begin with "~", have backslashes, or lack the file's ending.
 * Caller frees; NULL where it names nothing. */
char *list_path(struct list_places *places, const char *path);

#endif
