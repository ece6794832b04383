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

/* What repeats over views: their features one after the other, and as often the rest.  Nothing where a clip
 * has but one view. */
struct stack {
    float *features, *targets;
    int64_t *labels;
    size_t *groups;
};

/* `size` bytes `times` times in a row; of NULL, NULL. */
static void *repeat(const void *values, size_t size, size_t times)
{
    char *all = values ? mem_alloc(size * times) : NULL;

    for (size_t k = 0; all && k < times; k++)
        memcpy(all + k * size, values, size);
    return all;
}

/* Frees what it copies of the views. */
static void stack_views(struct stack *stack, struct batch *batch, const struct model *model,
                        struct examples *examples)
{
    size_t views = batch->view_count, clips = (size_t)batch->count,
           each = clips * examples->states * examples->parts * examples->width;

    stack->features = mem_alloc(views * each * sizeof *stack->features);
    for (size_t k = 0; k < views; k++) {
        memcpy(stack->features + k * each, batch->views[k].states, each * sizeof *stack->features);
        batch_free(&batch->views[k]);
    }
    stack->labels = repeat(batch->labels, clips * sizeof *stack->labels, views);
    stack->targets = repeat(batch->targets, clips * model->labels.count * sizeof *stack->targets, views);
    stack->groups = repeat(examples->groups, clips * sizeof *stack->groups, views);
    examples->count = views * clips;
    examples->views = views;
    examples->features = stack->features;
    examples->labels = stack->labels;
    examples->targets = stack->targets;
    examples->groups = stack->groups;
}

static void stack_free(struct stack *stack)
{
    free(stack->features);
    free(stack->targets);
    free(stack->labels);
    free(stack->groups);
}

static bool fit_batch(struct trainer *t, const size_t *order, struct batch *batch, struct error *error)
{
    const struct settings *settings = t->settings;
    const struct batch *first = batch_view(batch, 0);
    size_t width;
    struct examples examples = {.count = t->train->count,
                                .features = batch_features(first, t->model, &width),
                                .states = first->states ? (size_t)first->state_count : 1,
                                .parts = first->states ? 2 : 1,
                                .width =
                                    first->states ? (size_t)first->state_width : t->model->features.count,
                                .views = 1,
                                .labels = batch->labels,
                                .targets = batch->targets,
                                .settings = &settings->linear,
                                .seed = (uint64_t)settings->run.seed,
                                .threads = thread_count(settings->run.threads),
                                .class_weights = settings->train.class_weights,
                                .by_recall = strcmp(settings->eval.best_metric, "uar") == 0};
    size_t *groups = mem_zero(t->train->count, sizeof *groups);
    struct stack stack = {0};

    bool by_speaker =
        strcmp(settings->split.protocol, "speaker") == 0 || strcmp(settings->split.protocol, "emobox") == 0;
    bool stratified_svm = t->model->kind == &MODEL_LINEAR && !by_speaker;
    if (!stratified_svm && group_by_speaker(t->train, order, groups, &examples.group_count) &&
        examples.group_count > 1)
        examples.groups = groups;
    if (batch->views)
        stack_views(&stack, batch, t->model, &examples);
    char *table = NULL, *path = path_join(t->run, FIT_TABLE);
    bool done = t->model->kind->fit(t->model, &examples, &table, error) &&
                (!table || file_write(path, table, strlen(table), error));
    free(table);
    free(path);
    free(groups);
    stack_free(&stack);
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
    if (!dataset_views(t->train, t->epoch.order, t->train->count, t->model, &batch, error))
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
