/* emotrain ensemble: a run whose model is that of several finished runs together. */
#include "model/ensemble.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "eval/metrics.h"
#include "eval/mixture.h"
#include "report/fields.h"
#include "run/describe_run.h"
#include "run/environment.h"
#include "run/experiment.h"
#include "run/kept_shares.h"
#include "run/recorded_run.h"
#include "run/run_folder.h"
#include "run/run_record.h"
#include "run/trained_model.h"
#include "train/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char MODEL_FOLDER[] = "ensemble"; /* in the run's folder, which `best` points to */

/* One of the runs. */
struct member {
    struct trained_model trained;
    struct recorded_run recorded;
    struct prediction_list validation; /* empty unless they are asked for */
};

struct ensemble_job {
    const struct options *options;
    struct experiment experiment; /* the first run's, but for its name */
    struct member *members;
    size_t count;
    double *weights;
    char *folder, *making; /* the run's, and under which name it is made */
    int lock;              /* of the latter, or -1 */
    bool placed;           /* it has its name */
    int64_t run;
    struct run_info info;
};

static const struct settings *settings_of(const struct ensemble_job *job)
{
    return config_settings(job->experiment.config);
}

static const struct model *first_model(const struct ensemble_job *job)
{
    return job->members[0].trained.model;
}

/* ---- members ---- */

/* What the recordings are like that models take in must be the same. */
static bool check_same_audio(const struct member *a, const struct member *b, struct error *error)
{
    static const char *const keys[] = {"audio.channel", "audio.resampler", "audio.max_seconds",
                                       "audio.min_seconds"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const char *one = config_text(a->trained.config, keys[i]),
                   *other = config_text(b->trained.config, keys[i]);
        if (strcmp(one, other) != 0)
            return error_usage(error, "%s is %s in %s and %s in %s: members take in the same sounds", keys[i],
                               one, a->trained.run, other, b->trained.run);
    }
    return true;
}

static bool open_member(struct ensemble_job *job, size_t i, struct error *error)
{
    struct member *member = &job->members[i];
    const char *name = job->options->arguments.items[i];
    const struct trained_model_request request = {.name = name, .sets = &job->options->sets};

    if (!trained_model_open(&member->trained, &request, error))
        return false;
    if (!member->trained.run)
        return error_usage(error, "%s: is a model, not a run: an ensemble is made of runs", name);
    for (size_t k = 0; k < i; k++)
        if (strcmp(job->members[k].trained.run, member->trained.run) == 0)
            return error_usage(error, "%s is named twice", member->trained.run);
    if (!recorded_run_open(&member->recorded, member->trained.run,
                           config_settings(member->trained.config)->run.directory, error))
        return false;
    if (member->recorded.report.evaluation.clips == 0)
        return error_usage(error, "%s has not been tested: finish it with --resume", member->trained.run);
    return ensemble_fits(first_model(job), member->trained.model, error) &&
           check_same_audio(&job->members[0], member, error);
}

/* "corpus.root=...", "corpus.NAME.file=...", or a note. */
static bool is_place_of_corpus(const char *set)
{
    static const char *const keys[] = {".root", ".file", ".note"};
    size_t length = strcspn(set, "=");

    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
        if (text_starts(set, "corpus.") &&
            strncmp(set + length - strlen(keys[k]), keys[k], strlen(keys[k])) == 0)
            return true;
    return false;
}

/* What runs were trained with is theirs; how fast they predict, and where things are, may be set. */
static bool check_ensemble_sets(const struct strings *sets, struct error *error)
{
    static const char *const free_ones[] = {"run.", "report.", "audio.cache=", "eval.batch_size="};

    for (size_t i = 0; i < sets->count; i++) {
        bool may = is_place_of_corpus(sets->items[i]);
        for (size_t k = 0; k < sizeof free_ones / sizeof free_ones[0]; k++)
            may = may || text_starts(sets->items[i], free_ones[k]);
        if (!may)
            return error_usage(error, "--set %s: the runs are trained, this is settled", sets->items[i]);
    }
    return true;
}

