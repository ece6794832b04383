/*
 * emotrain sweep: the main job over a grid of settings and seeds, one process per run.
 *
 * FOLDER/sweep.ini holds the experiment and the grid; FOLDER/NAME/ is a run like any other.  What the
 * catalogue has as finished is not run again, what was interrupted goes on, so the same command finishes a
 * killed sweep.
 */
#include "report/sweep.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/sweep.h"
#include "run/indexed_corpus.h"
#include "run/pooled_run.h"
#include "run/run_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- configuration ---- */

static bool set_option(struct config *config, const char *setting, const char *option, const char *value,
                       struct error *error)
{
    char *assignment = mem_format("%s=%s", setting, value ? value : "");
    bool done = !value || config_set(config, option, assignment, error);

    free(assignment);
    return done;
}

/* --grid, in the place of the file's. */
static bool set_grid(struct config *config, const struct strings *words, struct error *error)
{
    struct text grid = {0};

    for (size_t i = 0; i < words->count; i++)
        text_add(&grid, "%s%s", i ? " " : "", words->items[i]);
    bool done = set_option(config, "sweep.grid", "--grid", grid.text, error);
    text_free(&grid);
    return done;
}

/* The sweep's name: --run, run.name, or the configuration file's name, without the time: the same command
 * goes on with the same sweep. */
static char *choose_name(const struct options *options, const struct config *config)
{
    if (options->run || *config_settings(config)->run.name)
        return mem_string(options->run ? options->run : config_settings(config)->run.name);
    const char *base = path_base(options->config);
    const char *dot = strrchr(base, '.');
    return mem_format("%.*s", dot && dot != base ? (int)(dot - base) : (int)strlen(base), base);
}

enum { NAME_LENGTH = 200 }; /* of a folder, with room for the endings of temporary files */

static bool check_lengths(const struct sweep_job *job, struct error *error)
{
    for (size_t i = 0; i < job->grid.settings; i++) {
        for (size_t k = 0; k < job->grid.seeds.count; k++) {
            char *name = grid_run_name(&job->grid, i, job->grid.seeds.items[k], job->grid.folds - 1);
            size_t length = strlen(name);
            free(name);
            if (length > NAME_LENGTH)
                return error_usage(
                    error,
                    "sweep.grid: the folders of its runs would have names of %zu characters, more than "
                    "%d: use fewer axes or shorter values",
                    length, NAME_LENGTH);
        }
    }
    return true;
}

/* How many folds there are depends on the corpus where each speaker is one: the sweep's files say the number.
 */
static bool count_folds(struct config *config, struct error *error)
{
    const struct settings *settings = config_settings(config);
    struct indexed_corpus corpus = {0};
    char number[24];

    if (!settings->sweep.folds || settings->split.folds > 0) /* a number that is given needs no corpus */
        return true;
    bool done = corpora_index(&corpus, settings, error) && corpora_split(&corpus, settings, error);
    snprintf(number, sizeof number, "%zu", corpus.split.folds);
    corpora_close(&corpus);
    if (done)
        config_choose(config, "split.folds", number);
    return done;
}

static bool check_models(const struct config *config, const struct options *options, bool is_comparison,
                         struct error *error)
{
    return !is_comparison || *config_settings(config)->compare.models ||
           error_usage(error, "%s names no models to compare: compare.models=FILE FILE...", options->config);
}

