/* The loop of training, and what comes between its steps: the record, evaluations, checkpoints. */
#include "train/trainer.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "train/fit.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double FIRST_SCALE = 65536; /* of float16's losses, as PyTorch's */

/* How a model is trained: what a step is.  Asked here alone. */
struct training_method {
    bool (*start)(struct trainer *trainer, struct error *error);
    bool (*step)(struct trainer *trainer, struct progress *progress, struct error *error);
};

/* ---- the record ---- */

/* Epochs done so far, with their fraction. */
static double epochs_done(const struct trainer *t)
{
    const struct train_settings *settings = &t->settings->train;
    const struct trainer_state *state = &t->state;

    return (double)state->epoch +
           (double)train_epoch_steps(settings, state->batches) /
               (double)train_epoch_steps(settings, state->batches ? t->epoch.batches : 1);
}

static bool write_metrics(struct trainer *t, const struct metric_list *metrics, struct error *error)
{
    return !ranks_write(t->compute.ranks) || recorder_write(t->recorder, metrics, error);
}

/* Every train.log_steps steps, the mean loss since the last line. */
static bool log_step(struct trainer *t, const struct step_result *result, struct error *error)
{
    struct metric_list metrics = {0};
    int64_t step = t->state.step;
    bool done = true;

    if (isfinite(result->loss)) { /* a step that float16's scaling skipped has none */
        t->state.logged_loss += result->loss;
        t->state.logged_steps++;
    }
    if (step % t->settings->train.log_steps == 0 || step == t->total_steps) {
        metric_list_add(&metrics, step, epochs_done(t), "loss",
                        t->state.logged_loss / (double)t->state.logged_steps);
        metric_list_add(&metrics, step, epochs_done(t), "learning_rate", result->learning_rate);
        metric_list_add(&metrics, step, epochs_done(t), "grad_norm", result->grad_norm);
        done = write_metrics(t, &metrics, error);
        t->state.logged_loss = 0;
        t->state.logged_steps = 0;
    }
    metric_list_free(&metrics);
    return done;
}

/* At the end of an epoch, the mean loss of its steps. */
static bool log_epoch(struct trainer *t, double loss, struct error *error)
{
    struct trainer_state *s = &t->state;
    struct metric_list metrics = {0};
    bool done = true;

    if (isfinite(loss)) {
        s->epoch_loss += loss;
        s->epoch_steps++;
    }
    if (s->batches == 0) {
        metric_list_add(&metrics, s->step, epochs_done(t), "epoch_loss",
                        s->epoch_loss / (double)s->epoch_steps);
        done = write_metrics(t, &metrics, error);
        s->epoch_loss = 0;
        s->epoch_steps = 0;
    }
    metric_list_free(&metrics);
    return done;
}

/* ---- evaluation ---- */

static bool predict_selection(struct trainer *t, struct prediction_list *predictions, struct error *error)
{
    struct error swap_failed = {0};
    bool done = ema_swap(&t->ema, error) &&
                evaluate(t->model, t->selection, &t->compute, "evaluate", predictions, error);

    if (!ema_swap(&t->ema, &swap_failed))
        done = error_set(error, "%s", swap_failed.message);
    return done;
}

/* Evaluates on the selection part and notes whether the present weights are the best so far. */
static bool evaluate_now(struct trainer *t, struct error *error)
{
    struct prediction_list predictions;
    struct metric_list metrics = {0};

    prediction_list_start(&predictions, t->model->task, (const char *const *)t->model->labels.items,
                          t->model->labels.count);
    bool done = predict_selection(t, &predictions, error);
    if (done) {
        bool last = strcmp(t->settings->eval.best_metric, "last") == 0;
        double score = t->score(t->context, &predictions, t->state.step, epochs_done(t), &metrics);
        if (!isfinite(score)) /* a metric that means nothing here is worse than any that does */
            score = -DBL_MAX;
        bool better = t->state.best_step == 0 || score > t->state.best_score || last;
        if (better) {
            t->state.best_step = t->state.step;
            t->state.best_score = score;
        }
        t->state.stale_evaluations = better ? 0 : t->state.stale_evaluations + 1;
        if (schedule_needs_evaluations(t->schedule))
            plateau_step(&t->state.plateau, score, t->settings->train.plateau_patience,
                         t->settings->train.plateau_factor);
        done = write_metrics(t, &metrics, error);
        t->state.evaluated_step = t->state.step;
    }
    prediction_list_free(&predictions);
    metric_list_free(&metrics);
    return done;
}

/* ---- checkpoints ---- */

static struct optimizer_state optimizer_state(struct trainer *t)
{
    return (struct optimizer_state){t->optimizer, t->tensors, t->names, t->count, &t->ema};
}

static bool write_checkpoint(struct trainer *t, struct error *error)
{
    t->state.record_bytes = t->recorder->bytes;
    if (!recorder_sync(t->recorder, error) || !ema_swap(&t->ema, error))
        return false;
    struct optimizer_state optimizer = optimizer_state(t);
    bool done = checkpoint_save(t->run, t->model, &optimizer, &t->state, t->settings->checkpoint.keep, error);
    return ema_swap(&t->ema, error) && done;
}

/* Rank 0 saves, once it is sure that all ranks' parameters still are its own. */
static bool save_now(struct trainer *t, struct error *error)
{
    const struct ranks *ranks = t->compute.ranks;

    t->saved_step = t->state.step;
    if (!ranks_compare_parameters(ranks, &t->model->parameters, error))
        return false;
    if (ranks_write(ranks))
        write_checkpoint(t, error);
    return ranks_agree(ranks, error);
}

