/* Models that are fitted to all clips at once: see fit.h. */
#include "train/fit.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

static char *recording_of(const struct clip *clip)
{
    double start, end;

    return audio_file_of(clip->path, &start, &end);
}

/* The clip's speaker, or its recording where that is not known; for the caller to free. */
static char *speaker_of(const struct clip *clip)
{
    return clip->speaker ? mem_string(clip->speaker) : recording_of(clip);
}

/* Numbers the owners of the clips in `order`, in the order of their names; false where all
 * have one of their own, or one has all. */
static bool group_by(char *owner_of(const struct clip *clip), const struct dataset *dataset,
                     const size_t *order, size_t *groups, size_t *count)
{
    struct strings owners = {0};

    for (size_t i = 0; i < dataset->count; i++) {
        char *owner = owner_of(dataset->items[i].clip);
        strings_add(&owners, owner);
        free(owner);
    }
    strings_sort_distinct(&owners);
    bool useful = owners.count > 1 && owners.count < dataset->count;
    for (size_t i = 0; useful && i < dataset->count; i++) {
        char *owner = owner_of(dataset->items[order[i]].clip);
        groups[i] = (size_t)strings_find(&owners, owner);
        free(owner);
    }
    *count = owners.count;
    strings_free(&owners);
    return useful;
}

/* Clips of a speaker are predicted together, by a fit that did not see them; where all speakers are
 * unknown, or they are shared between the parts too, those of a recording. */
static bool group_clips(const struct trainer *t, const size_t *order, size_t *groups, size_t *count)
{
    const char *protocol = t->settings->split.protocol;
    bool by_speaker = strcmp(protocol, "speaker") == 0 || strcmp(protocol, "emobox") == 0 ||
                      t->model->kind != &MODEL_LINEAR;

    return (by_speaker && group_by(speaker_of, t->train, order, groups, count)) ||
           group_by(recording_of, t->train, order, groups, count);
}

static bool fit_batch(struct trainer *t, const size_t *order, const struct batch *batch, struct error *error)
{
    const struct settings *settings = t->settings;
    struct examples examples = {.count = t->train->count,
                                .features = batch->states ? batch->states : batch->features,
                                .states = batch->states ? (size_t)batch->state_count : 1,
                                .parts = batch->states ? 2 : 1,
                                .width =
                                    batch->states ? (size_t)batch->state_width : t->model->features.count,
                                .labels = batch->labels,
                                .targets = batch->targets,
                                .settings = &settings->linear,
                                .seed = (uint64_t)settings->run.seed,
                                .threads = thread_count(settings->run.threads),
                                .class_weights = settings->train.class_weights,
                                .by_recall = strcmp(settings->eval.best_metric, "uar") == 0};
    size_t *groups = mem_zero(examples.count, sizeof *groups);

    if (group_clips(t, order, groups, &examples.group_count))
        examples.groups = groups;
    char *table = NULL, *path = path_join(t->run, FIT_TABLE);
    bool done = t->model->kind->fit(t->model, &examples, &table, error) &&
                (!table || file_write(path, table, strlen(table), error));
    free(table);
    free(path);
    free(groups);
    return done;
}

bool fit_start(struct trainer *t, struct error *error)
{
    t->total_steps = 1;
    dataset_learn_scale(t->train, t->model);
    return ema_start(&t->ema, t->model, 0, error);
}

bool fit_step(struct trainer *t, struct progress *progress, struct error *error)
{
    struct batch batch;

    (void)progress;
    epoch_plan_whole(&t->epoch, t->train);
    if (!dataset_batch(t->train, t->epoch.order, t->train->count, t->model, NULL, 0, &batch, error))
        return false;
    bool done = fit_batch(t, t->epoch.order, &batch, error);
    batch_free(&batch);
    if (!done)
        return false;
    t->interrupted = interrupt_requested();
    t->clips += (int64_t)t->train->count;
    t->state.step++;
    t->state.epoch++;
    t->state.batches = 0;
    return true;
}
