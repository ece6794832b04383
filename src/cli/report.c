/* emotrain plot and emotrain report: charts and reports again, from the catalogue. */
#include "base/digest.h"
#include "base/files.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "report/chart.h"
#include "report/sweep.h"
#include "run/recorded_run.h"
#include "run/run_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- sweeps ---- */

/* Warns where the table lacks a setting from some seed; halving drops settings on its way. */
static void warn_unfinished(const struct sweep *sweep)
{
    const struct sweep_run *first = NULL;
    const size_t seeds = sweep->grid.seeds.count, all = sweep->grid.settings * seeds;
    size_t finished = 0;

    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        finished += row->is_ensemble ? 0 : row->finished;
        for (size_t s = 0; !first && !row->is_ensemble && s < seeds; s++)
            first = row->runs[s].finished ? NULL : &row->runs[s];
    }
    if (first && config_settings(sweep->config)->sweep.search != SEARCH_HALVING)
        log_warn(
            "%zu of %zu are not in the table: not finished, or their files are gone, as those of %s; the "
            "sweep's own command runs what is missing",
            all - finished, all, first->name);
}

/* A page of several runs, and a chart, are of what ran: only where that is can be set. */
static bool check_sets(const struct options *options, struct error *error)
{
    for (size_t i = 0; i < options->sets.count; i++)
        if (!text_starts(options->sets.items[i], "run.directory="))
            return error_usage(error, "--set %s: this shows what ran; only run.directory can be set",
                               options->sets.items[i]);
    return true;
}

/* Makes a sweep's chart again into `output`; with `tables`, writes its tables too. */
static bool redo_sweep(const char *folder, bool tables, const char *output, struct error *error)
{
    struct config *config = config_new();
    char *path = path_join(folder, "sweep.ini");
    struct catalogue *catalogue = config_read_back(config, path, error)
                                      ? catalogue_open_read(config_settings(config)->run.database, error)
                                      : NULL;
    struct sweep sweep;
    bool done = catalogue && sweep_read(&sweep, catalogue, folder, error);

    if (done) {
        warn_unfinished(&sweep);
        done = folder_make(output, error) && sweep_chart(&sweep, output, error) &&
               (!tables || sweep_write(&sweep, error));
        sweep_free(&sweep);
    }
    catalogue_close(catalogue);
    config_free(config);
    free(path);
    return done;
}

/* ---- plot ---- */

/* DIRECTORY/overlay-A-B; where the names are long, as many as fit, and a hash of all. */
static char *overlay_folder(const char *directory, const struct recorded_run *runs, size_t count)
{
    struct text names = {0}, all = {0};
    char hash[SHA256_HEX_SIZE];

    for (size_t i = 0; i < count; i++) {
        text_add(&all, "%s\n", runs[i].folder);
        text_add(&names, "-%s", runs[i].report.run.name);
    }
    for (char *c = names.text; c && *c; c++)
        if (*c == '/')
            *c = '_';
    digest_bytes(all.text, all.length, hash);
    char *folder = names.length <= 100 ? mem_format("%s/overlay%s", directory, names.text)
                                       : mem_format("%s/overlay%.90s-%.8s", directory, names.text, hash);
    text_free(&names);
    text_free(&all);
    return folder;
}

static bool plot_overlay(const struct options *options, const char *directory, struct error *error)
{
    size_t count = options->arguments.count;
    struct recorded_run *runs = mem_zero(count, sizeof *runs);
    const struct report **reports = mem_zero(count, sizeof *reports);
    char *folder = NULL;
    bool done = true;

    for (size_t i = 0; done && i < count; i++) {
        done = recorded_run_open(&runs[i], options->arguments.items[i], directory, error);
        reports[i] = &runs[i].report;
    }
    if (done)
        folder = options->output ? mem_string(options->output) : overlay_folder(directory, runs, count);
    done = done && folder_make(folder, error) && charts_plot(folder, reports, count, error);
    if (done)
        printf("%s\n", folder);
    for (size_t i = 0; i < count; i++)
        recorded_run_close(&runs[i]);
    free(folder);
    free(reports);
    free(runs);
    return done;
}

