/* Models that are fitted to all clips at once: see fit.h. */
#include "train/fit.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

/* Numbers the distinct speakers of the clips in `order`, in the order of their names; false where one is not
 * known. */
static bool group_by_speaker(const struct dataset *dataset, const size_t *order, size_t *groups,
                             size_t *count)
{
    struct strings speakers = {0};
    bool known = true;

    for (size_t i = 0; known && i < dataset->count; i++) {
        known = dataset->items[i].clip->speaker != NULL;
        if (known)
            strings_add_new(&speakers, dataset->items[i].clip->speaker);
    }
    strings_sort(&speakers);
    for (size_t i = 0; known && i < dataset->count; i++)
        groups[i] = (size_t)strings_index(&speakers, dataset->items[order[i]].clip->speaker);
    *count = speakers.count;
    strings_free(&speakers);
    return known;
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

    bool by_speaker =
        strcmp(settings->split.protocol, "speaker") == 0 || strcmp(settings->split.protocol, "emobox") == 0;
    bool stratified_svm = t->model->kind == &MODEL_LINEAR && !by_speaker;
    if (!stratified_svm && group_by_speaker(t->train, order, groups, &examples.group_count) &&
        examples.group_count > 1)
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
    epoch_plan(&t->epoch, t->train, 0);
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
