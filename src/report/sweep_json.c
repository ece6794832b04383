/* sweep.json: a sweep's result once, as data, and its files.  Text, CSV and page are made from this object.
 */
#include "report/sweep.h"

#include "base/files.h"
#include "report/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- settings and runs ---- */

static void add_interval(cJSON *object, const char *name, const struct interval *interval)
{
    cJSON *array = cJSON_AddArrayToObject(object, name);

    cJSON_AddItemToArray(array, json_finite(interval->low));
    cJSON_AddItemToArray(array, json_finite(interval->high));
}

/* Where the reports of a run's folds are, from the sweep's folder. */
static void add_reports(cJSON *json, const struct sweep *sweep, const struct sweep_row *row, const char *seed)
{
    cJSON *reports = cJSON_AddArrayToObject(json, "reports");

    for (size_t fold = 0; fold < sweep->grid.folds; fold++) {
        char *name = grid_run_name(&sweep->grid, row->setting, seed, fold),
             *path = path_join(name, "report.html");
        cJSON_AddItemToArray(reports, cJSON_CreateString(path));
        free(path);
        free(name);
    }
}

/* The metric of each fold by itself, their mean and its standard deviation. */
static void add_folds(cJSON *json, const struct sweep *sweep, const struct sweep_run *run)
{
    cJSON *folds = cJSON_AddArrayToObject(json, "folds");
    double *values = mem_zero(sweep->grid.folds, sizeof *values);

    for (size_t fold = 0; fold < sweep->grid.folds; fold++) {
        values[fold] = run->folds[fold].metrics[sweep->metric];
        cJSON_AddItemToArray(folds, json_finite(values[fold]));
    }
    json_add_finite(json, "folds_mean", mean_of(values, sweep->grid.folds));
    json_add_finite(json, "folds_std", deviation_of(values, sweep->grid.folds));
    free(values);
}

static cJSON *run_json(const struct sweep *sweep, const struct sweep_row *row, const struct sweep_run *run)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "name", run->name);
    cJSON_AddStringToObject(json, "seed", run->seed);
    cJSON_AddBoolToObject(json, "finished", run->finished);
    if (!run->finished) {
        cJSON_AddStringToObject(json, "unfinished", run->unfinished);
        return json;
    }
    if (!row->is_ensemble)
        add_reports(json, sweep, row, run->seed);
    json_add_finite(json, "training_seconds_of_last_session", run->seconds);
    json_add_finite(json, "test_seconds", run->test_seconds);
    json_add_finite(json, "parameters", run->parameters);
    json_add_finite(json, "memory_mib", run->memory);
    json_add_finite(json, "validation", run->selection);
    FOR_METRICS (f, run->predictions.task)
        json_add_finite(json, METRICS[f].name, run->metrics[f]);
    if (sweep->grid.folds > 1 && !row->is_ensemble)
        add_folds(json, sweep, run);
    return json;
}

static cJSON *comparison_json(const struct sweep_row *row)
{
    const struct comparison *c = &row->comparison;
    cJSON *json = cJSON_CreateObject();

    json_add_finite(json, "difference", c->difference);
    add_interval(json, "interval", &c->interval);
    json_add_finite(json, "only_best_right", (double)c->only_first);
    json_add_finite(json, "only_this_right", (double)c->only_second);
    json_add_finite(json, "mcnemar_p", c->mcnemar_p);
    json_add_finite(json, "mcnemar_p_holm", row->mcnemar_adjusted);
    json_add_finite(json, "permutation_p", c->permutation_p);
    json_add_finite(json, "permutation_p_holm", row->permutation_adjusted);
    return json;
}

static cJSON *costs_json(const struct sweep_row *row)
{
    cJSON *json = cJSON_CreateObject();

    json_add_finite(json, "parameters", row->parameters);
    json_add_finite(json, "training_seconds", row->seconds);
    json_add_finite(json, "test_clips_per_second", row->test_rate);
    json_add_finite(json, "memory_mib", row->memory);
    return json;
}

