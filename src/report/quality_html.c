/* What a corpus' recordings are like, as a page with plots: see quality.h. */
#include "report/quality.h"

#include "report/fields.h"
#include "report/html.h"
#include "report/svg.h"

#include <math.h>
#include <stdio.h>

static void add_number(struct text *page, const char *title, const char *format, double value)
{
    char number[40];

    snprintf(number, sizeof number, format, value);
    text_add(page, "<div><b>%s</b><small>%s</small></div>\n", number, title);
}

static void add_summary(struct text *page, const cJSON *json)
{
    text_add(page, "<div class=\"metrics\">\n");
    add_number(page, "clips", "%.0f", field_number(json, "clips"));
    add_number(page, "hours", "%.2f", field_number(json, "hours"));
    if (field_count(field(json, "speakers"), "count"))
        add_number(page, "speakers", "%.0f", field_number(field(json, "speakers"), "count"));
    if (cJSON_GetArraySize(field(json, "labels")))
        add_number(page, "labels", "%.0f", cJSON_GetArraySize(field(json, "labels")));
    add_number(page, "clipped clips", "%.0f", field_number(json, "clipped"));
    add_number(page, "same sound as another", "%.0f", field_number(field(json, "same_sound"), "clips"));
    text_add(page, "</div>\n");
}

/* ---- labels ---- */

static void add_labels(struct text *page, const cJSON *labels)
{
    static const struct {
        const char *name, *title, *format;
    } columns[] = {{"clips", "clips", "%.0f"},           {"hours", "hours", "%.2f"},
                   {"speakers", "speakers", "%.0f"},     {"train", "train", "%.0f"},
                   {"validation", "validation", "%.0f"}, {"test", "test", "%.0f"},
                   {"duration", "median s", "%.2f"},     {"level", "level, dBFS", "%.1f"},
                   {"snr", "SNR, dB", "%.1f"},           {"silence", "silence", "%.2f"}};
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    const cJSON *label = NULL;
    double most = 1;

    cJSON_ArrayForEach(label, labels) most = fmax(most, field_number(label, "clips"));
    text_add(page, "<h2>Labels</h2>\n<div class=\"wide\"><table><tr><th></th><th></th>");
    for (int c = 0; c < COLUMNS; c++)
        if (field_in_any(labels, columns[c].name))
            text_add(page, "<th>%s</th>", columns[c].title);
    text_add(page, "</tr>\n");
    cJSON_ArrayForEach(label, labels)
    {
        text_add(page, "<tr><td>");
        text_add_html(page, field_text(label, "label"));
        text_add(page, "</td><td class=\"bars\"><span class=\"bar\" style=\"width:%.1f%%\"></span></td>",
                 100 * field_number(label, "clips") / most);
        for (int c = 0; c < COLUMNS; c++)
            if (field_in_any(labels, columns[c].name))
                html_cell(page, columns[c].format, field_number(label, columns[c].name));
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n<p class=\"soft\">A level, noise or silence that differs from label to "
                   "label for no reason of the emotion is a shortcut that a model may learn.</p>\n");
}

/* ---- measures ---- */

static void add_histogram(struct text *page, const cJSON *measure, const struct quality_measure *kind)
{
    const double low = field_number(measure, "min"), width = field_number(measure, "bin_width");
    const cJSON *bin = NULL;
    char title[80], axis[80];
    struct svg_chart chart = {.title = title, .x_title = axis, .from_zero = true, .bar_width = width};
    int i = 0;

    if (!(width > 0))
        return;
    snprintf(title, sizeof title, "%s: clips", kind->title);
    snprintf(axis, sizeof axis, "%s", *kind->unit ? kind->unit : "share");
    chart.mark = field_number(measure, "median");
    chart.mark_title = "median";
    chart.series[0].name = "clips";
    chart.series_count = 1;
    cJSON_ArrayForEach(bin, field(measure, "bins"))
        svg_add_point(&chart.series[0], low + (i++ + 0.5) * width, bin->valuedouble);
    if (svg_chart_fit(&chart))
        svg_chart(page, &chart);
    svg_series_free(&chart.series[0]);
}

