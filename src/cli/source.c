#include "cli/source.h"

#include <stdlib.h>
#include <string.h>

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

static bool index_corpus(struct source *source, const struct config *config, int number, struct error *error)
{
    struct config *view = corpus_view(config, number);
    struct corpus_scan scan;
    char *root = corpus_root(view, error);
    bool done = root && corpus_index(view, source->catalogue, source->cache, &scan, error);

    for (int other = 0; done && other < number - 1; other++)
        if (source->corpora[other].id == scan.corpus)
            done = error_usage(error, "corpus_%d.root: %s is there already, as another corpus", number, root);
    source->corpora[number - 1] = (struct source_corpus){root, done ? scan.corpus : 0};
    if (done)
        add_scan(&source->scan, &scan);
    config_free(view);
    return done;
}

bool source_index(struct source *source, const struct config *config, struct error *error)
{
    char *first = corpus_root(config, error); /* nothing is made where there is no corpus */
    bool done = first && (source->catalogue = catalogue_open(config_text(config, "run.database"), error)) &&
                (source->opens_nothing || (source->cache = corpus_cache_open(config, error)));

    free(first);
    for (int number = 1; done && number <= MOST_CORPORA; number++)
        if (corpus_exists(config, number))
            done = index_corpus(source, config, number, error);
    source->root = source->corpora[0].root;
    return done;
}

/* Clips of another corpus than the first go by their whole path, and its speakers are others than the
 * first's. */
static void tell_apart(const struct source_corpus *corpus, int number, struct clip_list *clips)
{
    for (size_t i = 0; i < clips->count; i++) {
        struct clip *clip = &clips->clips[i];
        clip->path = arena_format(&clips->arena, "%s/%s", corpus->root, clip->path);
        if (clip->speaker)
            clip->speaker = clip_other_speaker(number, clip->speaker, &clips->arena);
    }
}

static int by_name(const void *a, const void *b)
{
    const struct clip *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : strcmp(x->path, y->path);
}

static bool read_clips(struct source *source, const struct config *config, int number, struct error *error)
{
    struct clip_list clips = {0};
    struct config *view = corpus_view(config, number);
    bool done = corpus_clips(view, source->catalogue, source->corpora[number - 1].id, &clips, error);

    if (done)
        tell_apart(&source->corpora[number - 1], number, &clips);
    for (size_t i = 0; done && i < clips.count; i++)
        clip_list_add(&source->clips, &clips.clips[i]);
    clip_list_free(&clips);
    config_free(view);
    return done;
}

bool source_split(struct source *source, const struct config *config, struct error *error)
{
    bool done = corpus_clips(config, source->catalogue, source->corpora[0].id, &source->clips, error),
         several = false;

    for (int number = 2; done && number <= MOST_CORPORA; number++) {
        if (corpus_exists(config, number)) {
            done = read_clips(source, config, number, error);
            several = true;
        }
    }
    if (done && several)
        qsort(source->clips.clips, source->clips.count, sizeof *source->clips.clips, by_name);
    return done && split_make(config, &source->clips, &source->split, error) &&
           split_store(config, source->catalogue, source->corpora[0].id, &source->clips, &source->split,
                       error);
}

void source_close(struct source *source)
{
    split_free(&source->split);
    clip_list_free(&source->clips);
    audio_cache_close(source->cache);
    catalogue_close(source->catalogue);
    for (int c = 0; c < MOST_CORPORA; c++)
        free(source->corpora[c].root);
    *source = (struct source){0};
}