static bool open_members(struct ensemble_job *job, struct error *error)
{
    bool done = job->count <= ENSEMBLE_MOST ||
                error_usage(error, "%zu runs: an ensemble has at most %d", job->count, ENSEMBLE_MOST);

    job->members = mem_zero(job->count, sizeof *job->members);
    job->weights = mem_zero(job->count, sizeof *job->weights);
    done = done && check_ensemble_sets(&job->options->sets, error);
    for (size_t i = 0; done && i < job->count; i++)
        done = open_member(job, i, error);
    return done;
}

/* ---- the corpus, and the run's name ---- */

static bool name_run(struct ensemble_job *job, struct error *error)
{
    const char *wanted = job->options->run, *directory = settings_of(job)->run.directory;
    struct config *given = options_config(job->options, error); /* the members' have names of their own */

    if (!given)
        return false;
    if (!wanted && config_is_set(given, "run.name"))
        wanted = config_text(given, "run.name");
    char *name = wanted ? mem_string(wanted) : run_folder_default_name(MODEL_FOLDER);
    config_free(given);
    bool good = run_name_check(name, directory, error);

    job->folder = path_join(directory, name);
    job->making = path_with_ending(job->folder, ".making");
    if (good && !run_folder_is_free(job->folder))
        good = error_usage(
            error, "%s is there already: name another run with --run, or remove it (emotrain runs rm)",
            job->folder);
    if (good)
        config_choose(job->experiment.config, "run.name", name);
    free(name);
    return good;
}

/* A member that trained on other clips may have seen those of the test part. */
static bool check_splits(const struct ensemble_job *job, struct error *error)
{
    for (size_t i = 0; i < job->count; i++)
        if (describes_other_split(&job->members[i].recorded.report.info, &job->experiment.corpus))
            return error_usage(
                error,
                "%s: was trained on another split than %s's (or the corpus has changed since): it "
                "may have learned clips of the test part",
                job->members[i].trained.run, job->members[0].trained.run);
    return true;
}

static bool read_corpus(struct ensemble_job *job, struct error *error)
{
    struct experiment *e = &job->experiment;

    e->config = config_copy(job->members[0].trained.config);
    e->compute = job->members[0].trained.compute;
    config_choose(e->config, "audio.normalize", "no"); /* each member does as it needs */
    return name_run(job, error) && experiment_read_corpus(e, error) && check_splits(job, error);
}

/* ---- weights ---- */

static bool has_validation(const struct ensemble_job *job)
{
    return split_selection_part(&job->experiment.corpus.split) == PART_VALIDATION;
}

/* The members' predictions for the validation part; caller frees the array. */
static const struct prediction_list **lists_of(const struct ensemble_job *job)
{
    const struct prediction_list **lists = mem_zero(job->count, sizeof(struct prediction_list *));

    for (size_t i = 0; i < job->count; i++)
        lists[i] = &job->members[i].validation;
    return lists;
}

static bool predict_validation(struct ensemble_job *job, struct error *error)
{
    const struct strings *labels = &job->experiment.labels;
    bool done = true;

    for (size_t i = 0; done && i < job->count; i++) {
        struct member *member = &job->members[i];
        prediction_list_start(&member->validation, member->trained.model->task,
                              (const char *const *)labels->items, labels->count);
        done = evaluate(member->trained.model, &job->experiment.selection, &job->experiment.compute,
                        path_base(member->trained.run), &member->validation, error);
    }
    return done;
}

static bool choose_weights(struct ensemble_job *job, struct error *error)
{
    const struct prediction_list **lists = lists_of(job);
    bool weighs = job->options->weigh, done = true;

    if (weighs && !has_validation(job))
        done =
            error_usage(error, "--weigh: these runs have no validation part (split.validation), and the test "
                               "part chooses nothing");
    else if (weighs && first_model(job)->task == REGRESSION)
        done = error_usage(error, "--weigh: is of labels, not of numbers");
    for (size_t i = 0; i < job->count; i++)
        job->weights[i] = 1 / (double)job->count;
    done = done && (!has_validation(job) || predict_validation(job, error));
    if (done && weighs)
        mixture_weigh(lists, job->count, job->weights);
    free(lists);
    return done;
}

/* ---- the model ---- */

