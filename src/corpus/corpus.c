#include "corpus/corpus.h"

#include "base/files.h"
#include "base/handlers.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct corpus_format *const FORMATS[] = {&CORPUS_RAVDESS, &CORPUS_EMODB, &CORPUS_SAVEE,
                                                      &CORPUS_CREMA_D, &CORPUS_TESS,  &CORPUS_EMOREACT,
                                                      &CORPUS_FOLDERS, &CORPUS_CSV};

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
                    "corpus.root: no folder \"%s\" here: put the recordings there%s, or name another with "
                    "--set corpus.root=DIR",
                    root,
                    strcmp(config_text(config, "corpus.kind"), "ravdess") == 0
                        ? " (emotrain fetch ravdess does)"
                        : "");
        free(absolute);
        return NULL;
    }
    return absolute;
}

char *corpus_key(const struct config *config)
{
    const char *problem = config_text(config, "model.problem");
    struct text kind = {0}; /* what a clip's label is, differs with the problem */

    text_add(&kind, "%s", config_text(config, "corpus.kind"));
    if (strcmp(problem, PROBLEMS[SINGLE_LABEL].name) != 0)
        text_add(&kind, "+%s", problem);
    if (config_is_empty(config, "corpus.file"))
        return kind.text;
    char *file = realpath(config_text(config, "corpus.file"), NULL);
    char *key = mem_format("%s:%s", kind.text, file ? file : config_text(config, "corpus.file"));
    text_free(&kind);
    free(file);
    return key;
}

/* One "from=to" of corpus.map. */
struct renaming {
    const char *from, *to; /* to: "-" leaves the label out */
    size_t used;
};

/* The label's new name; NULL if it is left out. */
static const char *renamed(struct renaming *renamings, size_t count, const char *label)
{
    for (size_t r = 0; r < count; r++) {
        if (strcmp(renamings[r].from, label) == 0) {
            renamings[r].used++;
            return strcmp(renamings[r].to, "-") == 0 ? NULL : renamings[r].to;
        }
    }
    return label;
}

/* Of several labels, those that are left. */
static const char *rename_each(struct renaming *renamings, size_t count, const char *labels,
                               struct arena *arena)
{
    struct text label = {0}, kept = {0};
    struct strings seen = {0};

