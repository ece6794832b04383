/* A sweep's runs: which are missing, and a process for each. */
#include "base/clock.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/processor.h"
#include "cli/child.h"
#include "cli/command.h"
#include "cli/sweep.h"
#include "eval/metrics.h"
#include "report/sweep.h"
#include "run/run_folder.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* Adds the run unless it is finished. */
static bool list_run(struct sweep_job *job, struct planned_run planned, struct error *error)
{
    char *folder = path_join(job->folder, planned.name);
    struct run_row row;
    struct arena arena = {0};
    bool finished, done = sweep_run_finished(job->catalogue, folder, &row, &finished, &arena, error);

    arena_free(&arena);
    free(folder);
    if (done && !finished) {
        job->runs[job->count++] = planned;
    } else {
        free(planned.name);
        job->done_before++;
    }
    return done;
}

char *sweep_run_name(const struct sweep_job *job, size_t setting, const char *seed, size_t fold,
                     int64_t epochs)
{
    char *name = grid_run_name(&job->grid, setting, seed, fold);

    if (epochs == 0)
        return name;
    char *stage = mem_format("%s,stage=%lld", name, (long long)epochs);
    free(name);
    return stage;
}

void sweep_forget_runs(struct sweep_job *job)
{
    for (size_t i = 0; i < job->count; i++)
        free(job->runs[i].name);
    free(job->runs);
    job->runs = NULL;
    job->count = job->next = job->ended = job->done_before = 0;
}

bool sweep_list_runs(struct sweep_job *job, const struct sweep_stage *stage, struct error *error)
{
    const struct grid *grid = &job->grid;
    bool done = true;

    sweep_forget_runs(job);
    job->runs = mem_zero(stage->count * grid->seeds.count * grid->folds, sizeof *job->runs);
    for (size_t s = 0; s < grid->seeds.count; s++)
        for (size_t fold = 0; fold < grid->folds; fold++)
            for (size_t i = 0; done && i < stage->count; i++) {
                struct planned_run planned = {.setting = stage->settings[i],
                                              .seed = grid->seeds.items[s],
                                              .fold = fold,
                                              .epochs = stage->epochs};
                planned.name = sweep_run_name(job, planned.setting, planned.seed, fold, stage->epochs);
                done = list_run(job, planned, error);
            }
    return done;
}

static void add_setting(struct strings *words, const char *name, const char *value)
{
    char *assignment = mem_format("%s=%s", name, value);

    strings_add(words, "--set");
    strings_add(words, assignment);
    free(assignment);
}

/* A run of a sweep or comparison is none itself. */
static void add_defaults_of_sweeps(struct strings *words)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        const struct setting *s = &SETTINGS[i];
        if (strcmp(s->section, "sweep") != 0 && strcmp(s->section, "compare") != 0)
            continue;
        char *name = mem_format("%s.%s", s->section, s->key);
        add_setting(words, name, s->fallback);
        free(name);
    }
}

/* The command line of a run: begun from the sweep's file, or gone on with. */
static void build_command(const struct sweep_job *job, const struct planned_run *planned, const char *folder,
                          struct strings *words)
{
    char *config = sweep_experiment_path(job, planned->setting),
         *name = mem_format("%s/%s", job->name, planned->name);
    char *fold = mem_format("%zu", planned->fold);
    size_t at_once = job->jobs < job->count ? job->jobs : job->count,
           share = (size_t)processor_count() / at_once;
    char *threads = mem_format("%zu", share ? share : 1);

    strings_add(words, "emotrain");
    strings_add(words, "train");
    if (run_folder_is_run(folder)) {
        strings_add(words, "--resume");
        strings_add(words, "--run");
        strings_add(words, folder);
    } else {
        strings_add(words, "--config");
        strings_add(words, config);
        strings_add(words, "--run");
        strings_add(words, name);
        if (config_settings(job->config)->run.threads == 0)
            add_setting(words, "run.threads", threads); /* before the axes, which may have their own */
        for (size_t a = 0; job->grid.files.count == 0 && a < job->grid.axis_count; a++)
            add_setting(words, job->grid.axes[a].name, grid_value(&job->grid, planned->setting, a));
        if (planned->epochs) {
            char *epochs = mem_format("%lld", (long long)planned->epochs);
            add_setting(words, "train.epochs", epochs);
            free(epochs);
        }
        add_setting(words, "run.seed", planned->seed);
        if (job->grid.folds > 1)
            add_setting(words, "split.fold", fold);
        add_defaults_of_sweeps(words);
    }
    free(config);
    free(name);
    free(fold);
    free(threads);
}

static bool start_run(struct sweep_job *job, struct planned_run *planned, struct error *error)
{
    struct strings words = {0};
    char *folder = path_join(job->folder, planned->name);
    char *log = mem_format("%s/logs/%s.log", job->folder, planned->name);
    const struct child_settings settings = {.words = &words, .log = log};

    build_command(job, planned, folder, &words);
    planned->started = clock_seconds();
    planned->child = child_start(&settings, error); /* a killed one goes on from its checkpoint */
    if (planned->child > 0)
        job->running++;
    strings_free(&words);
    free(folder);
    free(log);
    return !error->kind;
}