static bool save_model(struct ensemble_job *job, struct error *error)
{
    struct model **models = mem_zero(job->count, sizeof(struct model *));
    char *folder = path_join(job->making, MODEL_FOLDER), *best = path_join(job->making, "best");

    for (size_t i = 0; i < job->count; i++)
        models[i] = job->members[i].trained.model;
    bool done = folder_make(folder, error) &&
                ensemble_write(folder, models, job->weights, job->count, error) &&
                folder_sync(folder, error) && link_replace(MODEL_FOLDER, best, error);
    free(models);
    free(folder);
    free(best);
    return done;
}

/* What suits the mean of the members' predictions for the validation part; without one, thresholds are the
 * mean of theirs. */
static void choose_outputs(struct ensemble_job *job)
{
    struct model *model = job->experiment.model;
    const struct prediction_list **lists = lists_of(job);
    struct prediction_list mean;

    for (size_t k = 0; k < model->labels.count; k++) {
        model->thresholds[k] = 0;
        for (size_t i = 0; i < job->count; i++)
            model->thresholds[k] += job->weights[i] * model->members[i]->thresholds[k];
    }
    prediction_list_start(&mean, model->task, (const char *const *)model->labels.items, model->labels.count);
    if (has_validation(job))
        mixture_mean(lists, job->count, job->weights, model->thresholds, &mean);
    if (mean.count && model->task == MULTI_LABEL)
        thresholds_make(&mean, model->thresholds);
    if (mean.count)
        kept_shares_note(model, &mean);
    prediction_list_free(&mean);
    free(lists);
}

/* As it was saved; its members make room. */
static bool open_model(struct ensemble_job *job, struct error *error)
{
    char *folder = path_join(job->making, MODEL_FOLDER);
    const struct model_source source = {.path = folder, .device = job->experiment.compute.device};

    for (size_t i = 0; i < job->count; i++) {
        model_close(job->members[i].trained.model);
        job->members[i].trained.model = NULL;
    }
    job->experiment.model = model_open(&source, error);
    if (job->experiment.model) {
        choose_outputs(job);
        model_save_config(job->experiment.model, folder, error);
    }
    free(folder);
    return !error->kind;
}

/* ---- what the run says of itself ---- */

/* How far a checkpoint's choice is from clean: what is reported of all is the worst. */
static int impurity(const char *selection_part)
{
    return strcmp(selection_part, "test") == 0 ? 2 : strcmp(selection_part, "none") != 0;
}

static void add_member_table(struct ensemble_job *job)
{
    enum task task = job->experiment.model->task;
    const char *columns[GROUP_METRICS + 2] = {"run", "weight"};

    for (size_t m = 0; m < GROUP_METRICS; m++)
        columns[m + 2] = metric_title(group_metric(task, m), task);
    cJSON *rows = run_info_add_table(
        &job->info, "Members",
        job->options->weigh ? "Each run by itself on the test part, and its weight in the mean, which "
                              "was chosen on the validation part."
                            : "Each run by itself on the test part; their predictions are averaged.",
        columns, GROUP_METRICS + 2);
    for (size_t i = 0; i < job->count; i++) {
        const struct report *report = &job->members[i].recorded.report;
        cJSON *row = cJSON_CreateArray();
        cJSON_AddItemToArray(row, cJSON_CreateString(report->run.name));
        cJSON_AddItemToArray(row, cJSON_CreateNumber(job->weights[i]));
        for (size_t m = 0; m < GROUP_METRICS; m++)
            cJSON_AddItemToArray(row, json_finite(METRICS[group_metric(task, m)].of(&report->evaluation)));
        cJSON_AddItemToArray(rows, row);
    }
}

static void describe(struct ensemble_job *job)
{
    struct run_info *info = &job->info;

    describe_experiment(info, &job->experiment);
    info->model.pretrained = "";
    info->model.members = (int64_t)job->count;
    info->model.weights = job->options->weigh ? "validation" : "equal";
    info->split.selection_part = "none";
    for (size_t i = 0; i < job->count; i++) {
        const struct run_info *member = &job->members[i].recorded.report.info;
        info->model.parameters += member->model.parameters;
        info->model.trainable += member->model.trainable;
        info->model.untrained += member->model.untrained;
        if (member->split.known > info->split.known) /* the members' own training has the same split */
            info->split.known = member->split.known;
        info->training.steps += member->training.steps;
        info->training.session_steps += member->training.session_steps;
        info->training.seconds += member->training.seconds;
        info->training.peak_memory_mib =
            fmax(info->training.peak_memory_mib, member->training.peak_memory_mib);
        if (i == 0 || impurity(member->split.selection_part) > impurity(info->split.selection_part)) {
            info->split.selection_part = member->split.selection_part;
            info->training.best_metric = member->training.best_metric;
        }
    }
    info->training.device = job->members[0].recorded.report.info.training.device;
    info->training.precision = job->members[0].recorded.report.info.training.precision;
    info->training.threads = job->members[0].recorded.report.info.training.threads;
    info->training.processes = 1;
    add_member_table(job);
}

