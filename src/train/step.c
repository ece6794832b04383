#include "train/step.h"

#include "base/interrupt.h"
#include "train/pass.h"
#include "train/share.h"
#include "train/trouble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Loss scaling for float16 (Micikevicius et al., 2018), with PyTorch's numbers. */
enum { BUCKET_BYTES = 16 << 20 }; /* of gradients that ranks sum at once */

static const double SCALE_FACTOR = 2, SMALLEST_SCALE = 1.0 / 16384;
enum { SCALE_PATIENCE = 2000 }; /* good steps before the scale grows */

static int64_t setting(const struct training *training, const char *name)
{
    return config_integer(training->trainer->config, name);
}

/* ---- set-up ---- */

/* Clips of the training part with each label; caller frees; NULL where clips have several. */
static size_t *count_labels(const struct trainer *t)
{
    size_t *counts =
        t->model->problem == SINGLE_LABEL ? mem_zero(t->model->labels.count, sizeof *counts) : NULL;

    for (size_t i = 0; counts && i < t->train->count; i++)
        counts[t->train->items[i].label]++;
    return counts;
}

static bool start_loss(struct training *training, struct error *error)
{
    size_t *counts = count_labels(training->trainer);
    bool done =
        loss_start(&training->loss, training->trainer->config, training->trainer->model, counts, error);

    free(counts);
    return done;
}

/* Numbers are learned over the training part's mean and deviation. */
static void learn_scale(const struct trainer *t)
{
    if (t->model->problem != REGRESSION)
        return;
    const double **targets = mem_zero(t->train->count, sizeof *targets);
    for (size_t i = 0; i < t->train->count; i++)
        targets[i] = t->train->items[i].targets;
    model_learn_scale(t->model, targets, t->train->count);
    free(targets);
}

/* Ranks begin at rank 0's parameters and sum their gradients. */
static bool start_ranks(struct training *training, struct error *error)
{
    const struct trainer *t = training->trainer;
    const struct ranks *ranks = t->compute.ranks;

    if (!ranks_are_several(ranks))
        return true;
    training->buckets = et_buckets_new(ranks->group, training->tensors, training->count, BUCKET_BYTES, error);
    return training->buckets && ranks_share_parameters(ranks, &t->model->parameters, error);
}

/* Copies of what forward passes move beside the optimizer, to go back to after a bad step. */
static bool start_moving(struct training *training, struct error *error)
{
    const struct parameters *p = &training->trainer->model->parameters;
    bool recording = et_grad_mode(false);

    training->scope = et_scope_open(NULL);
    training->moving = mem_zero(p->count, sizeof *training->moving);
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].moves)
            training->moving[training->moving_count++] =
                (struct moving){p->items[i].tensor, et_clone(training->scope, p->items[i].tensor)};
    et_grad_mode(recording);
    return !et_scope_failed(training->scope) || error_memory(error, "no memory for a model's statistics");
}

/* Keeps them, before a step; or puts them back. */
static bool keep_moving(struct training *training, bool back, struct error *error)
{
    if (training->moving_count == 0)
        return true;
    struct et_scope *scope = et_scope_open(NULL);
    for (size_t i = 0; i < training->moving_count; i++) {
        const struct moving *m = &training->moving[i];
        et_copy_(scope, back ? m->tensor : m->before, back ? m->before : m->tensor);
    }
    return et_scope_close(scope, error);
}

bool training_start(struct training *training, struct trainer *trainer, struct error *error)
{
    const struct parameters *p = &trainer->model->parameters;

    *training = (struct training){.trainer = trainer};
    training->accumulate = setting(training, "train.accumulate");
    training->total_steps = train_total_steps(trainer->train);
    if (trainer->model->kind->fit) /* all at once */
        training->total_steps = 1;
    training->phases = trainer->model->kind->phases ? trainer->model->kind->phases(trainer->model) : 0;
    training->phase = -1;
    training->tensors = mem_zero(p->count, sizeof *training->tensors);
    training->names = mem_zero(p->count, sizeof *training->names);
    for (size_t i = 0; i < p->count; i++) {
        if (!p->items[i].trainable)
            continue;
        training->tensors[training->count] = p->items[i].tensor;
        training->names[training->count++] = p->items[i].name;
    }
    struct et_adamw_settings settings = {
        .beta1 = 0.9,
        .beta2 = 0.999,
        .eps = 1e-8,
        .weight_decay = config_number(trainer->config, "train.weight_decay"),
        .eight_bits = strcmp(config_text(trainer->config, "train.optimizer"), "adamw_8bit") == 0};
    training->augmentation = augmentation_read(trainer->config);
    training->schedule = schedule_find(config_text(trainer->config, "train.schedule"), error);
    learn_scale(trainer);
    return training->schedule && start_ranks(training, error) && start_loss(training, error) &&
           start_moving(training, error) &&
           average_start(&training->average, trainer->model,
                         trainer->model->kind->fit ? 0 : config_number(trainer->config, "train.average"),
                         error) &&
           passes_start(training, error) &&
           (training->optimizer = et_adamw_new(training->tensors, training->count, settings, error)) != NULL;
}

