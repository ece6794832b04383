/* Models that are fitted to all clips at once. */
#include "train/step.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

/* Numbers the distinct speakers of the clips in `order`; false where one is not known. */
static bool group_by_speaker(const struct dataset *dataset, const size_t *order, size_t *groups,
                             size_t *count)
{
    struct strings speakers = {0};
    bool known = true;

    for (size_t i = 0; known && i < dataset->count; i++) {
        const char *speaker = dataset->items[order[i]].clip->speaker;
        known = speaker != NULL;
        if (known) {
            strings_add_new(&speakers, speaker);
            groups[i] = (size_t)strings_index(&speakers, speaker);
        }
    }
    *count = speakers.count;
    strings_free(&speakers);
    return known;
}

static bool fit_batch(struct training *training, const struct batch *batch, struct error *error)
{
    struct trainer *t = training->trainer;
    struct examples examples = {.count = t->train->count,
                                .features = batch->features,
                                .labels = batch->labels,
                                .targets = batch->targets,
                                .config = t->config};
    size_t *groups = mem_zero(examples.count, sizeof *groups);

    if (strcmp(config_text(t->config, "split.protocol"), "speaker") == 0 &&
        group_by_speaker(t->train, training->epoch.order, groups, &examples.group_count) &&
        examples.group_count > 1)
        examples.groups = groups;
    bool done = t->model->kind->fit(t->model, &examples, error);
    free(groups);
    return done;
}

bool training_fit(struct training *training, struct error *error)
{
    struct trainer *t = training->trainer;
    struct batch batch;

    log_info("features of %zu clips", t->train->count);
    epoch_make(&training->epoch, t->train, 0);
    if (!dataset_batch(t->train, training->epoch.order, t->train->count, t->model, NULL, 0, &batch, error))
        return false;
    bool done = fit_batch(training, &batch, error);
    batch_free(&batch);
    t->clips += (int64_t)t->train->count;
    return done;
}
