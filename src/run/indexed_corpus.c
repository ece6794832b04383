/* Corpora of a configuration, indexed and split: see indexed_corpus.h. */
#include "run/indexed_corpus.h"

#include "base/files.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/text.h"
#include "corpus/same_sound.h"

#include <stdlib.h>
#include <string.h>

/* ---- indexing ---- */

/* What all corpora together came to. */
static void add_scan(struct corpus_scan *sum, const struct corpus_scan *scan)
{
    sum->files += scan->files;
    sum->decoded += scan->decoded;
    sum->clips += scan->clips;
    sum->copies += scan->copies;
    sum->broken += scan->broken;
    sum->gone += scan->gone;
    sum->seconds_of_audio += scan->seconds_of_audio;
    sum->multichannel += scan->multichannel;
    sum->unopened += scan->unopened;
}

static bool index_one(struct indexed_corpus *corpus, const struct settings *settings, size_t i,
                      struct error *error)
{
    const struct corpus_settings *one = &settings->corpora.items[i];
    struct corpus_scan scan;
    char *root = corpus_root(one, error);
    bool done = root && corpus_index(&settings->corpora, one, thread_count(settings->run.threads),
                                     corpus->catalogue, corpus->cache, &scan, error);

    for (size_t other = 0; done && other < i; other++)
        if (corpus->roots[other].id == scan.corpus)
            done =
                error_usage(error, "corpus.%s.root: %s is there already, as another corpus", one->name, root);
    corpus->roots[i] = (struct indexed_root){root, done ? scan.corpus : 0};
    if (done)
        add_scan(&corpus->scan, &scan);
    return done;
}

bool corpora_index(struct indexed_corpus *corpus, const struct settings *settings, struct error *error)
{
    char *first =
        corpus_root(&settings->corpora.items[0], error); /* nothing is made where there is no corpus */
    bool done = first && (corpus->catalogue = catalogue_open(settings->run.database, error)) &&
                (corpus->opens_nothing ||
                 (corpus->cache = corpus_cache_open(&settings->audio, settings->run.database, error)));

    free(first);
    corpus->count = settings->corpora.count;
    corpus->roots = mem_zero(corpus->count, sizeof *corpus->roots);
    for (size_t i = 0; done && i < corpus->count; i++)
        done = index_one(corpus, settings, i, error);
    corpus->root = corpus->roots[0].folder;
    return done;
}

/* ---- clips and split ---- */

static int by_name(const void *a, const void *b)
{
    const struct clip *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : strcmp(x->path, y->path);
}

/* Clips of another corpus than the first go by their whole path, and its speakers are others than the
 * first's. */
static bool read_clips(struct indexed_corpus *corpus, const struct settings *settings, size_t i,
                       struct error *error)
{
    const struct corpus_settings *one = &settings->corpora.items[i];
    struct clip_list clips = {0};
    bool done = corpus_clips(&settings->corpora, one, corpus->catalogue, corpus->roots[i].id, &clips, error);

    for (size_t c = 0; done && c < clips.count; c++) {
        struct clip *clip = &clips.clips[c];
        if (clip->sha256 && clip->duration < settings->corpora.min_seconds) {
            corpus->too_short++;
            continue;
        }
        if (i > 0) {
            char *whole = path_join(corpus->roots[i].folder, clip->path);
            clip->path = arena_string(&clips.arena, whole);
            free(whole);
            clip->speaker = corpus_speaker(one->name, clip->speaker, &clips.arena);
        }
        clip_list_add(&corpus->clips, clip);
    }
    clip_list_free(&clips);
    return done;
}

/* One line on clips that sound alike in different parts. */
static void say_copies(const struct indexed_corpus *corpus)
{
    const struct split *split = &corpus->split;
    const struct clip *clips = corpus->clips.clips;
    const size_t example = split->copies ? split->copy : split->leak;
    size_t other = 0;

    while (other == example || corpus->first[other] != corpus->first[example])
        other++;
    if (split->copies)
        log_warn(
            "%zu clip%s left out of the train or validation part: the test or validation part has the same "
            "sound (%s and %s; split.copies=keep keeps them)",
            split->copies, split->copies == 1 ? " is" : "s are", clips[example].path, clips[other].path);
    else
        log_warn("%zu clip%s of the test part %s the same sound as one of the train part (%s and %s; "
                 "split.copies=drop leaves those out)",
                 split->leaks, split->leaks == 1 ? "" : "s", split->leaks == 1 ? "has" : "have",
                 clips[example].path, clips[other].path);
}