void training_end(struct training *training)
{
    loader_stop(training->loader);
    epoch_free(&training->epoch);
    et_buckets_free(training->buckets);
    et_adamw_free(training->optimizer);
    average_end(&training->average);
    passes_end(training);
    loss_end(&training->loss);
    if (training->scope)
        et_scope_close(training->scope, NULL);
    free(training->moving);
    free(training->tensors);
    free(training->names);
}

/* ---- one step ---- */

/* What the sum of a step's losses is divided by: its clips, or with class weights the sum of their weights.
 */
static double step_weight(const struct training *training, size_t first, size_t last)
{
    double weight = 0;

    for (size_t i = first; i < last; i++)
        weight +=
            loss_weight(&training->loss, training->trainer->train->items[training->epoch.order[i]].label);
    return weight;
}

/* float16: after an overflow the scale is halved and the step skipped; after long calm it is doubled. */
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

/* Clips, and moves the parameters; not where numbers are not finite. */
static bool update(struct training *training, struct step_figures *figures, struct error *error)
{
    struct trainer *t = training->trainer;
    double limit = config_number(t->config, "train.clip_norm"), scale = 1 / t->state.loss_scale;
    bool scaled = t->compute.precision == ET_FLOAT16;
    struct et_scope *scope = et_scope_open(NULL);

    double norm = figures->grad_norm = et_grad_norm(scope, training->tensors, training->count) * scale;
    if (!et_scope_close(scope, error))
        return false;
    figures->skipped = !isfinite(norm) || !isfinite(figures->loss);
    if (scaled)
        adapt_scale(&t->state, !figures->skipped);
    if (figures->skipped)
        return keep_moving(training, true, error);
    if (limit > 0 && norm > limit)
        scale *= limit / (norm + 1e-6); /* as torch.nn.utils.clip_grad_norm_ */
    return et_adamw_step(training->optimizer, figures->learning_rate, scale, error);
}

/* One optimizer step more, after batch `last` of the epoch. */
static void count_step(struct training *training, int64_t last)
{
    struct trainer_state *state = &training->trainer->state;

    state->step++;
    state->batches = last;
    if (last == training->epoch.batches) {
        state->epoch++;
        state->batches = 0;
    }
}

/* Where training has phases, each takes an equal share of the steps; the last, and what training without them
 * is, trains all. */
static bool enter_phase(struct training *training, struct error *error)
{
    int phase = (int)(training->trainer->state.step * (training->phases + 1) / training->total_steps);

    if (training->phases == 0 || phase == training->phase)
        return true;
    training->phase = phase;
    et_clear_grads(training->tensors, training->count);
    return parameters_apply_trainable(&training->trainer->model->parameters,
                                      phase < training->phases ? phase : -1, error);
}

/* Lays out the epoch that the next step is in, and begins to make its batches. */
static void enter_epoch(struct training *training)
{
    const struct trainer_state *state = &training->trainer->state;

    if (training->epoch.order && training->epoch.number == state->epoch)
        return;
    loader_stop(training->loader);
    epoch_make(&training->epoch, training->trainer->train, state->epoch);
    training->loader = loader_start(pass_make_batch, training, state->batches, training->epoch.batches);
}

static bool take_step(struct training *training, struct step_figures *figures, struct error *error)
{
    struct trainer *t = training->trainer;
    const size_t *starts = training->epoch.starts;
    int64_t first = t->state.batches, last = first + training->accumulate;

    if (last > training->epoch.batches)
        last = training->epoch.batches;
    double weight = step_weight(training, starts[first], starts[last]);
    figures->learning_rate = config_number(t->config, "train.learning_rate") *
                             schedule_factor(training->schedule, t->state.step,
                                             setting(training, "train.warmup_steps"), training->total_steps);
    et_clear_grads(training->tensors, training->count);
    if (!keep_moving(training, false, error))
        return false;
    bool overflows = t->compute.precision == ET_FLOAT16 && t->state.loss_scale > SMALLEST_SCALE;
    if (!passes_run(training, first, last, weight, figures, error) ||
        !share_sum(training, first, last, figures, error) || !update(training, figures, error))
        return false;
    if (!figures->skipped) {
        t->state.bad_steps = 0;
    } else if (!overflows) {
        t->state.bad_steps++;
        trouble_bad_step(training, figures, first, last);
    }
    count_step(training, last);
    t->clips += (int64_t)(starts[last] - starts[first]);
    bool done = figures->skipped || average_update(&training->average, t->state.step, error);
    pass_mark(t, STAGE_OPTIMIZER, 0);
    return done;
}

bool training_step(struct training *training, struct step_figures *figures, struct error *error)
{
    *figures = (struct step_figures){.bad_batch = -1};
    if (!training->trainer->model->kind->fit) {
        enter_epoch(training);
        return enter_phase(training, error) && take_step(training, figures, error);
    }
    figures->loss = (double)NAN;
    if (!training_fit(training, error))
        return false;
    figures->interrupted = interrupt_requested();
    count_step(training, training->epoch.batches);
    return true;
}

double training_epochs(const struct training *training)
{
    const struct config *config = training->trainer->config;
    const struct trainer_state *state = &training->trainer->state;

    return (double)state->epoch +
           (double)train_epoch_steps(config, state->batches) /
               (double)train_epoch_steps(config, state->batches ? training->epoch.batches : 1);
}
