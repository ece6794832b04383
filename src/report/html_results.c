/* Metrics, scores of labels, groups and changes against a baseline on report.html, from report.json. */
#include "report/fields.h"
#include "report/html.h"

#include <math.h>

void html_metrics(struct text *page, const cJSON *json)
{
    const cJSON *intervals = field(json, "intervals"), *calibration = field(json, "calibration");
    enum task task = field_task(json);

    text_add(page, "<div class=\"metrics\">\n");
    FOR_METRICS (f, task) {
        text_add(page, "<div><b>%.3f</b>%s<small>", field_number(json, METRICS[f].name),
                 metric_title(f, task));
        html_interval(page, "%.3f", field_interval(intervals, METRICS[f].name));
        text_add(page, "</small></div>\n");
    }
    if (calibration)
        text_add(page, "<div><b>%.3f</b>calibration error<small>expected, %d bins</small></div>\n",
                 field_number(calibration, "expected_calibration_error"),
                 cJSON_GetArraySize(field(calibration, "bins")));
    text_add(page,
             "</div>\n<p class=\"soft\">95 %% intervals from %zu bootstrap resamples of the %zu %ss of the "
             "test part.</p>\n",
             field_count(intervals, "resamples"), field_count(intervals, "units"),
             field_text(intervals, "unit"));
}

/* ---- scores of labels ---- */

/* Whether a row has AUC and AP: the table has no such columns, the row has none, or has them. */
enum rank_columns { NO_RANKS, UNRANKED, RANKED };

static void add_scores(struct text *page, const char *name, const struct scores *s, enum rank_columns columns)
{
    text_add(page, "<tr><td>");
    text_add_html(page, name);
    text_add(page,
             "</td><td>%.2f</td><td>%.2f</td><td>%.2f</td><td class=\"bars\"><span class=\"bar\" "
             "style=\"width:%.1f%%\"></span></td><td>%zu</td>",
             s->precision, s->recall, s->f1, 100 * s->f1, s->support);
    if (columns == RANKED) {
        html_cell(page, "%.2f", s->auc);
        html_cell(page, "%.2f", s->average_precision);
    }
    text_add(page, columns == UNRANKED ? "<td></td><td></td></tr>\n" : "</tr>\n");
}

static void add_classes(struct text *page, const struct evaluation *e)
{
    bool ranked = e->task == MULTI_LABEL;
    enum rank_columns with = ranked ? RANKED : NO_RANKS, without = ranked ? UNRANKED : NO_RANKS;

    text_add(page,
             "<div class=\"wide\"><table "
             "class=\"scores\"><tr><th>label</th><th>precision</th><th>recall</th><th>F1</th>"
             "<th></th><th>clips</th>%s</tr>\n",
             ranked ? "<th>AUC</th><th>AP</th>" : "");
    for (size_t k = 0; k < e->label_count; k++)
        if (label_occurs(e, k))
            add_scores(page, e->labels[k], &e->classes[k], with);
    if (ranked)
        add_scores(page, "micro average", &e->micro, without);
    add_scores(page, "macro average", &e->macro, with);
    add_scores(page, "weighted average", &e->weighted, without);
    text_add(page, "</table></div>\n");
}

static void add_agreement(struct text *page, const char *name, const struct agreement *a)
{
    text_add(page, "<tr><td>");
    text_add_html(page, name);
    text_add(page, "</td>");
    html_cell(page, "%.2f", a->ccc);
    html_cell(page, "%.2f", a->pearson);
    html_cell(page, "%.2f", a->mae);
    html_cell(page, "%.2f", a->rmse);
    text_add(page, "</tr>\n");
}

static void add_agreements(struct text *page, const struct evaluation *e)
{
    text_add(
        page,
        "<div "
        "class=\"wide\"><table><tr><th></th><th>CCC</th><th>Pearson</th><th>MAE</th><th>RMSE</th></tr>\n");
    for (size_t k = 0; k < e->label_count; k++)
        add_agreement(page, e->labels[k], &e->targets[k]);
    if (e->label_count > 1)
        add_agreement(page, "mean", &e->mean);
    text_add(page, "</table></div>\n");
}

void html_scores(struct text *page, const cJSON *json)
{
    struct arena arena = {0};
    struct evaluation evaluation;

    field_evaluation(&evaluation, json, &arena);
    if (evaluation.task == REGRESSION)
        add_agreements(page, &evaluation);
    else
        add_classes(page, &evaluation);
    arena_free(&arena);
}

/* ---- groups ---- */

enum { ROWS = 12 }; /* of a table of groups: more values go into tables beside it */

static void add_group(struct text *page, const cJSON *group, enum metric first, enum metric second)
{
    text_add(page, "<tr><td>");
    text_add_html(page, group->string);
    text_add(page, "</td><td>%zu</td>", field_count(group, "clips"));
    html_cell(page, "%.3f", field_number(group, METRICS[first].name));
    html_cell(page, "%.3f", field_number(group, METRICS[second].name));
    text_add(page, "</tr>\n");
}

