/* One optimizer step: what it needs, its micro-batches, the sum over ranks, and the update. */
#include "train/trainer.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "train/diagnose.h"
#include "train/head_scale.h"
#include "train/microbatch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKET_BYTES = 16 << 20 }; /* of gradients that ranks sum at once */

/* Loss scaling for float16 (Micikevicius et al., 2018), with PyTorch's numbers. */
static const double SCALE_FACTOR = 2, SMALLEST_SCALE = 1.0 / 16384;
enum { SCALE_PATIENCE = 2000 }; /* good steps before the scale grows */

/* ---- set-up ---- */

/* Of the training part; caller frees counts.with. */
static struct label_counts count_labels(const struct trainer *t)
{
    size_t labels = t->model->labels.count;
    struct label_counts counts = {t->train->count, mem_zero(labels, sizeof *counts.with)};

    for (size_t i = 0; i < t->train->count; i++) {
        const struct dataset_item *item = &t->train->items[i];
        for (size_t k = 0; t->model->task == MULTI_LABEL && k < labels; k++)
            counts.with[k] += item->targets[k] > 0.5;
        if (t->model->task == SINGLE_LABEL)
            counts.with[item->label]++;
    }
    return counts;
}

static bool start_loss(struct trainer *t, struct error *error)
{
    struct label_counts counts = count_labels(t);
    bool done = loss_start(&t->loss, &t->settings->train, t->model, &counts, error);

    free(counts.with);
    return done;
}

/* Ranks begin at rank 0's parameters and sum their gradients. */
static bool start_ranks(struct trainer *t, struct error *error)
{
    const struct ranks *ranks = t->compute.ranks;

    if (!ranks_are_several(ranks))
        return true;
    t->gradient_buckets = et_buckets_new(ranks->group, t->tensors, t->count, BUCKET_BYTES, error);
    return t->gradient_buckets && ranks_broadcast_parameters(ranks, &t->model->parameters, error);
}

/* Copies of the model's buffers, to go back to after a step with numbers that are not finite. */
static bool start_buffers(struct trainer *t, struct error *error)
{
    const struct parameters *p = &t->model->parameters;
    bool recording = et_grad_mode(false);

    t->buffers = mem_zero(p->count, sizeof *t->buffers);
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].is_buffer)
            t->buffers[t->buffer_count++] =
                (struct buffer){p->items[i].tensor, et_clone(t->scope, p->items[i].tensor)};
    et_grad_mode(recording);
    return !et_scope_failed(t->scope) || error_memory(error, "no memory for a model's buffers");
}

static bool copy_buffers(struct trainer *t, bool restore, struct error *error)
{
    if (t->buffer_count == 0)
        return true;
    struct et_scope *scope = et_scope_open(NULL);
    for (size_t i = 0; i < t->buffer_count; i++) {
        const struct buffer *b = &t->buffers[i];
        et_copy_(scope, restore ? b->tensor : b->before, restore ? b->before : b->tensor);
    }
    return et_scope_close(scope, error);
}

static bool save_buffers(struct trainer *t, struct error *error)
{
    return copy_buffers(t, false, error);
}

static bool restore_buffers(struct trainer *t, struct error *error)
{
    return copy_buffers(t, true, error);
}

static void list_trained(struct trainer *t)
{
    const struct parameters *p = &t->model->parameters;

    t->tensors = mem_zero(p->count, sizeof *t->tensors);
    t->names = mem_zero(p->count, sizeof *t->names);
    for (size_t i = 0; i < p->count; i++) {
        if (!p->items[i].trainable)
            continue;
        t->tensors[t->count] = p->items[i].tensor;
        t->names[t->count++] = p->items[i].name;
    }
}

/* Tensors' shares of the learning rate: train.head_learning_rate, train.layer_decay. */
static void set_rates(struct trainer *t)
{
    const struct train_settings *settings = &t->settings->train;
    const struct model *model = t->model;
    double *rates = mem_zero(t->count + 1, sizeof *rates);
    bool other_head = !isnan(settings->head_learning_rate);
    size_t n = 0;

    for (size_t i = 0; i < model->parameters.count; i++) {
        if (!model->parameters.items[i].trainable)
            continue;
        int64_t above = model->kind->layers_above ? model->kind->layers_above(model, i) : 0;
        rates[n] = above > 0 ? pow(settings->layer_decay, (double)above) : 1;
        if (above < 0 && other_head && settings->learning_rate > 0)
            rates[n] = settings->head_learning_rate / settings->learning_rate;
        n++;
    }
    et_adamw_set_rates(t->optimizer, rates);
    free(rates);
}