static cJSON *row_json(const struct sweep *sweep, const struct sweep_row *row)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "label", row->label);
    cJSON *setting = cJSON_AddObjectToObject(json, "setting");

    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        cJSON_AddStringToObject(setting, sweep->grid.axes[a].name,
                                row->is_ensemble ? row->label : grid_value(&sweep->grid, row->setting, a));
    json_add_finite(json, "runs_finished", (double)row->finished);
    json_add_finite(json, "mean", row->means[sweep->metric]);
    json_add_finite(json, "std", row->deviation);
    add_interval(json, "interval", &row->interval);
    json_add_finite(json, "validation", row->selection);
    FOR_METRICS (f, sweep->task)
        json_add_finite(json, METRICS[f].name, row->means[f]);
    cJSON *intervals = cJSON_AddObjectToObject(json, "intervals");
    FOR_METRICS (f, sweep->task)
        add_interval(intervals, METRICS[f].name, &row->intervals[f]);
    if (row->finished)
        cJSON_AddItemToObject(json, "costs", costs_json(row));
    if (row->compared)
        cJSON_AddItemToObject(json, "against_best", comparison_json(row));
    cJSON *runs = cJSON_AddArrayToObject(json, "runs");
    for (size_t s = 0; s < sweep->grid.seeds.count; s++)
        cJSON_AddItemToArray(runs, run_json(sweep, row, &row->runs[s]));
    return json;
}

/* ---- notes: what a reader of the table must know ---- */

static void add_note(cJSON *notes, char *text)
{
    cJSON_AddItemToArray(notes, cJSON_CreateString(text));
    free(text);
}

static size_t count_compared(const struct sweep *sweep)
{
    size_t n = 0;

    for (size_t i = 0; i < sweep->count; i++)
        n += sweep->rows[i].compared;
    return n;
}

/* What the tests take for one trial. */
static const char *tested_unit(const struct sweep *sweep)
{
    if (text_equal(sweep->cluster_unit, "speaker"))
        return "a speaker's predictions together";
    return sweep->grid.seeds.count == 1 ? "each clip by itself"
                                        : "a clip's predictions from all seeds together";
}

static void add_comparison_notes(cJSON *notes, const struct sweep *sweep, size_t compared)
{
    add_note(
        notes,
        mem_format(
            "Differences are to the best setting, over the seeds that both have finished. Their intervals "
            "stand alone; the p-values are adjusted for %zu comparison%s (Holm).",
            compared, compared == 1 ? "" : "s"));
    add_note(notes,
             mem_format(
                 "McNemar's test compares right and wrong predictions, the permutation test the metric; both "
                 "take %s.",
                 tested_unit(sweep)));
    if (!sweep_chooses_on_validation(sweep->config))
        add_note(notes, mem_string("The best setting was found on these test clips: its metric is "
                                   "optimistic, and the p-values do "
                                   "not account for the choice."));
}

/* The setting that the validation part would choose, if every finished setting has one. */
static const struct sweep_row *chosen_row(const struct sweep *sweep)
{
    const struct sweep_row *best = NULL;

    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        if (row->is_ensemble)
            continue;
        if (row->finished && !isfinite(row->selection))
            return NULL;
        if (row->finished && (!best || metric_is_better(sweep->metric, row->selection, best->selection)))
            best = row;
    }
    return best;
}

static void add_unfinished_notes(cJSON *notes, const struct sweep *sweep)
{
    if (config_settings(sweep->config)->sweep.search == SEARCH_HALVING) {
        add_note(notes, mem_string("The other settings were dropped on the way, or are still to come: "
                                   "halving.csv has what they came to, once all stages are done."));
        return;
    }
    for (size_t i = 0; i < sweep->count; i++) {
        for (size_t s = 0; s < sweep->grid.seeds.count; s++) {
            const struct sweep_run *run = &sweep->rows[i].runs[s];
            if (!run->finished)
                add_note(notes, mem_format("not finished: %s%s%s", run->name, *run->unfinished ? ": " : "",
                                           run->unfinished));
        }
    }
}

/* What must be known where test clips had a say. */
static void add_selection_notes(cJSON *notes, const struct sweep *sweep)
{
    size_t chosen = 0;

    for (size_t i = 0; i < sweep->count; i++)
        for (size_t s = 0; !sweep->rows[i].is_ensemble && s < sweep->grid.seeds.count; s++)
            chosen += sweep->rows[i].runs[s].test_chose;
    if (chosen)
        add_note(notes,
                 mem_format("The best checkpoints of %zu run%s were chosen on the test part itself, for "
                            "want of a validation part (split.validation): their metrics are "
                            "optimistic beside those of others.",
                            chosen, chosen == 1 ? "" : "s"));
    if (chosen_row(sweep) && sweep->count > 1 && sweep->grid.folds > 1)
        add_note(notes,
                 mem_string("One setting is chosen for all folds, and the validation part of a fold is "
                            "in the test parts of others: the chosen setting's metric is somewhat "
                            "optimistic."));
}

