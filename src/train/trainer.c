#include "train/trainer.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "train/step.h"

#include <float.h>
#include <math.h>
#include <string.h>

static const double FIRST_SCALE = 65536; /* of float16's losses, as PyTorch's */

/* Training, and what comes between its steps. */
struct run {
    struct trainer *trainer;
    struct training training;
    int64_t saved_step;
    bool interrupted; /* of all ranks alike */
};

static int64_t setting(const struct run *run, const char *name)
{
    return config_integer(run->trainer->config, name);
}

static double epochs(const struct run *run)
{
    return training_epochs(&run->training);
}

/* ---- the record ---- */

static bool write_metrics(struct run *run, const struct metric_list *metrics, struct error *error)
{
    return !ranks_write(run->trainer->compute.ranks) ||
           recorder_write(run->trainer->recorder, metrics, error);
}

/* Every train.log_steps steps, the mean loss since the last line. */
static bool log_step(struct run *run, const struct step_figures *figures, struct error *error)
{
    struct trainer *t = run->trainer;
    struct metric_list metrics = {0};
    int64_t step = t->state.step;
    bool done = true;

    if (isfinite(figures->loss)) { /* a step that float16's scaling skipped has none */
        t->state.logged_loss += figures->loss;
        t->state.logged_steps++;
    }
    if (step % setting(run, "train.log_steps") == 0 || step == run->training.total_steps) {
        metric_list_add(&metrics, step, epochs(run), "loss",
                        t->state.logged_loss / (double)t->state.logged_steps);
        metric_list_add(&metrics, step, epochs(run), "learning_rate", figures->learning_rate);
        metric_list_add(&metrics, step, epochs(run), "grad_norm", figures->grad_norm);
        done = write_metrics(run, &metrics, error);
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
        metric_list_add(&metrics, s->step, epochs(run), "epoch_loss", s->epoch_loss / (double)s->epoch_steps);
        done = write_metrics(run, &metrics, error);
        s->epoch_loss = 0;
        s->epoch_steps = 0;
    }
    metric_list_free(&metrics);
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
    bool done = average_swap(&run->training.average, error) &&
                evaluate(t->model, t->selection, &t->compute, "evaluate", &predictions, error);
    struct error swapped = {0};
    if (!average_swap(&run->training.average, &swapped))
        done = error_set(error, "%s", swapped.message);
    if (done) {
        bool last = strcmp(config_text(t->config, "eval.best_metric"), "last") == 0;
        double score = t->judge(t->context, &predictions, t->state.step, epochs(run), &metrics);
        if (!isfinite(score)) /* a figure that means nothing here is worse than any that does */
            score = -DBL_MAX;
        if (t->state.best_step == 0 || score > t->state.best_score || last) {
            t->state.best_step = t->state.step;
            t->state.best_score = score;
        }
        done = write_metrics(run, &metrics, error);
        t->state.evaluated_step = t->state.step;
    }
    prediction_list_free(&predictions);
    metric_list_free(&metrics);
    return done;
}

static bool write_checkpoint(struct run *run, struct error *error)
{
    struct trainer *t = run->trainer;

    t->state.record_bytes = t->recorder->bytes;
    if (!recorder_sync(t->recorder, error) || !average_swap(&run->training.average, error))
        return false;
    struct optimizer_state optimizer = {run->training.optimizer, run->training.tensors, run->training.names,
                                        run->training.count, &run->training.average};
    bool done =
        checkpoint_save(t->run, t->model, &optimizer, &t->state, setting(run, "checkpoint.keep"), error);
    return average_swap(&run->training.average, error) && done;
}

/* Rank 0 saves, once it is sure that all ranks' parameters still are its own. */
static bool save_now(struct run *run, struct error *error)
{
    const struct trainer *t = run->trainer;
    const struct ranks *ranks = t->compute.ranks;

    run->saved_step = t->state.step;
    if (!ranks_compare_parameters(ranks, &t->model->parameters, error))
        return false;
    if (ranks_write(ranks))
        write_checkpoint(run, error);
    return ranks_agree(ranks, error);
}

