/* The main job: index, split, train, evaluate, report. */
#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/environment.h"
#include "cli/experiment.h"
#include "cli/facts.h"
#include "cli/known_run.h"
#include "train/compute.h"
#include "train/schedule.h"
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
    cJSON *facts;
};

/* ---- the run's folder and configuration ---- */

static bool refuse_taken(const char *folder, struct error *error)
{
    return error_usage(error, "%s is there already: name another run with --run, or go on with --resume",
                       folder);
}

static bool name_run(struct job *job, struct error *error)
{
    const char *wanted =
        job->options->run ? job->options->run : config_text(job->experiment.config, "run.name");
    char *name = *wanted ? mem_string(wanted) : run_folder_default_name(job->options->config);
    char *assignment = mem_format("run.name=%s", name);

    job->named = *wanted != '\0';
    bool good = config_set(job->experiment.config, "--set", assignment,
                           error); /* `wanted` may be gone from here on */
    good = good && run_name_check(name, config_text(job->experiment.config, "run.directory"), error);
    job->folder = path_join(config_text(job->experiment.config, "run.directory"), name);
    if (good && job->named && !run_folder_is_free(job->folder))
        good = refuse_taken(job->folder, error);
    free(assignment);
    free(name);
    return good;
}

/* Makes the run's folder and locks it.  Two runs may have been named after the same second: the later one
 * gets a number. */
static bool claim_folder(struct job *job, struct error *error)
{
    char *first = mem_string(config_text(job->experiment.config, "run.name"));

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
        job->folder = path_join(config_text(job->experiment.config, "run.directory"), name);
        free(name);
    }
    free(first);
    return !error->kind;
}

/* Takes the configuration of the run that is to go on; --set would make it another run. */
static bool adopt_interrupted(struct job *job, struct error *error)
{
    const char *name =
        job->options->run ? job->options->run : config_text(job->experiment.config, "run.name");

    if (!*name)
        return error_usage(error, "--resume: which run? Name it with --run");
    if (job->options->sets.count)
        return error_usage(error, "--resume goes on with the run's own config.ini: leave out --set");
    job->folder = run_folder_find(name, config_text(job->experiment.config, "run.directory"), true, error);
    if (!job->folder)
        return false;
    config_free(job->experiment.config);
    job->experiment.config = run_folder_config(job->folder, error);
    job->resumed = true;
    return job->experiment.config != NULL;
}

static bool lock_interrupted(struct job *job, struct error *error)
{
    job->checkpoint = checkpoint_newest(job->folder);
    job->lock = run_folder_lock(job->folder, error);
    return job->lock >= 0;
}

/* Looked at now, not after a night of training. */
static bool check_settings(struct job *job, struct error *error)
{
    if (!job->options->config && !job->options->resume)
        return error_usage(error, "which experiment? emotrain --config FILE (see emotrain --help)");
    if (!job->options->resume && config_integer(job->experiment.config, "train.epochs") == 0 &&
        config_integer(job->experiment.config, "train.max_steps") == 0)
        return error_usage(error, "train.epochs and train.max_steps are both 0: nothing to train");
    if (config_number(job->experiment.config, "train.average") > 0 &&
        config_integer(job->experiment.config, "model.lora_rank") > 0)
        return error_usage(error,
                           "train.average and model.lora_rank: adapters cannot be averaged; leave out one");
    const char *baseline = config_text(job->experiment.config, "report.baseline");
    if (*baseline) {
        char *folder =
            run_folder_find(baseline, config_text(job->experiment.config, "run.directory"), true, error);
        free(folder);
        if (!folder)
            return false;
    }
    return schedule_find(config_text(job->experiment.config, "train.schedule"), error) != NULL;
}

/* Finds the processes to train with, where there are any. */
static bool find_ranks(struct job *job, struct error *error)
{
    struct config *config = job->experiment.config;
    struct place place;

    job->experiment.compute.ranks = &job->ranks;
    return place_find(&place, error) && compute_choose(config, &place, &job->experiment.compute, error) &&
           ranks_join(&job->ranks, &place, job->experiment.compute.device,
                      (double)config_integer(config, "run.timeout"), error);
}

static bool prepare(struct job *job, struct error *error)
{
    job->experiment.config = options_config(job->options, error);
    if (!job->experiment.config || !check_settings(job, error) ||
        (job->options->resume && !adopt_interrupted(job, error)) || !find_ranks(job, error))
        return false;
    if (ranks_write(&job->ranks))
        (job->options->resume ? lock_interrupted : name_run)(job, error);
    return ranks_agree(&job->ranks, error) && ranks_share_text(&job->ranks, &job->checkpoint, error);
}

/* ---- corpus ---- */

