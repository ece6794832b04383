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
#include "base/config.h"
#include "base/problem.h"
#include "base/strings.h"
#include "store/clips.h"

struct corpus_format {
    const char *name, *summary;
    const char *licence; /* of the recordings, for model cards; NULL: not known here */

    /* Names identify clips, wherever they lie: a second file of a name is a copy or a mistake.  Else paths
     * do. */
    bool names_identify;

    /* Whether a file of that name belongs to the corpus at all; others are passed over in silence. */
    bool (*accepts)(const char *file_name);

    /* Fills label, speaker, sex, text and fields from clip->path and clip->name; strings that are not
     * constant go into the arena.  An error is the reason why the file is left out. */
    bool (*describe)(const struct corpus_format *format, struct clip *clip, struct arena *arena,
                     struct error *error);

    /* Instead of accepts and a walk through the folder: appends the clips with all that is known of them. */
    bool (*list)(const struct config *config, struct clip_list *found, struct error *error);
};

const struct corpus_format *corpus_format_find(const char *name, struct error *error);

/* What a scan found. */
struct corpus_scan {
    int64_t corpus;               /* the catalogue's id */
    size_t files, decoded, clips; /* files met, opened this time, usable clips */
    size_t copies, broken, gone;  /* left out: copies, broken; vanished since last time */
    double seconds_of_audio;      /* of the usable clips */
    size_t multichannel;          /* usable clips of more than one channel, downmixed */
    size_t unopened;              /* usable clips that no scan has opened yet */
};

/* Brings the catalogue up to date with config's corpus.root and warns of what it left out, once, at the
 * end.  Without a cache (NULL) no file is opened: new clips are taken as the list or their names describe
 * them, and opened by the next scan that has one.  With corpus.strict a broken file is an error, after all
 * have been recorded. */
bool corpus_index(const struct config *config, struct catalogue *catalogue, struct audio_cache *cache,
                  struct corpus_scan *scan, struct error *error);

/* The usable clips, their labels mapped by corpus.map, those whose label is among corpus.labels (multi_label:
 * all, with those of their labels); sorted by name.  With corpus.part their part is fixed. */
bool corpus_clips(const struct config *config, struct catalogue *catalogue, int64_t corpus,
                  struct clip_list *list, struct error *error);

/* The labels in use: corpus.labels, or every label of the clips, sorted; of regression the numbers' names.
 * Strings belong to `labels`. */
bool corpus_labels(const struct config *config, const struct clip_list *clips, struct strings *labels,
                   struct error *error);

/* Corpora 1 (section [corpus]) to MOST_CORPORA ([corpus_2], ...): whether the configuration has that one, and
 * the configuration with that one's settings in [corpus]'s place, for the functions above; caller
 * config_frees. */
enum { MOST_CORPORA = 4 };
bool corpus_exists(const struct config *config, int number);
struct config *corpus_view(const struct config *config, int number);

/* The names that corpus.labels lists; none if it is empty. */
bool corpus_label_names(const struct config *config, struct strings *labels, struct error *error);

/* What a corpus goes by in the catalogue: its format, the problem unless it is single_label, and of a list
 * its file
 * ("csv:/data/clips.csv"); caller frees. */
char *corpus_key(const struct config *config);

/* The corpus' folder as an absolute path; caller frees; NULL on error. */
char *corpus_root(const struct config *config, struct error *error);

/* The cache that audio.cache, audio.sample_rate and audio.resampler name. */
struct audio_cache *corpus_cache_open(const struct config *config, struct error *error);

/* A clip's signal as a model takes it in: cached, cut to audio.max_seconds, normalised if it wants that. */
bool corpus_signal(const struct config *config, struct audio_cache *cache, const char *path,
                   const char *sha256, bool normalize, struct signal *signal, struct error *error);

extern const struct corpus_format CORPUS_RAVDESS, CORPUS_EMODB, CORPUS_SAVEE, CORPUS_CREMA_D, CORPUS_TESS,
    CORPUS_EMOREACT, CORPUS_FOLDERS, CORPUS_CSV;

#endif
