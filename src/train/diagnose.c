/* Explanations of steps that fail: see diagnose.h. */
#include "train/diagnose.h"

#include "base/log.h"
#include "base/text.h"

enum { NAMED = 4 }; /* clips that a line names */

static const struct dataset_item *item_of(const struct trainer *t, size_t index)
{
    return &t->train->items[t->epoch.order[index]];
}

/* "A, B and 3 more": the clips of batches first .. last - 1 */
static void name_clips(const struct trainer *t, int64_t first, int64_t last, struct text *out)
{
    size_t begin = t->epoch.starts[first], end = t->epoch.starts[last];

    for (size_t i = begin; i < end && i < begin + NAMED; i++)
        text_add(out, "%s%s", i > begin ? ", " : "", item_of(t, i)->clip->path);
    if (end - begin > NAMED)
        text_add(out, " and %zu more", end - begin - NAMED);
}

void report_nonfinite_step(const struct trainer *t, const struct step_result *result, int64_t first,
                           int64_t last)
{
    struct text clips = {0};

    if (result->nonfinite_batch >= 0) {
        first = result->nonfinite_batch;
        last = first + 1;
    }
    name_clips(t, first, last, &clips);
    log_warn("step %lld left out: the loss is %g and the gradient norm %g, on %s",
             (long long)t->state.step + 1, result->loss, result->grad_norm, clips.text);
    text_free(&clips);
}

/* Appends the settings that would make the batch smaller: half of what is largest first. */
static void suggest(const struct trainer *t, size_t count, double longest, struct text *out)
{
    long long accumulate = (long long)t->settings->train.gradient_accumulation_steps;

    if (count > 1 && t->settings->train.batch_seconds > 0)
        text_add(out, "train.batch_seconds=%g", t->settings->train.batch_seconds / 2);
    else if (count > 1)
        text_add(
            out,
            "train.batch_size=%zu train.gradient_accumulation_steps=%lld (the same step in smaller batches)",
            (count + 1) / 2, accumulate * 2);
    if (!t->settings->model.gradient_checkpointing)
        text_add(out, "%smodel.gradient_checkpointing=yes", out->length ? ", " : "");
    if (longest > 2)
        text_add(out, "%saudio.max_seconds=%.0f (longer clips are cut)", out->length ? ", " : "",
                 longest / 2);
}

bool explain_out_of_memory(const struct trainer *t, int64_t batch, struct error *error)
{
    size_t begin = t->epoch.starts[batch], end = t->epoch.starts[batch + 1];
    const struct dataset_item *shortest = item_of(t, begin), *longest = shortest;
    struct text settings = {0};

    if (error->kind != ERROR_MEMORY)
        return false;
    for (size_t i = begin; i < end; i++) {
        const struct dataset_item *item = item_of(t, i);
        shortest = item->seconds < shortest->seconds ? item : shortest;
        longest = item->seconds > longest->seconds ? item : longest;
    }
    suggest(t, end - begin, longest->seconds, &settings);
    *error = (struct error){0};
    error_memory(
        error,
        "step %lld: no memory for a batch of %zu clips of %.1f to %.1f s (%s is the longest): try %s; "
        "the last checkpoint is whole",
        (long long)t->state.step + 1, end - begin, shortest->seconds, longest->seconds, longest->clip->path,
        settings.length ? settings.text : "a smaller model or a larger machine");
    text_free(&settings);
    return false;
}