/* Whether something due every so many steps or epochs is due now, or at the end. */
static bool due(const struct run *run, const char *every_steps, const char *every_epochs)
{
    const struct trainer_state *s = &run->trainer->state;
    int64_t steps = setting(run, every_steps), epochs = setting(run, every_epochs);

    return s->step == run->training.total_steps || (steps > 0 && s->step % steps == 0) ||
           (epochs > 0 && s->batches == 0 && s->epoch % epochs == 0);
}

/* Saves before leaving on the user's request. */
static bool stop(struct run *run, struct error *error)
{
    int64_t step = run->trainer->state.step;

    if (run->saved_step != step && !save_now(run, error))
        return false;
    if (!ranks_write(run->trainer->compute.ranks)) /* rank 0 says so */
        return error_said(error, ERROR_INTERRUPTED);
    return error_interrupted(error, "interrupted at step %lld of %lld, saved in %s; go on with --resume",
                             (long long)step, (long long)run->training.total_steps, run->trainer->run);
}

/* Saves before giving up on numbers that went wrong; whoever resumes has changed something. */
static bool give_up(struct run *run, struct error *error)
{
    struct trainer *t = run->trainer;
    long long bad = (long long)t->state.bad_steps;

    t->state.bad_steps = 0;
    if (!save_now(run, error))
        return false;
    return error_set(
        error,
        "the loss or gradients of %lld steps in a row were not finite: lower train.learning_rate, or "
        "look at the clips named above; saved at step %lld in %s",
        bad, (long long)t->state.step, t->run);
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

    if (run->interrupted)
        return stop(run, error);
    if (state->bad_steps >= setting(run, "train.bad_steps"))
        return give_up(run, error);
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

static bool record(struct run *run, const struct step_figures *figures, struct error *error)
{
    if (run->trainer->model->kind->fit)
        return true;
    return log_step(run, figures, error) && log_epoch(run, figures->loss, error);
}

static void show(struct progress *progress, const struct run *run, double loss)
{
    char note[64];

    snprintf(note, sizeof note, "loss %.4f  epoch %.2f", loss, epochs(run));
    progress_update(progress, (size_t)run->trainer->state.step, note);
}

static bool loop(struct run *run, struct error *error)
{
    const struct trainer_state *state = &run->trainer->state;
    struct progress progress;
    struct step_figures figures;
    bool done = state->step == 0 || !evaluation_due(run) || after_step(run, error);

    progress_start(&progress, "train", "step", (size_t)state->step, (size_t)run->training.total_steps);
    while (done && state->step < run->training.total_steps) {
        done = training_step(&run->training, &figures, error) && record(run, &figures, error);
        run->interrupted = figures.interrupted;
        if (done) {
            show(&progress, run, figures.loss);
            done = after_step(run, error);
        }
    }
    progress_end(&progress);
    return done;
}

/* Every rank reads the checkpoint; rank 0 sets the folder right. */
static bool go_on(struct trainer *trainer, const char *checkpoint, const struct optimizer_state *optimizer,
                  struct error *error)
{
    const struct ranks *ranks = trainer->compute.ranks;
    bool done = checkpoint_load(checkpoint, optimizer, &trainer->state, error);

    if (done && ranks_write(ranks))
        checkpoint_settle(trainer->run, &trainer->state, error);
    return ranks_agree(ranks, error);
}

bool train(struct trainer *trainer, const char *resume_from, struct error *error)
{
    double started = clock_seconds();
    struct run run = {.trainer = trainer, .saved_step = -1};

    trainer->state =
        (struct trainer_state){.loss_scale = trainer->compute.precision == ET_FLOAT16 ? FIRST_SCALE : 1};
    bool done = training_start(&run.training, trainer, error);
    struct optimizer_state optimizer = {run.training.optimizer, run.training.tensors, run.training.names,
                                        run.training.count, &run.training.average};
    done = done && (!resume_from || go_on(trainer, resume_from, &optimizer, error)) && loop(&run, error);
    trainer->seconds = clock_seconds() - started;
    training_end(&run.training);
    return done;
}