/* Every rank reads the checkpoint; rank 0 tidies the folder. */
static bool load_checkpoint(struct trainer *t, const char *checkpoint, struct error *error)
{
    const struct ranks *ranks = t->compute.ranks;
    struct optimizer_state optimizer = optimizer_state(t);
    bool done = checkpoint_load(checkpoint, &optimizer, &t->state, error);

    if (done && ranks_write(ranks))
        checkpoint_settle(t->run, &t->state, error);
    if (!ranks_agree(ranks, error))
        return false;
    if (t->state.batches > 0) /* what is recorded before the next step asks how much of the epoch is done */
        trainer_enter_epoch(t);
    return true;
}

/* ---- between steps ---- */

/* Whether something due every so many steps or epochs is due now, or at the end. */
static bool is_due(const struct trainer *t, int64_t every_steps, int64_t every_epochs)
{
    const struct trainer_state *s = &t->state;

    return s->step == t->total_steps || (every_steps > 0 && s->step % every_steps == 0) ||
           (every_epochs > 0 && s->batches == 0 && s->epoch % every_epochs == 0);
}

static bool evaluation_is_due(const struct trainer *t)
{
    return t->state.evaluated_step != t->state.step &&
           is_due(t, t->settings->eval.every_steps, t->settings->eval.every_epochs);
}

/* Saves before leaving on the user's request. */
static bool stop_interrupted(struct trainer *t, struct error *error)
{
    int64_t step = t->state.step;

    if (t->saved_step != step && !save_now(t, error))
        return false;
    if (!ranks_write(t->compute.ranks)) /* rank 0 says so */
        return error_said(error, ERROR_INTERRUPTED);
    return error_interrupted(error, "interrupted at step %lld of %lld, saved in %s; go on with --resume",
                             (long long)step, (long long)t->total_steps, t->run);
}

/* Saves before giving up on numbers that are not finite; whoever resumes has changed something. */
static bool give_up(struct trainer *t, struct error *error)
{
    long long steps = (long long)t->state.nonfinite_steps;

    t->state.nonfinite_steps = 0;
    if (!save_now(t, error))
        return false;
    return error_set(
        error,
        "the loss or gradients of %lld steps in a row were not finite: lower train.learning_rate, or "
        "look at the clips named above; saved at step %lld in %s",
        steps, (long long)t->state.step, t->run);
}

/* Evaluation and checkpoint where they are due.  An evaluation that the user interrupts is made up for on
 * resuming. */
static bool after_step(struct trainer *t, struct error *error)
{
    const struct checkpoint_settings *checkpoint = &t->settings->checkpoint;
    const struct trainer_state *state = &t->state;

    if (t->interrupted)
        return stop_interrupted(t, error);
    if (state->nonfinite_steps >= t->settings->train.max_nonfinite_steps)
        return give_up(t, error);
    if (evaluation_is_due(t) && !evaluate_now(t, error)) {
        if (error->kind != ERROR_INTERRUPTED)
            return false;
        *error = (struct error){0};
        return stop_interrupted(t, error);
    }
    bool improved = state->best_step == state->step && state->evaluated_step == state->step;
    return !(improved || is_due(t, checkpoint->every_steps, checkpoint->every_epochs)) || save_now(t, error);
}

/* ---- the loop ---- */

static bool step_and_log(struct trainer *t, struct progress *progress, struct error *error)
{
    struct step_result result;
    char note[64];

    if (!trainer_step(t, &result, error) || !log_step(t, &result, error) || !log_epoch(t, result.loss, error))
        return false;
    snprintf(note, sizeof note, "loss %.4f  epoch %.2f", result.loss, epochs_done(t));
    progress_update(progress, (size_t)t->state.step, note);
    return true;
}

static const struct training_method STEP_BY_STEP = {trainer_start, step_and_log};
static const struct training_method AT_ONCE = {fit_start, fit_step};

bool trainer_takes_steps(const struct model_kind *kind)
{
    return !kind->fit;
}

/* Whether evaluations have not become better for as long as the user wants to wait. */
static bool stops_early(const struct trainer *t)
{
    int64_t patience = t->settings->train.early_stopping_patience;

    return patience > 0 && t->state.stale_evaluations >= patience;
}

/* Training that ends before its last step is saved there. */
static bool end_early(struct trainer *t, struct error *error)
{
    log_info("step %lld: %lld evaluations were no better than that of step %lld: training ends "
             "(train.early_stopping_patience)",
             (long long)t->state.step, (long long)t->state.stale_evaluations, (long long)t->state.best_step);
    return t->saved_step == t->state.step || save_now(t, error);
}

static bool train_loop(struct trainer *t, const struct training_method *method, struct error *error)
{
    struct progress progress;
    bool done = t->state.step == 0 || !evaluation_is_due(t) || after_step(t, error);

    progress_start(&progress, "train", "step", (size_t)t->state.step, (size_t)t->total_steps);
    while (done && t->state.step < t->total_steps && !stops_early(t))
        done = method->step(t, &progress, error) && after_step(t, error);
    progress_end(&progress);
    return done && (t->state.step == t->total_steps || end_early(t, error));
}

bool train(struct trainer *t, const char *resume_from, struct error *error)
{
    const struct training_method *method = trainer_takes_steps(t->model->kind) ? &STEP_BY_STEP : &AT_ONCE;
    double started = clock_seconds();

    t->saved_step = -1;
    t->state = trainer_state_new(t->compute.precision == ET_FLOAT16 ? FIRST_SCALE : 1);
    bool done = method->start(t, error) && (!resume_from || load_checkpoint(t, resume_from, error)) &&
                train_loop(t, method, error);
    t->seconds = clock_seconds() - started;
    trainer_end(t);
    return done;
}