static bool configure(struct sweep_job *job, const struct options *options, bool is_comparison,
                      struct error *error)
{
    if (!options->config)
        return error_usage(error, "which experiment? Give --config FILE");
    if (options->seeds && !options->seeds[strspn(options->seeds, ", ")])
        return error_usage(error, "--seeds names no seed: --seeds 1,2,3");
    if (options->folds && strcmp(options->folds, "all") != 0)
        return error_usage(error,
                           "--folds takes \"all\"; how many there are is split.folds, and split.fold is one");
    job->config = options_config(options, error);
    if (!job->config || !set_grid(job->config, &options->grid, error) ||
        !set_option(job->config, "sweep.seeds", "--seeds", options->seeds, error) ||
        !set_option(job->config, "sweep.jobs", "--jobs", options->jobs, error) ||
        !set_option(job->config, "sweep.folds", "--folds", options->folds ? "yes" : NULL, error) ||
        !check_models(job->config, options, is_comparison, error) || !count_folds(job->config, error) ||
        !grid_read(&job->grid, job->config, error) || !grid_load_experiments(&job->grid, job->config, error))
        return false;
    job->jobs = (size_t)config_settings(job->config)->sweep.jobs;
    job->name = choose_name(options, job->config);
    if (!run_name_check(job->name, config_settings(job->config)->run.directory, error))
        return false;
    if (!check_lengths(job, error))
        return false;
    config_choose(job->config, "run.name", job->name);
    job->folder = path_join(config_settings(job->config)->run.directory, job->name);
    return !run_folder_is_run(job->folder) ||
           error_usage(error, "%s is a run, not a sweep: name the sweep with --run", job->folder);
}

/* Settings that may differ when a sweep goes on: how fast it runs, and the grid itself.  Its database may
 * not: that is where its runs are. */
static bool may_change(const struct sweep_job *job, const struct setting *setting, const char *name)
{
    static const char *const fast[] = {"run.threads", "run.device", "run.seed"};

    if (strcmp(setting->section, "compare") == 0) /* a comparison may get more models */
        return true;

    if (setting_is_bookkeeping(setting) && strcmp(name, "run.database") != 0)
        return true;
    for (size_t i = 0; i < sizeof fast / sizeof fast[0]; i++)
        if (strcmp(name, fast[i]) == 0)
            return true;
    for (size_t a = 0; a < job->grid.axis_count; a++)
        if (strcmp(name, job->grid.axes[a].name) == 0)
            return true;
    return false;
}

/* A comparison with the configuration that a sweep was begun with. */
struct same_check {
    const struct sweep_job *job;
    const char *path;
    struct error *error;
};

static void refuse_change(void *context, const struct setting *setting, const char *name, const char *was,
                          const char *is)
{
    const struct same_check *check = context;

    if (!may_change(check->job, setting, name) && !check->error->kind)
        error_usage(check->error,
                    "%s was begun with %s=%s, now it is \"%s\": name another with --run, or put it back",
                    check->path, name, was, is);
}

/* Runs of another experiment must not be counted among this one's. */
static bool check_same(const struct sweep_job *job, const char *path, const struct config *now,
                       struct error *error)
{
    struct config *before = config_new();
    struct same_check check = {job, path, error};

    if (config_read_back(before, path, error))
        config_compare(before, now, refuse_change, &check);
    config_free(before);
    return !error->kind;
}

/* Makes and locks the sweep's folder. */
static bool open_folder(struct sweep_job *job, struct error *error)
{
    char *path = path_join(job->folder, "sweep.ini"), *logs = path_join(job->folder, "logs");
    bool done = folder_make(logs, error) && (job->lock = run_folder_lock(job->folder, error)) >= 0 &&
                run_folder_clean_up(job->folder, error) &&
                (!path_exists(path) || check_same(job, path, job->config, error));
    char *absolute = done ? realpath(job->folder, NULL) : NULL;

    if (absolute) {
        free(job->folder);
        job->folder = absolute;
    }
    free(logs);
    free(path);
    return done;
}

char *sweep_experiment_path(const struct sweep_job *job, size_t setting)
{
    return job->grid.files.count
               ? mem_format("%s/models/%s.ini", job->folder, job->grid.axes[0].values.items[setting])
               : path_join(job->folder, "sweep.ini");
}

/* Writes an experiment's file; one that was there must say the same, but for how fast it runs. */
static bool write_experiment(const struct sweep_job *job, size_t setting, struct error *error)
{
    const struct config *experiment = job->grid.experiments[setting];
    char *path = sweep_experiment_path(job, setting), *folder = path_folder(path);
    bool done =
        folder_make(folder, error) && (!path_exists(path) || check_same(job, path, experiment, error));
    char *text = config_print(experiment, folder);

    done = done && file_write(path, text, strlen(text), error);
    free(text);
    free(folder);
    free(path);
    return done;
}