/* A table of the next groups of an attribute; returns the group that it stops before. */
static const cJSON *add_group_table(struct text *page, const char *attribute, const cJSON *group,
                                    enum task task)
{
    enum metric first = group_metric(task, 0), second = group_metric(task, 1);

    text_add(page, "<div class=\"wide\"><table><tr><th>");
    text_add_html(page, attribute);
    text_add(page, "</th><th>clips</th><th>%s</th><th>%s</th></tr>\n", metric_title(first, task),
             metric_title(second, task));
    for (int row = 0; group && row < ROWS; row++, group = group->next)
        add_group(page, group, first, second);
    text_add(page, "</table></div>\n");
    return group;
}

void html_groups(struct text *page, const cJSON *json)
{
    enum task task = field_task(json);
    const cJSON *attribute = NULL;

    text_add(page, "<h2>By who speaks and what</h2>\n<div class=\"groups\">\n");
    cJSON_ArrayForEach(attribute, field(json, "groups")) for (const cJSON *group = attribute->child; group;)
        group = add_group_table(page, attribute->string, group, task);
    text_add(page, "</div>\n");
}

/* ---- tables that the run recorded ---- */

static void add_row(struct text *page, const cJSON *cells, const char *tag)
{
    const cJSON *cell = NULL;
    char buffer[TEXT_NUMBER_SIZE];

    text_add(page, "<tr>");
    cJSON_ArrayForEach(cell, cells)
    {
        text_add(page, "<%s>", tag);
        text_add_html(page, field_cell(cell, buffer));
        text_add(page, "</%s>", tag);
    }
    text_add(page, "</tr>\n");
}

void html_tables(struct text *page, const cJSON *json)
{
    const cJSON *table = NULL, *row = NULL;

    cJSON_ArrayForEach(table, field(json, "tables"))
    {
        text_add(page, "<h2>");
        text_add_html(page, field_text(table, "title"));
        text_add(page, "</h2>\n<div class=\"wide\"><table>");
        add_row(page, field(table, "columns"), "th");
        cJSON_ArrayForEach(row, field(table, "rows")) add_row(page, row, "td");
        text_add(page, "</table></div>\n<p class=\"soft\">");
        text_add_html(page, field_text(table, "note"));
        text_add(page, "</p>\n");
    }
}

/* ---- against a baseline ---- */

static void add_change(struct text *page, const cJSON *json, enum metric f, bool compared)
{
    const cJSON *metric = json_at(json, "baseline", METRICS[f].name);
    double before = field_number(metric, "before"), now = field_number(json, METRICS[f].name);
    const char *direction = now == before || !isfinite(now) || !isfinite(before) ? ""
                            : metric_is_better(f, now, before)                   ? "up"
                                                                                 : "down";
    char p[P_SIZE], change[TEXT_NUMBER_SIZE];

    text_add(page, "<tr><td>%s</td>", metric_title(f, field_task(json)));
    html_cell(page, "%.4f", before);
    html_cell(page, "%.4f", now);
    text_add(page, "<td class=\"%s\">%s</td>", direction,
             field_change(field_number(metric, "change"), change));
    if (compared) {
        text_add(page, "<td>");
        html_interval(page, "%+.4f", field_interval(metric, "interval"));
        text_add(page, "</td><td>");
        text_add_html(page, p_text(p, field_number(metric, "permutation_p")));
        text_add(page, "</td>");
    }
    text_add(page, "</tr>\n");
}

static void add_changed_settings(struct text *page, const cJSON *changed)
{
    const cJSON *item = NULL;
    const char *before = "";

    text_add(page, "<p class=\"soft\">Settings changed: ");
    cJSON_ArrayForEach(item, changed)
    {
        text_add(page, "%s", before);
        text_add_html(page, item->valuestring);
        before = "; ";
    }
    text_add(page, "%s.</p>\n", *before ? "" : "none");
}

void html_baseline(struct text *page, const cJSON *json)
{
    const cJSON *baseline = field(json, "baseline");
    bool compared = cJSON_IsTrue(field(baseline, "compared"));
    char p[P_SIZE];

    text_add(page, "<h2>Against ");
    text_add_html(page, field_text(baseline, "run"));
    text_add(
        page,
        "</h2><div class=\"wide\"><table><tr><th></th><th>before</th><th>now</th><th>change</th>%s</tr>\n",
        compared ? "<th>95 % interval</th><th>p (permutation test)</th>" : "");
    FOR_METRICS (f, field_task(json))
        add_change(page, json, f, compared);
    text_add(page, "</table></div>\n");
    if (field(baseline, "fixed")) {
        text_add(page, "<p>%zu clips that were wrong are right, %zu that were right are wrong (McNemar p ",
                 field_count(baseline, "fixed"), field_count(baseline, "broken"));
        text_add_html(page, p_text(p, field_number(baseline, "mcnemar_p")));
        text_add(page, ").</p>\n");
    } else if (!compared) {
        text_add(page, "<p>Not the same test clips, so not compared clip by clip.</p>\n");
    }
    add_changed_settings(page, field(baseline, "settings_changed"));
}
