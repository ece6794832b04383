#include "train/trainer.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "base/random.h"
#include "train/loss.h"
#include "train/schedule.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Loss scaling for float16 (Micikevicius et al., 2018), with PyTorch's numbers. */
static const double FIRST_SCALE = 65536, SCALE_FACTOR = 2, SMALLEST_SCALE = 1.0 / 16384;
enum { SCALE_PATIENCE = 2000 }; /* good steps before the scale grows */

/* Training under way. */
struct run {
    struct trainer *trainer;
    struct et_adamw *optimizer;
    struct et_tensor **tensors; /* trainable ones */
    const char **names;
    size_t count;
    size_t *order; /* of the current epoch's clips */
    int64_t batch_size, accumulate, batches_per_epoch, steps_per_epoch, total_steps;
    const struct schedule *schedule;
    struct augmentation augmentation;
    struct loss loss;
    struct average average;
    int phases, phase; /* of model_kind.phases, before the last; the present one */
    int64_t saved_step;
};

static int64_t setting(const struct run *run, const char *name)
{
    return config_integer(run->trainer->config, name);
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int64_t train_total_steps(const struct config *config, size_t clips)
{
    int64_t batches = divide_up((int64_t)clips, config_integer(config, "train.batch_size"));
    int64_t steps = divide_up(batches, config_integer(config, "train.accumulate")) *
                    config_integer(config, "train.epochs");
    int64_t most = config_integer(config, "train.max_steps");

    return most > 0 && (most < steps || steps == 0) ? most : steps;
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

static bool start_loss(struct run *run, struct error *error)
{
    size_t *counts = count_labels(run->trainer);
    bool done = loss_start(&run->loss, run->trainer->config, run->trainer->model, counts, error);

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

static bool start(struct run *run, struct trainer *trainer, struct error *error)
{
    const struct parameters *p = &trainer->model->parameters;

    *run = (struct run){.trainer = trainer, .saved_step = -1};
    run->batch_size = setting(run, "train.batch_size");
    run->accumulate = setting(run, "train.accumulate");
    run->batches_per_epoch = divide_up((int64_t)trainer->train->count, run->batch_size);
    run->steps_per_epoch = divide_up(run->batches_per_epoch, run->accumulate);
    run->total_steps = train_total_steps(trainer->config, trainer->train->count);
    if (trainer->model->kind->fit) /* all at once: one step, one epoch */
        run->batches_per_epoch = run->steps_per_epoch = run->total_steps = run->accumulate = 1;
    run->phases = trainer->model->kind->phases ? trainer->model->kind->phases(trainer->model) : 0;
    run->phase = -1;
    run->order = mem_zero(trainer->train->count, sizeof *run->order);
    run->tensors = mem_zero(p->count, sizeof *run->tensors);
    run->names = mem_zero(p->count, sizeof *run->names);
    for (size_t i = 0; i < p->count; i++) {
        if (!p->items[i].trainable)
            continue;
        run->tensors[run->count] = p->items[i].tensor;
        run->names[run->count++] = p->items[i].name;
    }
    struct et_adamw_settings settings = {0.9, 0.999, 1e-8,
                                         config_number(trainer->config, "train.weight_decay")};
    run->augmentation = augmentation_read(trainer->config);
    run->schedule = schedule_find(config_text(trainer->config, "train.schedule"), error);
    learn_scale(trainer);
    return run->schedule && start_loss(run, error) &&
           average_start(&run->average, trainer->model,
                         trainer->model->kind->fit ? 0 : config_number(trainer->config, "train.average"),
                         error) &&
           (run->optimizer = et_adamw_new(run->tensors, run->count, settings, error)) != NULL;
}

static void finish(struct run *run)
{
    et_adamw_free(run->optimizer);
    average_end(&run->average);
    loss_end(&run->loss);
    free(run->tensors);
    free(run->names);
    free(run->order);
}

/* ---- one step ---- */

/* What the sum of a step's losses is divided by: its clips, or with class weights the sum of their weights.
 */
static double step_weight(const struct run *run, int64_t first, int64_t last)
{
    double weight = 0;

    for (int64_t i = first; i < last; i++)
        weight += loss_weight(&run->loss, run->trainer->train->items[run->order[i]].label);
    return weight;
}

/* Forward and backward of one batch; adds its part of the step's loss to *loss. */
static bool run_batch(struct run *run, int64_t index, double weight, double *loss, struct error *error)
{
    struct trainer *t = run->trainer;
    int64_t first = index * run->batch_size, rest = (int64_t)t->train->count - first;
    int64_t count = rest < run->batch_size ? rest : run->batch_size;
    struct random_stream stream = random_stream((uint64_t)setting(run, "run.seed"), RANDOM_DROPOUT,
                                                (uint64_t)(t->state.epoch * run->batches_per_epoch + index));
    struct forward_mode mode = {.training = true, .seed = random_next(&stream)};
    struct batch batch;

    if (!dataset_batch(t->train, run->order + first, (size_t)count, t->model, &run->augmentation, mode.seed,
                       &batch, error))
        return false;
    double share = augment_mix(&run->augmentation, &batch, mode.seed);
    struct et_scope *scope = et_scope_open(NULL);
    et_autocast_begin(t->compute.device, t->compute.precision);
    struct et_tensor *logits = model_forward(t->model, scope, &batch, &mode);
    et_autocast_end();
    struct et_tensor *sum = loss_sum(&run->loss, scope, &batch, logits, share);
    et_backward(scope, et_mul_scalar(scope, sum, t->state.loss_scale / weight));
    *loss += et_item(scope, sum) / weight;
    t->clips += count;
    batch_free(&batch);
    return et_scope_close(scope, error);
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

/* Clips, and moves the parameters.  `loss` tells numbers gone wrong apart from an overflow. */
static bool update(struct run *run, double learning_rate, double loss, double *norm, struct error *error)
{
    struct trainer *t = run->trainer;
    double limit = config_number(t->config, "train.clip_norm"), scale = 1 / t->state.loss_scale;
    bool scaled = t->compute.precision == ET_FLOAT16;
    struct et_scope *scope = et_scope_open(NULL);

    *norm = et_grad_norm(scope, run->tensors, run->count) * scale;
    if (!et_scope_close(scope, error))
        return false;
    bool finite = isfinite(*norm) && isfinite(loss);
    if (!finite && (!scaled || t->state.loss_scale <= SMALLEST_SCALE))
        return error_set(error,
                         "step %lld: the loss is %g and the gradient norm %g: lower train.learning_rate; "
                         "the last checkpoint is whole",
                         (long long)t->state.step + 1, loss, *norm);
    if (scaled)
        adapt_scale(&t->state, finite);
    if (!finite)
        return true;
    if (limit > 0 && *norm > limit)
        scale *= limit / (*norm + 1e-6); /* as torch.nn.utils.clip_grad_norm_ */
    return et_adamw_step(run->optimizer, learning_rate, scale, error);
}

static double epoch_of(const struct run *run)
{
    return (double)run->trainer->state.step / (double)run->steps_per_epoch;
}

static bool log_step(struct run *run, double loss, double learning_rate, double norm, struct error *error)
{
    struct trainer *t = run->trainer;
    struct metric_list metrics = {0};
    int64_t step = t->state.step;
    bool done = true;

    if (isfinite(loss)) { /* a step that float16's scaling skipped has none */
        t->state.logged_loss += loss;
        t->state.logged_steps++;
    }
    if (step % setting(run, "train.log_steps") == 0 || step == run->total_steps) {
        metric_list_add(&metrics, step, epoch_of(run), "loss",
                        t->state.logged_loss / (double)t->state.logged_steps);
        metric_list_add(&metrics, step, epoch_of(run), "learning_rate", learning_rate);
        metric_list_add(&metrics, step, epoch_of(run), "grad_norm", norm);
        done = recorder_write(t->recorder, &metrics, error);
        t->state.logged_loss = 0;
        t->state.logged_steps = 0;
    }
    metric_list_free(&metrics);
    return done;
}

/* At the end of an epoch, the mean loss of its steps. */
static bool log_epoch(struct run *run, double loss, struct error *error)
{
    struct trainer_state *s = &run->trainer->state;
    struct metric_list metrics = {0};
    bool done = true;

    if (isfinite(loss)) {
        s->epoch_loss += loss;
        s->epoch_steps++;
    }
    if (s->batches == 0) {
        metric_list_add(&metrics, s->step, epoch_of(run), "epoch_loss",
                        s->epoch_loss / (double)s->epoch_steps);
        done = recorder_write(run->trainer->recorder, &metrics, error);
        s->epoch_loss = 0;
        s->epoch_steps = 0;
    }
    metric_list_free(&metrics);
    return done;
}

/* One optimizer step more, after batch `last` of the epoch. */
static void count_step(struct run *run, int64_t last)
{
    struct trainer_state *state = &run->trainer->state;

    state->step++;
    state->batches = last;
    if (last == run->batches_per_epoch) {
        state->epoch++;
        state->batches = 0;
    }
}

/* Where training has phases, each takes an equal share of the steps; the last, and what training without them
 * is, trains all. */
static bool enter_phase(struct run *run, struct error *error)
{
    int phase = (int)(run->trainer->state.step * (run->phases + 1) / run->total_steps);

    if (run->phases == 0 || phase == run->phase)
        return true;
    run->phase = phase;
    et_clear_grads(run->tensors, run->count);
    return parameters_apply_trainable(&run->trainer->model->parameters, phase < run->phases ? phase : -1,
                                      error);
}

static bool take_step(struct run *run, double *loss, struct error *error)
{
    struct trainer *t = run->trainer;
    int64_t first = t->state.batches, last = first + run->accumulate;
    double norm, learning_rate = config_number(t->config, "train.learning_rate") *
                                 schedule_factor(run->schedule, t->state.step,
                                                 setting(run, "train.warmup_steps"), run->total_steps);

    if (last > run->batches_per_epoch)
        last = run->batches_per_epoch;
    int64_t end = last * run->batch_size;
    double weight = step_weight(run, first * run->batch_size,
                                end < (int64_t)t->train->count ? end : (int64_t)t->train->count);
    *loss = 0;
    if (!enter_phase(run, error))
        return false;
    et_clear_grads(run->tensors, run->count);
    for (int64_t b = first; b < last; b++)
        if (!run_batch(run, b, weight, loss, error))
            return false;
    if (!update(run, learning_rate, *loss, &norm, error))
        return false;
    count_step(run, last);
    return average_update(&run->average, t->state.step, error) &&
           log_step(run, *loss, learning_rate, norm, error) && log_epoch(run, *loss, error);
}

/* ---- fitting all at once ---- */

/* Numbers the distinct speakers; false where one is not known. */
static bool group_by_speaker(const struct dataset *dataset, size_t *groups, size_t *count)
{
    struct strings speakers = {0};
    bool known = true;

    for (size_t i = 0; known && i < dataset->count; i++) {
        const char *speaker = dataset->items[i].clip->speaker;
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

static bool fit_batch(struct run *run, const struct batch *batch, struct error *error)
{
    struct trainer *t = run->trainer;
    struct examples examples = {.count = t->train->count,
                                .features = batch->features,
                                .labels = batch->labels,
                                .targets = batch->targets,
                                .config = t->config};
    size_t *groups = mem_zero(examples.count, sizeof *groups);

    if (strcmp(config_text(t->config, "split.protocol"), "speaker") == 0 &&
        group_by_speaker(t->train, groups, &examples.group_count) && examples.group_count > 1)
        examples.groups = groups;
    bool done = t->model->kind->fit(t->model, &examples, error);
    free(groups);
    return done;
}

static bool fit(struct run *run, double *loss, struct error *error)
{
    struct trainer *t = run->trainer;
    struct batch batch;

    *loss = (double)NAN;
    log_info("features of %zu clips", t->train->count);
    if (!dataset_batch(t->train, run->order, t->train->count, t->model, NULL, 0, &batch, error))
        return false;
    bool done = fit_batch(run, &batch, error);
    batch_free(&batch);
    t->clips += (int64_t)t->train->count;
    if (done)
        count_step(run, 1);
    return done;
}

/* ---- between steps ---- */

static bool evaluate_now(struct run *run, struct error *error)
{
    struct trainer *t = run->trainer;
    struct prediction_list predictions;
    struct metric_list metrics = {0};

    prediction_list_start(&predictions, t->model->problem, (const char *const *)t->model->labels.items,
                          t->model->labels.count);
    bool done = average_swap(&run->average, error) &&
                evaluate(t->model, t->selection, &t->compute, "evaluate", &predictions, error);
    struct error swapped = {0};
    if (!average_swap(&run->average, &swapped))
        done = error_set(error, "%s", swapped.message);
    if (done) {
        bool last = strcmp(config_text(t->config, "eval.best_metric"), "last") == 0;
        double score = t->judge(t->context, &predictions, t->state.step, epoch_of(run), &metrics);
        if (!isfinite(score)) /* a figure that means nothing here is worse than any that does */
            score = -DBL_MAX;
        if (t->state.best_step == 0 || score > t->state.best_score || last) {
            t->state.best_step = t->state.step;
            t->state.best_score = score;
        }
        done = recorder_write(t->recorder, &metrics, error);
        t->state.evaluated_step = t->state.step;
    }
    prediction_list_free(&predictions);
    metric_list_free(&metrics);
    return done;
}

static bool save_now(struct run *run, struct error *error)
{
    struct trainer *t = run->trainer;

    run->saved_step = t->state.step;
    t->state.record_bytes = t->recorder->bytes;
    if (!recorder_sync(t->recorder, error) || !average_swap(&run->average, error))
        return false;
    struct optimizer_state optimizer = {run->optimizer, run->names, run->count, &run->average};
    bool done =
        checkpoint_save(t->run, t->model, &optimizer, &t->state, setting(run, "checkpoint.keep"), error);
    return average_swap(&run->average, error) && done;
}

/* Whether something due every so many steps or epochs is due now, or at the end. */
static bool due(const struct run *run, const char *every_steps, const char *every_epochs)
{
    const struct trainer_state *s = &run->trainer->state;
    int64_t steps = setting(run, every_steps), epochs = setting(run, every_epochs);

    return s->step == run->total_steps || (steps > 0 && s->step % steps == 0) ||
           (epochs > 0 && s->batches == 0 && s->epoch % epochs == 0);
}

/* Saves before leaving on the user's request. */
static bool stop(struct run *run, struct error *error)
{
    int64_t step = run->trainer->state.step;

    if (run->saved_step != step && !save_now(run, error))
        return false;
    return error_interrupted(error, "interrupted at step %lld of %lld, saved in %s; go on with --resume",
                             (long long)step, (long long)run->total_steps, run->trainer->run);
}

static bool evaluation_due(const struct run *run)
{
    const struct trainer_state *s = &run->trainer->state;

    return s->evaluated_step != s->step && due(run, "eval.every_steps", "eval.every_epochs");
}

/* Evaluation and checkpoint where they are due.  An evaluation that the user interrupts is made up for on
 * resuming. */
static bool after_step(struct run *run, struct error *error)
{
    const struct trainer_state *state = &run->trainer->state;

    if (interrupt_requested())
        return stop(run, error);
    if (evaluation_due(run) && !evaluate_now(run, error)) {
        if (error->kind != ERROR_INTERRUPTED)
            return false;
        *error = (struct error){0};
        return stop(run, error);
    }
    bool improved = state->best_step == state->step && state->evaluated_step == state->step;
    return !(improved || due(run, "checkpoint.every_steps", "checkpoint.every_epochs")) ||
           save_now(run, error);
}

static void show(struct progress *progress, const struct run *run, double loss)
{
    char note[64];

    snprintf(note, sizeof note, "loss %.4f  epoch %.2f", loss, epoch_of(run));
    progress_update(progress, (size_t)run->trainer->state.step, note);
}

static bool loop(struct run *run, struct error *error)
{
    struct trainer *t = run->trainer;
    struct progress progress;
    int64_t ordered = -1;
    bool done = t->state.step == 0 || !evaluation_due(run) || after_step(run, error);

    progress_start(&progress, "train", "step", (size_t)t->state.step, (size_t)run->total_steps);
    while (done && t->state.step < run->total_steps) {
        double loss;
        if (ordered != t->state.epoch) {
            ordered = t->state.epoch;
            dataset_order(t->train, (uint64_t)setting(run, "run.seed"), ordered, run->order);
        }
        done = t->model->kind->fit ? fit(run, &loss, error) : take_step(run, &loss, error);
        if (done) {
            show(&progress, run, loss);
            done = after_step(run, error);
        }
    }
    progress_end(&progress);
    return done;
}

bool train(struct trainer *trainer, const char *resume_from, struct error *error)
{
    double started = clock_seconds();
    struct run run;

    trainer->state =
        (struct trainer_state){.loss_scale = trainer->compute.precision == ET_FLOAT16 ? FIRST_SCALE : 1};
    bool done = start(&run, trainer, error);
    struct optimizer_state optimizer = {run.optimizer, run.names, run.count, &run.average};
    done = done &&
           (!resume_from || checkpoint_load(trainer->run, resume_from, &optimizer, &trainer->state, error)) &&
           loop(&run, error);
    trainer->seconds = clock_seconds() - started;
    finish(&run);
    return done;
}