static bool plot_one(const struct options *options, const char *directory, struct error *error)
{
    const char *name = options->arguments.items[0];
    char *folder = sweep_folder_find(name, directory);
    struct recorded_run run = {0};
    bool done = folder ? redo_sweep(folder, false, options->output ? options->output : folder, error)
                       : recorded_run_open(&run, name, directory, error);

    if (done && !folder) {
        const struct report *report = &run.report;
        done = (!options->output || folder_make(options->output, error)) &&
               charts_plot(options->output ? options->output : run.folder, &report, 1, error);
    }
    if (done)
        printf("%s\n", options->output ? options->output : folder ? folder : run.folder);
    recorded_run_close(&run);
    free(folder);
    return done;
}

bool command_plot(const struct options *options, struct error *error)
{
    struct config *config = options_config(options, error);
    const char *directory = config ? config_settings(config)->run.directory : "";
    bool done = config && check_sets(options, error) &&
                (options->arguments.count == 1 ? plot_one(options, directory, error)
                                               : plot_overlay(options, directory, error));

    config_free(config);
    return done;
}

/* ---- report ---- */

/* --set report.audio=no and the like, over the run's own configuration. */
static bool apply_sets(struct config *config, const struct options *options, struct error *error)
{
    for (size_t i = 0; i < options->sets.count; i++) {
        const char *set = options->sets.items[i];
        if (text_starts(set, "run.directory="))
            continue;
        if (!text_starts(set, "report."))
            return error_usage(
                error, "--set %s: a report is of what ran; only report.* and run.directory can be set", set);
        if (!config_set(config, "--set", set, error))
            return false;
    }
    return true;
}

/* --baseline must be there; one that the configuration names may have gone since. */
static bool set_baseline(struct recorded_run *run, const struct options *options, const char *directory,
                         struct error *error)
{
    struct error gone = {0};

    if (options->baseline)
        return recorded_run_baseline(&run->report, options->baseline, directory, error);
    if (!recorded_run_baseline(&run->report, config_settings(run->config)->report.baseline,
                               config_settings(run->config)->run.directory, &gone))
        log_warn("%s", gone.message);
    return true;
}

/* A run of somebody else, or on a medium that is read-only, is reported elsewhere. */
static bool check_writable(const char *folder, struct error *error)
{
    return !path_exists(folder) || access(folder, W_OK) == 0 ||
           error_set(error, "%s: cannot write: %s; -o FOLDER writes the report elsewhere", folder,
                     strerror(errno));
}

static bool report_one(const struct options *options, const char *name, const char *directory,
                       struct error *error)
{
    char *folder = sweep_folder_find(name, directory);
    struct recorded_run run = {0};
    if (folder && options->baseline) {
        free(folder);
        return error_usage(error, "%s is a sweep, which compares its own settings: --baseline is for runs",
                           name);
    }
    if (folder && options->output) { /* its page links to its runs' */
        free(folder);
        return error_usage(error, "%s is a sweep, whose report lies beside its runs: -o is for runs", name);
    }
    const char *output = options->output ? options->output : folder;
    bool done = folder ? check_sets(options, error) && redo_sweep(folder, true, output, error)
                       : recorded_run_open(&run, name, directory, error);

    if (done && !folder) {
        output = options->output ? options->output : run.folder;
        run.report.output = output;
        done = check_writable(output, error) && folder_make(output, error) &&
               apply_sets(run.config, options, error) && set_baseline(&run, options, directory, error) &&
               report_write(&run.report, config_settings(run.config)->report.audio, error);
    }
    if (done)
        printf("%s\n", output);
    recorded_run_close(&run);
    free(folder);
    return done;
}

bool command_report(const struct options *options, struct error *error)
{
    struct config *config = options_config(options, error);
    bool done = config && (!options->output || options->arguments.count == 1 ||
                           error_usage(error, "report: -o is for one run"));

    for (size_t i = 0; done && i < options->arguments.count; i++)
        done =
            report_one(options, options->arguments.items[i], config_settings(config)->run.directory, error);
    config_free(config);
    return done;
}
