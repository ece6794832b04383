/* Corpora and their clips in the catalogue. */
#ifndef EMOTRAIN_STORE_CLIPS_H
#define EMOTRAIN_STORE_CLIPS_H

#include "base/memory.h"
#include "store/catalogue.h"

#include <stdint.h>

/* One file of a corpus.  Strings belong to the clip list's arena (or to whoever made the struct). */
struct clip {
    int64_t id;
    const char *path;   /* relative to the corpus' root; "#t=START,END" after it: a stretch of the file */
    const char *name;   /* what splits are made of: the file's name, or its path, without ending */
    int64_t file_size;  /* bytes */
    int64_t file_mtime; /* nanoseconds since 1970 */
    const char *sha256; /* of the file; NULL if it could not be read */
    int rate, channels; /* as recorded */
    int64_t frames;     /* samples per channel, as recorded */
    double duration;    /* seconds */
    double level, peak, clipped, silence, snr; /* audio/sound.h */
    const char *fingerprint;                   /* of the sound, as text; NULL or "": none */
    const char *label, *speaker, *sex, *text;  /* NULL where unknown */
    const char *votes;                         /* of all annotators (corpus/vote_shares.h); NULL: unknown */
    const char *part;                          /* that the corpus itself puts it in, or NULL */
    bool part_is_fixed;                        /* whatever split.protocol says; not in the catalogue */
    const char *channel;                       /* "speech", "song"; NULL where unknown */
    const char *intensity;                     /* of the emotion: "normal", "strong"; NULL where unknown */
    const char *defect;                        /* why the file is left out; NULL: usable */
    const char *duplicate_of;                  /* path of the clip that this is a copy of; NULL: not a copy */
};

struct clip_list {
    struct clip *clips;
    size_t count, capacity;
    struct arena arena;
};

/* Appends a copy of `clip`, its strings copied into the list's arena. */
void clip_list_add(struct clip_list *list, const struct clip *clip);
void clip_list_free(struct clip_list *list);

/* The id of a corpus, made if it is new.  `root` should be an absolute path. */
bool catalogue_corpus_id(struct catalogue *catalogue, const char *kind, const char *root, int64_t *id,
                         struct error *error);

enum clip_filter { CLIPS_ALL, CLIPS_USABLE /* no defect and no copy */ };

/* Appends the corpus' clips, sorted by name, then path (bytewise). */
bool clips_read(struct catalogue *catalogue, int64_t corpus, enum clip_filter filter, struct clip_list *list,
                struct error *error);

/* Fills each clip from its path, in the corpus of that kind and root; clips that the catalogue does not have
 * stay as they are.  Strings go into the arena. */
bool clips_look_up(struct catalogue *catalogue, const char *kind, const char *root, struct clip *clips,
                   size_t count, struct arena *arena, struct error *error);

/* In one transaction: clips with id 0 are inserted, the others of the list updated, and the clips whose ids
 * are in `gone` removed.  If anything changed, the corpus' splits are removed too: they are made again. */
bool clips_write(struct catalogue *catalogue, int64_t corpus, const struct clip_list *changed,
                 const int64_t *gone, size_t gone_count, struct error *error);

#endif
