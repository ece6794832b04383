/* The table of corpus formats; labels, maps and sound of a corpus: see corpus.h. */
#include "corpus/corpus.h"

#include "base/files.h"
#include "base/handlers.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "corpus/clip_words.h"
#include "corpus/filter.h"
#include "corpus/renaming.h"
#include "corpus/vote_shares.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct corpus_format *const FORMATS[] = {
    &CORPUS_RAVDESS,   &CORPUS_EMODB,          &CORPUS_SAVEE,      &CORPUS_CREMA_D, &CORPUS_TESS,
    &CORPUS_EMOREACT,  &CORPUS_IEMOCAP,        &CORPUS_ESD,        &CORPUS_EMOVO,   &CORPUS_CAFE,
    &CORPUS_NEMO,      &CORPUS_SHEMO,          &CORPUS_URDU,       &CORPUS_SUBESCO, &CORPUS_JL,
    &CORPUS_ENTERFACE, &CORPUS_MESD,           &CORPUS_EMOV_DB,    &CORPUS_AESDD,   &CORPUS_BAVED,
    &CORPUS_ASVP_ESD,  &CORPUS_MSP_PODCAST,    &CORPUS_MSP_IMPROV, &CORPUS_MELD,    &CORPUS_CREMA_D_VOTES,
    &CORPUS_CMU_MOSEI, &CORPUS_EMOZIONALMENTE, &CORPUS_AUDFORMAT,  &CORPUS_KALDI,   &CORPUS_FOLDERS,
    &CORPUS_LIST};

const struct corpus_format *corpus_format_at(size_t i)
{
    return i < sizeof FORMATS / sizeof FORMATS[0] ? FORMATS[i] : NULL;
}

const struct corpus_format *corpus_format_find(const char *name, struct error *error)
{
    return HANDLER_FIND(FORMATS, name, "corpus.kind", "corpus format", error);
}

char *corpus_root(const struct corpus_settings *corpus, struct error *error)
{
    const char *root = corpus->root;
    char *absolute = realpath(root, NULL);

    if (!absolute || !path_is_folder(absolute)) {
        error_usage(error,
                    "corpus.root: no folder \"%s\" here: put the recordings there%s, or name another with "
                    "--set corpus.root=DIR",
                    root, strcmp(corpus->kind, "ravdess") == 0 ? " (emotrain fetch ravdess does)" : "");
        free(absolute);
        return NULL;
    }
    return absolute;
}

char *corpus_key(const struct corpus_settings *corpus, const struct corpora_settings *corpora)
{
    struct text kind = {0}; /* what a clip's label is differs with the task */

    text_add(&kind, "%s", corpus->kind);
    if (corpora->task != SINGLE_LABEL)
        text_add(&kind, "+%s", TASKS[corpora->task].name);
    if (strcmp(corpora->channel, settings_default()->audio.channel) != 0) /* another sound */
        text_add(&kind, "+channel=%s", corpora->channel);
    if (!*corpus->file)
        return kind.text;
    char *file = realpath(corpus->file, NULL);
    char *key = mem_format("%s:%s", kind.text, file ? file : corpus->file);
    text_free(&kind);
    free(file);
    return key;
}

/* Of several labels, those that are left. */
static const char *rename_each(struct renamings *renamings, const char *labels, struct arena *arena)
{
    struct text label = {0}, kept = {0};
    struct strings seen = {0};

    text_add_bytes(&kept, "", 0);
    for (const char *rest = labels; target_next_label(&rest, &label);) {
        const char *name = renamings_find(renamings, label.text);
        if (name && strings_index(&seen, name) < 0) {
            text_add(&kept, "%s%s", kept.length ? ";" : "", name);
            strings_add(&seen, name);
        }
    }
    const char *result = arena_string(arena, kept.text);
    strings_free(&seen);
    text_free(&label);
    text_free(&kept);
    return result;
}

static const char *rename_vote(void *context, const char *label)
{
    return renamings_find(context, label);
}

/* corpus.label_map: of one label, a clip without one is left out; of several, it stays. */
static bool map_labels(const char *label_map, enum task task, struct clip_list *list, struct error *error)
{
    struct renamings renamings;
    size_t kept = 0;
    bool done = renamings_read(&renamings, "corpus.label_map", label_map, false, error);

    for (size_t i = 0; done && i < list->count; i++) {
        struct clip *clip = &list->clips[i];
        const char *label = task == MULTI_LABEL ? rename_each(&renamings, clip->label, &list->arena)
                            : task == SINGLE_LABEL
                                ? arena_string(&list->arena, renamings_find(&renamings, clip->label))
                                : clip->label;
        if (label) {
            const char *votes = clip->votes && renamings.count
                                    ? votes_rename(clip->votes, rename_vote, &renamings, &list->arena)
                                    : clip->votes;
            list->clips[kept] = *clip;
            list->clips[kept].label = label;
            list->clips[kept++].votes = votes;
        }
    }
    list->count = kept;
    const char *unused = done ? renamings_unused(&renamings) : NULL;
    if (unused)
        done = error_usage(error, "corpus.label_map: no clip of the corpus has the label \"%s\"", unused);
    renamings_free(&renamings);
    return done;
}

