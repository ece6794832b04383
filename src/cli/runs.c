/* emotrain runs: list, show, compare, rm. */
#include "base/json.h"
#include "base/text.h"
#include "cli/known_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- list ---- */

static void print_row(const struct run_row *row, const struct evaluation *e)
{
    printf("%-32s %-12s %-21s", row->name, row->state, row->started);
    if (e->clips)
        printf(" %6zu %9.4f %9.4f %9.4f\n", e->clips, e->accuracy, e->uar, e->macro.f1);
    else
        printf(" %6s %9s %9s %9s\n", "-", "-", "-", "-");
}

static bool list(const struct config *config, const struct strings *names, struct error *error)
{
    struct catalogue *catalogue = catalogue_open(config_text(config, "run.database"), error);
    struct run_list runs = {0};
    bool done = catalogue && runs_read(catalogue, &runs, error);

    (void)names;
    if (done)
        printf("%-32s %-12s %-21s %6s %9s %9s %9s\n", "run", "state", "started", "clips", "accuracy", "UAR",
               "macro F1");
    for (size_t i = 0; done && i < runs.count; i++) {
        struct prediction_list predictions;
        struct evaluation evaluation;
        done = predictions_read(catalogue, runs.rows[i].id, "test", &predictions, error);
        evaluation_make(&evaluation, &predictions);
        if (done)
            print_row(&runs.rows[i], &evaluation);
        evaluation_free(&evaluation);
        prediction_list_free(&predictions);
    }
    run_list_free(&runs);
    catalogue_close(catalogue);
    return done;
}

/* ---- show ---- */

static void print_facts(const cJSON *facts)
{
    const cJSON *section = NULL, *item = NULL;

    cJSON_ArrayForEach(section, facts)
    {
        printf("\n%s\n", section->string);
        cJSON_ArrayForEach(item, section)
        {
            char *value = cJSON_IsString(item) ? NULL : cJSON_PrintUnformatted(item);
            printf("  %-34s %s\n", item->string, value ? value : item->valuestring);
            cJSON_free(value);
        }
    }
}

static void print_run(const struct known_run *run)
{
    const struct run_row *row = &run->report.run;
    struct text text = {0};

    printf("%s: %s\nstarted %s, ended %s\nfolder %s\n", row->name, row->state, row->started,
           row->finished ? row->finished : "-", run->folder);
    printf(
        "to repeat it, in the folder where it was started:\n  emotrain --config %s/config.ini --run NAME\n",
        run->folder);
    if (run->report.evaluation.clips) {
        evaluation_print(&run->report.evaluation, &text);
        printf("\n%s", text.text);
        text_free(&text);
    }
    for (size_t i = 0; i < run->report.remarks->count; i++)
        printf("%s%s\n", i ? "" : "\n", run->report.remarks->items[i]);
    print_facts(run->report.facts);
}

static bool show(const struct config *config, const struct strings *names, struct error *error)
{
    bool done = true;

    for (size_t i = 1; done && i < names->count; i++) {
        struct known_run run;
        done = known_run_open(&run, names->items[i], config_text(config, "run.directory"), error);
        if (done)
            print_run(&run);
        known_run_close(&run);
    }
    return done;
}

/* ---- compare ---- */

static void print_differences(const struct known_run *runs, size_t count)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        char *name = setting_name(&SETTINGS[i]);
        bool differs = false;
        for (size_t r = 1; r < count; r++)
            differs =
                differs || strcmp(config_text(runs[0].config, name), config_text(runs[r].config, name)) != 0;
        if (differs && !setting_is_place(&SETTINGS[i])) {
            printf("%-28s", name);
            for (size_t r = 0; r < count; r++)
                printf(" %20s", config_text(runs[r].config, name));
            printf("\n");
        }
        free(name);
    }
}

static void print_figure(const struct known_run *runs, size_t count, const struct figure_kind *figure)
{
    printf("%-28s", figure->title);
    for (size_t r = 0; r < count; r++) {
        if (runs[r].report.evaluation.clips)
            printf(" %20.4f", figure->of(&runs[r].report.evaluation));
        else
            printf(" %20s", "-");
    }
    printf("\n");
}

static bool compare(const struct config *config, const struct strings *names, struct error *error)
{
    size_t count = names->count - 1;
    struct known_run *runs = mem_zero(count, sizeof *runs);
    bool done = true;

    for (size_t r = 0; done && r < count; r++)
        done = known_run_open(&runs[r], names->items[r + 1], config_text(config, "run.directory"), error);
    if (done) {
        printf("%-28s", "");
        for (size_t r = 0; r < count; r++)
            printf(" %20s", runs[r].report.run.name);
        printf("\n");
        print_differences(runs, count);
        for (enum figure f = 0; f < FIGURE_COUNT; f++)
            print_figure(runs, count, &FIGURES[f]);
    }
    for (size_t r = 0; r < count; r++)
        known_run_close(&runs[r]);
    free(runs);
    return done;
}

/* ---- rm ---- */

static bool rm(const struct config *config, const struct strings *names, struct error *error)
{
    bool done = true;

    for (size_t i = 1; done && i < names->count; i++) {
        struct known_run run;
        int lock = -1; /* a run that another process writes is left alone */
        done = known_run_open(&run, names->items[i], config_text(config, "run.directory"), error) &&
               (lock = run_folder_lock(run.folder, error)) >= 0 &&
               run_remove(run.catalogue, run.report.run.id, error) && folder_remove(run.folder, error);
        if (lock >= 0)
            close(lock);
        if (done)
            printf("removed %s\n", run.folder);
        known_run_close(&run);
    }
    return done;
}

static const struct {
    const char *name;
    size_t least; /* words, its own name included */
    bool (*run)(const struct config *config, const struct strings *names, struct error *error);
} ACTIONS[] = {{"list", 1, list}, {"show", 2, show}, {"compare", 3, compare}, {"rm", 2, rm}};

bool command_runs(const struct options *options, struct error *error)
{
    const char *wanted = options->arguments.count ? options->arguments.items[0] : "list";
    struct config *config = options_config(options, error);
    bool done = false, known = false;

    for (size_t i = 0; config && i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        if (strcmp(ACTIONS[i].name, wanted) != 0)
            continue;
        known = true;
        done = options->arguments.count + (options->arguments.count == 0) >= ACTIONS[i].least
                   ? ACTIONS[i].run(config, &options->arguments, error)
                   : error_usage(error, "runs %s needs %s", wanted,
                                 ACTIONS[i].least == 3 ? "two runs" : "a run");
    }
    if (config && !known)
        error_usage(error, "runs: no action \"%s\"; there is list, show, compare, rm", wanted);
    config_free(config);
    return done;
}
