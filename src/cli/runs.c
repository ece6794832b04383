/* emotrain runs: list, show, compare, rm. */
#include "cli/runs.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "run/recorded_run.h"
#include "run/run_folder.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- show ---- */

static void print_info(const struct run_info *info)
{
    cJSON *json = run_info_json(info);
    const cJSON *section = NULL, *item = NULL;

    cJSON_DeleteItemFromObjectCaseSensitive(json, "tables"); /* they stand in the report */
    cJSON_ArrayForEach(section, json)
    {
        printf("\n%s\n", section->string);
        cJSON_ArrayForEach(item, section)
        {
            char *value = cJSON_IsString(item)   ? mem_string(item->valuestring)
                          : cJSON_IsNumber(item) ? mem_format("%.10g", round(item->valuedouble * 1000) / 1000)
                                                 : cJSON_PrintUnformatted(item);
            printf("  %-34s %s\n", item->string, value);
            free(value);
        }
    }
    cJSON_Delete(json);
}

/* The command that made it; of an ensemble, from its table of members. */
static void print_command(const struct recorded_run *run)
{
    const struct run_info *info = &run->report.info;
    const cJSON *table = NULL, *row = NULL;

    if (info->model.members == 0) {
        printf("  emotrain --config %s/config.ini%s --run NAME\n", run->folder,
               config_settings(run->config)->sweep.folds ? " --folds all" : "");
        return;
    }
    printf("  emotrain ensemble");
    cJSON_ArrayForEach(table, info->tables)
    {
        cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(table, "rows"))
        {
            const cJSON *name = cJSON_GetArrayItem(row, 0);
            printf(" %s", cJSON_IsString(name) ? name->valuestring : "");
        }
    }
    printf("%s --run NAME\n", strcmp(info->model.weights, "validation") == 0 ? " --weigh" : "");
}

/* What it would take to repeat the run: program, libraries, machine, data, command. */
static void print_repeat(const struct recorded_run *run)
{
    static const char *const names[] = {"emotrain", "commit",    "libtorch",   "compiler",
                                        "machine",  "processor", "processors", "distribution"};
    struct error unread = {0};
    char *path = path_join(run->folder, "environment.json");
    cJSON *environment = json_read(path, &unread);
    const char *digest = run->report.info.split.digest;

    printf("\nto repeat it, in the folder where it was started:\n");
    print_command(run);
    printf("to the bit on the CPU, with the same number of threads (%s) and:\n",
           config_text(run->config, "run.threads"));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(environment, names[i]);
        if (cJSON_IsString(item) || cJSON_IsNumber(item)) {
            char *value =
                cJSON_IsString(item) ? mem_string(item->valuestring) : mem_format("%g", item->valuedouble);
            printf("  %-34s %s\n", names[i], value);
            free(value);
        }
    }
    if (*digest)
        printf("  %-34s %.16s...\n", "clips and their parts, SHA-256", digest);
    cJSON_Delete(environment);
    free(path);
}

static void print_run(const struct recorded_run *run)
{
    const struct run_row *row = &run->report.run;
    struct text text = {0};

    printf("%s: %s\nstarted %s, ended %s\nfolder %s\n", row->name, row->state, row->started,
           row->finished ? row->finished : "-", run->folder);
    if (run->report.evaluation.clips) {
        report_print(&run->report, &text);
        printf("\n%s", text.text);
        text_free(&text);
    }
    print_repeat(run);
    print_info(&run->report.info);
}

static bool show_runs(const struct options *options, const struct config *config, struct error *error)
{
    const struct strings *names = &options->arguments;
    bool done = true;

    for (size_t i = 1; done && i < names->count; i++) {
        struct recorded_run run;
        done = recorded_run_open(&run, names->items[i], config_settings(config)->run.directory, error);
        if (done)
            print_run(&run);
        recorded_run_close(&run);
    }
    return done;
}

/* ---- compare ---- */

static void print_differences(const struct recorded_run *runs, size_t count)
{
    struct config_entry entry;

    for (size_t i = 0; config_entry(runs[0].config, i, &entry); i++) {
        bool differs = false;
        for (size_t r = 1; r < count; r++) {
            const char *other = config_text(runs[r].config, entry.name);
            differs = differs || !other || !setting_same_value(entry.setting, entry.value, other);
        }
        if (!differs || setting_is_bookkeeping(entry.setting))
            continue;
        printf("%-28s", entry.name);
        for (size_t r = 0; r < count; r++) {
            const char *value = config_text(runs[r].config, entry.name);
            printf(" %20s", value ? value : "");
        }
        printf("\n");
    }
}

static void print_metric(const struct recorded_run *runs, size_t count, enum metric metric, enum task task)
{
    printf("%-28s", metric_title(metric, task));
    for (size_t r = 0; r < count; r++) {
        if (runs[r].report.evaluation.clips && runs[r].report.evaluation.task == task)
            printf(" %20.4f", METRICS[metric].of(&runs[r].report.evaluation));
        else
            printf(" %20s", "-");
    }
    printf("\n");
}

