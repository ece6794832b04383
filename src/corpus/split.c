#include "corpus/split.h"

#include "base/handlers.h"
#include "base/problem.h"
#include "base/text.h"
#include "corpus/corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct split_protocol *const PROTOCOLS[] = {&SPLIT_STRATIFIED, &SPLIT_SPEAKER,
                                                         &SPLIT_PREDEFINED};

static const struct split_protocol *protocol_find(const char *name, struct error *error)
{
    return HANDLER_FIND(PROTOCOLS, name, "split.protocol", "protocol", error);
}

/* What a clip is stratified by: its label; of several labels their combination, the rare ones together; of
 * numbers which fifth of all clips theirs are in. */
enum { RARE = 10, FIFTHS = 5 };

struct ranked_clip {
    double value;
    size_t clip;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked_clip *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->clip > y->clip) - (x->clip < y->clip);
}

static void stratify_numbers(struct split_task *task)
{
    struct ranked_clip *ranked = mem_zero(task->clips->count, sizeof *ranked);

    for (size_t i = 0; i < task->clips->count; i++) /* of several numbers by the first */
        ranked[i] = (struct ranked_clip){strtod(task->clips->clips[i].label, NULL), i};
    qsort(ranked, task->clips->count, sizeof *ranked, by_value);
    for (size_t i = 0; i < task->clips->count; i++)
        task->classes[ranked[i].clip] = (int)(i * FIFTHS / task->clips->count);
    task->class_count = FIFTHS;
    free(ranked);
}

