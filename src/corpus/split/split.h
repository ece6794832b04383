/*
 * Splits: which clips train, which validate, which test.
 *
 * A protocol is a constant struct in PROTOCOLS (split.c).  Clips go in sorted by name; what comes out is
 * indices into that list, in an order that `train.shuffle=no` follows.  The same settings give the same split
 * on any machine.
 */
#ifndef EMOTRAIN_CORPUS_SPLIT_SPLIT_H
#define EMOTRAIN_CORPUS_SPLIT_SPLIT_H

#include "base/strings.h"
#include "config/settings.h"
#include "store/clips.h"
#include "store/splits.h"

struct split {
    size_t *clips[PART_COUNT]; /* indices into the clip list */
    size_t counts[PART_COUNT];
    size_t speakers;        /* distinct speakers among the clips; 0 if the corpus does not know them */
    size_t shared_speakers; /* those who are in the train part and in the test part */
    size_t left_out;        /* clips in no part (protocol=predefined) */
    size_t folds;           /* that there are of this split; 0: it is a single one */
    size_t copies;          /* clips left out: they sound like one of another part */
    size_t copy;            /* one of them */
    size_t leaks;           /* test clips that sound like one of the train part, and are kept */
    size_t leak;            /* one of them */
    size_t of_recordings;   /* clips left out: stretches of a recording that another part has stretches of */
    size_t shared_recordings; /* test clips that are stretches of a recording of the train part */
};

/* Makes the split that the settings describe.  `root`: the folder of clips whose path is relative, or NULL.
 * `first` (clips->count), or NULL: of each clip the first one
 * that sounds the same (same_sound.h); settings->copies, drop or keep, says what becomes of those in two
 * parts. Fails, saying why, where scikit-learn would: a class with one clip, a part smaller than the number
 * of classes. */
bool split_make(const struct split_settings *settings, enum task task, const struct clip_list *clips,
                const char *root, const size_t *first, struct split *split, struct error *error);
void split_free(struct split *split);

/* Whether there are clips to train on: a split may be of clips to test alone. */
bool split_trains(const struct split_settings *settings, const struct split *split, struct error *error);

/* Takes clips of the train part out that are of one kind with one of the test or the validation part, and
 * clips of the validation part with one of the test part (copies.c).  `first`: of each of clip_count clips
 * the first of its kind, the same sound or recording.  Returns how many; *example is one of them. */
size_t split_drop_shared(struct split *split, const size_t *first, size_t clip_count, size_t *example);
/* How many clips of the test part are of one kind with one of the train part. */
size_t split_count_shared(const struct split *split, const size_t *first, size_t clip_count, size_t *example);

/* The settings that determine the split, on one line; caller frees. */
char *split_describe(const struct split_settings *settings, const struct corpora_settings *corpora);

/* Stores it in the catalogue under its description. */
bool split_store(const char *description, struct catalogue *catalogue, int64_t corpus,
                 const struct clip_list *clips, const struct split *split, struct error *error);

/* The part that checkpoints are chosen by: validation, or test where there is none. */
enum part split_selection_part(const struct split *split);

/* What a protocol works on. */
struct split_request {
    const struct split_settings *settings;
    const struct clip_list *clips;
    size_t *pool; /* indices into clips to divide, in order */
    size_t count;
    int *classes; /* per clip of `clips`: index of its label among all labels sorted bytewise */
    size_t class_count;
    char **recordings; /* per clip of `clips`; NULL: no two are of one */
    bool by_recording; /* they stay together, not speakers */
    uint32_t seed;
};

struct split_protocol {
    const char *name, *summary;

    /* Divides request->pool into `rest` and `part` (each with room for all); `part` should get `size` clips.
     */
    bool (*divide)(const struct split_request *request, size_t size, size_t *rest, size_t *rest_count,
                   size_t *part, size_t *part_count, struct error *error);

    /* The same for fold `fold` of `folds`; NULL: no folds. */
    bool (*fold)(const struct split_request *request, size_t folds, size_t fold, size_t *rest,
                 size_t *rest_count, size_t *part, size_t *part_count, struct error *error);

    /* How many folds there are, whatever split.folds says; NULL: as that says. */
    size_t (*fold_count)(const struct split_request *request);

    /* Instead of both: assigns each clip of request->clips a part or PART_COUNT itself. */
    bool (*assign)(const struct split_request *request, enum part *parts, struct error *error);
};

extern const struct split_protocol SPLIT_STRATIFIED, SPLIT_SPEAKER, SPLIT_PREDEFINED, SPLIT_EMOBOX,
    SPLIT_RECORDINGS /* in place of SPLIT_STRATIFIED, where clips are stretches of recordings */;

/* The recordings of which several clips are stretches, per clip; NULL: there is none.  Free with
 * split_recordings_free (recordings.c). */
char **split_recordings(const struct clip_list *clips, const char *root);
void split_recordings_free(char **recordings, size_t count);

/* Of each clip the first one of its recording; caller frees. */
size_t *split_first_of_recordings(char *const *recordings, size_t count);

/* For protocols: a choice of whole groups, speakers or recordings, whose clips are nearest to `size` and to
 * the labels and sexes of the whole (speaker.c). */
bool split_divide_groups(const struct split_request *request, size_t size, size_t *rest, size_t *rest_count,
                         size_t *part, size_t *part_count, struct error *error);

/* For protocols: the clips of the named speakers go to `part`, all others to `rest`, each in a seeded order
 * (speaker.c). */
bool split_take_speakers(const struct split_request *request, const struct strings *names, size_t *rest,
                         size_t *rest_count, size_t *part, size_t *part_count, struct error *error);

#endif