    text_add_bytes(&kept, "", 0);
    for (const char *rest = labels; problem_next_label(&rest, &label);) {
        const char *name = renamed(renamings, count, label.text);
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

static bool read_renamings(char *text, struct renaming *renamings, size_t *count, struct error *error)
{
    for (char *item; (item = strsep(&text, ","));) {
        item += strspn(item, " \t");
        char *to = strchr(item, '=');
        if (!*item)
            continue;
        if (!to || to == item || !to[1])
            return error_usage(error, "corpus.map: \"%s\": expected label=other, or label=- to leave it out",
                               item);
        *to++ = '\0';
        to[strcspn(to, " \t")] = '\0';
        renamings[(*count)++] = (struct renaming){item, to, 0};
    }
    return true;
}

/* corpus.map: of one label, a clip without one is left out; of several, it stays. */
static bool map_labels(const struct config *config, struct clip_list *list, struct error *error)
{
    char *text = mem_string(config_text(config, "corpus.map"));
    enum problem problem = problem_find(config_text(config, "model.problem"));
    struct renaming *renamings = mem_zero(strlen(text) + 1, sizeof *renamings);
    size_t count = 0, kept = 0;
    bool done = read_renamings(text, renamings, &count, error);

    for (size_t i = 0; done && i < list->count; i++) {
        struct clip *clip = &list->clips[i];
        const char *label = problem == MULTI_LABEL ? rename_each(renamings, count, clip->label, &list->arena)
                            : problem == SINGLE_LABEL
                                ? arena_string(&list->arena, renamed(renamings, count, clip->label))
                                : clip->label;
        if (label) {
            list->clips[kept] = *clip;
            list->clips[kept++].label = label;
        }
    }
    list->count = kept;
    for (size_t r = 0; done && r < count; r++)
        if (renamings[r].used == 0)
            done = error_usage(error, "corpus.map: no clip of the corpus has the label \"%s\"",
                               renamings[r].from);
    free(renamings);
    free(text);
    return done;
}

bool corpus_label_names(const struct config *config, struct strings *labels, struct error *error)
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

/* Whether the clip counts among those whose labels are asked for.  Of several labels, others than those are
 * taken from it; numbers all count. */
static bool has_use(struct clip *clip, const struct strings *labels, enum problem problem,
                    struct arena *arena)
{
    struct text label = {0}, kept = {0};

    if (problem == REGRESSION || labels->count == 0)
        return true;
    if (problem == SINGLE_LABEL)
        return strings_index(labels, clip->label) >= 0;
    text_add_bytes(&kept, "", 0);
    for (const char *rest = clip->label; problem_next_label(&rest, &label);)
        if (strings_index(labels, label.text) >= 0)
            text_add(&kept, "%s%s", kept.length ? ";" : "", label.text);
    clip->label = arena_string(arena, kept.text);
    text_free(&label);
    text_free(&kept);
    return true;
}

bool corpus_clips(const struct config *config, struct catalogue *catalogue, int64_t corpus,
                  struct clip_list *list, struct error *error)
{
    enum problem problem = problem_find(config_text(config, "model.problem"));
    const char *part = config_text(config, "corpus.part");
    struct strings labels = {0};
    size_t kept = 0;

    bool done = corpus_label_names(config, &labels, error) &&
                clips_read(catalogue, corpus, CLIPS_USABLE, list, error) && map_labels(config, list, error);
    for (size_t i = 0; done && i < list->count; i++)
        if (has_use(&list->clips[i], &labels, problem, &list->arena))
            list->clips[kept++] = list->clips[i];
    list->count = kept;
    for (size_t i = 0; i < kept && strcmp(part, "split") != 0; i++) {
        list->clips[i].part = part;
        list->clips[i].part_is_fixed = true;
    }
    strings_free(&labels);
    if (done && kept == 0)
        return error_set(error, "%s: no usable clip%s", config_text(config, "corpus.root"),
                         config_is_empty(config, "corpus.labels") ? "" : " with a label of corpus.labels");
    return done;
}

/* The labels of the clips, sorted. */
static void collect_labels(enum problem problem, const struct clip_list *clips, struct strings *labels)
{
    struct text label = {0};

    for (size_t i = 0; i < clips->count; i++) {
        if (problem == SINGLE_LABEL)
            strings_add_new(labels, clips->clips[i].label);
        for (const char *rest = clips->clips[i].label;
             problem == MULTI_LABEL && problem_next_label(&rest, &label);)
            strings_add_new(labels, label.text);
    }
    strings_sort(labels);
    text_free(&label);
}

/* Numbers have names only if corpus.labels gives them; every clip must have one for each. */
static bool check_numbers(const struct clip_list *clips, struct strings *labels, struct error *error)
{
    double *values = NULL;
    bool done = true;

    if (labels->count == 0)
        strings_add(labels, "value");
    values = mem_zero(labels->count, sizeof *values);
    for (size_t i = 0; done && i < clips->count; i++)
        done = problem_parse(REGRESSION, NULL, labels->count, clips->clips[i].label, values, error) ||
               error_prefix(error, "model.problem=regression: %s", clips->clips[i].path);
    free(values);
    return done;
}

bool corpus_labels(const struct config *config, const struct clip_list *clips, struct strings *labels,
                   struct error *error)
{
    enum problem problem = problem_find(config_text(config, "model.problem"));
    bool given = !config_is_empty(config, "corpus.labels");
    struct strings found = {0};

    if (given && !corpus_label_names(config, labels, error))
        return false;
    if (problem == REGRESSION)
        return check_numbers(clips, labels, error);
    collect_labels(problem, clips, &found);
    for (size_t k = 0; k < labels->count; k++)
        if (strings_index(&found, labels->items[k]) < 0)
            error_usage(error, "corpus.labels: no clip of the corpus has the label \"%s\"", labels->items[k]);
    for (size_t k = 0; !given && k < found.count; k++)
        strings_add(labels, found.items[k]);
    strings_free(&found);
    if (!error->kind && labels->count < (problem == SINGLE_LABEL ? 2 : 1))
        return error_usage(error, "%s: a classifier needs at least two labels, here %s%s",
                           config_text(config, "corpus.root"), labels->count ? "is only " : "are none",
                           labels->count ? labels->items[0] : "");
    return !error->kind;
}

/* ---- several corpora ---- */

bool corpus_exists(const struct config *config, int number)
{
    char *name = mem_format("corpus_%d.root", number);
    bool there = number == 1 || !config_is_empty(config, name);

    free(name);
    return there;
}

struct config *corpus_view(const struct config *config, int number)
{
    static const char *const keys[] = {"root", "kind", "file", "columns", "map", "part"};
    struct config *view = config_copy(config);

    for (size_t k = 0; number > 1 && k < sizeof keys / sizeof keys[0]; k++) {
        char *from = mem_format("corpus_%d.%s", number, keys[k]), *to = mem_format("corpus.%s", keys[k]);
        config_choose(view, to, config_text(config, from));
        free(from);
        free(to);
    }
    return view;
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
                   const char *sha256, bool normalize, struct signal *signal, struct error *error)
{
    double seconds = config_number(config, "audio.max_seconds");

    if (!audio_cache_load(cache, path, sha256, signal, error))
        return false;
    signal_prepare(signal, seconds, normalize);
    return true;
}