/* Whether the model can learn at the rates that train.head_learning_rate and train.layer_decay say. */
static bool check_rates(const struct train_settings *settings, const struct model *model, struct error *error)
{
    bool other_head = !isnan(settings->head_learning_rate);

    if (other_head && settings->learning_rate <= 0)
        return error_usage(
            error, "train.head_learning_rate needs a train.learning_rate above 0; model.freeze=encoder "
                   "trains the head alone");
    return (model->kind->layers_above || (!other_head && settings->layer_decay >= 1)) ||
           error_usage(error,
                       "train.head_learning_rate and train.layer_decay: model.kind=%s has no layers to tell "
                       "apart; encoder has",
                       model->kind->name);
}

static bool changes_samples(const struct settings *settings)
{
    const struct augment_settings *a = &settings->augment;

    return a->speed > 0 || a->shift > 0 || a->noise > 0 || a->mixup > 0 || *a->distort ||
           settings->audio.crop_seconds > 0;
}

/* What changes samples has none to change where the model's input is stored. */
static bool check_samples(const struct settings *settings, struct error *error)
{
    return !settings->train.feature_cache || !changes_samples(settings) ||
           error_usage(error, "train.feature_cache=yes keeps what the frozen part makes of whole, unchanged "
                              "clips: leave out [augment] and audio.crop_seconds");
}

/* Augmentation that would change nothing is not left standing in the report. */
static bool check_augmentation(const struct settings *settings, const struct model *model,
                               struct error *error)
{
    if (model->kind->input == INPUT_TEXT && changes_samples(settings))
        return error_usage(error, "model.kind=%s reads texts: [augment] and audio.crop_seconds change sounds",
                           model->kind->name);
    return settings->augment.mixup == 0 || settings->train.batch_size > 1 ||
           settings->train.batch_seconds > 0 ||
           error_usage(error, "augment.mixup mixes clips of a batch: train.batch_size must be above 1");
}

/* A second task teaches the first by what they share. */
static bool check_auxiliary(const struct dataset *train, const struct model *model, struct error *error)
{
    return train->auxiliary.count == 0 || model_trains_pooled(model) ||
           error_usage(error, "train.auxiliary_task: nothing that it shares with the main task is trained: "
                              "model.freeze leaves too little");
}

/* train.loss=kl learns from votes. */
static bool check_votes(const struct dataset *train, struct error *error)
{
    size_t with = 0;

    for (size_t i = 0; i < train->count; i++)
        with += train->items[i].shares != NULL;
    return with > 0 || strcmp(train->source.settings->train.loss, "kl") != 0 ||
           error_usage(error,
                       "train.loss=kl: no clip of the training part has votes of annotators: a list keeps "
                       "them with corpus.votes=majority");
}

/* The concordance of one clip means nothing. */
static bool check_concordance(const struct dataset *train, struct error *error)
{
    const struct train_settings *settings = &train->source.settings->train;
    size_t alone = 0;

    for (size_t i = 0; i < train->count; i++)
        alone += 2 * train->items[i].seconds > settings->batch_seconds;
    return strcmp(settings->loss, "ccc") != 0 || settings->batch_seconds == 0 || 2 * alone <= train->count ||
           error_usage(
               error,
               "train.loss=ccc compares the clips of a batch, and of most clips train.batch_seconds=%g "
               "holds one: raise it",
               settings->batch_seconds);
}

/* A temperature is of a classifier that makes logits. */
static bool check_temperature(const struct settings *settings, const struct model *model, struct error *error)
{
    return !settings->eval.temperature_scaling ||
           (model->task == SINGLE_LABEL && trainer_takes_steps(model->kind)) ||
           error_usage(error,
                       "eval.temperature_scaling=yes is for model.task=single_label and models that are "
                       "trained step by step");
}

/* What is fitted at once takes no steps in which clips or weights could change. */
static bool check_fitted(const struct settings *settings, const char *kind, struct error *error)
{
    const struct train_settings *train = &settings->train;

    if (*settings->augment.distort)
        return error_usage(error, "augment.distort: model.kind=%s is fitted once, to clips as they are",
                           kind);
    if (changes_samples(settings))
        log_warn("model.kind=%s is fitted once, to clips as they are: [augment] and audio.crop_seconds "
                 "change nothing",
                 kind);
    if (train->label_smoothing > 0 || train->ema_decay > 0 || train->early_stopping_patience > 0 ||
        strcmp(train->sampler, "random") != 0)
        log_warn("model.kind=%s is fitted once: train.label_smoothing, train.ema_decay, "
                 "train.early_stopping_patience and train.sampler change nothing",
                 kind);
    return true;
}