static bool compare(const struct options *options, const struct config *config, struct error *error)
{
    const struct strings *names = &options->arguments;
    size_t count = names->count - 1;
    struct recorded_run *runs = mem_zero(count, sizeof *runs);
    bool done = true;

    for (size_t r = 0; done && r < count; r++)
        done =
            recorded_run_open(&runs[r], names->items[r + 1], config_settings(config)->run.directory, error);
    if (done) {
        printf("%-28s", "");
        for (size_t r = 0; r < count; r++)
            printf(" %20s", runs[r].report.run.name);
        printf("\n");
        print_differences(runs, count);
        size_t tested = 0;
        while (tested + 1 < count && runs[tested].report.evaluation.clips == 0)
            tested++;
        FOR_METRICS (f, runs[tested].report.evaluation.task)
            print_metric(runs, count, f, runs[tested].report.evaluation.task);
    }
    for (size_t r = 0; r < count; r++)
        recorded_run_close(&runs[r]);
    free(runs);
    return done;
}

/* ---- rm ---- */

/* What a run's folder is called while it is being removed: a kill leaves it so, and the next rm finishes it.
 */
static const char REMOVED[] = ".removed";

/* The row's number of the run of that folder; 0: there is none. */
static bool find_run_id(struct catalogue *catalogue, const char *folder, int64_t *id, struct error *error)
{
    struct arena arena = {0};
    struct run_row row = {0};
    bool done = run_find(catalogue, folder, &row, &arena, error);

    *id = row.id;
    arena_free(&arena);
    return done;
}

/* Whether the catalogue, if there is one, has a row of the folder's run; false with an error too. */
static bool is_recorded(const char *database, const char *folder, struct error *error)
{
    struct catalogue *catalogue = path_exists(database) ? catalogue_open_read(database, error) : NULL;
    int64_t id = 0;
    bool recorded = catalogue && find_run_id(catalogue, folder, &id, error) && id != 0;

    catalogue_close(catalogue);
    return recorded;
}

/* Removes the row of a run whose folder is being removed, of the catalogue that the folder names; where its
 * config.ini is lost, of `database`. */
static bool remove_row(const char *left, const char *folder, const char *database, struct error *error)
{
    struct error unread = {0};
    struct config *config = run_folder_config(left, &unread);
    struct catalogue *catalogue = NULL;
    int64_t id;
    const char *path = config ? config_settings(config)->run.database : database;
    bool done = !path_exists(path) ||
                ((catalogue = catalogue_open(path, error)) && find_run_id(catalogue, folder, &id, error) &&
                 (id == 0 || run_remove(catalogue, id, error)));

    catalogue_close(catalogue);
    config_free(config);
    return done;
}

static bool finish_removal(const char *left, const char *folder, const char *database, struct error *error)
{
    bool done = remove_row(left, folder, database, error) && folder_remove(left, error);

    if (done)
        printf("removed %s\n", folder);
    return done;
}

/* Where a removal puts the run's folder first: under a name that no run can have.  Caller frees. */
static char *left_of(const char *folder)
{
    char *above = path_folder(folder), *left = mem_format("%s/.%s%s", above, path_base(folder), REMOVED);

    free(above);
    return left;
}

/* The absolute folder of a run whose removal did not end; caller frees; NULL: there is none. */
static char *find_half_removed(const char *name, const char *directory)
{
    char *paths[] = {path_join(directory, name), mem_string(name)}, *folder = NULL;

    for (int i = 0; i < 2; i++) {
        char *left = left_of(paths[i]), *above = path_folder(paths[i]);
        char *absolute =
            !folder && !path_exists(paths[i]) && path_is_folder(left) ? realpath(above, NULL) : NULL;
        if (absolute)
            folder = path_join(absolute, path_base(paths[i]));
        free(absolute);
        free(above);
        free(left);
        free(paths[i]);
    }
    return folder;
}

/* Whether emotrain made the folder, which has a config.ini: one of the user's own is left alone. */
static bool is_made_here(const char *database, const char *folder, struct error *error)
{
    struct error unread = {0};
    char *environment = path_join(folder, "environment.json");
    struct config *config = run_folder_config(folder, &unread);
    bool made = path_exists(environment) ||
                is_recorded(config ? config_settings(config)->run.database : database, folder, error);

    config_free(config);
    free(environment);
    return made;
}

/* The absolute folder of the run; caller frees; NULL, with an error, where there is none.  The catalogue need
 * not know it, as a kill between its folder and its row leaves one; nor need it have its config.ini, where
 * the catalogue does. */
static char *find_removable(const char *name, const char *directory, const char *database,
                            struct error *error)
{
    struct error unknown = {0};
    char *folder = run_folder_find(name, directory, false, error), *below = path_join(directory, name);
    bool has_config = folder != NULL;

