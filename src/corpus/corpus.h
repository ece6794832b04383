/*
 * Corpora: turning a folder of recordings into clips in the catalogue.
 *
 * A corpus format is a constant struct in FORMATS (corpus.c): to add one, write a file like ravdess.c and
 * list it there.  The scan is the same for all: it walks the folder, takes unchanged files as the catalogue
 * knows them, decodes and caches the others in threads, and records what is broken and why.
 */
#ifndef EMOTRAIN_CORPUS_CORPUS_H
#define EMOTRAIN_CORPUS_CORPUS_H

#include "audio/audio.h"
#include "base/files.h"
#include "base/strings.h"
#include "config/settings.h"
#include "config/task.h"
#include "store/clips.h"

struct corpus_format {
    const char *name, *summary;
    const char *licence; /* of the recordings, for model cards; NULL: not known here */
    const char *about;   /* language, speakers, recordings, where to get it, as published; NULL: any corpus */

    /* corpus.filter, where it is not set; NULL: none. */
    const char *filter;

    /* Names identify clips, wherever they lie: a second file of a name is a copy or a mistake.  Else paths
     * do. */
    bool names_identify;

    /* Another name under which the same performance is wanted first; caller frees; NULL: none.  Where a clip
     * of that name is there, this one is left out. */
    char *(*preferred)(const char *name);

    /* Whether a file of that name belongs to the corpus at all; others are passed over in silence. */
    bool (*accepts)(const char *file_name);

    /* Fills label, speaker, sex, text and fields from clip->path and clip->name; strings that are not
     * constant go into the arena.  An error is the reason why the file is left out. */
    bool (*describe)(const struct corpus_format *format, struct clip *clip, struct arena *arena,
                     struct error *error);

    /* Instead of accepts and a walk through the folder: appends the clips with all that is known of them. */
    bool (*list)(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                 struct clip_list *found, struct error *error);
};

/* The formats in their order; NULL after the last. */
const struct corpus_format *corpus_format_at(size_t i);

const struct corpus_format *corpus_format_find(const char *name, struct error *error);

/* What a scan found. */
struct corpus_scan {
    int64_t corpus;               /* the catalogue's id */
    size_t files, decoded, clips; /* files met, opened this time, usable clips */
    size_t copies, broken, gone;  /* left out: copies, broken; vanished since last time */
    double seconds_of_audio;      /* of the usable clips */
    size_t multichannel;          /* usable clips of more than one channel */
    size_t unopened;              /* usable clips that no scan has opened yet */
};

/* Brings the catalogue up to date with the corpus' folder, by so many threads, and warns of what it left out,
 * once, at the end.  Without a cache (NULL) no file is opened: new clips are taken as the list or their names
 * describe them, and opened by the next scan that has one.  With corpus.strict a broken file is an error,
 * after all have been recorded. */
bool corpus_index(const struct corpora_settings *corpora, const struct corpus_settings *corpus, int threads,
                  struct catalogue *catalogue, struct audio_cache *cache, struct corpus_scan *scan,
                  struct error *error);

/* The usable clips that corpus.filter lets through, their labels mapped by corpus.label_map, those whose
 * label is among corpus.labels (multi_label: all, with those of their labels); sorted by name.  With
 * corpus.part their part is fixed. */
bool corpus_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                  struct catalogue *catalogue, int64_t id, struct clip_list *list, struct error *error);

/* The labels in use: corpus.labels, or every label of the clips, sorted; of regression the numbers' names.
 * Strings belong to `labels`. */
bool corpus_labels(const struct corpora_settings *corpora, const struct clip_list *clips,
                   struct strings *labels, struct error *error);

/* The names in the list corpus.labels; none if it is empty. */
bool corpus_label_names(const char *list, struct strings *labels, struct error *error);

/* What a corpus goes by in the catalogue: its format, the task unless it is single_label, the channel unless
 * it is their mean, and of a list its file ("list:/data/clips.csv"); caller frees. */
char *corpus_key(const struct corpus_settings *corpus, const struct corpora_settings *corpora);

/* The corpus' folder as an absolute path; caller frees; NULL on error. */
char *corpus_root(const struct corpus_settings *corpus, struct error *error);

/* What a speaker of a further corpus is called beside those of the first: "other:07"; NULL stays NULL.  In
 * the arena. */
const char *corpus_speaker(const char *corpus, const char *speaker, struct arena *arena);

/* The cache that the settings name; without a folder of its own it lies beside the database. */
struct audio_cache *corpus_cache_open(const struct audio_settings *audio, const char *database,
                                      struct error *error);

/* A clip's signal as a model takes it in: cached, cut to max_seconds (0: whole), normalised if it wants that.
 */
bool corpus_signal(struct audio_cache *cache, const char *path, const char *sha256, double max_seconds,
                   bool normalize, struct signal *signal, struct error *error);

extern const struct corpus_format CORPUS_RAVDESS, CORPUS_EMODB, CORPUS_SAVEE, CORPUS_CREMA_D, CORPUS_TESS,
    CORPUS_EMOREACT, CORPUS_IEMOCAP, CORPUS_ESD, CORPUS_EMOVO, CORPUS_CAFE, CORPUS_NEMO, CORPUS_SHEMO,
    CORPUS_URDU, CORPUS_SUBESCO, CORPUS_JL, CORPUS_ENTERFACE, CORPUS_MESD, CORPUS_EMOV_DB, CORPUS_AESDD,
    CORPUS_BAVED, CORPUS_ASVP_ESD, CORPUS_MSP_PODCAST, CORPUS_MSP_IMPROV, CORPUS_MELD, CORPUS_CREMA_D_VOTES,
    CORPUS_CMU_MOSEI, CORPUS_EMOZIONALMENTE, CORPUS_AUDFORMAT, CORPUS_KALDI, CORPUS_FOLDERS, CORPUS_LIST;

#endif