bool trainer_check(const struct dataset *train, const struct model *model, struct error *error)
{
    const struct train_settings *settings = &train->source.settings->train;

    if (!check_temperature(train->source.settings, model, error))
        return false;
    if (!loss_check(settings, model->task, error))
        return false;
    if (settings->label_smoothing > 0 && model->task == REGRESSION)
        log_warn("train.label_smoothing changes nothing: model.task=regression has no labels to smooth");
    if (!trainer_takes_steps(model->kind) && !loss_is_default(settings->loss, model->task))
        return error_usage(error, "train.loss=%s: model.kind=%s is fitted by its own loss", settings->loss,
                           model->kind->name);
    if (!trainer_takes_steps(model->kind))
        return check_fitted(train->source.settings, model->kind->name, error);
    return sampler_check(train, error) && check_votes(train, error) && check_rates(settings, model, error) &&
           check_samples(train->source.settings, error) &&
           check_augmentation(train->source.settings, model, error) && check_concordance(train, error) &&
           check_auxiliary(train, model, error);
}

static bool start_optimizer(struct trainer *t, struct error *error)
{
    const struct train_settings *settings = &t->settings->train;
    const struct et_adamw_settings adamw = {.beta1 = 0.9,
                                            .beta2 = 0.999,
                                            .eps = 1e-8,
                                            .weight_decay = settings->weight_decay,
                                            .eight_bits = settings->optimizer == OPTIMIZER_ADAMW_8BIT};

    t->optimizer = et_adamw_new(t->tensors, t->count, adamw, error);
    if (t->optimizer)
        set_rates(t);
    return t->optimizer != NULL;
}

bool trainer_start(struct trainer *t, struct error *error)
{
    const struct train_settings *settings = &t->settings->train;
    const struct model_kind *kind = t->model->kind;

    dataset_learn_scale(t->train, t->model);
    t->total_steps = train_total_steps(t->train);
    t->phases = kind->phases ? kind->phases(t->model) : 0;
    t->phase = -1;
    t->scope = et_scope_open(NULL);
    list_trained(t);
    t->schedule = schedule_find(settings->lr_scheduler, error);
    return t->schedule && trainer_check(t->train, t->model, error) &&
           measure_head_scale(t->model, t->train, &t->compute, error) && start_ranks(t, error) &&
           start_loss(t, error) && start_buffers(t, error) &&
           ema_start(&t->ema, t->model, settings->ema_decay, error) && microbatches_start(t, error) &&
           start_optimizer(t, error);
}

void trainer_end(struct trainer *t)
{
    loader_stop(t->loader);
    epoch_free(&t->epoch);
    et_buckets_free(t->gradient_buckets);
    et_adamw_free(t->optimizer);
    ema_end(&t->ema);
    microbatches_end(t);
    loss_end(&t->loss);
    if (t->scope)
        et_scope_close(t->scope, NULL);
    free(t->buffers);
    free(t->tensors);
    free(t->names);
}

/* ---- ranks ---- */

/* The buffers after a step are the mean over the ranks, each weighted by its batches. */
static bool average_buffers(const struct trainer *t, double weight, struct error *error)
{
    bool done = true;

    for (size_t i = 0; done && i < t->buffer_count; i++) {
        struct et_tensor *tensor = t->buffers[i].tensor;
        size_t count = (size_t)et_numel(tensor);
        struct et_scope *scope = et_scope_open(NULL);
        float *values = mem_zero(count + 1, sizeof *values);
        double *sums = mem_zero(count + 1, sizeof *sums);
        et_read(scope, tensor, values, (int64_t)count);
        for (size_t k = 0; k < count; k++)
            sums[k] = (double)values[k] * weight;
        done = ranks_allreduce(t->compute.ranks, sums, count, error);
        for (size_t k = 0; done && k < count; k++)
            values[k] = (float)sums[k];
        if (done)
            et_copy_data_(scope, tensor, values, ET_FLOAT32);
        free(values);
        free(sums);
        done = et_scope_close(scope, error) && done;
    }
    return done;
}

/* After a step's batches first .. last - 1: gradients, loss and batches that were not finite become those of
 * all ranks, buffers their mean, and all learn in the same step that a user asked one of them to stop. */
static bool allreduce_step(struct trainer *t, int64_t first, int64_t last, struct step_result *result,
                           struct error *error)
{
    int64_t local = 0;

    t->interrupted = interrupt_requested();
    if (!t->gradient_buckets)
        return true;
    for (int64_t b = first; b < last; b++)
        local += batch_is_local(t, b);
    size_t count = 2 + (size_t)(last - first); /* loss, wish to stop, and whether each batch was not finite */
    double *sums = mem_zero(count, sizeof *sums);
    sums[0] = result->loss;
    sums[1] = t->interrupted;
    if (result->nonfinite_batch >= 0)
        sums[2 + result->nonfinite_batch - first] = 1;
    bool done = et_buckets_finish(t->gradient_buckets, local > 0, error) &&
                ranks_allreduce(t->compute.ranks, sums, count, error) &&
                average_buffers(t, (double)local / (double)(last - first), error);
    result->loss = sums[0];
    t->interrupted = sums[1] > 0;
    for (int64_t b = last; b-- > first;)
        if (sums[2 + b - first] > 0)
            result->nonfinite_batch = b;
    free(sums);
    return done;
}

