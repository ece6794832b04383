/* The main job: index, split, train, evaluate, report. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "eval/calibration.h"
#include "model/ensemble.h"
#include "run/describe_run.h"
#include "run/environment.h"
#include "run/experiment.h"
#include "run/kept_shares.h"
#include "run/recorded_run.h"
#include "run/run_folder.h"
#include "run/run_record.h"
#include "train/compute.h"
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The main job under way. */
struct job {
    const struct options *options;
    struct experiment experiment;
    char *folder;        /* of the run, absolute once it exists */
    char *checkpoint;    /* to resume from, or NULL */
    bool resumed, named; /* named: by the user, not after the time */
    int lock;            /* of the run's folder, or -1 */
    int64_t run;         /* the catalogue's id; 0 before the run has begun */
    struct ranks ranks;  /* the processes that train together */
    struct run_info info;
    bool described, finished; /* the information is there already; a resumed run has nothing left to do */
    double filling;           /* seconds that features of a frozen part took */
};

static const struct settings *settings_of(const struct job *job)
{
    return config_settings(job->experiment.config);
}

/* ---- the run's folder and configuration ---- */

/* Empty: none was given. */
static const char *wanted_name(const struct job *job)
{
    return job->options->run ? job->options->run : settings_of(job)->run.name;
}

static bool refuse_taken(const char *folder, struct error *error)
{
    return error_usage(error, "%s is there already: name another run with --run%s", folder,
                       run_folder_is_run(folder) ? ", or go on with --resume" : "");
}

static bool name_run(struct job *job, struct error *error)
{
    const char *wanted = wanted_name(job);
    char *name = *wanted ? mem_string(wanted) : run_folder_default_name(job->options->config);

    job->named = *wanted != '\0';
    bool good = run_name_check(name, settings_of(job)->run.directory, error);
    if (good)
        config_choose(job->experiment.config, "run.name", name); /* `wanted` may be gone from here on */
    job->folder = path_join(settings_of(job)->run.directory, name);
    if (good && job->named && !run_folder_is_free(job->folder))
        good = refuse_taken(job->folder, error);
    free(name);
    return good;
}

/* Makes the run's folder and locks it.  Two runs may have been named after the same second: the later one
 * gets a number. */
static bool claim_folder(struct job *job, struct error *error)
{
    char *first = mem_string(settings_of(job)->run.name);

    for (int n = 2;; n++) {
        struct error taken = {0};
        if (folder_make(job->folder, error) && (job->lock = run_folder_lock(job->folder, &taken)) >= 0 &&
            !run_folder_is_free(job->folder))
            refuse_taken(job->folder, &taken);
        if (!taken.kind || error->kind)
            break;
        if (job->named || taken.kind != ERROR_USAGE) {
            *error = taken;
            break;
        }
        if (job->lock >= 0)
            close(job->lock);
        job->lock = -1;
        char *name = mem_format("%s-%d", first, n);
        config_choose(job->experiment.config, "run.name", name);
        free(job->folder);
        job->folder = path_join(settings_of(job)->run.directory, name);
        free(name);
    }
    free(first);
    return !error->kind;
}

static bool is_ensemble_run(const char *folder)
{
    char *best = path_join(folder, "best");
    bool is = ensemble_is(best);

    free(best);
    return is;
}

static bool check_goes_on(const char *folder, const struct config *config, struct error *error)
{
    if (is_ensemble_run(folder))
        return error_usage(error, "%s is an ensemble: there is nothing to go on with", folder);
    return !config_settings(config)->sweep.folds ||
           error_usage(
               error,
               "%s is the report of all folds: to go on with them, give the command with --folds all again",
               folder);
}

/* Takes the configuration of the run that is to go on; --set would make it another run. */
static bool adopt_interrupted(struct job *job, struct error *error)
{
    const char *name = wanted_name(job);

    if (!*name)
        return error_usage(error, "--resume: which run? Name it with --run");
    if (job->options->sets.count)
        return error_usage(error, "--resume goes on with the run's own config.ini: leave out --set");
    job->folder = run_folder_find(name, settings_of(job)->run.directory, true, error);
    struct config *own = job->folder ? run_folder_config(job->folder, error) : NULL;
    if (!own)
        return false;
    config_free(job->experiment.config);
    job->experiment.config = own;
    job->resumed = true;
    return check_goes_on(job->folder, own, error);
}

