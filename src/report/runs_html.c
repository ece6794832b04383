/* The page of all runs: see runs_html.h. */
#include "report/runs_html.h"

#include "base/files.h"
#include "config/paths.h"
#include "report/html.h"
#include "report/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- curves ---- */

static void add_loss(struct svg_series *series, const struct metric_list *metrics)
{
    for (size_t i = 0; i < metrics->count; i++)
        if (strcmp(metrics->items[i].name, METRICS[METRIC_LOSS].name) == 0)
            svg_add_point(series, metrics->items[i].epoch, metrics->items[i].value);
}

/* The evaluation losses of the first runs that have several. */
static bool add_curves(struct text *page, struct catalogue *catalogue, const struct listed_run *runs,
                       size_t count, struct error *error)
{
    struct svg_chart chart = {.title = "evaluation loss of the newest runs",
                              .x_title = "epoch",
                              .lines = true,
                              .mark = (double)NAN};

    for (size_t i = 0; i < count && chart.series_count < SVG_MOST_SERIES && !error->kind; i++) {
        struct svg_series *series = &chart.series[chart.series_count];
        struct metric_list metrics = {0};
        *series = (struct svg_series){.name = runs[i].row->name};
        if (metrics_read(catalogue, runs[i].row->id, &metrics, error))
            add_loss(series, &metrics);
        if (series->count > 1)
            chart.series_count++;
        else
            svg_series_free(series);
        metric_list_free(&metrics);
    }
    if (chart.series_count > 0 && svg_chart_fit(&chart))
        svg_chart(page, &chart);
    for (size_t k = 0; k < chart.series_count; k++)
        svg_series_free(&chart.series[k]);
    return !error->kind;
}

/* ---- the table ---- */

static void add_link(struct text *page, const char *path, const char *folder, const char *name)
{
    char *relative = path_relative(path, folder);

    text_add(page, "<a href=\"");
    html_address(page, relative);
    text_add(page, "\">");
    text_add_html(page, name);
    text_add(page, "</a>");
    free(relative);
}

static void add_report(struct text *page, const struct run_row *row, const char *folder)
{
    char *path = path_join(row->directory, "report.html");

    text_add(page, "<td>");
    if (path_exists(path))
        add_link(page, path, folder, row->name);
    else
        text_add_html(page, row->name);
    text_add(page, "</td>");
    free(path);
}

/* The sweep that the run is one of, where that has a page. */
static void add_sweep(struct text *page, const struct run_row *row, const char *folder)
{
    char *above = path_folder(row->directory), *path = path_join(above, "sweep.html");

    text_add(page, "<td>");
    if (path_exists(path))
        add_link(page, path, folder, path_base(above));
    text_add(page, "</td>");
    free(path);
    free(above);
}

static void add_run(struct text *page, const struct listed_run *run, const bool shown[METRIC_COUNT],
                    const char *folder)
{
    char number[TEXT_NUMBER_SIZE];

    text_add(page, "<tr>");
    add_report(page, run->row, folder);
    add_sweep(page, run->row, folder);
    text_add(page, "<td>");
    text_add_html(page, run->state);
    text_add(page, "</td><td>");
    text_add_html(page, run->row->started);
    text_add(page, "</td>");
    if (run->clips)
        text_add(page, "<td data-value=\"%zu\">%zu</td>", run->clips, run->clips);
    else
        text_add(page, "<td data-value=\"\">-</td>");
    for (enum metric f = 0; f < METRIC_COUNT; f++) {
        if (!shown[f])
            continue;
        bool known = run->has[f] && isfinite(run->metrics[f]);
        text_add(page, "<td data-value=\"%s\">", known ? text_from_number(number, run->metrics[f]) : "");
        text_add(page, known ? "%.4f</td>" : "-</td>", run->metrics[f]);
    }
    text_add(page, "</tr>\n");
}

static void add_heading(struct text *page, const char *title)
{
    text_add(page, "<th><button type=\"button\">");
    text_add_html(page, title);
    text_add(page, "</button></th>");
}

static void add_table(struct text *page, const struct listed_run *runs, size_t count, const char *folder)
{
    static const char *const columns[] = {"run", "sweep", "state", "started", "test clips"};
    bool shown[METRIC_COUNT] = {false};

    for (size_t i = 0; i < count; i++)
        for (enum metric f = 0; f < METRIC_COUNT; f++)
            shown[f] = shown[f] || runs[i].has[f];
    text_add(page,
             "<p><label>show only <input id=\"filter\" type=\"search\" placeholder=\"words\"></label></p>\n"
             "<div class=\"wide\"><table id=\"runs\" class=\"sortable\"><thead><tr>");
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++)
        add_heading(page, columns[c]);
    for (enum metric f = 0; f < METRIC_COUNT; f++)
        if (shown[f])
            add_heading(page, METRICS[f].name);
    text_add(page, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < count; i++)
        add_run(page, &runs[i], shown, folder);
    text_add(page, "</tbody></table></div>\n");
}

bool runs_html(struct text *page, struct catalogue *catalogue, const struct listed_run *runs, size_t count,
               const char *folder, struct error *error)
{
    html_head(page, "Runs", RUNS_TABLE_JS);
    text_add(page, "<p class=\"soft\">%zu runs; metrics are those of the test part. A heading sorts.</p>\n",
             count);
    if (!add_curves(page, catalogue, runs, count, error))
        return false;
    add_table(page, runs, count, folder);
    html_end(page, RUNS_TABLE_JS);
    return true;
}