static bool write_sweep(const struct sweep_job *job, struct error *error)
{
    char *path = path_join(job->folder, "sweep.ini"), *text = config_print(job->config, job->folder);
    bool done = file_write(path, text, strlen(text), error);

    for (size_t i = 0; done && i < job->grid.files.count; i++)
        done = write_experiment(job, i, error);

    free(text);
    free(path);
    return done;
}

/* ---- the shared index ---- */

/* What is chosen on the way is chosen by evaluations on a validation part. */
static bool check_choice(const struct sweep_job *job, const struct settings *settings, enum part selection,
                         struct error *error)
{
    if (!sweep_chooses_on_validation(job->config))
        return true;
    if (selection != PART_VALIDATION)
        return error_usage(error,
                           "sweep.search chooses on a validation part, as the test part chooses nothing: set "
                           "split.validation=0.1");
    if (strcmp(settings->eval.best_metric, "last") == 0 || strcmp(settings->model.kind, "linear") == 0)
        return error_usage(
            error, "sweep.search goes by evaluations on the validation part: eval.best_metric=last and "
                   "model.kind=linear have none");
    if (settings->sweep.search != SEARCH_HALVING)
        return true;
    int64_t least = sweep_halving_epochs(job->grid.settings);
    if (settings->train.max_steps > 0)
        return error_usage(error, "sweep.search=halving divides train.epochs: train.max_steps must be 0");
    return settings->train.epochs >= least ||
           error_usage(error,
                       "sweep.search=halving: %zu settings need train.epochs of at least %lld, or fewer "
                       "sweep.trials",
                       job->grid.settings, (long long)least);
}

/* Indexes and splits once for every distinct corpus, audio and split of the grid, before any run starts: a
 * wrong path ends here, and runs at the same time find everything decoded. */
static bool index_all(const struct sweep_job *job, struct error *error)
{
    static const char *const sections[] = {"corpus", "audio", "split"};
    enum part *selections = mem_zero(job->grid.settings, sizeof *selections);
    struct strings seen = {0};
    bool done = true;

    for (size_t i = 0; done && i < job->grid.settings; i++) {
        struct config *config = config_copy(job->config);
        struct text key = {0};
        struct indexed_corpus corpus = {0};
        struct config_entry entry;
        grid_apply(&job->grid, i, job->grid.seeds.items[0], config);
        for (size_t k = 0; config_entry(config, k, &entry); k++)
            for (size_t s = 0; s < sizeof sections / sizeof sections[0]; s++)
                if (strcmp(entry.setting->section, sections[s]) == 0)
                    text_add(&key, "%s=%s\n", entry.name, entry.value);
        if (strings_index(&seen, key.text) < 0) {
            done = corpora_index(&corpus, config_settings(config), error) &&
                   corpora_split(&corpus, config_settings(config), error);
            selections[seen.count] = split_selection_part(&corpus.split);
            strings_add(&seen, key.text);
        }
        done = done &&
               check_choice(job, config_settings(config), selections[strings_index(&seen, key.text)], error);
        corpora_close(&corpus);
        text_free(&key);
        config_free(config);
    }
    free(selections);
    strings_free(&seen);
    return done;
}

/* ---- the result ---- */

/* A run that ended without an error must be in the catalogue with its predictions. */
static void check_result(struct sweep_job *job, const struct sweep *sweep)
{
    size_t finished = 0;

    if (job->is_out_of_time) /* what is left was not begun */
        return;
    for (size_t i = 0; i < sweep->count; i++)
        for (size_t s = 0; !sweep->rows[i].is_ensemble && s < job->grid.seeds.count; s++)
            for (size_t fold = 0; fold < job->grid.folds; fold++)
                finished += sweep->rows[i].runs[s].folds[fold].clips > 0;
    if (finished + job->failed < job->count + job->done_before)
        job->failed = job->count + job->done_before - finished;
}

/* Where all folds were run: a report of each setting and seed over all of them. */
static bool report_folds(const struct sweep_job *job, const struct sweep *sweep, struct text *summary,
                         struct error *error)
{
    bool done = true, alone = sweep->count == 1 && sweep->grid.seeds.count == 1;