/* Locks the folder of the run that goes on, or names a new one. */
static bool choose_folder(void *context, struct error *error)
{
    struct job *job = context;

    if (!job->resumed)
        return name_run(job, error);
    job->lock = run_folder_lock(job->folder, error);
    return job->lock >= 0 && checkpoint_newest(job->folder, &job->checkpoint, error);
}

/* An ensemble's config.ini is its first member's: it would train that again. */
static bool check_is_no_ensemble(const char *config, struct error *error)
{
    char *folder = path_folder(config);
    bool is = strcmp(path_base(config), "config.ini") == 0 && is_ensemble_run(folder);

    if (is)
        error_usage(error, "%s is of an ensemble: emotrain ensemble makes it (emotrain runs show %s)", config,
                    path_base(folder));
    free(folder);
    return !is;
}

/* What varies over several runs is not left out without a word. */
static bool check_is_one_run(const struct settings *settings, struct error *error)
{
    const char *several = *settings->compare.models ? "compare.models"
                          : *settings->sweep.grid   ? "sweep.grid"
                          : *settings->sweep.seeds  ? "sweep.seeds"
                          : settings->sweep.folds   ? "sweep.folds"
                                                    : NULL;

    return !several || error_usage(error, "%s is of several runs: emotrain %s --config FILE makes them",
                                   several, *settings->compare.models ? "compare" : "sweep");
}

/* Looked at now, not after a night of training. */
static bool check_settings(struct job *job, struct error *error)
{
    if (!job->options->config && !job->options->resume)
        return error_usage(error, "which experiment? emotrain --config FILE (see emotrain --help)");
    if (job->options->config && !check_is_no_ensemble(job->options->config, error))
        return false;
    if (!check_is_one_run(settings_of(job), error))
        return false;
    if (!job->options->resume && settings_of(job)->train.epochs == 0 &&
        settings_of(job)->train.max_steps == 0)
        return error_usage(error, "train.epochs and train.max_steps are both 0: nothing to train");
    if (!metric_check("eval.best_metric", settings_of(job)->eval.best_metric, settings_of(job)->corpora.task,
                      error))
        return false;
    if (settings_of(job)->train.warmup_ratio > 0 && settings_of(job)->train.warmup_steps > 0)
        return error_usage(error, "train.warmup_ratio and train.warmup_steps: leave out one");
    if (settings_of(job)->train.ema_decay > 0 && settings_of(job)->model.lora_rank > 0)
        return error_usage(error,
                           "train.ema_decay and model.lora_rank: adapters cannot be averaged; leave out one");
    const char *baseline = settings_of(job)->report.baseline;
    if (*baseline) {
        const char *name = wanted_name(job);
        char *folder = run_folder_find_counterpart(baseline, name, settings_of(job)->run.directory, error);
        free(folder);
        if (!folder)
            return false;
    }
    return true;
}

/* Finds the processes to train with, where there are any. */
static bool find_ranks(struct job *job, struct error *error)
{
    struct config *config = job->experiment.config;
    struct dist_env env;

    job->experiment.compute.ranks = &job->ranks;
    return dist_env_read(&env, error) &&
           experiment_choose_compute(config, &env, &job->experiment.compute, error) &&
           ranks_join(&job->ranks, &env, job->experiment.compute.device, config_settings(config)->run.timeout,
                      error);
}

/* All ranks have the run's name, and what it goes on with, from the leader. */
static bool share_folder(struct job *job, struct error *error)
{
    char *name = mem_string(settings_of(job)->run.name);
    bool done = ranks_broadcast_text(&job->ranks, &name, error) &&
                ranks_broadcast_text(&job->ranks, &job->checkpoint, error);

    if (done)
        config_choose(job->experiment.config, "run.name", name);
    free(name);
    return done;
}

