/* A sweep's tables as text and CSV, from sweep.json. */
#include "report/sweep.h"

#include "base/csv.h"
#include "report/fields.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- text ---- */

/* A number of four decimals, or a dash where there is none. */
static void add_number(struct text *out, double value)
{
    text_add(out, " ");
    text_add_number(out, value, 8, 4);
}

static void add_p(struct text *out, double p)
{
    char buffer[P_SIZE];

    text_add(out, " %8s", p_text(buffer, p));
}

static void add_interval(struct text *out, struct interval interval, bool differences)
{
    char text[40];

    if (!isfinite(interval.low))
        snprintf(text, sizeof text, "-");
    else
        snprintf(text, sizeof text, differences ? "%+.4f to %+.4f" : "%.4f to %.4f", interval.low,
                 interval.high);
    text_add(out, " %*s", differences ? 18 : 16, text);
}

static void add_row(struct text *out, const cJSON *row, size_t rank, int width, bool selection)
{
    const cJSON *comparison = field(row, "against_best");
    size_t finished = field_count(row, "runs_finished");

    if (finished)
        text_add(out, "%4zu", rank);
    else
        text_add(out, "%4s", "-");
    text_add(out, "  ");
    text_add_column(out, field_text(row, "label"), -width);
    text_add(out, " %4zu", finished);
    add_number(out, field_number(row, "mean"));
    add_number(out, field_number(row, "std"));
    add_interval(out, field_interval(row, "interval"), false);
    if (selection)
        add_number(out, field_number(row, "validation"));
    if (comparison) {
        text_add(out, "    %+8.4f", field_number(comparison, "difference"));
        add_interval(out, field_interval(comparison, "interval"), true);
        add_p(out, field_number(comparison, "mcnemar_p_holm"));
        add_p(out, field_number(comparison, "permutation_p_holm"));
    } else if (rank == 1 && finished && row->next) {
        text_add(out, "    the best");
    }
    text_add(out, "\n");
}

static void add_ranking(struct text *out, const cJSON *rows, int width)
{
    bool selection = field_in_any(rows, "validation");
    const cJSON *row = NULL;
    size_t rank = 0;

    text_add(out, "\n\n%4s  %-*s %4s %8s %8s %16s", "", width, "setting", "runs", "mean", "std",
             "95 % interval ");
    text_add(out, selection ? " %8s" : "%s", selection ? "validat." : "");
    if (field_in_any(rows, "against_best"))
        text_add(out, "  %10s %18s %8s %8s", "difference", "95 % interval   ", "McNemar", "permut.");
    text_add(out, "\n");
    cJSON_ArrayForEach(row, rows) add_row(out, row, ++rank, width, selection);
}

/* Every metric with its interval. */
static void add_metrics(struct text *out, const cJSON *rows, int width, enum task task)
{
    const cJSON *row = NULL;
    size_t rank = 0;
    char number[TEXT_NUMBER_SIZE];

    text_add(out, "\n%4s  %-*s", "", width, "");
    FOR_METRICS (f, task)
        if (f != METRIC_LOSS)
            text_add(out, "  %-25s", metric_title(f, task));
    text_add(out, "\n");
    cJSON_ArrayForEach(row, rows)
    {
        if (field_count(row, "runs_finished") == 0)
            break;
        text_add(out, "%4zu  ", ++rank);
        text_add_column(out, field_text(row, "label"), -width);
        FOR_METRICS (f, task) {
            struct interval interval = field_interval(field(row, "intervals"), METRICS[f].name);
            if (f != METRIC_LOSS && isfinite(interval.low))
                text_add(out, "  %.4f (%.4f to %.4f)", field_number(row, METRICS[f].name), interval.low,
                         interval.high);
            else if (f != METRIC_LOSS)
                text_add(out, "  %-25s", field_cell(field(row, METRICS[f].name), number));
        }
        text_add(out, "\n");
    }
}

/* What each setting costs. */
static void add_costs(struct text *out, const cJSON *rows, int width)
{
    const cJSON *row = NULL;
    size_t rank = 0;

    text_add(out, "\n%4s  %-*s %12s %14s %16s %12s\n", "", width, "", "parameters", "training (s)",
             "test (clips/s)", "memory (MiB)");
    cJSON_ArrayForEach(row, rows)
    {
        const cJSON *costs = field(row, "costs");
        if (!costs)
            continue;
        text_add(out, "%4zu  ", ++rank);
        text_add_column(out, field_text(row, "label"), -width);
        text_add(out, " %12.0f %14.1f %16.1f %12.0f\n", field_number(costs, "parameters"),
                 field_number(costs, "training_seconds"), field_number(costs, "test_clips_per_second"),
                 field_number(costs, "memory_mib"));
    }
}