    if (!folder)
        folder = realpath(path_is_folder(below) ? below : name, NULL);
    free(below);
    bool there = folder && (has_config ? is_made_here : is_recorded)(database, folder, &unknown);
    if (unknown.kind)
        *error = unknown;
    else if (!there && has_config)
        error_usage(error, "%s is no run: it has no environment.json, and the database does not know it",
                    folder);
    else if (!there)
        run_folder_find(name, directory, true, error); /* it says that there is none */
    if (there)
        return folder;
    free(folder);
    return NULL;
}

/* The absolute folder of a run that the catalogue has and whose folder is gone; caller frees; NULL: there is
 * none, or an error. */
static char *find_gone(const char *name, const char *directory, const char *database, struct error *error)
{
    char *above = realpath(directory, NULL), *folder = above ? path_join(above, name) : NULL;
    bool gone = folder && !path_exists(folder) && is_recorded(database, folder, error);

    free(above);
    if (gone)
        return folder;
    free(folder);
    return NULL;
}

static bool rm_run(const char *name, const char *directory, const char *database, struct error *error)
{
    char *half = find_half_removed(name, directory), *folder = half,
         *gone = half ? NULL : find_gone(name, directory, database, error);
    int lock = -1; /* a run that another process writes is left alone */

    if (gone || error->kind) {
        bool removed = gone && remove_row(gone, gone, database, error);
        if (removed)
            printf("removed %s, whose folder was gone\n", gone);
        free(gone);
        return removed;
    }
    bool done = half || ((folder = find_removable(name, directory, database, error)) &&
                         (lock = run_folder_lock(folder, error)) >= 0);
    char *left = done ? left_of(folder) : NULL;

    if (done && !half && path_is_folder(left)) /* of an earlier run of the name */
        done = folder_remove(left, error);
    if (done && !half && rename(folder, left) != 0)
        done = error_set(error, "%s: cannot remove: %s", folder, strerror(errno));
    done = done && finish_removal(left, folder, database, error);
    if (lock >= 0)
        close(lock);
    free(left);
    free(folder);
    return done;
}

/* A sweep with all its runs. */
static bool rm_sweep(const char *folder, const char *database, struct error *error)
{
    struct strings names = {0};
    char *own = path_join(folder, ".lock"); /* every sweep has had it */
    bool made =
        path_exists(own) || error_usage(error, "%s is no sweep of emotrain's: it has no .lock", folder);
    int lock = made ? run_folder_lock(folder, error) : -1;
    bool done = lock >= 0 && folder_list(&names, folder, error);

    free(own);
    for (size_t i = 0; done && i < names.count; i++) {
        char *run = path_join(folder, names.items[i]);
        if (run_folder_is_run(run) || (path_is_folder(run) && is_recorded(database, run, error)))
            done = rm_run(run, folder, database, error);
        done = done && !error->kind;
        free(run);
    }
    done = done && folder_remove(folder, error);
    if (lock >= 0)
        close(lock);
    if (done)
        printf("removed %s\n", folder);
    strings_free(&names);
    return done;
}

static bool rm(const struct options *options, const struct config *config, struct error *error)
{
    const char *directory = config_settings(config)->run.directory,
               *database = config_settings(config)->run.database;
    bool done = true;

    for (size_t i = 1; done && i < options->arguments.count; i++) {
        char *below = path_join(directory, options->arguments.items[i]);
        char *sweep =
            run_folder_is_run(below) ? NULL : sweep_folder_find(options->arguments.items[i], directory);
        free(below);
        done = sweep ? rm_sweep(sweep, database, error)
                     : rm_run(options->arguments.items[i], directory, database, error);
        free(sweep);
    }
    return done;
}

static const struct {
    const char *name;
    size_t least; /* words, its own name included */
    bool (*run)(const struct options *options, const struct config *config, struct error *error);
} ACTIONS[] = {{"list", 1, runs_list}, {"show", 2, show_runs}, {"compare", 3, compare}, {"rm", 2, rm}};

bool command_runs(const struct options *options, struct error *error)
{
    const char *wanted = options->arguments.count ? options->arguments.items[0] : "list";
    struct config *config = options_config(options, error);
    bool done = false, known = false;

    if (config && strcmp(wanted, "list") != 0 &&
        (options->sort || options->state || options->format || options->output || options->where.count)) {
        error_usage(error, "runs %s: --sort, --state, --where, --format and -o are for runs list", wanted);
        config_free(config);
        return false;
    }
    for (size_t i = 0; config && i < sizeof ACTIONS / sizeof ACTIONS[0]; i++) {
        if (strcmp(ACTIONS[i].name, wanted) != 0)
            continue;
        known = true;
        done = options->arguments.count + (options->arguments.count == 0) >= ACTIONS[i].least
                   ? ACTIONS[i].run(options, config, error)
                   : error_usage(error, "runs %s needs %s", wanted,
                                 ACTIONS[i].least == 3 ? "two runs" : "a run");
    }
    if (config && !known)
        error_usage(error, "runs: no action \"%s\"; there is list, show, compare, rm", wanted);
    config_free(config);
    return done;
}