static bool prepare(struct job *job, struct error *error)
{
    job->experiment.config = options_config(job->options, error);
    if (!job->experiment.config || !check_settings(job, error) ||
        (job->options->resume && !adopt_interrupted(job, error)) || !find_ranks(job, error))
        return false;
    return ranks_compare_config(&job->ranks, job->experiment.config, error) &&
           ranks_lead(&job->ranks, choose_folder, job, error) && share_folder(job, error);
}

/* ---- the same experiment ---- */

struct same_check {
    const char *folder;
    struct error *error;
};

static void refuse_change(void *context, const struct setting *setting, const char *name, const char *was,
                          const char *is)
{
    const struct same_check *check = context;

    if (!setting_may_change(setting) && !check->error->kind)
        error_usage(
            check->error,
            "%s/config.ini: this run began with %s=%s, now it is \"%s\": put it back, or start a new run",
            check->folder, name, was, is);
}

/* What config.ini says must be what the run began with, as the catalogue knows it.  A text of another version
 * is not compared. */
static bool check_same_settings(const struct job *job, struct error *error)
{
    struct same_check check = {job->folder, error};
    struct config *before = config_new();
    struct error unread = {0};
    struct arena arena = {0};
    struct run_row row = {0};

    if (run_find(job->experiment.corpus.catalogue, job->folder, &row, &arena, error) && row.config &&
        *row.config && config_read_text(before, "the catalogue", job->folder, row.config, &unread))
        config_compare(before, job->experiment.config, refuse_change, &check);
    config_free(before);
    arena_free(&arena);
    return !error->kind;
}

/* ---- corpus ---- */

static bool read_in_turn(void *context, struct error *error)
{
    struct job *job = context;

    return experiment_read_corpus(&job->experiment, error) &&
           (!job->resumed || check_same_settings(job, error)) &&
           (job->checkpoint || experiment_find_model(&job->experiment, error));
}

/* What goes by evaluations must not go by those of the test part. */
static bool check_selection(const struct job *job, struct error *error)
{
    const struct train_settings *train = &settings_of(job)->train;
    bool stops = train->early_stopping_patience > 0,
         waits = strcmp(train->lr_scheduler, "reduce_lr_on_plateau") == 0,
         scales = settings_of(job)->eval.temperature_scaling;
    const char *name = stops   ? "train.early_stopping_patience"
                       : waits ? "train.lr_scheduler=reduce_lr_on_plateau"
                               : "eval.temperature_scaling=yes";

    if (!stops && !waits && !scales)
        return true;
    if (split_selection_part(&job->experiment.corpus.split) == PART_TEST)
        return error_usage(error,
                           "%s needs a validation part, as the test part chooses nothing: set "
                           "split.validation=0.1",
                           name);
    return (!stops && !waits) || strcmp(settings_of(job)->eval.best_metric, "last") != 0 ||
           error_usage(error, "%s needs a metric: eval.best_metric=last is none", name);
}

/* Indexes and splits, one process first; then all must have come to the same. */
static bool read_corpus(struct job *job, struct error *error)
{
    char hash[SHA256_HEX_SIZE];

    if (!ranks_in_turn(&job->ranks, read_in_turn, job, error) || !check_selection(job, error))
        return false;
    split_digest(&job->experiment.corpus, hash);
    return ranks_compare(&job->ranks, checksum(hash, strlen(hash)), "the corpus and its split are", error);
}

static bool open_model(struct job *job, struct error *error)
{
    const struct experiment *e = &job->experiment;
    const struct model_kind *kind = model_kind_of(config_settings(e->config), error);

    if (kind && job->checkpoint && !trainer_takes_steps(kind)) {
        free(job->checkpoint); /* what is fitted at once begins again: it takes seconds, and keeps the whole
                                  encoder */
        job->checkpoint = NULL;
        experiment_find_model(&job->experiment, error);
    }
    if (kind && !error->kind &&
        ranks_check(&job->ranks, &config_settings(e->config)->train, trainer_takes_steps(kind), error) &&
        experiment_open_model(&job->experiment, job->checkpoint, error))
        trainer_check(&job->experiment.train, job->experiment.model, error);
    return ranks_agree(&job->ranks, error);
}

