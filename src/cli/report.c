/* emotrain plot and emotrain report: charts and reports again, from the catalogue. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/known_run.h"
#include "report/chart.h"
#include "report/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sweeps ---- */

/* The folder of a sweep, by path or name; NULL if it is none. */
static char *find_sweep(const char *name, const char *directory)
{
    char *below = path_join(directory, name);
    char *folder = sweep_is(name) ? realpath(name, NULL) : sweep_is(below) ? realpath(below, NULL) : NULL;

    free(below);
    return folder;
}

/* Draws (and, with `tables`, writes) a sweep's result again. */
static bool redo_sweep(const char *folder, bool tables, struct error *error)
{
    struct config *config = config_new();
    char *path = path_join(folder, "sweep.ini");
    struct catalogue *catalogue =
        config_read(config, path, error) ? catalogue_open(config_text(config, "run.database"), error) : NULL;
    struct sweep sweep;
    bool done = catalogue && sweep_read(&sweep, catalogue, folder, error);

    if (done) {
        done = (!tables || sweep_write(&sweep, error)) && sweep_chart(&sweep, error);
        sweep_free(&sweep);
    }
    catalogue_close(catalogue);
    config_free(config);
    free(path);
    return done;
}

/* ---- plot ---- */

/* DIRECTORY/overlay-A-B, or as many of the names as a folder's name should hold. */
static char *overlay_folder(const char *directory, const struct strings *runs)
{
    struct text name = {0};

    text_add(&name, "%s/overlay", directory);
    for (size_t i = 0; i < runs->count; i++) {
        const char *base = path_base(runs->items[i]);
        if (name.length + strlen(base) > 100) {
            text_add(&name, "-and-%zu-more", runs->count - i);
            break;
        }
        text_add(&name, "-%s", base);
    }
    return name.text;
}

static bool plot_overlay(const struct options *options, const char *directory, struct error *error)
{
    size_t count = options->arguments.count;
    struct known_run *runs = mem_zero(count, sizeof *runs);
    const struct report **reports = mem_zero(count, sizeof *reports);
    char *folder =
        options->output ? mem_string(options->output) : overlay_folder(directory, &options->arguments);
    bool done = true;

    for (size_t i = 0; done && i < count; i++) {
        done = known_run_open(&runs[i], options->arguments.items[i], directory, error);
        reports[i] = &runs[i].report;
    }
    done = done && folder_make(folder, error) && charts_draw(folder, reports, count, error);
    if (done)
        printf("%s\n", folder);
    for (size_t i = 0; i < count; i++)
        known_run_close(&runs[i]);
    free(folder);
    free(reports);
    free(runs);
    return done;
}

static bool plot_one(const struct options *options, const char *directory, struct error *error)
{
    const char *name = options->arguments.items[0];
    char *folder = find_sweep(name, directory);
    struct known_run run = {0};
    bool done = folder ? redo_sweep(folder, false, error) : known_run_open(&run, name, directory, error);

    if (done && !folder) {
        const struct report *report = &run.report;
        done = (!options->output || folder_make(options->output, error)) &&
               charts_draw(options->output ? options->output : run.folder, &report, 1, error);
    }
    if (done)
        printf("%s\n", options->output ? options->output : folder ? folder : run.folder);
    known_run_close(&run);
    free(folder);
    return done;
}

bool command_plot(const struct options *options, struct error *error)
{
    struct config *config = options_config(options, error);
    const char *directory = config ? config_text(config, "run.directory") : "";
    bool done = config && (options->arguments.count == 1 ? plot_one(options, directory, error)
                                                         : plot_overlay(options, directory, error));

    config_free(config);
    return done;
}

/* ---- report ---- */

static bool report_one(const struct options *options, const char *name, const char *directory,
                       struct error *error)
{
    char *folder = find_sweep(name, directory);
    struct known_run run = {0};
    bool done = folder ? redo_sweep(folder, true, error) : known_run_open(&run, name, directory, error);

    if (done && !folder) {
        const char *baseline =
            options->baseline ? options->baseline : config_text(run.config, "report.baseline");
        done = known_run_baseline(&run.report, baseline, directory, error) &&
               report_write(&run.report, config_bool(run.config, "report.audio"), error);
    }
    if (done)
        printf("%s\n", folder ? folder : run.folder);
    known_run_close(&run);
    free(folder);
    return done;
}

bool command_report(const struct options *options, struct error *error)
{
    struct config *config = options_config(options, error);
    bool done = config != NULL;

    for (size_t i = 0; done && i < options->arguments.count; i++)
        done = report_one(options, options->arguments.items[i], config_text(config, "run.directory"), error);
    config_free(config);
    return done;
}