bool corpus_label_names(const char *list, struct strings *labels, struct error *error)
{
    char *composed = clip_words_composed(list);
    const char *rest = composed;

    for (char *item; (item = list_next(&rest, ',')); free(item)) {
        if (strings_index(labels, item) >= 0)
            error_usage(error, "corpus.labels: \"%s\" stands there twice", item);
        else
            strings_add(labels, item);
    }
    free(composed);
    if (labels->count == 0 && *list)
        error_usage(error, "corpus.labels: names no label");
    return !error->kind;
}

/* Whether the clip counts among those whose labels are asked for.  Of several labels, others than those are
 * taken from it; numbers all count. */
static bool has_use(struct clip *clip, const struct strings *labels, enum task task, struct arena *arena)
{
    struct text label = {0}, kept = {0};

    if (task == REGRESSION || labels->count == 0)
        return true;
    if (task == SINGLE_LABEL)
        return strings_index(labels, clip->label) >= 0;
    text_add_bytes(&kept, "", 0);
    for (const char *rest = clip->label; target_next_label(&rest, &label);)
        if (strings_index(labels, label.text) >= 0)
            text_add(&kept, "%s%s", kept.length ? ";" : "", label.text);
    clip->label = arena_string(arena, kept.text);
    text_free(&label);
    text_free(&kept);
    return true;
}

/* No clip is left of `all`: says which labels they have, where others were asked for. */
static bool refuse_nothing_left(const char *root, const char *wanted, const struct clip_list *list,
                                size_t all, struct error *error)
{
    enum { NAMED = 20 };
    struct strings there = {0};
    struct text names = {0};

    for (size_t i = 0; i < all && *wanted && there.count < NAMED; i++)
        strings_add_new(&there, list->clips[i].label);
    strings_sort(&there);
    for (size_t k = 0; k < there.count; k++)
        text_add(&names, "%s%s", k ? ", " : "", there.items[k]);
    if (there.count)
        error_usage(error, "%s: no usable clip has a label of corpus.labels=%s; their labels are %s%s", root,
                    wanted, names.text, there.count == NAMED ? " ..." : "");
    else
        error_set(error, "%s: no usable clip", root);
    text_free(&names);
    strings_free(&there);
    return false;
}

bool corpus_clips(const struct corpora_settings *corpora, const struct corpus_settings *corpus,
                  struct catalogue *catalogue, int64_t id, struct clip_list *list, struct error *error)
{
    enum task task = corpora->task;
    const char *part = corpus->part;
    struct strings labels = {0};
    size_t kept = 0;

    bool done = corpus_label_names(corpora->labels, &labels, error) &&
                clips_read(catalogue, id, CLIPS_USABLE, list, error) &&
                filter_clips(corpus, task, list, error) && map_labels(corpus->label_map, task, list, error);
    const size_t all = done ? list->count : 0;
    for (size_t i = 0; i < all; i++)
        if (has_use(&list->clips[i], &labels, task, &list->arena))
            list->clips[kept++] = list->clips[i];
    list->count = kept;
    if (done && kept == 0)
        done = refuse_nothing_left(corpus->root, corpora->labels, list, all, error);
    for (size_t i = 0; i < kept && strcmp(part, "split") != 0; i++) {
        list->clips[i].part = part;
        list->clips[i].part_is_fixed = true;
    }
    strings_free(&labels);
    return done;
}

static const char NO_BREAK_SPACE[] = "\xc2\xa0";