/* The value of the metric that settings are compared by, of a run that has ended; NAN where it has none. */
static double run_metric(const struct sweep_job *job, const struct planned_run *planned, enum metric *metric)
{
    char *folder = path_join(job->folder, planned->name);
    struct prediction_list predictions = {0};
    struct evaluation evaluation;
    struct arena arena = {0};
    struct error unread = {0};
    struct run_row row;
    double value = (double)NAN;

    bool found = run_find(job->catalogue, folder, &row, &arena, &unread) && row.id;
    if (found && sweep_chooses_on_validation(job->config)) {
        *metric = sweep_metric(config_settings(job->config), row.task);
        sweep_run_selection(job->catalogue, &row, *metric, &value, &unread);
    } else if (found && predictions_read(job->catalogue, row.id, "test", &predictions, &unread) &&
               predictions.count) {
        *metric = sweep_metric(config_settings(job->config), predictions.task);
        evaluation_make(&evaluation, &predictions);
        value = METRICS[*metric].of(&evaluation);
        evaluation_free(&evaluation);
    }
    prediction_list_free(&predictions);
    arena_free(&arena);
    free(folder);
    return value;
}

/* What is left at the pace so far, as "1:05:09"; empty before there is one. */
static const char *time_left(const struct sweep_job *job, char text[64])
{
    size_t left = job->count - job->ended;
    double seconds = (clock_seconds() - job->began) / (double)job->ended * (double)left;
    long whole = (long)seconds;

    if (left == 0)
        return "";
    snprintf(text, 64, "; about %ld:%02ld:%02ld left", whole / 3600, whole / 60 % 60, whole % 60);
    return text;
}

static void log_finished(struct sweep_job *job, const struct planned_run *planned, size_t number,
                         double seconds)
{
    enum metric metric = METRIC_COUNT;
    double value = run_metric(job, planned, &metric);
    char left[64];

    if (isnan(value)) {
        log_info("[%zu/%zu] %s: finished in %.0f s%s", number, job->count + job->done_before, planned->name,
                 seconds, time_left(job, left));
        return;
    }
    if (isnan(job->best) || metric_is_better(metric, value, job->best))
        job->best = value;
    log_info("[%zu/%zu] %s: finished in %.0f s, %s %s %.3f (best so far %.3f)%s", number,
             job->count + job->done_before, planned->name, seconds,
             sweep_chooses_on_validation(job->config) ? "validation" : "test", METRICS[metric].name, value,
             job->best, time_left(job, left));
}

/* One line per run that has ended. */
static void tell_end(struct sweep_job *job, const struct planned_run *planned, int status)
{
    char *words = sweep_last_words(job->folder, planned->name);
    double seconds = clock_seconds() - planned->started;
    size_t all = job->count + job->done_before, number = job->done_before + job->ended;

    if (status == 0) {
        log_finished(job, planned, number, seconds);
    } else {
        log_warn("[%zu/%zu] %s: %s (%s/logs/%s.log)", number, all, planned->name,
                 WIFSIGNALED(status) ? strsignal(WTERMSIG(status))
                 : *words            ? words
                                     : "failed without a word",
                 job->folder, planned->name);
        job->failed++;
    }
    free(words);
}

/* Takes note of runs that have ended. */
static void reap(struct sweep_job *job)
{
    for (size_t i = 0; i < job->next; i++) {
        int status = 1;
        if (job->runs[i].child <= 0 || waitpid(job->runs[i].child, &status, WNOHANG) == 0)
            continue;
        job->runs[i].child = 0;
        job->running--;
        job->ended++;
        if (!interrupt_requested())
            tell_end(job, &job->runs[i], status);
    }
}

static void stop_all(const struct sweep_job *job)
{
    for (size_t i = 0; i < job->next; i++)
        if (job->runs[i].child > 0)
            kill(job->runs[i].child, SIGTERM);
}

/* Once sweep.hours are over, no more are begun: they are left for the next time. */
static void end_in_time(struct sweep_job *job)
{
    if (job->until == 0 || job->next == job->count || clock_seconds() < job->until)
        return;
    log_info("sweep.hours are over: %zu runs are left; the same command goes on", job->count - job->next);
    for (size_t i = job->next; i < job->count; i++)
        free(job->runs[i].name);
    job->count = job->next;
    job->is_out_of_time = true;
}

bool sweep_run_all(struct sweep_job *job, struct error *error)
{
    const struct timespec moment = {0, 20 * 1000 * 1000};
    bool stopping = false, stopped = false;

    job->began = clock_seconds();
    job->best = (double)NAN;
    while (job->running || (job->next < job->count && !stopping)) {
        end_in_time(job);
        while (!stopping && !interrupt_requested() && job->running < job->jobs && job->next < job->count)
            stopping = !start_run(job, &job->runs[job->next++], error);
        nanosleep(&moment, NULL);
        if (!stopped && (stopping || interrupt_requested())) {
            log_info("stopping: runs under way save their state");
            stop_all(job);
            stopping = stopped = true;
        }
        reap(job);
    }
    return !error->kind;
}