static bool fill_in_turn(void *context, struct error *error)
{
    struct job *job = context;
    double started = clock_seconds();
    bool done = experiment_fill_cache(&job->experiment, error);

    job->filling = clock_seconds() - started;
    return done;
}

/* ---- model and run ---- */

static bool store_info(struct job *job, struct error *error)
{
    return run_record_info(job->experiment.corpus.catalogue, job->run, job->folder, &job->info, error);
}

/* What the run knows of itself: from the catalogue, or, where that does not have it, since the run was moved
 * or the database is another one, from its folder. */
static bool find_info(struct job *job, const char *in_catalogue, struct error *error)
{
    char *path = path_join(job->folder, RUN_INFO_FILE),
         *text = !in_catalogue && path_exists(path) ? file_read(path, NULL, error) : NULL;

    if (in_catalogue || text) {
        run_info_read(&job->info, in_catalogue ? in_catalogue : text);
        job->described = true;
    }
    free(text);
    free(path);
    return !error->kind;
}

/* A resumed run must go on with the same clips in the same parts.  Takes over what it knows of itself, if it
 * got so far. */
static bool check_same_split(struct job *job, struct error *error)
{
    struct run_row row;
    struct arena arena = {0};
    bool same = run_find(job->experiment.corpus.catalogue, job->folder, &row, &arena, error);

    same = same && find_info(job, row.info, error);
    job->finished =
        same && row.state && strcmp(row.state, "finished") == 0 && !ranks_are_several(&job->ranks);
    arena_free(&arena);
    if (same && !job->described)
        log_warn("%s: nothing says which clips this run began with: it goes on with those of today",
                 job->folder);
    if (job->described && describes_other_split(&job->info, &job->experiment.corpus))
        return error_set(error,
                         "%s: the corpus or its split has changed since this run began: it cannot go on, "
                         "start a new run",
                         job->folder);
    return same;
}

/* Makes the run's folder and its row in the catalogue. */
static bool begin_run(void *context, struct error *error)
{
    struct job *job = context;
    bool done = job->resumed ? check_same_split(job, error) && run_folder_clean_up(job->folder, error)
                             : claim_folder(job, error);
    char *absolute = done ? realpath(job->folder, NULL) : NULL;
    if (absolute) {
        free(job->folder);
        job->folder = absolute;
    }
    if (!done || job->finished)
        return done;
    char *text = config_print(job->experiment.config, job->folder);
    if (job->resumed)
        environment_warn(job->folder);
    if (!job->described)
        describe_experiment(&job->info, &job->experiment);
    done = (job->resumed || run_record_begin(job->folder, text, error)) &&
           run_begin(job->experiment.corpus.catalogue, settings_of(job)->run.name, job->folder, text,
                     job->experiment.model->task, job->resumed, &job->run, error) &&
           store_info(job, error);
    free(text);
    if (done && job->checkpoint)
        log_info("run: %s, going on from %s", job->folder, path_base(job->checkpoint));
    else if (done)
        log_info("run: %s%s", job->folder,
                 job->resumed ? ", from its beginning: there is no checkpoint yet" : "");
    return done;
}

/* How often something happens that is due every so many steps or epochs, and at the end. */
static int64_t count_due(const struct job *job, int64_t every_steps, int64_t every_epochs, int64_t steps)
{
    int64_t epochs = settings_of(job)->train.epochs, by_steps = every_steps ? steps / every_steps : 0,
            by_epochs = every_epochs && epochs ? epochs / every_epochs : 0;
    int64_t count = by_steps > by_epochs ? by_steps : by_epochs; /* most epochs end with a step that is due */

    return count > 0 ? count : 1;
}

