/* A sweep's table as text, CSV and JSON. */
#include "report/sweep.h"

#include "base/csv.h"
#include "base/files.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static int label_width(const struct sweep *sweep)
{
    size_t width = strlen("setting");

    for (size_t i = 0; i < sweep->count; i++)
        width = strlen(sweep->rows[i].label) > width ? strlen(sweep->rows[i].label) : width;
    return (int)width;
}

/* A number of four decimals, or a dash where there is none. */
static void add_number(struct text *out, double value)
{
    if (isfinite(value))
        text_add(out, " %8.4f", value);
    else
        text_add(out, " %8s", "-");
}

static void add_interval(struct text *out, const struct interval *interval, bool differences)
{
    char text[40];

    if (!isfinite(interval->low))
        snprintf(text, sizeof text, "-");
    else
        snprintf(text, sizeof text, differences ? "%+.4f to %+.4f" : "%.4f to %.4f", interval->low,
                 interval->high);
    text_add(out, " %*s", differences ? 18 : 16, text);
}

static void add_row(struct text *out, const struct sweep *sweep, size_t i, int width, bool selection)
{
    const struct sweep_row *row = &sweep->rows[i];

    if (row->finished)
        text_add(out, "%4zu", i + 1);
    else
        text_add(out, "%4s", "-");
    text_add(out, "  %-*s %4zu", width, row->label, row->finished);
    add_number(out, row->means[sweep->metric]);
    add_number(out, row->deviation);
    add_interval(out, &row->interval, false);
    if (selection)
        add_number(out, row->selection);
    if (row->compared) {
        text_add(out, "    %+8.4f", row->comparison.difference);
        add_interval(out, &row->comparison.interval, true);
        add_number(out, row->mcnemar_adjusted);
        add_number(out, row->bootstrap_adjusted);
    } else if (i == 0 && row->finished && sweep->count > 1) {
        text_add(out, "    the best");
    }
    text_add(out, "\n");
}

static bool has_selection(const struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->count; i++)
        if (isfinite(sweep->rows[i].selection))
            return true;
    return false;
}

static size_t count_compared(const struct sweep *sweep)
{
    size_t n = 0;

    for (size_t i = 0; i < sweep->count; i++)
        n += sweep->rows[i].compared;
    return n;
}

/* The setting that the validation part would choose, if it has been asked for all. */
static const struct sweep_row *chosen(const struct sweep *sweep)
{
    const struct sweep_row *best = NULL;

    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        if (row->finished && !isfinite(row->selection))
            return NULL;
        if (row->finished && (!best || metric_is_better(sweep->metric, row->selection, best->selection)))
            best = row;
    }
    return best;
}

/* What the metrics of settings that were compared mean, and what they do not. */
static void add_comparison_notes(struct text *out, const struct sweep *sweep, size_t compared)
{
    bool single = strcmp(sweep->cluster_unit, "clip") == 0 && sweep->grid.seeds.count == 1;

    text_add(out,
             "Differences are to the best setting, over the seeds that both have; their intervals stand "
             "alone, the "
             "p-values are adjusted\nfor %zu comparison%s (Holm).  McNemar is of right and wrong answers, "
             "the paired "
             "bootstrap of the metric; both take %s.\nThe best was found on these test clips: its figure is "
             "optimistic, and the p-values do not account for the choice.\n",
             compared, compared == 1 ? "" : "s",
             single                                        ? "each clip by itself"
             : strcmp(sweep->cluster_unit, "speaker") == 0 ? "a speaker's answers together"
                                                           : "a clip's answers from all seeds together");
}

/* Every metric with its interval, then what each setting costs. */
static void add_details(struct text *out, const struct sweep *sweep, int width)
{
    text_add(out, "\n%4s  %-*s", "", width, "");
    FOR_METRICS (f, sweep->task)
        if (f != METRIC_LOSS)
            text_add(out, "  %-25s", metric_title(f, sweep->task));
    text_add(out, "\n");
    for (size_t i = 0; i < sweep->count && sweep->rows[i].finished; i++) {
        text_add(out, "%4zu  %-*s", i + 1, width, sweep->rows[i].label);
        FOR_METRICS (f, sweep->task)
            if (f != METRIC_LOSS)
                text_add(out, "  %.4f (%.4f to %.4f)", sweep->rows[i].means[f],
                         sweep->rows[i].intervals[f].low, sweep->rows[i].intervals[f].high);
        text_add(out, "\n");
    }
    if (sweep->grid.files.count == 0) /* of one model, times would only make tables differ */
        return;
    text_add(out, "\n%4s  %-*s %12s %14s %16s %12s\n", "", width, "", "parameters", "training (s)",
             "test (clips/s)", "memory (MiB)");
    for (size_t i = 0; i < sweep->count && sweep->rows[i].finished; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        text_add(out, "%4zu  %-*s %12.0f %14.1f %16.1f %12.0f\n", i + 1, width, row->label, row->parameters,
                 row->seconds, row->test_rate, row->memory);
    }
}