static void stratify_labels(struct split_task *task, size_t least)
{
    struct strings labels = {0};
    size_t count = task->clips->count, kept = 0, rare = 0;

    for (size_t i = 0; i < count; i++)
        strings_add_new(&labels, task->clips->clips[i].label);
    strings_sort(&labels);
    size_t *sizes = mem_zero(labels.count, sizeof *sizes);
    int *numbers = mem_zero(labels.count, sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        sizes[task->classes[i] = strings_index(&labels, task->clips->clips[i].label)]++;
    for (size_t k = 0; k < labels.count; k++) {
        bool common = sizes[k] >= least;
        numbers[k] = common ? (int)kept++ : -1;
        rare += common ? 0 : sizes[k];
    }
    if ((rare > 0 && rare >= least) ||
        kept == 0) /* those in no class of their own make one; too few of them go with the first */
        kept++;
    for (size_t i = 0; i < count; i++) {
        int number = numbers[task->classes[i]];
        task->classes[i] = number >= 0 ? number : rare >= least ? (int)kept - 1 : 0;
    }
    task->class_count = kept;
    strings_free(&labels);
    free(numbers);
    free(sizes);
}

static void task_start(struct split_task *task, const struct config *config, const struct clip_list *clips)
{
    enum problem problem = problem_find(config_text(config, "model.problem"));

    *task = (struct split_task){
        .config = config, .clips = clips, .seed = (uint32_t)config_integer(config, "split.seed")};
    task->pool = mem_zero(clips->count, sizeof *task->pool);
    task->classes = mem_zero(clips->count, sizeof *task->classes);
    if (problem == REGRESSION)
        stratify_numbers(task);
    else
        stratify_labels(task, problem == MULTI_LABEL ? RARE : 0);
    for (size_t i = 0; i < clips->count; i++)
        if (!clips->clips[i].part_is_fixed)
            task->pool[task->count++] = i;
}

/* Puts the clips of corpora that belong to one part there. */
static void add_fixed(const struct clip_list *clips, struct split *split)
{
    struct error known = {0};

    for (size_t i = 0; i < clips->count; i++) {
        if (clips->clips[i].part_is_fixed) {
            enum part part = part_find(clips->clips[i].part, &known);
            split->clips[part][split->counts[part]++] = i;
        }
    }
}

/* A size given as a fraction of the whole (rounded up, as scikit-learn does for test sizes) or a count. */
static bool part_size(const char *key, double value, size_t whole, size_t *size, struct error *error)
{
    if (value >= 1 && value != floor(value))
        return error_usage(error, "%s must be a fraction below 1 or a whole number of clips", key);
    *size = (size_t)(value < 1 ? ceil(value * (double)whole) : value);
    if (*size > 0 && *size >= whole)
        return error_usage(error, "%s: %zu of %zu clips would leave the train part empty", key, *size, whole);
    return true;
}

static bool divide_test(const struct split_protocol *protocol, const struct split_task *task,
                        struct split *split, struct error *error)
{
    size_t folds = (size_t)config_integer(task->config, "split.folds");
    size_t fold = (size_t)config_integer(task->config, "split.fold");
    size_t size = 0;

    if (folds == 1 || (folds > 1 && fold >= folds))
        return error_usage(error, folds == 1 ? "split.folds must be 0 (no folds) or at least 2"
                                             : "split.fold must be below split.folds");
    if (folds > 1)
        return protocol->fold(task, folds, fold, split->clips[PART_TRAIN], &split->counts[PART_TRAIN],
                              split->clips[PART_TEST], &split->counts[PART_TEST], error);
    if (!part_size("split.test", config_number(task->config, "split.test"), task->count, &size, error))
        return false;
    if (size == 0) {
        memcpy(split->clips[PART_TRAIN], task->pool, task->count * sizeof *task->pool);
        split->counts[PART_TRAIN] = task->count;
        return true;
    }
    return protocol->divide(task, size, split->clips[PART_TRAIN], &split->counts[PART_TRAIN],
                            split->clips[PART_TEST], &split->counts[PART_TEST], error);
}

/* Cuts the validation part out of the train part, by the same protocol. */
static bool divide_validation(const struct split_protocol *protocol, const struct split_task *task,
                              struct split *split, struct error *error)
{
    struct split_task again = *task;
    size_t size = 0, rest_count, whole = task->count; /* of other corpora, those to train on count too */

    for (size_t i = 0; i < task->clips->count; i++)
        whole += task->clips->clips[i].part_is_fixed &&
                 strcmp(task->clips->clips[i].part, PART_NAMES[PART_TRAIN]) == 0;
    if (!part_size("split.validation", config_number(task->config, "split.validation"), whole, &size, error))
        return false;
    if (size == 0)
        return true;
    if (split->counts[PART_VALIDATION] > 0)
        return error_usage(error, "split.validation and a corpus with part=validation exclude each other");
    if (size >= split->counts[PART_TRAIN])
        return error_usage(error, "split.validation: %zu clips would leave the train part of %zu empty", size,
                           split->counts[PART_TRAIN]);
    again.pool = split->clips[PART_TRAIN];
    again.count = split->counts[PART_TRAIN];
    size_t *rest = mem_zero(again.count, sizeof *rest);
    bool done = protocol->divide(&again, size, rest, &rest_count, split->clips[PART_VALIDATION],
                                 &split->counts[PART_VALIDATION], error);
    if (done) {
        memcpy(split->clips[PART_TRAIN], rest, rest_count * sizeof *rest);
        split->counts[PART_TRAIN] = rest_count;
    }
    free(rest);
    return done;
}

static bool assign_parts(const struct split_protocol *protocol, const struct split_task *task,
                         struct split *split, struct error *error)
{
    enum part *parts = mem_zero(task->clips->count, sizeof *parts);
    bool done = protocol->assign(task, parts, error);

    for (size_t i = 0; done && i < task->count; i++) {
        enum part part = parts[task->pool[i]];
        if (part == PART_COUNT)
            split->left_out++;
        else
            split->clips[part][split->counts[part]++] = task->pool[i];
    }
    free(parts);
    return done;
}

/* A speaker of a clip, and the clip's part; PART_COUNT: in none. */
struct appearance {
    const char *speaker;
    enum part part;
};

static int by_speaker(const void *a, const void *b)
{
    return strcmp(((const struct appearance *)a)->speaker, ((const struct appearance *)b)->speaker);
}

/* Counts the speakers, and those in both the train and the test part, in appearances sorted by speaker. */
static void count_appearances(struct split *split, const struct appearance *list, size_t count)
{
    bool in[PART_COUNT + 1] = {false};

    for (size_t i = 0; i < count; i++) {
        in[list[i].part] = true;
        if (i + 1 < count && by_speaker(&list[i], &list[i + 1]) == 0)
            continue;
        split->speakers++;
        split->shared_speakers += in[PART_TRAIN] && in[PART_TEST];
        memset(in, 0, sizeof in);
    }
}

static void count_speakers(struct split *split, const struct clip_list *clips)
{
    struct appearance *list = mem_zero(clips->count, sizeof *list);
    enum part *parts = mem_zero(clips->count, sizeof *parts);
    size_t count = 0;

    for (size_t i = 0; i < clips->count; i++)
        parts[i] = PART_COUNT;
    for (int part = 0; part < PART_COUNT; part++)
        for (size_t i = 0; i < split->counts[part]; i++)
            parts[split->clips[part][i]] = (enum part)part;
    for (size_t i = 0; i < clips->count; i++)
        if (clips->clips[i].speaker)
            list[count++] = (struct appearance){clips->clips[i].speaker, parts[i]};
    if (count)
        qsort(list, count, sizeof *list, by_speaker);
    count_appearances(split, list, count);
    free(list);
    free(parts);
}

/* Folds test every clip once; parts that are given do not. */
static bool check_folds(const struct split_protocol *protocol, const struct split_task *task,
                        struct error *error)
{
    bool fixed = protocol->assign != NULL;

    for (size_t i = 0; i < task->clips->count; i++)
        fixed = fixed || (task->clips->clips[i].part_is_fixed &&
                          strcmp(task->clips->clips[i].part, PART_NAMES[PART_TEST]) == 0);
    return !fixed || config_integer(task->config, "split.folds") == 0 ||
           error_usage(error, "split.folds: the test part is given, so there are no folds: 0");
}

static bool check_parts(const struct config *config, const struct split *split, struct error *error)
{
    const char *file = config_text(config, "split.file");
    bool listed = strcmp(config_text(config, "split.protocol"), "predefined") == 0;

    if (split->counts[PART_TEST] == 0 && !listed)
        return error_usage(error,
                           "split.test must be above 0: without a test part there is nothing to report");
    if (split->counts[PART_TRAIN] == 0 || split->counts[PART_TEST] == 0)
        return error_set(error, "%s: gives no clip to the %s part", *file ? file : "the split",
                         PART_NAMES[split->counts[PART_TRAIN] ? PART_TEST : PART_TRAIN]);
    return true;
}

bool split_make(const struct config *config, const struct clip_list *clips, struct split *split,
                struct error *error)
{
    const struct split_protocol *protocol = protocol_find(config_text(config, "split.protocol"), error);
    struct split_task task;

    *split = (struct split){0};
    if (!protocol)
        return false;
    for (int part = 0; part < PART_COUNT; part++)
        split->clips[part] = mem_zero(clips->count, sizeof *split->clips[part]);
    task_start(&task, config, clips);
    bool done = !check_folds(protocol, &task, error) ? false
                : task.count == 0                    ? true
                : protocol->assign                   ? assign_parts(protocol, &task, split, error)
                                                     : divide_test(protocol, &task, split, error);
    if (done)
        add_fixed(clips, split);
    done = done && (protocol->assign || divide_validation(protocol, &task, split, error)) &&
           check_parts(config, split, error);
    if (done)
        count_speakers(split, clips);
    else
        split_free(split);
    free(task.pool);
    free(task.classes);
    return done;
}

void split_free(struct split *split)
{
    for (int part = 0; part < PART_COUNT; part++)
        free(split->clips[part]);
    *split = (struct split){0};
}

char *split_describe(const struct config *config)
{
    static const char *const keys[] = {"split.protocol", "split.test", "split.validation", "split.seed",
                                       "split.folds",    "split.fold", "split.file",       "corpus.labels",
                                       "corpus.map",     "corpus.part"};
    struct text text = {0};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        text_add(&text, "%s%s=%s", i ? " " : "", strchr(keys[i], '.') + 1, config_text(config, keys[i]));
    for (int number = 2; number <= MOST_CORPORA; number++) {
        if (!corpus_exists(config, number))
            continue;
        struct config *view = corpus_view(config, number);
        char *key = corpus_key(view);
        text_add(&text, " corpus_%d: %s %s part=%s map=%s", number, key, config_text(view, "corpus.root"),
                 config_text(view, "corpus.part"), config_text(view, "corpus.map"));
        free(key);
        config_free(view);
    }
    return text.text;
}

bool split_store(const struct config *config, struct catalogue *catalogue, int64_t corpus,
                 const struct clip_list *clips, const struct split *split, struct error *error)
{
    int64_t *ids[PART_COUNT];
    char *description = split_describe(config);

    for (int part = 0; part < PART_COUNT; part++) {
        ids[part] = mem_zero(split->counts[part], sizeof *ids[part]);
        for (size_t i = 0; i < split->counts[part]; i++)
            ids[part][i] = clips->clips[split->clips[part][i]].id;
    }
    bool done = split_write(catalogue, corpus, description, ids, split->counts, error);
    for (int part = 0; part < PART_COUNT; part++)
        free(ids[part]);
    free(description);
    return done;
}

enum part split_selection_part(const struct split *split)
{
    return split->counts[PART_VALIDATION] ? PART_VALIDATION : PART_TEST;
}
