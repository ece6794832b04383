/* A corpus of made-up clips in the scratch folder, with a catalogue and a cache of its own, for tests of
 * indexing. */
#ifndef EMOTRAIN_TESTS_CORPORA_H
#define EMOTRAIN_TESTS_CORPORA_H

#include "unit.h"
#include "waves.h"

#include "config/settings.h"
#include "corpus/corpus.h"

struct fixture {
    struct settings settings;
    struct corpus_settings corpus; /* the one that the settings have */
    struct catalogue *catalogue;
    struct audio_cache *cache;
    struct corpus_scan scan;
    struct clip_list clips;
};

/* Writes a clip of 16 kHz into the corpus' folder. */
static inline void put_clip(const char *relative, int frames, double frequency)
{
    struct error error = {0};
    char *path = mem_format("%s/%s", unit_path("corpus"), relative), *folder = path_folder(path);

    assert_true(folder_make(folder, &error));
    assert_true(write_wave(path, 16000, 1, frames, frequency, SF_FORMAT_WAV | SF_FORMAT_PCM_16));
    free(folder);
    free(path);
}

/* A text file in the corpus' folder. */
static inline void put_text(const char *relative, const char *text)
{
    struct error error = {0};
    char *path = mem_format("%s/%s", unit_path("corpus"), relative), *folder = path_folder(path);

    assert_true(folder_make(folder, &error));
    assert_good(file_write(path, text, strlen(text), &error), error);
    free(folder);
    free(path);
}

/* Indexes the folder as a corpus of that kind, and takes its clips. */
static inline bool index_as(struct fixture *f, const char *kind, struct error *error)
{
    f->corpus.kind = kind;
    clip_list_free(&f->clips);
    return corpus_index(&f->settings.corpora, &f->corpus, 2, f->catalogue, f->cache, &f->scan, error) &&
           corpus_clips(&f->settings.corpora, &f->corpus, f->catalogue, f->scan.corpus, &f->clips, error);
}

/* An empty corpus, catalogue and cache. */
static inline int fixture_set_up(void **state)
{
    struct fixture *f = mem_zero(1, sizeof *f);
    struct error error = {0};

    *state = f;
    folder_remove(unit_path("corpus"), &error);
    folder_remove(unit_path("db"), &error);
    folder_make(unit_path("corpus"), &error);
    f->settings = *settings_default();
    f->corpus = f->settings.corpora.items[0];
    f->settings.corpora.items = &f->corpus;
    f->corpus.root = unit_path("corpus");
    f->settings.run.database = unit_path("db/e.db");
    f->catalogue = catalogue_open(unit_path("db/e.db"), &error);
    f->cache = corpus_cache_open(&f->settings.audio, f->settings.run.database, &error);
    return f->catalogue && f->cache ? 0 : -1;
}

static inline int fixture_tear_down(void **state)
{
    struct fixture *f = *state;

    clip_list_free(&f->clips);
    audio_cache_close(f->cache);
    catalogue_close(f->catalogue);
    free(f);
    return 0;
}

#endif