/* split.copies: published results on a known corpus are with its copies. */
static bool keeps_copies(const struct settings *settings)
{
    struct error none = {0};
    const struct corpus_format *format = corpus_format_find(settings->corpora.items[0].kind, &none);

    return strcmp(settings->split.copies, "keep") == 0 ||
           (strcmp(settings->split.copies, "auto") == 0 && format && format->about &&
            settings->corpora.count == 1);
}

bool corpora_read(struct indexed_corpus *corpus, const struct settings *settings, struct error *error)
{
    bool done = true;

    for (size_t i = 0; done && i < corpus->count; i++)
        done = read_clips(corpus, settings, i, error);
    if (done && corpus->too_short)
        log_info("%zu clip%s left out: shorter than audio.min_seconds=%g", corpus->too_short,
                 corpus->too_short == 1 ? " is" : "s are", settings->audio.min_seconds);
    if (done && corpus->clips.count == 0)
        done = error_set(error, "audio.min_seconds=%g: every clip is shorter", settings->audio.min_seconds);
    if (!done)
        return false;
    corpus->seconds = 0;
    for (size_t i = 0; i < corpus->clips.count; i++)
        corpus->seconds += corpus->clips.clips[i].duration;
    if (corpus->count > 1)
        qsort(corpus->clips.clips, corpus->clips.count, sizeof *corpus->clips.clips, by_name);
    corpus->first = mem_zero(corpus->clips.count, sizeof *corpus->first);
    same_sound_find(&corpus->clips, thread_count(settings->run.threads), corpus->first);
    corpus->same_content = same_sound_count(&corpus->clips, corpus->first);
    return true;
}

bool corpora_split(struct indexed_corpus *corpus, const struct settings *settings, struct error *error)
{
    struct split_settings split = settings->split;

    split.copies = keeps_copies(settings) ? "keep" : "drop";
    bool done = corpora_read(corpus, settings, error) &&
                split_make(&split, settings->corpora.task, &corpus->clips, corpus->root, corpus->first,
                           &corpus->split, error);
    if (done && (corpus->split.copies || corpus->split.leaks))
        say_copies(corpus);
    if (done && corpus->scan.unopened)
        log_info("%zu clips are not opened yet: broken ones, audio.min_seconds and split.copies may change "
                 "the split",
                 corpus->scan.unopened);
    char *description = split_describe(&split, &settings->corpora);
    done = done && split_store(description, corpus->catalogue, corpus->roots[0].id, &corpus->clips,
                               &corpus->split, error);
    free(description);
    return done;
}

void corpora_close(struct indexed_corpus *corpus)
{
    split_free(&corpus->split);
    clip_list_free(&corpus->clips);
    free(corpus->first);
    audio_cache_close(corpus->cache);
    catalogue_close(corpus->catalogue);
    for (size_t i = 0; corpus->roots && i < corpus->count; i++)
        free(corpus->roots[i].folder);
    free(corpus->roots);
    *corpus = (struct indexed_corpus){0};
}

void corpora_digest(const struct indexed_corpus *corpus, char hex[SHA256_HEX_SIZE])
{
    struct text text = {0};

    for (size_t i = 0; i < corpus->clips.count; i++) {
        const struct clip *c = &corpus->clips.clips[i];
        const char *const facts[] = {c->name, c->sha256, c->label, c->speaker, c->text, c->votes};
        for (size_t k = 0; k < sizeof facts / sizeof facts[0]; k++)
            text_add(&text, "%s%s", facts[k] ? facts[k] : "",
                     k + 1 < sizeof facts / sizeof facts[0] ? " " : "\n");
    }
    digest_bytes(text.text ? text.text : "", text.length, hex);
    text_free(&text);
}

void split_digest(const struct indexed_corpus *corpus, char hex[SHA256_HEX_SIZE])
{
    struct text text = {0};

    for (int part = 0; part < PART_COUNT; part++) {
        for (size_t i = 0; i < corpus->split.counts[part]; i++) {
            const struct clip *clip = &corpus->clips.clips[corpus->split.clips[part][i]];
            text_add(&text, "%d %s %s %s %s%s%s\n", part, clip->name, clip->sha256, clip->label,
                     clip->text ? clip->text : "", clip->votes ? " " : "", clip->votes ? clip->votes : "");
        }
    }
    digest_bytes(text.text, text.length, hex);
    text_free(&text);
}