    for (size_t i = 0; done && sweep->grid.folds > 1 && i < sweep->count; i++) {
        for (size_t s = 0; done && s < sweep->grid.seeds.count; s++) {
            const struct sweep_run *run = &sweep->rows[i].runs[s];
            if (!run->finished || sweep->rows[i].is_ensemble)
                continue;
            done =
                pooled_run_write(job->catalogue, sweep, &sweep->rows[i], run, alone ? summary : NULL, error);
            char *folder = pooled_run_folder(sweep, &sweep->rows[i], run);
            if (done)
                log_info("report: %s/report.html", folder);
            free(folder);
        }
    }
    return done;
}

static bool show_result(struct sweep_job *job, struct error *error)
{
    struct sweep sweep;
    struct text text = {0};
    struct error no_chart = {0};

    if (!sweep_read(&sweep, job->catalogue, job->folder, error))
        return false;
    if (!sweep_chart(&sweep, job->folder, &no_chart)) /* a table without a chart is still a table */
        log_warn("%s", no_chart.message);
    bool done = sweep_write(&sweep, error) && /* with the chart in its page */
                report_folds(job, &sweep, &text, error);
    check_result(job, &sweep);
    if (text.length == 0)
        sweep_print(&sweep, &text);
    if (done)
        printf("%s", text.text);
    log_info("sweep: %s/sweep.txt, .csv, .json, .html, .svg, .png", job->folder);
    text_free(&text);
    sweep_free(&sweep);
    return done;
}

static bool finish(struct sweep_job *job, struct error *error)
{
    if (interrupt_requested())
        return error_interrupted(error, "interrupted; the same command goes on with %s", job->folder);
    if (!show_result(job, error))
        return false;
    if (job->failed_before)
        return error_set(error,
                         "%zu runs of earlier stages failed, so their settings went no further (see %s/logs)",
                         job->failed_before, job->folder);
    return job->failed == 0 || error_set(error,
                                         "%zu of %zu runs failed (see %s/logs); with the cause mended, the "
                                         "same command runs only those",
                                         job->failed, job->count + job->done_before, job->folder);
}

/* All settings, or those that halving has left. */
static bool run_stages(struct sweep_job *job, struct error *error)
{
    size_t *settings = mem_zero(job->grid.settings, sizeof *settings), count = job->grid.settings;
    double hours = config_settings(job->config)->sweep.hours;
    bool done = true;

    job->until = hours > 0 ? clock_seconds() + 3600 * hours : 0;
    for (size_t i = 0; i < count; i++)
        settings[i] = i;
    if (config_settings(job->config)->sweep.search == SEARCH_HALVING)
        done = sweep_halve(job, settings, &count, error);
    if (done && !job->is_out_of_time && !interrupt_requested()) {
        const struct sweep_stage all = {.settings = settings, .count = count};
        done = sweep_list_runs(job, &all, error);
        if (done)
            log_info("sweep: %s: %zu settings, %zu seeds; %zu runs to do, %zu done; %zu at a time",
                     job->folder, count, job->grid.seeds.count, job->count, job->done_before, job->jobs);
        done = done && sweep_run_all(job, error);
    }
    free(settings);
    return done;
}

static bool sweep(struct sweep_job *job, struct error *error)
{
    return open_folder(job, error) && index_all(job, error) && write_sweep(job, error) &&
           (job->catalogue = catalogue_open(config_settings(job->config)->run.database, error)) &&
           run_stages(job, error) && finish(job, error);
}

static void close_job(struct sweep_job *job)
{
    sweep_forget_runs(job);
    catalogue_close(job->catalogue);
    if (job->lock >= 0)
        close(job->lock);
    grid_free(&job->grid);
    config_free(job->config);
    free(job->folder);
    free(job->name);
}

static bool run_sweep(const struct options *options, bool is_comparison, struct error *error)
{
    struct sweep_job job = {.lock = -1};
    bool done = configure(&job, options, is_comparison, error) && sweep(&job, error);

    close_job(&job);
    return done;
}

bool command_sweep(const struct options *options, struct error *error)
{
    return run_sweep(options, false, error);
}

bool command_compare(const struct options *options, struct error *error)
{
    return run_sweep(options, true, error);
}