static bool read_in_turn(void *context, struct error *error)
{
    struct job *job = context;

    return experiment_read_corpus(&job->experiment, error) &&
           (job->checkpoint || experiment_find_model(&job->experiment, error));
}

/* Indexes and splits, one process first; then all must have come to the same. */
static bool read_corpus(struct job *job, struct error *error)
{
    char hash[SHA256_HEX_SIZE];

    if (!ranks_in_turn(&job->ranks, read_in_turn, job, error))
        return false;
    facts_digest_split(&job->experiment.source, hash);
    return ranks_compare(&job->ranks, checksum(hash, strlen(hash)), "the corpus and its split are", error);
}

static bool open_model(struct job *job, struct error *error)
{
    const struct experiment *e = &job->experiment;
    const struct model_kind *kind = model_kind_find(config_text(e->config, "model.kind"), error);

    if (kind && ranks_check(&job->ranks, e->config, kind, error))
        experiment_open_model(&job->experiment, job->checkpoint, error);
    return ranks_agree(&job->ranks, error);
}

static bool fill_in_turn(void *context, struct error *error)
{
    struct job *job = context;

    return experiment_fill_store(&job->experiment, error);
}

/* ---- model and run ---- */

static bool store_facts(struct job *job, struct error *error)
{
    char *text = cJSON_PrintUnformatted(job->facts);
    bool done = run_set_facts(job->experiment.source.catalogue, job->run, text, error);

    cJSON_free(text);
    return done;
}

/* A resumed run must go on with the same clips in the same parts.  Takes over its facts, if it got so far. */
static bool check_same_split(struct job *job, struct error *error)
{
    struct run_row row;
    struct arena arena = {0};
    bool same = run_find(job->experiment.source.catalogue, job->folder, &row, &arena, error);

    job->facts = same && row.facts ? cJSON_Parse(row.facts) : NULL;
    arena_free(&arena);
    if (facts_other_split(job->facts, &job->experiment.source))
        return error_set(error,
                         "%s: the corpus or its split has changed since this run began: it cannot go on, "
                         "start a new run",
                         job->folder);
    return same;
}

static bool write_run_files(struct job *job, const char *text, struct error *error)
{
    char *environment = path_join(job->folder, "environment.json"),
         *config = path_join(job->folder, "config.ini");
    cJSON *json = environment_describe();
    bool done = json_write(environment, json, error) &&
                file_write(config, text, strlen(text), error); /* last: a folder with it is a run */

    cJSON_Delete(json);
    free(environment);
    free(config);
    return done;
}

/* The process that writes makes the run's folder and its row in the catalogue. */
static bool make_run(struct job *job, struct error *error)
{
    bool done = job->resumed ? check_same_split(job, error) && run_folder_sweep(job->folder, error)
                             : claim_folder(job, error);
    char *text = config_print(job->experiment.config);

    done = done && (job->resumed || write_run_files(job, text, error));
    char *absolute = done ? realpath(job->folder, NULL) : NULL;
    if (absolute) {
        free(job->folder);
        job->folder = absolute;
    }
    if (!job->facts)
        job->facts = facts_begin(job->experiment.config, &job->experiment.source, job->experiment.model);
    done = done &&
           run_begin(job->experiment.source.catalogue, config_text(job->experiment.config, "run.name"),
                     job->folder, text, job->experiment.model->problem, job->resumed, &job->run, error) &&
           store_facts(job, error);
    free(text);
    if (done)
        log_info("run: %s%s%s", job->folder, job->checkpoint ? ", going on from " : "",
                 job->checkpoint ? path_base(job->checkpoint) : "");
    return done;
}

static bool begin_run(struct job *job, struct error *error)
{
    if (ranks_write(&job->ranks))
        make_run(job, error);
    return ranks_agree(&job->ranks, error);
}

/* ---- training and testing ---- */

/* Thresholds of several labels are chosen on the validation part, never on the test part. */
static void choose_thresholds(const struct job *job, struct prediction_list *predictions)
{
    if (job->experiment.model->problem != MULTI_LABEL ||
        split_selection_part(&job->experiment.source.split) == PART_TEST)
        return;
    thresholds_make(predictions, job->experiment.model->thresholds);
    predictions_decide(predictions, job->experiment.model->thresholds);
}

static double judge(void *context, struct prediction_list *predictions, int64_t step, double epoch,
                    struct metric_list *metrics)
{
    const struct job *job = context;
    struct evaluation evaluation;
    struct text figures = {0};

