/* sweep.html: a sweep's or comparison's tables on one self-contained page, from sweep.json. */
#include "report/fields.h"
#include "report/html.h"
#include "report/svg.h"
#include "report/sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- names and links ---- */

/* ": seed 1, seed 2", each with the run's report; a seed over folds has one for each. */
static void add_runs(struct text *page, const cJSON *runs)
{
    const cJSON *run = NULL, *report = NULL;

    cJSON_ArrayForEach(run, runs)
    {
        const cJSON *reports = field(run, "reports");
        int fold = 0;
        cJSON_ArrayForEach(report, reports)
        {
            text_add(page, "<a href=\"");
            html_address(page, report->valuestring);
            text_add(page, "\">seed ");
            text_add_html(page, field_text(run, "seed"));
            if (cJSON_GetArraySize(reports) > 1)
                text_add(page, ", fold %d", fold++);
            text_add(page, "</a> ");
        }
    }
}

static void add_label(struct text *page, const cJSON *row)
{
    text_add(page, "<tr><td>");
    text_add_html(page, field_text(row, "label"));
    text_add(page, "</td>");
}

static bool is_finished(const cJSON *row)
{
    return field_count(row, "runs_finished") > 0;
}

/* ---- ranking ---- */

static void include(struct svg_scale *scale, double value)
{
    if (!isfinite(value))
        return;
    scale->low = fmin(scale->low, value);
    scale->high = fmax(scale->high, value);
}

/* A scale that holds every setting's interval and seeds. */
static struct svg_scale fit_scale(const cJSON *rows, const char *metric)
{
    struct svg_scale scale = {INFINITY, -INFINITY};
    const cJSON *row = NULL, *run = NULL;

    cJSON_ArrayForEach(row, rows)
    {
        struct interval interval = field_interval(row, "interval");
        include(&scale, interval.low);
        include(&scale, interval.high);
        cJSON_ArrayForEach(run, field(row, "runs")) include(&scale, field_number(run, metric));
    }
    if (!(scale.high > scale.low)) /* one value, or none */
        scale = isfinite(scale.low) ? (struct svg_scale){scale.low - 0.5, scale.high + 0.5}
                                    : (struct svg_scale){0, 1};
    return scale;
}

enum { MOST_SEEDS = 64 }; /* that a row shows dots of */

static void add_range(struct text *page, const cJSON *row, const char *metric, struct svg_scale scale)
{
    struct interval interval = field_interval(row, "interval");
    const cJSON *runs = field(row, "runs"), *run = NULL;
    double values[MOST_SEEDS];
    size_t count = 0;

    cJSON_ArrayForEach(run, runs) if (cJSON_GetArraySize(runs) > 1 && count < MOST_SEEDS) values[count++] =
        field_number(run, metric);
    text_add(page, "<td>");
    svg_range(page, scale, interval.low, field_number(row, "mean"), interval.high, values, count);
    text_add(page, "</td>");
}

/* A number over its interval. */
static void add_value(struct text *page, const char *format, double value, struct interval interval)
{
    char number[40];

    snprintf(number, sizeof number, format, value);
    text_add(page, "<td>%s", isfinite(value) ? number : "-");
    if (isfinite(interval.low)) {
        text_add(page, "<br><small>");
        html_interval(page, format, interval);
        text_add(page, "</small>");
    }
    text_add(page, "</td>");
}

static void add_comparison(struct text *page, const cJSON *comparison)
{
    char p[P_SIZE];

    add_value(page, "%+.4f", field_number(comparison, "difference"), field_interval(comparison, "interval"));
    text_add(page, "<td>");
    text_add_html(page, p_text(p, field_number(comparison, "mcnemar_p_holm")));
    text_add(page, "</td><td>");
    text_add_html(page, p_text(p, field_number(comparison, "permutation_p_holm")));
    text_add(page, "</td>");
}

static void add_rank(struct text *page, const cJSON *row, const char *metric, struct svg_scale scale,
                     bool best)
{
    const cJSON *comparison = field(row, "against_best");

    text_add(page, "<tr><td>");
    text_add_html(page, field_text(row, "label"));
    text_add(page, "<br><small>");
    add_runs(page, field(row, "runs"));
    text_add(page, "</small></td>");
    add_value(page, "%.4f", field_number(row, "mean"), field_interval(row, "interval"));
    html_cell(page, "%.4f", field_number(row, "std"));
    add_range(page, row, metric, scale);
    if (comparison)
        add_comparison(page, comparison);
    else
        text_add(page, "<td>%s</td><td></td><td></td>",
                 best               ? "the best"
                 : is_finished(row) ? ""
                                    : "not finished");
    text_add(page, "</tr>\n");
}