/* Says before training what it will cost. */
static void log_costs(const struct job *job)
{
    const struct settings *s = settings_of(job);
    const struct experiment *e = &job->experiment;
    const struct parameters *p = &e->model->parameters;

    if (!trainer_takes_steps(e->model->kind))
        return;
    int64_t steps = train_total_steps(&e->train), kept = s->checkpoint.keep + 1;
    double moments = s->train.optimizer == OPTIMIZER_ADAMW_8BIT ? 2 : 8; /* bytes for each trained number */
    double megabytes =
        1e-6 * (4 * (double)parameters_elements(p, false) +
                (moments + (s->train.ema_decay > 0 ? 4 : 0)) * (double)parameters_elements(p, true));
    log_info("plan: steps %lld, evaluations about %lld (clips each: %zu), test clips %zu; a checkpoint takes "
             "%.1f MB, up to %lld are kept: %.1f MB",
             (long long)steps, (long long)count_due(job, s->eval.every_steps, s->eval.every_epochs, steps),
             e->selection.count, e->test.count, megabytes, (long long)kept, (double)kept * megabytes);
}

/* ---- training and testing ---- */

/* Thresholds of several labels, and the temperature of one, are chosen on the validation part, never on the
 * test part. */
static void choose_outputs(const struct job *job, struct prediction_list *predictions)
{
    struct model *model = job->experiment.model;

    if (split_selection_part(&job->experiment.corpus.split) == PART_TEST)
        return;
    if (model->task == MULTI_LABEL) {
        thresholds_make(predictions, model->thresholds);
        predictions_decide(predictions, model->thresholds);
    } else if (settings_of(job)->eval.temperature_scaling) {
        double before = model->temperature;
        model->temperature = temperature_fit(predictions, before);
        temperature_change(predictions, before, model->temperature);
    }
    kept_shares_note(model, predictions);
}

static double score_evaluation(void *context, struct prediction_list *predictions, int64_t step, double epoch,
                               struct metric_list *metrics)
{
    const struct job *job = context;
    struct evaluation evaluation;
    struct text line = {0};

    choose_outputs(job, predictions);
    evaluation_make(&evaluation, predictions);
    evaluation_metrics(&evaluation, step, epoch, metrics);
    FOR_METRICS (f, evaluation.task)
        text_add(&line, "%s%s %.3f", line.length ? ", " : "", METRICS[f].name, METRICS[f].of(&evaluation));
    log_info("step %lld, epoch %.2f: %s on %zu %s clips", (long long)step, epoch, line.text, evaluation.clips,
             PART_NAMES[split_selection_part(&job->experiment.corpus.split)]);
    text_free(&line);
    double score =
        evaluation_score(&evaluation, metric_choose(settings_of(job)->eval.best_metric, evaluation.task));
    evaluation_free(&evaluation);
    return score;
}

static bool train_model(struct job *job, struct error *error)
{
    struct recorder recorder;
    struct trainer_state reached = {0};
    struct trainer trainer = {.settings = settings_of(job),
                              .run = job->folder,
                              .model = job->experiment.model,
                              .train = &job->experiment.train,
                              .selection = &job->experiment.selection,
                              .compute = job->experiment.compute,
                              .recorder = &recorder,
                              .score = score_evaluation,
                              .context = job};

    bool writes = ranks_write(&job->ranks),
         ready = !job->checkpoint || checkpoint_read_state(job->checkpoint, &reached, error);
    if (ready && writes)
        recorder_open(&recorder, job->folder, job->experiment.corpus.catalogue, job->run,
                      reached.record_bytes, error);
    if (!ranks_agree(&job->ranks, error))
        return false;
    bool done = train(&trainer, job->checkpoint, error);
    if (!writes)
        return done;
    recorder_close(&recorder);
    if (done && (trainer.state.step > reached.step ||
                 job->info.training.steps == 0)) { /* or stopped before it was said */
        describe_training(&job->info, &trainer, trainer.state.step - reached.step);
        job->info.training.seconds += job->filling; /* a cost of the model, where it was not paid before */
        done = describe_candidates(&job->info, job->folder, settings_of(job), error);
    }
    return done && store_info(job, error);
}

