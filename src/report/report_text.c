/* classification_report.txt from report.json: the table as scikit-learn prints it, then what it does not
 * print. */
#include "report/report.h"

#include "base/memory.h"
#include "report/fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_WIDTH = 13, GROUP_WIDTH = 30 }; /* least */

static void add_table(const cJSON *json, struct text *out)
{
    struct arena arena = {0};
    struct evaluation evaluation;

    field_evaluation(&evaluation, json, &arena);
    evaluation_print(&evaluation, out);
    arena_free(&arena);
}

static void add_intervals(const cJSON *json, struct text *out)
{
    const cJSON *intervals = field(json, "intervals"), *calibration = field(json, "calibration");
    enum task task = field_task(json);

    text_add(out, "\n%-20s %9s   95 %% interval (%zu bootstrap resamples of %zu %ss)\n", "", "",
             field_count(intervals, "resamples"), field_count(intervals, "units"),
             field_text(intervals, "unit"));
    FOR_METRICS (f, task) {
        struct interval interval = field_interval(intervals, METRICS[f].name);
        if (isnan(field_number(json, METRICS[f].name)))
            continue; /* the table above has "-" */
        text_add(out, "%-20s %9.4f   %.4f to %.4f\n", metric_title(f, task),
                 field_number(json, METRICS[f].name), interval.low, interval.high);
    }
    if (calibration)
        text_add(out, "%-20s %9.4f   (%d bins)\n", "calibration error",
                 field_number(calibration, "expected_calibration_error"),
                 cJSON_GetArraySize(field(calibration, "bins")));
    const cJSON *before = field(calibration, "before_temperature_scaling");
    if (before)
        text_add(out,
                 "before temperature scaling (T = %.3f): cross-entropy loss %.4f, calibration error %.4f\n",
                 field_number(calibration, "temperature"), field_number(before, METRICS[METRIC_LOSS].name),
                 field_number(before, "expected_calibration_error"));
}

/* Accuracy where only the surest predictions are kept. */
static void add_coverage(const cJSON *json, struct text *out)
{
    const cJSON *point = NULL;

    if (!field(json, "coverage"))
        return;
    text_add(out, "\n%-20s", "coverage");
    cJSON_ArrayForEach(point, json_at(json, "coverage", "points"))
        text_add(out, " %7.0f%%", 100 * field_number(point, "coverage"));
    text_add(out, "\n%-20s", "accuracy");
    cJSON_ArrayForEach(point, json_at(json, "coverage", "points"))
        text_add(out, " %8.4f", field_number(point, "accuracy"));
    text_add(out, "\n%-20s", "probability at least");
    cJSON_ArrayForEach(point, json_at(json, "coverage", "points"))
        text_add(out, " %8.4f", field_number(point, "threshold"));
    text_add(out, "\n");
}

static void add_remarks(const cJSON *json, struct text *out)
{
    const cJSON *remark = NULL;
    const char *gap = "\n";

    cJSON_ArrayForEach(remark, field(json, "remarks"))
    {
        text_add(out, "%s%s\n", gap, remark->valuestring);
        gap = "";
    }
}

/* ---- tables that the run recorded ---- */

/* A blank before the longest cell of the column at least. */
static int column_width(const cJSON *table, int column)
{
    const cJSON *row = NULL;
    char buffer[TEXT_NUMBER_SIZE];
    int longest = text_characters(field_cell(cJSON_GetArrayItem(field(table, "columns"), column), buffer));

    cJSON_ArrayForEach(row, field(table, "rows"))
    {
        int length = text_characters(field_cell(cJSON_GetArrayItem(row, column), buffer));
        longest = length > longest ? length : longest;
    }
    return longest < CELL_WIDTH ? CELL_WIDTH : longest + 1;
}

static void add_recorded_row(const cJSON *row, const int *widths, int count, struct text *out)
{
    const cJSON *item = NULL;
    char buffer[TEXT_NUMBER_SIZE];
    int column = 0;

    cJSON_ArrayForEach(item, row)
    {
        text_add_column(out, field_cell(item, buffer), column < count ? widths[column] : CELL_WIDTH);
        column++;
    }
    text_add(out, "\n");
}

static void add_recorded_table(const cJSON *table, struct text *out)
{
    const cJSON *columns = field(table, "columns"), *row = NULL;
    const int count = cJSON_GetArraySize(columns);
    int *widths = mem_zero((size_t)count + 1, sizeof *widths);

    for (int c = 0; c < count; c++)
        widths[c] = column_width(table, c);
    text_add(out, "\n%s\n", field_text(table, "title"));
    add_recorded_row(columns, widths, count, out);
    cJSON_ArrayForEach(row, field(table, "rows")) add_recorded_row(row, widths, count, out);
    if (*field_text(table, "note"))
        text_add(out, "%s\n", field_text(table, "note"));
    free(widths);
}