/* What a reader of the table must know. */
static void add_notes(struct text *out, const struct sweep *sweep)
{
    const struct sweep_row *choice = chosen(sweep);
    size_t compared = count_compared(sweep);

    if (sweep->cluster_unit)
        text_add(out, "\n95 %% intervals: %d bootstrap resamples of the %zu %ss%s.\n", BOOTSTRAP_RESAMPLES,
                 sweep->clusters, sweep->cluster_unit,
                 sweep->grid.seeds.count > 1 ? " and of the seeds" : "");
    if (compared)
        add_comparison_notes(out, sweep, compared);
    else if (sweep->cluster_unit && !sweep->clips)
        text_add(out, "The settings' test clips differ, so they are not compared clip by clip.\n");
    if (choice && sweep->count > 1)
        text_add(out, "Chosen on the validation part instead: %s, test %s %.4f.\n", choice->label,
                 metric_title(sweep->metric, sweep->task), choice->means[sweep->metric]);
}

static void add_unfinished(struct text *out, const struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->count; i++) {
        for (size_t s = 0; s < sweep->grid.seeds.count; s++) {
            const struct sweep_run *run = &sweep->rows[i].runs[s];
            if (!run->finished)
                text_add(out, "not finished: %s%s%s\n", run->name, *run->unfinished ? ": " : "", run->unfinished);
        }
    }
}

void sweep_notes(const struct sweep *sweep, struct text *out)
{
    text_add_bytes(out, "", 0);
    add_notes(out, sweep);
    add_unfinished(out, sweep);
}

void sweep_print(const struct sweep *sweep, struct text *out)
{
    int width = label_width(sweep);
    bool selection = has_selection(sweep);

    text_add(out, "%s on the test part, mean over seeds", metric_title(sweep->metric, sweep->task));
    for (size_t s = 0; s < sweep->grid.seeds.count; s++)
        text_add(out, " %s", sweep->grid.seeds.items[s]);
    if (sweep->clips)
        text_add(out, "; %zu clips", sweep->clips);
    text_add(out, "\n\n%4s  %-*s %4s %8s %8s %16s", "", width, "setting", "runs", "mean", "std",
             "95 % interval ");
    text_add(out, selection ? " %8s" : "%s", selection ? "validat." : "");
    if (count_compared(sweep))
        text_add(out, "  %10s %18s %8s %8s", "difference", "95 % interval   ", "McNemar", "bootstr.");
    text_add(out, "\n");
    for (size_t i = 0; i < sweep->count; i++)
        add_row(out, sweep, i, width, selection);
    add_details(out, sweep, width);
    sweep_notes(sweep, out);
}

/* ---- CSV ---- */

static void add_csv_number(struct text *out, double value)
{
    char number[TEXT_NUMBER_SIZE];

    text_add(out, ",%s", isfinite(value) ? text_from_number(number, value) : "");
}

static void print_csv(const struct sweep *sweep, struct text *out)
{
    text_add(out, "rank");
    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        text_add(out, ",%s", sweep->grid.axes[a].name);
    text_add(out, ",runs,metric,mean,std,low,high,validation,difference,difference_low,difference_high,"
                  "mcnemar_p,mcnemar_p_holm,bootstrap_p,bootstrap_p_holm");
    if (sweep->grid.files.count)
        text_add(out, ",parameters,training_seconds,test_clips_per_second,memory_mib");
    FOR_METRICS (f, sweep->task)
        text_add(out, ",%s", METRICS[f].name);
    text_add(out, "\n");
    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        const struct comparison *c = &row->comparison;
        text_add(out, "%zu", i + 1);
        for (size_t a = 0; a < sweep->grid.axis_count; a++) {
            text_add(out, ",");
            csv_add_field(out, grid_value(&sweep->grid, row->setting, a));
        }
        text_add(out, ",%zu,%s", row->finished, METRICS[sweep->metric].name);
        const double numbers[] = {row->means[sweep->metric], row->deviation, row->interval.low,
                                  row->interval.high, row->selection};
        const double differences[] = {c->difference,          c->interval.low,       c->interval.high,
                                      c->mcnemar_p,           row->mcnemar_adjusted, c->bootstrap_p,
                                      row->bootstrap_adjusted};
        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
            add_csv_number(out, numbers[n]);
        for (size_t n = 0; n < sizeof differences / sizeof differences[0]; n++)
            add_csv_number(out, row->compared ? differences[n] : (double)NAN);
        const double costs[] = {row->parameters, row->seconds, row->test_rate, row->memory};
        for (size_t n = 0; sweep->grid.files.count && n < sizeof costs / sizeof costs[0]; n++)
            add_csv_number(out, row->finished ? costs[n] : (double)NAN);
        FOR_METRICS (f, sweep->task)
            add_csv_number(out, row->means[f]);
        text_add(out, "\n");
    }
}