/* ---- the step ---- */

/* What the sum of a step's losses is divided by: its clips, or with class weights the sum of their weights.
 */
static double step_weight(const struct trainer *t, size_t first, size_t last)
{
    double weight = 0;

    for (size_t i = first; i < last; i++) {
        const struct dataset_item *item = &t->train->items[t->epoch.order[i]];
        weight += loss_weight(&t->loss, item->label, item->shares);
    }
    return weight;
}

/* float16: after an overflow the scale is halved and the step skipped; after many good steps it is doubled.
 */
static void adapt_scale(struct trainer_state *state, bool good)
{
    if (!good) {
        state->loss_scale /= SCALE_FACTOR;
        state->good_steps = 0;
    } else if (++state->good_steps == SCALE_PATIENCE) {
        state->loss_scale *= SCALE_FACTOR;
        state->good_steps = 0;
    }
}

/* Clips the gradients and updates the parameters; not where numbers are not finite. */
static bool update_parameters(struct trainer *t, struct step_result *result, struct error *error)
{
    double limit = t->settings->train.max_grad_norm, scale = 1 / t->state.loss_scale;
    bool scaled = t->compute.precision == ET_FLOAT16;
    struct et_scope *scope = et_scope_open(NULL);

    double norm = result->grad_norm = et_grad_norm(scope, t->tensors, t->count) * scale;
    if (!et_scope_close(scope, error))
        return false;
    result->skipped = !isfinite(norm) || !isfinite(result->loss);
    if (scaled)
        adapt_scale(&t->state, !result->skipped);
    if (result->skipped)
        return restore_buffers(t, error);
    if (limit > 0 && norm > limit)
        scale *= limit / (norm + 1e-6); /* as torch.nn.utils.clip_grad_norm_ */
    return et_adamw_step(t->optimizer, result->learning_rate, scale, error);
}

/* Where training has phases, each takes an equal number of the steps; the last, which is all of training
 * without phases, trains everything. */
static bool enter_phase(struct trainer *t, struct error *error)
{
    int phase = (int)(t->state.step * (t->phases + 1) / t->total_steps);

    if (t->phases == 0 || phase == t->phase)
        return true;
    t->phase = phase;
    et_clear_grads(t->tensors, t->count);
    return parameters_apply_trainable(&t->model->parameters, phase < t->phases ? phase : -1, error);
}

void trainer_enter_epoch(struct trainer *t)
{
    if (t->epoch.order && t->epoch.number == t->state.epoch)
        return;
    loader_stop(t->loader);
    epoch_plan(&t->epoch, t->train, t->state.epoch);
    t->loader = loader_start(make_train_batch, t, t->state.batches, t->epoch.batches);
}

/* One step more, after batch `last` of the epoch. */
static void count_step(struct trainer *t, const struct step_result *result, int64_t first, int64_t last,
                       bool overflows)
{
    struct trainer_state *state = &t->state;

    if (!result->skipped) {
        state->nonfinite_steps = 0;
    } else if (!overflows) {
        state->nonfinite_steps++;
        report_nonfinite_step(t, result, first, last);
    }
    state->step++;
    state->batches = last;
    if (last == t->epoch.batches) {
        state->epoch++;
        state->batches = 0;
    }
    t->clips += (int64_t)(t->epoch.starts[last] - t->epoch.starts[first]);
}

bool trainer_step(struct trainer *t, struct step_result *result, struct error *error)
{
    const struct train_settings *settings = &t->settings->train;

    *result = (struct step_result){.nonfinite_batch = -1};
    trainer_enter_epoch(t);
    if (!enter_phase(t, error))
        return false;
    int64_t first = t->state.batches, last = first + settings->gradient_accumulation_steps;
    if (last > t->epoch.batches)
        last = t->epoch.batches;
    double weight = step_weight(t, t->epoch.starts[first], t->epoch.starts[last]);
    bool overflows = t->compute.precision == ET_FLOAT16 && t->state.loss_scale > SMALLEST_SCALE;
    int64_t warmup = schedule_warmup(settings->warmup_steps, settings->warmup_ratio, t->total_steps);
    result->learning_rate = settings->learning_rate * t->state.plateau.factor *
                            schedule_factor(t->schedule, t->state.step, warmup, t->total_steps);
    et_clear_grads(t->tensors, t->count);
    if (!save_buffers(t, error) || !microbatches_run(t, first, last, weight, result, error) ||
        !allreduce_step(t, first, last, result, error) || !update_parameters(t, result, error))
        return false;
    count_step(t, result, first, last, overflows);
    bool done = result->skipped || ema_update(&t->ema, t->state.step, error);
    mark_stage(t, STAGE_OPTIMIZER, 0);
    return done;
}
