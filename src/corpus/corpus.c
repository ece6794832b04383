#include "corpus/corpus.h"

#include "base/handlers.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct corpus_format *const FORMATS[] = {&CORPUS_RAVDESS, &CORPUS_EMODB, &CORPUS_SAVEE,
                                                      &CORPUS_CREMA_D, &CORPUS_TESS,  &CORPUS_FOLDERS,
                                                      &CORPUS_CSV};

const struct corpus_format *corpus_format_find(const char *name, struct error *error)
{
    return HANDLER_FIND(FORMATS, name, "corpus.kind", "corpus format", error);
}

char *corpus_root(const struct config *config, struct error *error)
{
    const char *root = config_text(config, "corpus.root");
    char *absolute = realpath(root, NULL);

    if (!absolute || !path_is_folder(absolute)) {
        error_usage(error,
                    "corpus.root: no folder \"%s\" here: put the recordings there or name another with "
                    "--set corpus.root=DIR",
                    root);
        free(absolute);
        return NULL;
    }
    return absolute;
}

char *corpus_key(const struct config *config)
{
    const char *kind = config_text(config, "corpus.kind");

    if (config_is_empty(config, "corpus.file"))
        return mem_string(kind);
    char *file = realpath(config_text(config, "corpus.file"), NULL);
    char *key = mem_format("%s:%s", kind, file ? file : config_text(config, "corpus.file"));
    free(file);
    return key;
}

/* Renames a label throughout the clips; "-" leaves them out (their label becomes NULL).  Returns how many had
 * it. */
static size_t rename_label(struct clip_list *list, const char *from, const char *to, bool *renamed)
{
    const char *label = strcmp(to, "-") == 0 ? NULL : arena_string(&list->arena, to);
    size_t count = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (renamed[i] || strcmp(list->clips[i].label, from) != 0)
            continue;
        list->clips[i].label = label;
        renamed[i] = true; /* each clip once: "a=b, b=a" exchanges both */
        count++;
    }
    return count;
}

/* corpus.map. */
static bool map_labels(const struct config *config, struct clip_list *list, struct error *error)
{
    char *copy = mem_string(config_text(config, "corpus.map")), *rest = copy;
    bool *renamed = mem_zero(list->count, sizeof *renamed);
    size_t kept = 0;

    for (char *item; !error->kind && (item = strsep(&rest, ","));) {
        item += strspn(item, " \t");
        char *to = strchr(item, '=');
        if (!*item)
            continue;
        if (!to || to == item || !to[1])
            error_usage(error, "corpus.map: \"%s\": expected label=other, or label=- to leave it out", item);
        else
            *to++ = '\0';
        if (!error->kind)
            to[strcspn(to, " \t")] = '\0';
        if (!error->kind && rename_label(list, item, to, renamed) == 0)
            error_usage(error, "corpus.map: no clip of the corpus has the label \"%s\"", item);
    }
    for (size_t i = 0; i < list->count; i++)
        if (list->clips[i].label)
            list->clips[kept++] = list->clips[i];
    list->count = kept;
    free(renamed);
    free(copy);
    return !error->kind;
}

static bool label_list(const struct config *config, struct strings *labels, struct error *error)
{
    char *copy = mem_string(config_text(config, "corpus.labels")), *rest = copy;

    for (char *item; (item = strsep(&rest, ","));) {
        item += strspn(item, " \t");
        item[strcspn(item, " \t")] = '\0';
        if (*item && strings_index(labels, item) >= 0)
            error_usage(error, "corpus.labels: \"%s\" stands there twice", item);
        else if (*item)
            strings_add(labels, item);
    }
    free(copy);
    if (labels->count == 0 && !config_is_empty(config, "corpus.labels"))
        error_usage(error, "corpus.labels: names no label");
    return !error->kind;
}

bool corpus_clips(const struct config *config, struct catalogue *catalogue, int64_t corpus,
                  struct clip_list *list, struct error *error)
{
    struct strings labels = {0};
    size_t kept = 0;

    bool done = label_list(config, &labels, error) &&
                clips_read(catalogue, corpus, CLIPS_USABLE, list, error) && map_labels(config, list, error);
    for (size_t i = 0; done && i < list->count; i++)
        if (labels.count == 0 || strings_index(&labels, list->clips[i].label) >= 0)
            list->clips[kept++] = list->clips[i];
    list->count = kept;
    strings_free(&labels);
    if (done && kept == 0)
        return error_set(error, "%s: no usable clip%s", config_text(config, "corpus.root"),
                         config_is_empty(config, "corpus.labels") ? "" : " with a label of corpus.labels");
    return done;
}

static bool occurs(const struct clip_list *clips, const char *label)
{
    for (size_t i = 0; i < clips->count; i++)
        if (strcmp(clips->clips[i].label, label) == 0)
            return true;
    return false;
}

bool corpus_labels(const struct config *config, const struct clip_list *clips, struct strings *labels,
                   struct error *error)
{
    bool given = !config_is_empty(config, "corpus.labels");

    if (given && !label_list(config, labels, error))
        return false;
    for (size_t i = 0; !given && i < clips->count; i++)
        strings_add_new(labels, clips->clips[i].label);
    if (!given)
        strings_sort(labels);
    for (size_t k = 0; given && k < labels->count; k++)
        if (!occurs(clips, labels->items[k]))
            return error_usage(error, "corpus.labels: no clip of the corpus has the label \"%s\"",
                               labels->items[k]);
    if (labels->count < 2)
        return error_usage(error, "%s: a classifier needs at least two labels, here is only \"%s\"",
                           config_text(config, "corpus.root"), labels->items[0]);
    return true;
}

struct audio_cache *corpus_cache_open(const struct config *config, struct error *error)
{
    char *beside = path_folder(config_text(config, "run.database"));
    char *folder = config_is_empty(config, "audio.cache") ? path_join(beside, "cache")
                                                          : mem_string(config_text(config, "audio.cache"));
    struct audio_cache *cache = audio_cache_open(folder, (int)config_integer(config, "audio.sample_rate"),
                                                 config_text(config, "audio.resampler"), error);

    free(beside);
    free(folder);
    return cache;
}

bool corpus_signal(const struct config *config, struct audio_cache *cache, const char *path,
                   const char *sha256, struct signal *signal, struct error *error)
{
    double seconds = config_number(config, "audio.max_seconds");

    if (!audio_cache_load(cache, path, sha256, signal, error))
        return false;
    signal_prepare(signal, seconds, config_bool(config, "audio.normalize"));
    return true;
}