static void add_recorded_tables(const cJSON *json, struct text *out)
{
    const cJSON *table = NULL;

    cJSON_ArrayForEach(table, field(json, "tables")) add_recorded_table(table, out);
}

/* ---- groups ---- */

/* The groups of one attribute: of the clips of women, of the clips of men. */
static void add_groups_by(const cJSON *attribute, enum task task, struct text *out)
{
    const cJSON *group = NULL;

    int width = GROUP_WIDTH;
    cJSON_ArrayForEach(group, attribute) width =
        text_characters(group->string) > width ? text_characters(group->string) : width;
    text_add(out, "\nby ");
    text_add_column(out, attribute->string, -width);
    text_add(out, " %9s", "clips");
    for (size_t i = 0; i < GROUP_METRICS; i++)
        text_add(out, " %14s", metric_title(group_metric(task, i), task));
    text_add(out, "\n");
    cJSON_ArrayForEach(group, attribute)
    {
        text_add(out, "   ");
        text_add_column(out, group->string, -width);
        text_add(out, " %9zu", field_count(group, "clips"));
        for (size_t i = 0; i < GROUP_METRICS; i++) {
            text_add(out, " ");
            text_add_number(out, field_number(group, METRICS[group_metric(task, i)].name), 14, 4);
        }
        text_add(out, "\n");
    }
}

static void add_groups(const cJSON *json, bool speakers, struct text *out)
{
    const cJSON *attribute = NULL;

    cJSON_ArrayForEach(attribute,
                       field(json, "groups")) if (speakers || strcmp(attribute->string, "speaker") != 0)
        add_groups_by(attribute, field_task(json), out);
}

/* ---- against a baseline ---- */

static void add_changes(const cJSON *json, bool compared, struct text *out)
{
    enum task task = field_task(json);
    char p[P_SIZE], change[TEXT_NUMBER_SIZE];

    text_add(out, "%-20s %9s %9s %9s%s\n", "", "before", "now", "change",
             compared ? "   95 % interval       p (permutation test)" : "");
    FOR_METRICS (f, task) {
        const cJSON *metric = json_at(json, "baseline", METRICS[f].name);
        struct interval interval = field_interval(metric, "interval");
        text_add(out, "%-20s ", metric_title(f, task));
        text_add_number(out, field_number(metric, "before"), 9, 4);
        text_add(out, " ");
        text_add_number(out, field_number(json, METRICS[f].name), 9, 4);
        text_add(out, " %9s", field_change(field_number(metric, "change"), change));
        if (compared && isfinite(interval.low))
            text_add(out, "   %+.4f to %+.4f   %s", interval.low, interval.high,
                     p_text(p, field_number(metric, "permutation_p")));
        text_add(out, "\n");
    }
}

static void add_baseline(const cJSON *json, struct text *out)
{
    const cJSON *baseline = field(json, "baseline"), *changed = field(baseline, "settings_changed"),
                *item = NULL;
    bool compared = cJSON_IsTrue(field(baseline, "compared"));
    char p[P_SIZE];

    if (!baseline)
        return;
    text_add(out, "\nagainst the run %s\n", field_text(baseline, "run"));
    add_changes(json, compared, out);
    if (field(baseline, "fixed"))
        text_add(out, "%zu clips that were wrong are right, %zu that were right are wrong; McNemar p %s\n",
                 field_count(baseline, "fixed"), field_count(baseline, "broken"),
                 p_text(p, field_number(baseline, "mcnemar_p")));
    else if (!compared)
        text_add(out, "not the same test clips and labels, so not compared clip by clip\n");
    const char *before = "settings changed: ";
    cJSON_ArrayForEach(item, changed)
    {
        text_add(out, "%s%s\n", before, item->valuestring);
        before = "                  ";
    }
    if (cJSON_GetArraySize(changed) == 0)
        text_add(out, "no setting changed\n");
}

/* ---- the texts ---- */

void report_text(const cJSON *json, struct text *out)
{
    add_table(json, out);
    add_intervals(json, out);
    add_coverage(json, out);
    add_remarks(json, out);
    add_recorded_tables(json, out);
    add_baseline(json, out);
    add_groups(json, true, out);
    if (*field_text(json, "protocol"))
        text_add(out, "\nprotocol\n%s", field_text(json, "protocol"));
}

void report_summary(const cJSON *json, struct text *out)
{
    add_table(json, out);
    add_groups(json, false, out);
    add_recorded_tables(json, out);
    add_baseline(json, out);
    add_remarks(json, out);
    add_intervals(json, out);
}
