#include "corpus/split.h"

#include "base/files.h"
#include "base/handlers.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct split_protocol *const PROTOCOLS[] = {&SPLIT_STRATIFIED, &SPLIT_SPEAKER,
                                                         &SPLIT_PREDEFINED};

static const struct split_protocol *protocol_find(const char *name, struct error *error)
{
    return HANDLER_FIND(PROTOCOLS, name, "split.protocol", "protocol", error);
}

enum part part_find(const char *name, struct error *error)
{
    for (int part = 0; part < PART_COUNT; part++)
        if (strcmp(PART_NAMES[part], name) == 0)
            return (enum part)part;
    error_usage(error, "no part \"%s\": it is train, validation or test", name);
    return PART_COUNT;
}

static void task_start(struct split_task *task, const struct config *config, const struct clip_list *clips)
{
    struct strings labels = {0};

    *task = (struct split_task){.config = config,
                                .clips = clips,
                                .count = clips->count,
                                .seed = (uint32_t)config_integer(config, "split.seed")};
    task->pool = mem_zero(clips->count, sizeof *task->pool);
    task->classes = mem_zero(clips->count, sizeof *task->classes);
    for (size_t i = 0; i < clips->count; i++)
        strings_add_new(&labels, clips->clips[i].label);
    strings_sort(&labels);
    for (size_t i = 0; i < clips->count; i++) {
        task->pool[i] = i;
        task->classes[i] = strings_index(&labels, clips->clips[i].label);
    }
    task->class_count = labels.count;
    strings_free(&labels);
}

/* A size given as a fraction of the whole (rounded up, as scikit-learn does for test sizes) or a count. */
static bool part_size(const char *key, double value, size_t whole, size_t *size, struct error *error)
{
    if (value >= 1 && value != floor(value))
        return error_usage(error, "%s must be a fraction below 1 or a whole number of clips", key);
    *size = (size_t)(value < 1 ? ceil(value * (double)whole) : value);
    if (*size >= whole)
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
    if (size == 0)
        return error_usage(error,
                           "split.test must be above 0: without a test part there is nothing to report");
    return protocol->divide(task, size, split->clips[PART_TRAIN], &split->counts[PART_TRAIN],
                            split->clips[PART_TEST], &split->counts[PART_TEST], error);
}

/* Cuts the validation part out of the train part, by the same protocol. */
static bool divide_validation(const struct split_protocol *protocol, const struct split_task *task,
                              struct split *split, struct error *error)
{
    struct split_task again = *task;
    size_t size = 0, rest_count;

    if (!part_size("split.validation", config_number(task->config, "split.validation"), task->count, &size,
                   error))
        return false;
    if (size == 0)
        return true;
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
    enum part *parts = mem_zero(task->count, sizeof *parts);
    bool done = protocol->assign(task, parts, error);

    for (size_t i = 0; done && i < task->count; i++) {
        if (parts[i] == PART_COUNT)
            split->left_out++;
        else
            split->clips[parts[i]][split->counts[parts[i]]++] = i;
    }
    free(parts);
    if (done && (split->counts[PART_TRAIN] == 0 || split->counts[PART_TEST] == 0))
        return error_set(error, "%s: gives no clip to the %s part", config_text(task->config, "split.file"),
                         PART_NAMES[split->counts[PART_TRAIN] ? PART_TEST : PART_TRAIN]);
    return done;
}

static bool has_speaker(const struct split *split, const struct clip_list *clips, enum part part,
                        const char *speaker)
{
    for (size_t i = 0; i < split->counts[part]; i++)
        if (text_equal(clips->clips[split->clips[part][i]].speaker, speaker))
            return true;
    return false;
}

static void count_speakers(struct split *split, const struct clip_list *clips)
{
    struct strings speakers = {0};

    for (size_t i = 0; i < clips->count; i++)
        if (clips->clips[i].speaker)
            strings_add_new(&speakers, clips->clips[i].speaker);
    split->speakers = speakers.count;
    for (size_t k = 0; k < speakers.count; k++)
        split->shared_speakers += has_speaker(split, clips, PART_TRAIN, speakers.items[k]) &&
                                  has_speaker(split, clips, PART_TEST, speakers.items[k]);
    strings_free(&speakers);
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
    bool done = protocol->assign ? assign_parts(protocol, &task, split, error)
                                 : divide_test(protocol, &task, split, error) &&
                                       divide_validation(protocol, &task, split, error);
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
    static const char *const keys[] = {"split.protocol", "split.test",    "split.validation",
                                       "split.seed",     "split.folds",   "split.fold",
                                       "split.file",     "corpus.labels", "corpus.map"};
    struct text text = {0};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        text_add(&text, "%s%s=%s", i ? " " : "", strchr(keys[i], '.') + 1, config_text(config, keys[i]));
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