/* ---- the command ---- */

/* Under another name, so that a run never has half a model. */
static bool begin_folder(struct ensemble_job *job, struct error *error)
{
    if (run_folder_is_busy(job->making))
        return error_usage(error, "%s is being made by another process", job->folder);
    if (!folder_begin(job->making, error))
        return false;
    job->lock = run_folder_lock(job->making, error);
    return job->lock >= 0;
}

/* Gives the folder its name.  From here on there is a run. */
static bool finish_folder(struct ensemble_job *job, const char *config, struct error *error)
{
    bool done = run_record_begin(job->making, config, error) && folder_sync(job->making, error);

    done = folder_finish(job->making, job->folder, done, error);
    char *absolute = done ? realpath(job->folder, NULL) : NULL;
    job->placed = done;
    if (absolute) {
        free(job->folder);
        job->folder = absolute;
    }
    return done;
}

static bool record(struct ensemble_job *job, const struct prediction_list *predictions, double seconds,
                   struct error *error)
{
    struct catalogue *catalogue = job->experiment.corpus.catalogue;
    char *config = config_print(job->experiment.config, job->folder);
    struct text summary = {0};

    describe(job);
    describe_testing(&job->info, seconds, predictions->count);
    bool done = finish_folder(job, config, error) &&
                run_begin(catalogue, settings_of(job)->run.name, job->folder, config,
                          job->experiment.model->task, false, &job->run, error) &&
                run_record_info(catalogue, job->run, job->folder, &job->info, error) &&
                predictions_write(catalogue, job->run, "test", predictions, error) &&
                recorded_run_report(catalogue, job->run, job->folder, settings_of(job), &summary, error);
    if (done) {
        printf("%s", summary.text);
        log_info("report: %s/report.html", job->folder);
    }
    text_free(&summary);
    free(config);
    return done;
}

static bool test_and_record(struct ensemble_job *job, struct error *error)
{
    struct experiment *e = &job->experiment;
    struct prediction_list predictions;
    double started = clock_seconds();

    prediction_list_start(&predictions, e->model->task, (const char *const *)e->labels.items,
                          e->labels.count);
    bool done = evaluate(e->model, &e->test, &e->compute, "test", &predictions, error) &&
                record(job, &predictions, clock_seconds() - started, error);
    prediction_list_free(&predictions);
    return done;
}

static void close_job(struct ensemble_job *job, const struct error *error)
{
    struct error ignored = {0};

    if (job->run && error->kind)
        run_set_state(job->experiment.corpus.catalogue, job->run, "failed", &ignored);
    else if (job->lock >= 0 && error->kind)
        folder_remove(job->placed ? job->folder : job->making, &ignored);
    if (job->lock >= 0)
        close(job->lock);
    for (size_t i = 0; job->members && i < job->count; i++) {
        prediction_list_free(&job->members[i].validation);
        recorded_run_close(&job->members[i].recorded);
        trained_model_close(&job->members[i].trained);
    }
    run_info_free(&job->info);
    experiment_close(&job->experiment);
    free(job->members);
    free(job->weights);
    free(job->folder);
    free(job->making);
}

bool command_ensemble(const struct options *options, struct error *error)
{
    struct ensemble_job job = {.options = options, .count = options->arguments.count, .lock = -1};
    bool done = open_members(&job, error) &&   /* the runs' models */
                read_corpus(&job, error) &&    /* their corpus and split, which must be one */
                choose_weights(&job, error) && /* equal, or by the validation part */
                begin_folder(&job, error) && save_model(&job, error) && open_model(&job, error) &&
                test_and_record(&job, error);

    close_job(&job, error);
    return done;
}