/* 1 and 1.0, and what differs in case or in blanks alone (a no-break space is one). */
static bool looks_alike(const char *a, const char *b)
{
    double x, y;

    if (text_to_number(a, &x) && text_to_number(b, &y))
        return x == y;
    for (;; a++, b++) {
        a += strspn(a, " ");
        b += strspn(b, " ");
        for (; text_starts(a, NO_BREAK_SPACE); a += strlen(NO_BREAK_SPACE))
            ;
        for (; text_starts(b, NO_BREAK_SPACE); b += strlen(NO_BREAK_SPACE))
            ;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

/* Warns, once, of labels that look alike: often they are one. */
static void warn_of_twins(const struct strings *labels)
{
    for (size_t a = 0; a < labels->count; a++)
        for (size_t b = a + 1; b < labels->count; b++)
            if (looks_alike(labels->items[a], labels->items[b])) {
                log_warn("the labels \"%s\" and \"%s\" look alike and count as two: "
                         "corpus.label_map=%s=%s makes them one",
                         labels->items[a], labels->items[b], labels->items[a], labels->items[b]);
                return;
            }
}

/* The labels of the clips, sorted. */
static void collect_labels(enum task task, const struct clip_list *clips, struct strings *labels)
{
    struct text label = {0};

    for (size_t i = 0; i < clips->count; i++) {
        if (task == SINGLE_LABEL)
            strings_add_new(labels, clips->clips[i].label);
        for (const char *rest = clips->clips[i].label;
             task == MULTI_LABEL && target_next_label(&rest, &label);)
            strings_add_new(labels, label.text);
    }
    strings_sort(labels);
    text_free(&label);
}

/* Numbers have names only if corpus.labels gives them; every clip must have one for each. */
static bool check_numbers(const struct clip_list *clips, struct strings *labels, struct error *error)
{
    double *values = NULL, *first = NULL;
    bool *varies = NULL, done = true;

    if (labels->count == 0)
        strings_add(labels, "value");
    values = mem_zero(labels->count, sizeof *values);
    first = mem_zero(labels->count, sizeof *first);
    varies = mem_zero(labels->count, sizeof *varies);
    for (size_t i = 0; done && i < clips->count; i++) {
        done = target_parse(REGRESSION, NULL, labels->count, clips->clips[i].label, values, error) ||
               error_prefix(error, "model.task=regression: %s", clips->clips[i].path);
        for (size_t k = 0; k < labels->count; k++)
            varies[k] = varies[k] || (i > 0 && values[k] != first[k]);
        if (i == 0)
            memcpy(first, values, labels->count * sizeof *first);
    }
    for (size_t k = 0; done && clips->count > 1 && k < labels->count; k++)
        if (!varies[k])
            log_warn("model.task=regression: \"%s\" is %g for every clip: there is nothing to learn of it",
                     labels->items[k], first[k]);
    free(varies);
    free(first);
    free(values);
    return done;
}

bool corpus_labels(const struct corpora_settings *corpora, const struct clip_list *clips,
                   struct strings *labels, struct error *error)
{
    enum task task = corpora->task;
    bool given = *corpora->labels != '\0';
    struct strings found = {0};

    if (given && !corpus_label_names(corpora->labels, labels, error))
        return false;
    if (task == REGRESSION)
        return check_numbers(clips, labels, error);
    collect_labels(task, clips, &found);
    if (!given)
        warn_of_twins(&found);
    for (size_t k = 0; k < labels->count; k++)
        if (strings_index(&found, labels->items[k]) < 0)
            error_usage(error, "corpus.labels: no clip of the corpus has the label \"%s\"", labels->items[k]);
    for (size_t k = 0; !given && k < found.count; k++)
        strings_add(labels, found.items[k]);
    for (size_t k = 0; k < labels->count && !error->kind; k++)
        if (!text_is_plain(labels->items[k]))
            error_set(error,
                      "the label \"%s\" holds control characters (line ends, tabs): mend it in the corpus",
                      labels->items[k]);
    strings_free(&found);
    if (!error->kind && labels->count < (task == SINGLE_LABEL ? 2 : 1))
        return error_usage(error, "%s: a classifier needs at least two labels, here %s%s",
                           corpora->items[0].root, labels->count ? "is only " : "are none",
                           labels->count ? labels->items[0] : "");
    return !error->kind;
}

const char *corpus_speaker(const char *corpus, const char *speaker, struct arena *arena)
{
    return speaker ? arena_format(arena, "%s:%s", corpus, speaker) : NULL;
}

/* ---- sound ---- */

struct audio_cache *corpus_cache_open(const struct audio_settings *audio, const char *database,
                                      struct error *error)
{
    char *beside = path_folder(database);
    char *folder = *audio->cache ? mem_string(audio->cache) : path_join(beside, "cache");
    struct audio_cache *cache =
        audio_cache_open(folder, settings_rate(audio), audio->resampler, audio->channel, error);

    free(beside);
    free(folder);
    return cache;
}

bool corpus_signal(struct audio_cache *cache, const char *path, const char *sha256, double max_seconds,
                   bool normalize, struct signal *signal, struct error *error)
{
    if (!audio_cache_load(cache, path, sha256, max_seconds, signal, error))
        return false;
    signal_prepare(signal, max_seconds, normalize);
    return true;
}