/* Ranked, with what the differences are worth. */
static void add_ranking(struct text *page, const cJSON *json)
{
    const char *metric = field_text(json, "metric");
    const cJSON *rows = field(json, "settings"), *row = NULL;
    struct svg_scale scale = fit_scale(rows, metric);
    bool best = true;

    text_add(
        page,
        "<div class=\"wide\"><table class=\"ranking\"><tr><th></th><th>%s</th><th>deviation</th><th></th>"
        "<th>to the best</th><th>McNemar p</th><th>permutation p</th></tr>\n",
        metric_title(metric_find(metric), field_task(json)));
    cJSON_ArrayForEach(row, rows)
    {
        add_rank(page, row, metric, scale, best && is_finished(row));
        best = false;
    }
    text_add(page, "<tr><td></td><td></td><td></td><td>");
    svg_range_axis(page, scale);
    text_add(page, "</td><td></td><td></td><td></td></tr>\n</table></div>\n");
    text_add(page,
             "<p class=\"soft\">Small numbers are 95 %% intervals. Dot: mean; line: its interval%s.</p>\n",
             cJSON_GetArraySize(field(json, "seeds")) > 1 ? "; rings: the seeds" : "");
}

/* ---- the other tables ---- */

static void add_metrics(struct text *page, const cJSON *json)
{
    enum task task = field_task(json);
    const cJSON *row = NULL;

    text_add(page, "<h2>Every metric</h2>\n<div class=\"wide\"><table><tr><th></th>");
    FOR_METRICS (f, task)
        text_add(page, "<th>%s</th>", metric_title(f, task));
    text_add(page, "</tr>\n");
    cJSON_ArrayForEach(row, field(json, "settings"))
    {
        if (!is_finished(row))
            continue;
        add_label(page, row);
        FOR_METRICS (f, task)
            add_value(page, "%.3f", field_number(row, METRICS[f].name),
                      field_interval(field(row, "intervals"), METRICS[f].name));
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n");
}

static void add_costs(struct text *page, const cJSON *json)
{
    const cJSON *row = NULL;

    text_add(page, "<h2>What it costs</h2>\n<div "
                   "class=\"wide\"><table><tr><th></th><th>parameters</th><th>training, s</th>"
                   "<th>test, clips/s</th><th>memory, MiB</th></tr>\n");
    cJSON_ArrayForEach(row, field(json, "settings"))
    {
        const cJSON *costs = field(row, "costs");
        if (!costs)
            continue;
        add_label(page, row);
        html_cell(page, "%.0f", field_number(costs, "parameters"));
        html_cell(page, "%.1f", field_number(costs, "training_seconds"));
        html_cell(page, "%.1f", field_number(costs, "test_clips_per_second"));
        html_cell(page, "%.0f", field_number(costs, "memory_mib"));
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n");
}

static void add_list(struct text *page, const cJSON *items, const char *between)
{
    const cJSON *item = NULL;
    const char *before = "";

    cJSON_ArrayForEach(item, items)
    {
        text_add(page, "%s", before);
        text_add_html(page, item->valuestring);
        before = between;
    }
}

static void add_head(struct text *page, const cJSON *json)
{
    html_head(page, field_text(json, "name"), "");
    text_add(page, "<p class=\"soft\">%s on the test part",
             metric_title(metric_find(field_text(json, "metric")), field_task(json)));
    if (field_count(json, "clips"))
        text_add(page, ", %zu clips", field_count(json, "clips"));
    text_add(page, "; %s ", cJSON_GetArraySize(field(json, "seeds")) == 1 ? "seed" : "seeds");
    add_list(page, field(json, "seeds"), ", ");
    if (*field_text(json, "ended"))
        text_add(page, "; last run ended %s", field_text(json, "ended"));
    text_add(page, "</p>\n<p class=\"soft\">Configuration: <a href=\"sweep.ini\">sweep.ini</a>");
    if (*field_text(json, "grid")) {
        text_add(page, ", grid <code>");
        text_add_html(page, field_text(json, "grid"));
        text_add(page, "</code>");
    }
    text_add(page, "</p>\n");
}

void sweep_html(const cJSON *json, struct text *page)
{
    add_head(page, json);
    add_ranking(page, json);
    add_metrics(page, json);
    add_costs(page, json);
    text_add(page, "<h2>How to read it</h2>\n<p>");
    add_list(page, field(json, "notes"), "</p>\n<p>");
    text_add(page, "</p>\n");
    html_end(page, "");
}
