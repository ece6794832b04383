/* Corpora of a configuration, indexed and split: see indexed_corpus.h. */
#include "run/indexed_corpus.h"

#include "base/files.h"
#include "base/log.h"
#include "base/parallel.h"
#include "base/text.h"

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
    sum->same_content += scan->same_content;
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
        if (i > 0) {
            clip->path = arena_format(&clips.arena, "%s/%s", corpus->roots[i].folder, clip->path);
            clip->speaker = corpus_speaker(one->name, clip->speaker, &clips.arena);
        }
        clip_list_add(&corpus->clips, clip);
    }
    clip_list_free(&clips);
    return done;
}

/* A clip's content and part, to find the same content twice. */
struct content {
    const struct clip *clip;
    enum part part;
};

static int by_content(const void *a, const void *b)
{
    const struct content *x = a, *y = b;
    int order = strcmp(x->clip->sha256, y->clip->sha256);

    return order ? order : (x->clip > y->clip) - (x->clip < y->clip);
}

/* Counts clips of one content, from `contents` on; returns how many there are. */
static size_t count_same(struct indexed_corpus *corpus, const struct content *contents, size_t left)
{
    size_t count = 1, tested = 0;
    bool trained = false;

    while (count < left && strcmp(contents[count].clip->sha256, contents->clip->sha256) == 0)
        count++;
    for (size_t i = 0; i < count; i++) {
        tested += contents[i].part == PART_TEST;
        trained = trained || contents[i].part == PART_TRAIN;
    }
    corpus->same_content += count - 1;
    corpus->leaks += trained ? tested : 0;
    return count;
}

/* Stretches of one file share its digest without being the same: they are told apart by their path. */
static bool is_whole_file(const struct clip *clip)
{
    return clip->sha256 && !strstr(clip->path, "#t=");
}

/* The same content under two names, in whatever corpora, may train and test at once. */
static void find_same_content(struct indexed_corpus *corpus)
{
    struct content *contents = mem_zero(corpus->clips.count, sizeof *contents);
    const struct content *example = NULL;
    size_t count = 0;

    for (int part = 0; part < PART_COUNT; part++)
        for (size_t i = 0; i < corpus->split.counts[part]; i++) {
            const struct clip *clip = &corpus->clips.clips[corpus->split.clips[part][i]];
            if (is_whole_file(clip))
                contents[count++] = (struct content){clip, (enum part)part};
        }
    if (count)
        qsort(contents, count, sizeof *contents, by_content);
    for (size_t i = 0; i < count;) {
        size_t same = count_same(corpus, contents + i, count - i);
        if (same > 1 && !example)
            example = &contents[i];
        i += same;
    }
    if (example)
        log_warn(
            "%zu clip%s the same content as another under another name (%s and %s); %zu in the test part "
            "with their content in the training part",
            corpus->same_content, corpus->same_content == 1 ? " has" : "s have", example[0].clip->path,
            example[1].clip->path, corpus->leaks);
    free(contents);
}

bool corpora_split(struct indexed_corpus *corpus, const struct settings *settings, struct error *error)
{
    bool done = true;

    for (size_t i = 0; done && i < corpus->count; i++)
        done = read_clips(corpus, settings, i, error);
    if (done && corpus->count > 1)
        qsort(corpus->clips.clips, corpus->clips.count, sizeof *corpus->clips.clips, by_name);
    done =
        done && split_make(&settings->split, settings->corpora.task, &corpus->clips, &corpus->split, error);
    char *description = split_describe(&settings->split, &settings->corpora);
    done = done && split_store(description, corpus->catalogue, corpus->roots[0].id, &corpus->clips,
                               &corpus->split, error);
    free(description);
    if (done)
        find_same_content(corpus);
    return done;
}

void corpora_close(struct indexed_corpus *corpus)
{
    split_free(&corpus->split);
    clip_list_free(&corpus->clips);
    audio_cache_close(corpus->cache);
    catalogue_close(corpus->catalogue);
    for (size_t i = 0; corpus->roots && i < corpus->count; i++)
        free(corpus->roots[i].folder);
    free(corpus->roots);
    *corpus = (struct indexed_corpus){0};
}

void split_digest(const struct indexed_corpus *corpus, char hex[SHA256_HEX_SIZE])
{
    struct text text = {0};

    for (int part = 0; part < PART_COUNT; part++) {
        for (size_t i = 0; i < corpus->split.counts[part]; i++) {
            const struct clip *clip = &corpus->clips.clips[corpus->split.clips[part][i]];
            text_add(&text, "%d %s %s %s %s\n", part, clip->name, clip->sha256, clip->label,
                     clip->text ? clip->text : "");
        }
    }
    digest_bytes(text.text, text.length, hex);
    text_free(&text);
}