static bool store_test(struct job *job, const struct prediction_list *predictions, double seconds,
                       struct error *error)
{
    describe_testing(&job->info, seconds, predictions->count);
    return predictions_write(job->experiment.corpus.catalogue, job->run, "test", predictions, error) &&
           store_info(job, error);
}

/* Opens the best checkpoint, as the process that writes finds it, in the place of the model. */
static bool open_best(struct job *job, struct error *error)
{
    struct model_source source = {.device = job->experiment.compute.device};
    char *best = NULL;

    model_close(job->experiment.model);
    job->experiment.model = NULL;
    if (ranks_write(&job->ranks) && checkpoint_best(job->folder, &best, error) && !best)
        error_set(error, "%s: no best checkpoint", job->folder);
    if (ranks_agree(&job->ranks, error) && ranks_broadcast_text(&job->ranks, &best, error)) {
        source.path = best;
        job->experiment.model = model_open(&source, error);
    }
    free(best);
    return ranks_agree(&job->ranks, error) && job->experiment.model;
}

/* The metrics of the report are those of the best checkpoint as saved, loaded again from its files. */
static bool test_best(struct job *job, struct error *error)
{
    struct experiment *e = &job->experiment;
    struct prediction_list predictions = {0};

    if (!open_best(job, error))
        return false;
    if (settings_of(job)->eval.temperature_scaling)
        job->info.training.temperature = e->model->temperature;
    double started = clock_seconds();
    prediction_list_start(&predictions, e->model->task, (const char *const *)e->labels.items,
                          e->labels.count);
    bool done =
        evaluate(e->model, &e->test, &e->compute, "test", &predictions, error) &&
        (!ranks_write(&job->ranks) || store_test(job, &predictions, clock_seconds() - started, error));
    prediction_list_free(&predictions);
    return done;
}

static bool report_run(void *context, struct error *error)
{
    struct job *job = context;
    struct text text = {0};
    bool done = recorded_run_report(job->experiment.corpus.catalogue, job->run, job->folder, settings_of(job),
                                    &text, error);

    if (done)
        printf("%s", text.text);
    log_info("report: %s/report.html", job->folder);
    text_free(&text);
    return done;
}

/* ---- the main job ---- */

static bool say_finished(const struct job *job)
{
    log_info("%s is finished: there is nothing to go on with; emotrain report writes its report again",
             job->folder);
    return true;
}

static bool finish_run(struct job *job, struct error *error)
{
    log_costs(job);
    return train_model(job, error) &&                       /* loss curves and checkpoints */
           test_best(job, error) &&                         /* the best checkpoint on the test part */
           ranks_lead(&job->ranks, report_run, job, error); /* report, charts, page */
}

static bool main_job(struct job *job, struct error *error)
{
    return prepare(job, error) &&     /* configuration, device, other processes, the run's name */
           read_corpus(job, error) && /* index and split: what trains, what tests */
           open_model(job, error) &&  /* the pretrained one, or the last checkpoint */
           ranks_in_turn(&job->ranks, fill_in_turn, job,
                         error) && /* what its frozen part makes of clips, if asked */
           ranks_lead(&job->ranks, begin_run, job, error) && /* from here on there is a run folder */
           (job->finished ? say_finished(job) : finish_run(job, error));
}

static void close_job(struct job *job, const struct error *error)
{
    struct error ignored = {0};

    if (job->run && error->kind)
        run_set_state(job->experiment.corpus.catalogue, job->run,
                      error->kind == ERROR_INTERRUPTED ? "interrupted" : "failed", &ignored);
    if (job->lock >= 0)
        close(job->lock);
    run_info_free(&job->info);
    ranks_leave(&job->ranks, error->kind != ERROR_NONE);
    experiment_close(&job->experiment);
    free(job->folder);
    free(job->checkpoint);
}

bool command_train(const struct options *options, struct error *error)
{
    struct job job = {.options = options, .lock = -1};
    bool done = main_job(&job, error);

    close_job(&job, error);
    return done;
}