static cJSON *notes_json(const struct sweep *sweep)
{
    const struct sweep_row *choice = chosen_row(sweep);
    size_t compared = count_compared(sweep);
    cJSON *notes = cJSON_CreateArray();

    if (sweep->cluster_unit)
        add_note(notes, mem_format("95 %% intervals: %d bootstrap resamples of the %zu %ss%s%s.",
                                   BOOTSTRAP_RESAMPLES, sweep->clusters, sweep->cluster_unit,
                                   sweep->grid.seeds.count > 1 ? " and of the seeds" : "",
                                   sweep->clusters < CLUSTERS_FEW ? "; of so few they are too narrow" : ""));
    if (compared)
        add_comparison_notes(notes, sweep, compared);
    else if (sweep->cluster_unit && !sweep->clips)
        add_note(notes,
                 mem_string("The settings' test clips differ, so they are not compared clip by clip."));
    if (sweep_corpus_changed(sweep))
        add_note(notes, mem_string(CORPUS_CHANGED));
    add_selection_notes(notes, sweep);
    if (sweep_chooses_on_validation(sweep->config))
        add_note(notes, mem_string("Settings are ranked by the validation part, which chooses the first."));
    else if (choice && sweep->count > 1)
        add_note(notes, mem_format("Chosen on the validation part instead: %s, test %s %.4f.", choice->label,
                                   metric_title(sweep->metric, sweep->task), choice->means[sweep->metric]));
    add_unfinished_notes(notes, sweep);
    return notes;
}

/* ---- the whole ---- */

cJSON *sweep_json(const struct sweep *sweep)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "name", path_base(sweep->folder));
    cJSON_AddStringToObject(json, "task", TASKS[sweep->task].name);
    cJSON_AddStringToObject(json, "metric", METRICS[sweep->metric].name);
    cJSON_AddStringToObject(json, "grid", config_settings(sweep->config)->sweep.grid);
    cJSON_AddBoolToObject(json, "compares_models", sweep->grid.files.count > 0);
    cJSON_AddItemToObject(
        json, "seeds",
        cJSON_CreateStringArray((const char *const *)sweep->grid.seeds.items, (int)sweep->grid.seeds.count));
    cJSON_AddStringToObject(json, "ended", sweep->ended ? sweep->ended : "");
    cJSON_AddNumberToObject(json, "clips", (double)sweep->clips);
    cJSON_AddNumberToObject(json, "resamples", BOOTSTRAP_RESAMPLES);
    cJSON_AddStringToObject(json, "resampled_unit", sweep->cluster_unit ? sweep->cluster_unit : "");
    cJSON *rows = cJSON_AddArrayToObject(json, "settings");
    for (size_t i = 0; i < sweep->count; i++)
        cJSON_AddItemToArray(rows, row_json(sweep, &sweep->rows[i]));
    cJSON_AddItemToObject(json, "notes", notes_json(sweep));
    return json;
}

/* ---- files ---- */

static bool write_table(const char *folder, const cJSON *json, const char *name,
                        void (*print)(const cJSON *json, struct text *out), struct error *error)
{
    struct text text = {0};
    char *path = path_join(folder, name);

    print(json, &text);
    bool done = file_write(path, text.text, text.length, error);
    text_free(&text);
    free(path);
    return done;
}

bool sweep_write(const struct sweep *sweep, struct error *error)
{
    char *path = path_join(sweep->folder, "sweep.json");
    cJSON *json = sweep_json(sweep);
    bool done = write_table(sweep->folder, json, "sweep.txt", sweep_text, error) &&
                write_table(sweep->folder, json, "sweep.csv", sweep_csv, error) &&
                fields_write(path, json, error) &&
                write_table(sweep->folder, json, "sweep.html", sweep_html, error);

    cJSON_Delete(json);
    free(path);
    return done;
}

void sweep_print(const struct sweep *sweep, struct text *out)
{
    cJSON *json = sweep_json(sweep);

    sweep_text(json, out);
    cJSON_Delete(json);
}
