/* What commands read: the corpora of a configuration, brought up to date in the catalogue, and their split.
 */
#ifndef EMOTRAIN_RUN_INDEXED_CORPUS_H
#define EMOTRAIN_RUN_INDEXED_CORPUS_H

#include "base/digest.h"
#include "config/settings.h"
#include "corpus/corpus.h"
#include "corpus/split/split.h"

struct indexed_root {
    char *folder; /* absolute */
    int64_t id;   /* the catalogue's */
};

struct indexed_corpus {
    struct indexed_root *roots; /* one for each corpus of the settings */
    size_t count;
    const char *root; /* of the first, which its clips' paths are relative to; others' are absolute */
    struct catalogue *catalogue;
    bool opens_nothing;        /* set by the caller: clips are listed, not opened */
    struct audio_cache *cache; /* NULL then */
    struct corpus_scan scan;   /* of all */
    struct clip_list clips;    /* usable, of the labels in use */
    double seconds;            /* of audio in them */
    struct split split;
    size_t *first;       /* of each of the clips: the first one that sounds the same (same_sound.h) */
    size_t same_content; /* clips that sound like an earlier one */
    size_t too_short;    /* clips left out by audio.min_seconds */
};

/* Opens catalogue and cache and indexes the corpora.  Nothing is made where there is no corpus. */
bool corpora_index(struct indexed_corpus *corpus, const struct settings *settings, struct error *error);

/* After that: reads the clips, and finds those that sound the same. */
bool corpora_read(struct indexed_corpus *corpus, const struct settings *settings, struct error *error);

/* After corpora_index: corpora_read, and makes and stores the split; warns of copies. */
bool corpora_split(struct indexed_corpus *corpus, const struct settings *settings, struct error *error);

void corpora_close(struct indexed_corpus *corpus); /* also after an error, or of a zeroed struct */

/* A hash of all clips: their files, labels, speakers and texts. */
void corpora_digest(const struct indexed_corpus *corpus, char hex[SHA256_HEX_SIZE]);

/* A hash of the clips in use: their files, labels, texts, parts and order. */
void split_digest(const struct indexed_corpus *corpus, char hex[SHA256_HEX_SIZE]);

#endif