    choose_thresholds(job, predictions);
    evaluation_make(&evaluation, predictions);
    evaluation_metrics(&evaluation, step, epoch, metrics);
    FOR_FIGURES (f, evaluation.problem)
        text_add(&figures, "%s%s %.3f", figures.length ? ", " : "", FIGURES[f].name,
                 FIGURES[f].of(&evaluation));
    log_info("step %lld, epoch %.2f: %s on %zu %s clips", (long long)step, epoch, figures.text,
             evaluation.clips, PART_NAMES[split_selection_part(&job->experiment.source.split)]);
    text_free(&figures);
    double score =
        evaluation_score(&evaluation, figure_choose(config_text(job->experiment.config, "eval.best_metric"),
                                                    evaluation.problem));
    evaluation_free(&evaluation);
    return score;
}

static bool train_model(struct job *job, struct error *error)
{
    struct recorder recorder;
    struct trainer_state reached = {0};
    struct trainer trainer = {.config = job->experiment.config,
                              .run = job->folder,
                              .model = job->experiment.model,
                              .train = &job->experiment.train,
                              .selection = &job->experiment.selection,
                              .compute = job->experiment.compute,
                              .recorder = &recorder,
                              .judge = judge,
                              .context = job};

    bool writes = ranks_write(&job->ranks),
         ready = !job->checkpoint || checkpoint_read_state(job->checkpoint, &reached, error);
    if (ready && writes)
        recorder_open(&recorder, job->folder, job->experiment.source.catalogue, job->run,
                      reached.record_bytes, error);
    if (!ranks_agree(&job->ranks, error))
        return false;
    bool done = train(&trainer, job->checkpoint, error);
    if (!writes)
        return done;
    recorder_close(&recorder);
    if (done && trainer.state.step > reached.step)
        facts_add_training(job->facts, &trainer, trainer.state.step - reached.step);
    return done && store_facts(job, error);
}

static bool store_test(struct job *job, const struct prediction_list *predictions, double seconds,
                       struct error *error)
{
    facts_add_testing(job->facts, seconds, predictions->count);
    return predictions_write(job->experiment.source.catalogue, job->run, "test", predictions, error) &&
           store_facts(job, error);
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
    if (ranks_agree(&job->ranks, error) && ranks_share_text(&job->ranks, &best, error)) {
        source.path = best;
        job->experiment.model = model_open(&source, error);
    }
    free(best);
    return ranks_agree(&job->ranks, error) && job->experiment.model;
}

/* The figures of the report are those of the best checkpoint as saved, loaded again from its files. */
static bool test_best(struct job *job, struct error *error)
{
    struct experiment *e = &job->experiment;
    struct prediction_list predictions = {0};

    if (!open_best(job, error))
        return false;
    double started = clock_seconds();
    prediction_list_start(&predictions, e->model->problem, (const char *const *)e->labels.items,
                          e->labels.count);
    bool done =
        evaluate(e->model, &e->test, &e->compute, "test", &predictions, error) &&
        (!ranks_write(&job->ranks) || store_test(job, &predictions, clock_seconds() - started, error));
    prediction_list_free(&predictions);
    return done;
}

static bool report_run(struct job *job, struct error *error)
{
    struct report report;
    struct text text = {0};
    struct error no_baseline = {0};
    char moment[CLOCK_STAMP_SIZE];

    if (!report_read(&report, job->experiment.source.catalogue, job->folder, error))
        return false;
    report.run.state = "finished"; /* as it will be, once the report is there */
    report.run.finished = clock_stamp(moment);
    if (!known_run_baseline(&report, config_text(job->experiment.config, "report.baseline"),
                            config_text(job->experiment.config, "run.directory"), &no_baseline))
        log_warn("%s", no_baseline.message);
    bool done = report_write(&report, config_bool(job->experiment.config, "report.audio"), error) &&
                run_set_state(job->experiment.source.catalogue, job->run, "finished", error);
    report_print(&report, &text);
    if (done)
        printf("%s", text.text);
    log_info("report: %s/report.html", job->folder);
    text_free(&text);
    report_free(&report);
    return done;
}

static bool main_job(struct job *job, struct error *error)
{
    return prepare(job, error) &&     /* configuration, device, other processes, the run's name */
           read_corpus(job, error) && /* index and split: what trains, what tests */
           open_model(job, error) &&  /* the pretrained one, or the last checkpoint */
           ranks_in_turn(&job->ranks, fill_in_turn, job,
                         error) &&    /* what its frozen part makes of clips, if asked */
           begin_run(job, error) &&   /* from here on there is a run folder */
           train_model(job, error) && /* loss curves and checkpoints */
           test_best(job, error) &&   /* the best checkpoint on the test part */
           (!ranks_write(&job->ranks) || report_run(job, error)); /* report, charts, page */
}

static void close_job(struct job *job, const struct error *error)
{
    struct error ignored = {0};

    if (job->run && error->kind)
        run_set_state(job->experiment.source.catalogue, job->run,
                      error->kind == ERROR_INTERRUPTED ? "interrupted" : "failed", &ignored);
    if (job->lock >= 0)
        close(job->lock);
    cJSON_Delete(job->facts);
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
