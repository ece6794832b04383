/* What commands read: the corpora, brought up to date in the catalogue, and their split. */
#ifndef EMOTRAIN_CLI_SOURCE_H
#define EMOTRAIN_CLI_SOURCE_H

#include "corpus/corpus.h"
#include "corpus/split.h"

struct source_corpus {
    char *root; /* absolute; NULL: there is none of that number */
    int64_t id; /* the catalogue's */
};

struct source {
    struct source_corpus corpora[MOST_CORPORA]; /* as the configuration numbers them, from 1 */
    const char *root;                           /* of the first, which its clips' paths are relative to */
    struct catalogue *catalogue;
    bool opens_nothing;        /* set by the caller: clips are listed, not opened */
    struct audio_cache *cache; /* NULL then */
    struct corpus_scan scan;   /* of all */
    struct clip_list clips;    /* usable, of the labels in use */
    struct split split;
};

/* Opens catalogue and cache and indexes the corpus.  Nothing is made where there is no corpus. */
bool source_index(struct source *source, const struct config *config, struct error *error);

/* After that: reads the clips and makes and stores the split. */
bool source_split(struct source *source, const struct config *config, struct error *error);

void source_close(struct source *source); /* also after an error, or of a zeroed struct */

#endif