static void add_outliers(struct text *page, const cJSON *measures)
{
    const cJSON *measure = NULL, *one = NULL;
    bool any = false;

    cJSON_ArrayForEach(measure, measures)
    {
        const struct quality_measure *kind = quality_measure_find(field_text(measure, "name"));
        cJSON_ArrayForEach(one, field(measure, "farthest"))
        {
            if (!any)
                text_add(page, "<h2>Outliers</h2>\n<p class=\"soft\">Farther from the median than 3.5 times "
                               "the usual distance, the farthest first.</p>\n<div "
                               "class=\"wide\"><table class=\"facts\">\n");
            any = true;
            text_add(page, "<tr><td>%s</td><td>%.*f %s</td><td class=\"path\">", kind->title, kind->decimals,
                     field_number(one, "value"), kind->unit);
            text_add_html(page, field_text(one, "path"));
            text_add(page, "</td></tr>\n");
        }
    }
    if (any)
        text_add(page, "</table></div>\n");
}

static void add_measures(struct text *page, const cJSON *measures)
{
    const cJSON *measure = NULL;

    text_add(page, "<h2>Sound</h2>\n<div class=\"wide\"><table><tr><th></th><th>min</th><th>5 %%</th>"
                   "<th>median</th><th>95 %%</th><th>max</th><th>outliers</th></tr>\n");
    cJSON_ArrayForEach(measure, measures)
    {
        static const char *const columns[] = {"min", "p5", "median", "p95", "max"};
        const struct quality_measure *kind = quality_measure_find(field_text(measure, "name"));
        char format[16];
        snprintf(format, sizeof format, "%%.%df", kind->decimals);
        text_add(page, "<tr><td>%s%s%s</td>", kind->title, *kind->unit ? ", " : "", kind->unit);
        for (int c = 0; c < 5; c++)
            html_cell(page, format, field_number(measure, columns[c]));
        html_cell(page, "%.0f", field_number(measure, "outliers"));
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n<div class=\"plots\">\n");
    cJSON_ArrayForEach(measure, measures)
        add_histogram(page, measure, quality_measure_find(field_text(measure, "name")));
    text_add(page, "</div>\n");
}

/* ---- formats, copies ---- */

static void add_numbers(struct text *page, const cJSON *list, const char *title, const char *name,
                        const char *unit)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, list) text_add(page, "<tr><td>%s</td><td>%zu%s</td><td>%zu clips</td></tr>\n",
                                            title, field_count(item, name), unit, field_count(item, "clips"));
}

static void add_paths(struct text *page, const cJSON *paths, const char *what)
{
    const cJSON *path = NULL;

    cJSON_ArrayForEach(path, paths)
    {
        text_add(page, "<tr><td>%s</td><td class=\"path\">", what);
        text_add_html(page,
                      cJSON_IsArray(path) ? cJSON_GetArrayItem(path, 0)->valuestring : path->valuestring);
        text_add(page, "</td><td class=\"path\">");
        text_add_html(page, cJSON_IsArray(path) ? cJSON_GetArrayItem(path, 1)->valuestring : "");
        text_add(page, "</td></tr>\n");
    }
}

void quality_html(const cJSON *json, struct text *page)
{
    const cJSON *copies = field(json, "same_sound");

    html_head(page, field_text(json, "corpus"), "");
    add_summary(page, json);
    if (cJSON_GetArraySize(field(json, "labels")))
        add_labels(page, field(json, "labels"));
    if (field_count(json, "opened")) {
        add_measures(page, field(json, "measures"));
        add_outliers(page, field(json, "measures"));
        text_add(page, "<h2>Formats</h2>\n<table class=\"facts\">\n");
        add_numbers(page, field(json, "sample_rates"), "sample rate", "rate", " Hz");
        add_numbers(page, field(json, "channels"), "channels", "channels", "");
        text_add(page, "</table>\n");
    }
    if (field_count(json, "clipped") || field_count(copies, "clips")) {
        text_add(
            page,
            "<h2>Copies and clipping</h2>\n<p class=\"soft\">Clips that sound like another one: %zu, %zu of "
            "them with another label. Clipped, with 0.01 %% of their samples at full scale or more: %zu. Up "
            "to ten are named.</p>\n<div "
            "class=\"wide\"><table class=\"facts\">\n",
            field_count(copies, "clips"), field_count(copies, "of_other_label"),
            field_count(json, "clipped"));
        add_paths(page, field(copies, "pairs"), "same sound");
        add_paths(page, field(json, "clipped_paths"), "clipped");
        text_add(page, "</table></div>\n");
    }
    html_end(page, "");
}
