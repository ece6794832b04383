/* Inside corpus/: a scan under way, and what is said of it. */
#ifndef EMOTRAIN_CORPUS_SCAN_H
#define EMOTRAIN_CORPUS_SCAN_H

#include "base/log.h"
#include "corpus/corpus.h"

#include <pthread.h>

/* A scan under way. */
struct scan {
    const struct corpus_format *format;
    const char *root;
    struct audio_cache *cache; /* NULL: no file is opened */
    struct clip_list known;    /* as the catalogue had it, sorted by path */
    struct clip_list found;    /* every file of the folder, in order of path */
    bool *unchanged;           /* per found file: taken from the catalogue */
    const char **stored_names; /* per found file: the name that the catalogue has; NULL: it is new */
    size_t *todo, todo_count;  /* found files to open */
    int64_t *gone;
    size_t gone_count;
    struct strings endings; /* of files that the format does not take */
    size_t *ending_counts, ending_capacity;
    size_t opened;         /* files opened this time */
    size_t one_channel;    /* clips opened now that are taken from one channel */
    pthread_mutex_t mutex; /* guards progress, done, opened, found.arena, hashed, one_channel and failure */
    struct progress progress;
    size_t done;
    struct hashed { /* the file hashed last: many stretches of one file follow each other */
        char *file, hash[SHA256_HEX_SIZE];
    } hashed;
    struct error failure; /* not a broken clip, but a scan that cannot go on: disk full, interrupted */
};

/* The order of struct clip by path, for qsort. */
int clips_by_path(const void *a, const void *b);

/* Finds copies among the clips, and marks those whose standing changed as changed (scan_copies.c). */
void compare_clips(struct scan *scan);

/* What was left out and why, a line for each reason; what the folders say of parts; files of other kinds
 * (scan_words.c). */
void report_scan(const struct scan *scan);

#endif