void sweep_text(const cJSON *json, struct text *out)
{
    const cJSON *rows = field(json, "settings"), *item = NULL;
    enum task task = field_task(json);
    int width = field_width(rows, "label", "setting");

    text_add(out, "%s on the test part, mean over seeds",
             metric_title(metric_find(field_text(json, "metric")), task));
    cJSON_ArrayForEach(item, field(json, "seeds")) text_add(out, " %s", item->valuestring);
    if (field_count(json, "clips"))
        text_add(out, "; %zu clips", field_count(json, "clips"));
    add_ranking(out, rows, width);
    add_metrics(out, rows, width, task);
    if (cJSON_IsTrue(field(json, "compares_models"))) /* of one model, times would only make tables differ */
        add_costs(out, rows, width);
    text_add(out, "\n");
    cJSON_ArrayForEach(item, field(json, "notes")) text_add(out, "%s\n", item->valuestring);
}

/* ---- CSV ---- */

static const char *const COSTS[] = {"parameters", "training_seconds", "test_clips_per_second", "memory_mib"};

enum { COST_COUNT = sizeof COSTS / sizeof COSTS[0] };

static void add_csv_number(struct text *out, double value)
{
    char number[TEXT_NUMBER_SIZE];

    text_add(out, ",%s", isfinite(value) ? text_from_number(number, value) : "");
}

static void add_csv_heading(struct text *out, const cJSON *rows, bool costs, enum task task)
{
    const cJSON *axis = NULL;

    text_add(out, "rank");
    cJSON_ArrayForEach(axis, field(cJSON_GetArrayItem(rows, 0), "setting"))
        text_add(out, ",%s", axis->string);
    text_add(out, ",runs,metric,mean,std,low,high,validation,difference,difference_low,difference_high,"
                  "mcnemar_p,mcnemar_p_holm,permutation_p,permutation_p_holm");
    for (size_t n = 0; costs && n < COST_COUNT; n++)
        text_add(out, ",%s", COSTS[n]);
    FOR_METRICS (f, task)
        text_add(out, ",%s", METRICS[f].name);
    text_add(out, "\n");
}

/* The value of a metric with its interval, then the comparison with the best. */
static void add_csv_numbers(struct text *out, const cJSON *row)
{
    const cJSON *c = field(row, "against_best");
    struct interval interval = field_interval(row, "interval"), difference = field_interval(c, "interval");
    const double numbers[] = {field_number(row, "mean"),
                              field_number(row, "std"),
                              interval.low,
                              interval.high,
                              field_number(row, "validation"),
                              field_number(c, "difference"),
                              difference.low,
                              difference.high,
                              field_number(c, "mcnemar_p"),
                              field_number(c, "mcnemar_p_holm"),
                              field_number(c, "permutation_p"),
                              field_number(c, "permutation_p_holm")};

    for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++)
        add_csv_number(out, numbers[n]);
}

void sweep_csv(const cJSON *json, struct text *out)
{
    const cJSON *rows = field(json, "settings"), *row = NULL, *axis = NULL;
    bool costs = cJSON_IsTrue(field(json, "compares_models"));
    enum task task = field_task(json);
    size_t rank = 0;

    add_csv_heading(out, rows, costs, task);
    cJSON_ArrayForEach(row, rows)
    {
        text_add(out, "%zu", ++rank);
        cJSON_ArrayForEach(axis, field(row, "setting"))
        {
            text_add(out, ",");
            csv_add_name(out, axis->valuestring);
        }
        text_add(out, ",%zu,%s", field_count(row, "runs_finished"), field_text(json, "metric"));
        add_csv_numbers(out, row);
        for (size_t n = 0; costs && n < COST_COUNT; n++)
            add_csv_number(out, field_number(field(row, "costs"), COSTS[n]));
        FOR_METRICS (f, task)
            add_csv_number(out, field_number(row, METRICS[f].name));
        text_add(out, "\n");
    }
}
