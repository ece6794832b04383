/* The charts of report.html: curves of training and calibration from report.json, numbers predicted against
 * labels. */
#include "report/fields.h"
#include "report/html.h"
#include "report/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- training ---- */

enum column { STEP, EPOCH, VALUE }; /* of a point of the history */

static double column_of(const cJSON *point, enum column column)
{
    const cJSON *item = cJSON_GetArrayItem(point, (int)column);

    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

/* Adds the history of a metric; nothing where it has none. */
static void add_series(struct svg_chart *chart, const cJSON *json, const char *metric, const char *name,
                       enum column x)
{
    struct svg_series *series = &chart->series[chart->series_count];
    const cJSON *point = NULL;

    *series = (struct svg_series){.name = name};
    cJSON_ArrayForEach(point, json_at(json, "history", metric))
        svg_add_point(series, column_of(point, x), column_of(point, VALUE));
    chart->series_count += series->count > 0;
}

/* Marks the best checkpoint, where one was chosen among several. */
static void mark_best(struct svg_chart *chart, const cJSON *json, enum column x)
{
    const cJSON *points = json_at(json, "history", METRICS[METRIC_LOSS].name), *point = NULL;
    double best = field_number(json_at(json, "info", "training"), "best_step");

    chart->mark = (double)NAN;
    chart->mark_title = "best checkpoint";
    if (cJSON_GetArraySize(points) < 2)
        return;
    cJSON_ArrayForEach(point, points) if (column_of(point, STEP) == best) chart->mark = column_of(point, x);
}

static void finish_chart(struct text *page, struct svg_chart *chart)
{
    if (svg_chart_fit(chart))
        svg_chart(page, chart);
    for (size_t k = 0; k < chart->series_count; k++)
        svg_series_free(&chart->series[k]);
}

static void add_loss(struct text *page, const cJSON *json, enum column x)
{
    struct svg_chart chart = {.title = x == STEP ? "loss per step" : "loss per epoch",
                              .x_title = x == STEP ? "optimizer step" : "epoch",
                              .lines = true};

    mark_best(&chart, json, x);
    add_series(&chart, json, x == STEP ? "loss" : "epoch_loss", "training", x);
    add_series(&chart, json, METRICS[METRIC_LOSS].name, "evaluation", x);
    finish_chart(page, &chart);
}

/* The evaluations' metrics: the first three of the task of which more is better. */
static void add_progress(struct text *page, const cJSON *json)
{
    struct svg_chart chart = {
        .title = "metrics of the evaluations during training", .x_title = "epoch", .lines = true};
    enum task task = field_task(json);

    mark_best(&chart, json, EPOCH);
    FOR_METRICS (f, task)
        if (!METRICS[f].smaller_is_better && chart.series_count < 3)
            add_series(&chart, json, METRICS[f].name, metric_title(f, task), EPOCH);
    finish_chart(page, &chart);
}

static void add_learning_rate(struct text *page, const cJSON *json)
{
    struct svg_chart chart = {.title = "learning rate",
                              .x_title = "optimizer step",
                              .lines = true,
                              .from_zero = true,
                              .mark = (double)NAN};

    add_series(&chart, json, "learning_rate", "learning rate", STEP);
    finish_chart(page, &chart);
}

/* Whether a value of the metric was ever recorded. */
static bool was_recorded(const cJSON *json, const char *metric)
{
    const cJSON *point = NULL;

    cJSON_ArrayForEach(point,
                       json_at(json, "history", metric)) if (isfinite(column_of(point, VALUE))) return true;
    return false;
}

void html_training(struct text *page, const cJSON *json)
{
    if (!was_recorded(json, "loss")) /* fitted at once, or killed at once */
        return;
    text_add(page, "<h2>Training</h2>\n<p class=\"soft\">The training loss is taken with dropout, "
                   "augmentation and label "
                   "smoothing where they are set, the evaluation loss without.</p>\n<div id=\"loss\" "
                   "class=\"plots\">\n");
    add_loss(page, json, STEP);
    if (was_recorded(json, "epoch_loss") || was_recorded(json, METRICS[METRIC_LOSS].name))
        add_loss(page, json, EPOCH);
    if (cJSON_GetArraySize(json_at(json, "history", METRICS[METRIC_LOSS].name)) > 1)
        add_progress(page, json);
    add_learning_rate(page, json);
    text_add(page, "</div>\n");
}

/* ---- calibration ---- */

/* A bin's dot; its area goes with the number of its clips. */
static void add_bin(struct svg_series *series, const cJSON *bin, double most)
{
    double clips = field_number(bin, "clips"), confidence = field_number(bin, "confidence"),
           accuracy = field_number(bin, "accuracy");

    if (!(clips > 0))
        return;
    svg_add_point(series, confidence, accuracy);
    series->points[series->count - 1].size = fmax(0.7, 3 * sqrt(clips / most));
    series->points[series->count - 1].title =
        mem_format("%.0f predictions of probability %.3f: %.3f right", clips, confidence, accuracy);
}

static void add_temperature(struct text *page, const cJSON *json)
{
    const cJSON *calibration = field(json, "calibration"),
                *before = field(calibration, "before_temperature_scaling");

    if (before)
        text_add(page,
                 "<p>The logits are divided by a temperature of %.3f, fitted to the validation part. Without "
                 "it the calibration error is %.3f and the cross-entropy loss %.3f.</p>\n",
                 field_number(calibration, "temperature"), field_number(before, "expected_calibration_error"),
                 field_number(before, METRICS[METRIC_LOSS].name));
}

/* Accuracy where only the surest predictions are kept. */
static void add_coverage(struct text *page, const cJSON *json)
{
    const cJSON *point = NULL;

    if (!field(json, "coverage"))
        return;
    text_add(
        page,
        "<h3>Where only the surest predictions are kept</h3>\n<table id=\"coverage\"><thead><tr>"
        "<th>kept</th><th>clips</th><th>accuracy</th><th>probability at least</th></tr></thead><tbody>\n");
    cJSON_ArrayForEach(point, json_at(json, "coverage", "points"))
    {
        text_add(page, "<tr><td>%.0f %%</td><td>%zu</td>", 100 * field_number(point, "coverage"),
                 field_count(point, "clips"));
        html_cell(page, "%.3f", field_number(point, "accuracy"));
        html_cell(page, "%.3f", field_number(point, "threshold"));
        text_add(page, "</tr>\n");
    }
    text_add(page, "</tbody></table>\n");
}

void html_calibration(struct text *page, const cJSON *json)
{
    const cJSON *bins = json_at(json, "calibration", "bins"), *bin = NULL;
    struct svg_chart chart = {.title = "accuracy of the predictions made with a probability",
                              .x_title = "probability of the predicted label",
                              .series = {{.name = "accuracy; a dot is as large as its bin has predictions"}},
                              .series_count = 1,
                              .diagonal = true,
                              .square = true,
                              .x_high = 1,
                              .y_high = 1,
                              .mark = (double)NAN};
    double most = 1;

    cJSON_ArrayForEach(bin, bins) most = fmax(most, field_number(bin, "clips"));
    cJSON_ArrayForEach(bin, bins) add_bin(&chart.series[0], bin, most);
    text_add(
        page,
        "<h2>Calibration</h2>\n<p class=\"soft\">On the dashed line a stated probability is right: of the "
        "predictions made with 0.8, 80 %% hold.</p>\n<div id=\"calibration\">\n");
    svg_chart(page, &chart);
    text_add(page, "</div>\n");
    svg_series_free(&chart.series[0]);
    add_temperature(page, json);
    add_coverage(page, json);
}

/* ---- numbers ---- */

void html_agreement(struct text *page, const struct prediction_list *predictions)
{
    text_add(page, "<h2>Predicted numbers against labels</h2>\n<div class=\"columns\">\n");
    for (size_t k = 0; k < predictions->label_count; k++) {
        struct svg_chart chart = {.title = predictions->labels[k],
                                  .x_title = "label",
                                  .series = {{.name = "predicted"}},
                                  .series_count = 1,
                                  .diagonal = true,
                                  .square = true,
                                  .mark = (double)NAN};
        for (size_t i = 0; i < predictions->count; i++)
            if (predictions->items[i].targets)
                svg_add_point(&chart.series[0], predictions->items[i].targets[k],
                              predictions->items[i].probabilities[k]);
        finish_chart(page, &chart);
    }
    text_add(page, "</div>\n");
}