/* ---- JSON ---- */

static void put_interval(cJSON *object, const char *name, const struct interval *interval)
{
    cJSON *array = cJSON_AddArrayToObject(object, name);

    cJSON_AddItemToArray(array, json_finite(interval->low));
    cJSON_AddItemToArray(array, json_finite(interval->high));
}

static cJSON *run_json(const struct sweep_run *run)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "name", run->name);
    cJSON_AddStringToObject(json, "seed", run->seed);
    cJSON_AddBoolToObject(json, "finished", run->finished);
    if (!run->finished) {
        cJSON_AddStringToObject(json, "unfinished", run->unfinished);
        return json;
    }
    json_add_finite(json, "training_seconds_of_last_session", run->seconds);
    json_add_finite(json, "test_seconds", run->test_seconds);
    json_add_finite(json, "parameters", run->parameters);
    json_add_finite(json, "memory_mib", run->memory);
    json_add_finite(json, "validation", run->selection);
    FOR_METRICS (f, run->predictions.task)
        json_add_finite(json, METRICS[f].name, run->metrics[f]);
    return json;
}

static cJSON *comparison_json(const struct sweep_row *row)
{
    const struct comparison *c = &row->comparison;
    cJSON *json = cJSON_CreateObject();

    json_add_finite(json, "difference", c->difference);
    put_interval(json, "interval", &c->interval);
    json_add_finite(json, "only_best_right", (double)c->only_first);
    json_add_finite(json, "only_this_right", (double)c->only_second);
    json_add_finite(json, "mcnemar_p", c->mcnemar_p);
    json_add_finite(json, "mcnemar_p_holm", row->mcnemar_adjusted);
    json_add_finite(json, "bootstrap_p", c->bootstrap_p);
    json_add_finite(json, "bootstrap_p_holm", row->bootstrap_adjusted);
    return json;
}

static cJSON *row_json(const struct sweep *sweep, const struct sweep_row *row)
{
    cJSON *json = cJSON_CreateObject(), *setting = cJSON_AddObjectToObject(json, "setting");

    for (size_t a = 0; a < sweep->grid.axis_count; a++)
        cJSON_AddStringToObject(setting, sweep->grid.axes[a].name, grid_value(&sweep->grid, row->setting, a));
    json_add_finite(json, "mean", row->means[sweep->metric]);
    json_add_finite(json, "std", row->deviation);
    put_interval(json, "interval", &row->interval);
    json_add_finite(json, "validation", row->selection);
    FOR_METRICS (f, sweep->task)
        json_add_finite(json, METRICS[f].name, row->means[f]);
    cJSON *intervals = cJSON_AddObjectToObject(json, "intervals");
    FOR_METRICS (f, sweep->task)
        put_interval(intervals, METRICS[f].name, &row->intervals[f]);
    if (row->compared)
        cJSON_AddItemToObject(json, "against_best", comparison_json(row));
    cJSON *runs = cJSON_AddArrayToObject(json, "runs");
    for (size_t s = 0; s < sweep->grid.seeds.count; s++)
        cJSON_AddItemToArray(runs, run_json(&row->runs[s]));
    return json;
}

static cJSON *sweep_json(const struct sweep *sweep)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "metric", METRICS[sweep->metric].name);
    cJSON_AddStringToObject(json, "grid", config_settings(sweep->config)->sweep.grid);
    cJSON_AddItemToObject(
        json, "seeds",
        cJSON_CreateStringArray((const char *const *)sweep->grid.seeds.items, (int)sweep->grid.seeds.count));
    cJSON_AddNumberToObject(json, "clips", (double)sweep->clips);
    cJSON_AddNumberToObject(json, "resamples", BOOTSTRAP_RESAMPLES);
    cJSON_AddStringToObject(json, "resampled_unit", sweep->cluster_unit ? sweep->cluster_unit : "");
    cJSON *rows = cJSON_AddArrayToObject(json, "settings");
    for (size_t i = 0; i < sweep->count; i++)
        cJSON_AddItemToArray(rows, row_json(sweep, &sweep->rows[i]));
    return json;
}

/* ---- files ---- */

static bool write_text(const struct sweep *sweep, const char *name,
                       void (*print)(const struct sweep *sweep, struct text *out), struct error *error)
{
    struct text text = {0};
    char *path = path_join(sweep->folder, name);

    print(sweep, &text);
    bool done = file_write(path, text.text, text.length, error);
    text_free(&text);
    free(path);
    return done;
}

bool sweep_write(const struct sweep *sweep, struct error *error)
{
    char *path = path_join(sweep->folder, "sweep.json");
    cJSON *json = sweep_json(sweep);
    bool done = write_text(sweep, "sweep.txt", sweep_print, error) &&
                write_text(sweep, "sweep.csv", print_csv, error) && json_write(path, json, error) &&
                sweep_html(sweep, error);

    cJSON_Delete(json);
    free(path);
    return done;
}
