/* report.html: one self-contained page.  Every name, path and setting is escaped. */
#include "report/html.h"

#include "base/files.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- metrics ---- */

static void add_metrics(struct text *page, const struct report *report)
{
    text_add(page, "<div class=\"figures\">\n");
    FOR_METRICS (f, report->evaluation.task)
        text_add(page, "<div><b>%.3f</b>%s<small>%.3f to %.3f</small></div>\n",
                 METRICS[f].of(&report->evaluation), metric_title(f, report->evaluation.task),
                 report->intervals[f].low, report->intervals[f].high);
    if (report->evaluation.task != REGRESSION)
        text_add(page, "<div><b>%.3f</b>calibration error<small>expected, %d bins</small></div>\n",
                 report->calibration.error, CALIBRATION_BINS);
    text_add(page, "</div>\n");
    text_add(page,
             "<p class=\"soft\">95 %% intervals from %d bootstrap resamples of the %zu %ss of the test "
             "part.</p>\n",
             BOOTSTRAP_RESAMPLES, report->clusters.count, report->clusters.unit);
}

static void add_change(struct text *page, const struct report *report, enum metric f)
{
    const struct baseline *b = report->baseline;
    double now = METRICS[f].of(&report->evaluation);
    const char *direction = now == b->metrics[f]                      ? ""
                            : metric_is_better(f, now, b->metrics[f]) ? "up"
                                                                      : "down";

    text_add(page, "<tr><td>%s</td><td>%.4f</td><td>%.4f</td><td class=\"%s\">%+.4f</td>",
             metric_title(f, report->evaluation.task), b->metrics[f], now, direction, now - b->metrics[f]);
    if (b->compared)
        text_add(page, "<td>%+.4f to %+.4f</td><td>%.4f</td>", b->comparisons[f].interval.low,
                 b->comparisons[f].interval.high, b->comparisons[f].bootstrap_p);
    text_add(page, "</tr>\n");
}

static void add_baseline(struct text *page, const struct report *report)
{
    const struct baseline *b = report->baseline;

    text_add(page, "<h2>Against ");
    text_add_html(page, b->name);
    text_add(
        page,
        "</h2><div class=\"wide\"><table><tr><th></th><th>before</th><th>now</th><th>change</th>%s</tr>\n",
        b->compared ? "<th>95 % interval</th><th>p</th>" : "");
    FOR_METRICS (f, report->evaluation.task)
        add_change(page, report, f);
    text_add(page, "</table></div>\n");
    if (b->compared && report->evaluation.task != REGRESSION)
        text_add(
            page,
            "<p>%zu clips that were wrong are right, %zu that were right are wrong (McNemar p %.4f).</p>\n",
            b->fixed, b->broken, b->comparisons[b->first_metric].mcnemar_p);
    else if (!b->compared)
        text_add(page, "<p>Not the same test clips, so not compared clip by clip.</p>\n");
    text_add(page, "<p class=\"soft\">Settings changed: ");
    for (size_t i = 0; i < b->differences.count; i++) {
        text_add(page, "%s", i ? "; " : "");
        text_add_html(page, b->differences.items[i]);
    }
    text_add(page, "%s.</p>\n", b->differences.count ? "" : "none");
}

/* ---- tables ---- */

void html_cell(struct text *page, const char *format, double value)
{
    char number[40];

    snprintf(number, sizeof number, format, value);
    text_add(page, "<td>%s</td>", isfinite(value) ? number : "-");
}

/* Whether a row has AUC and AP: the table has no such columns, the row has none, or has them. */
enum rank_columns { NO_RANKS, UNRANKED, RANKED };

static void add_scores(struct text *page, const char *name, const struct scores *s, enum rank_columns columns)
{
    text_add(page, "<tr><td>");
    text_add_html(page, name);
    text_add(page,
             "</td><td>%.2f</td><td>%.2f</td><td>%.2f</td><td style=\"text-align:left\"><span class=\"bar\" "
             "style=\"width:%.1frem\"></span></td><td>%zu</td>",
             s->precision, s->recall, s->f1, 6 * s->f1, s->support);
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
             "<div class=\"wide\"><table><tr><th>label</th><th>precision</th><th>recall</th><th>F1</th>"
             "<th></th><th>clips</th>%s</tr>\n",
             ranked ? "<th>AUC</th><th>AP</th>" : "");
    for (size_t k = 0; k < e->label_count; k++)
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
    text_add(page,
             "<div class=\"wide\"><table><tr><th></th><th>CCC</th><th>Pearson</th><th>MAE</th><th>RMSE</th>"
             "</tr>\n");
    for (size_t k = 0; k < e->label_count; k++)
        add_agreement(page, e->labels[k], &e->targets[k]);
    if (e->label_count > 1)
        add_agreement(page, "mean", &e->mean);
    text_add(page, "</table></div>\n");
}

static void add_cell(struct text *page, const struct evaluation *e, size_t i, size_t j)
{
    size_t count = e->confusion[i * e->label_count + j], support = e->classes[i].support;
    double rate = support ? (double)count / (double)support : 0;

    if (count == 0) {
        text_add(page, "<td><i>0</i></td>");
        return;
    }
    text_add(page,
             "<td style=\"background:rgba(var(--heat),%.3f)\"%s><button type=\"button\" data-label=\"%zu\" "
             "data-predicted=\"%zu\" data-count=\"%zu\" aria-pressed=\"false\" aria-label=\"",
             rate, rate > 0.55 ? " class=\"strong\"" : "", i, j, count);
    text_add_html(page, e->labels[i]);
    text_add(page, " taken for ");
    text_add_html(page, e->labels[j]);
    text_add(page, ": %zu clips\">%zu<small>%.0f %%</small></button></td>", count, count, 100 * rate);
}

static void add_confusion(struct text *page, const struct evaluation *e)
{
    text_add(page, "<p class=\"soft\">Rows: what a clip is; columns: what it was taken for.  Press a cell to "
                   "see its clips.</p>\n<div class=\"wide\"><table class=\"confusion\"><thead><tr><th></th>");
    for (size_t j = 0; j < e->label_count; j++) {
        text_add(page, "<th><span>");
        text_add_html(page, e->labels[j]);
        text_add(page, "</span></th>");
    }
    text_add(page, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < e->label_count; i++) {
        text_add(page, "<tr><th>");
        text_add_html(page, e->labels[i]);
        text_add(page, "</th>");
        for (size_t j = 0; j < e->label_count; j++)
            add_cell(page, e, i, j);
        text_add(page, "</tr>\n");
    }
    text_add(page, "</tbody></table></div>\n<div id=\"cell\" aria-live=\"polite\"></div>\n");
}

static void add_groups(struct text *page, const struct report *report)
{
    const char *attribute = "";
    const struct evaluation *e = &report->evaluation;
    enum metric first = report_group_metric(report, 0), second = report_group_metric(report, 1);

    text_add(page, "<h2>By who speaks and what</h2><div class=\"groups\">\n");
    for (size_t g = 0; g < report->group_count; g++) {
        const struct group *group = &report->groups[g];
        if (strcmp(attribute, group->attribute) != 0)
            text_add(page,
                     "%s<div class=\"wide\"><h3>%s</h3><table><tr><th></th><th>clips</th><th>%s</th>"
                     "<th>%s</th></tr>\n",
                     g ? "</table></div>\n" : "", group->attribute, metric_title(first, e->task),
                     metric_title(second, e->task));
        attribute = group->attribute;
        text_add(page, "<tr><td>");
        text_add_html(page, group->value);
        text_add(page, "</td><td>%zu</td><td>%.3f</td><td>%.3f</td></tr>\n", group->evaluation.clips,
                 METRICS[first].of(&group->evaluation), METRICS[second].of(&group->evaluation));
    }
    text_add(page, "</table></div>\n</div>\n");
}

/* One table per section of the facts. */
static void add_facts(struct text *page, const cJSON *facts)
{
    const cJSON *section = NULL, *item = NULL;

    cJSON_ArrayForEach(section, facts)
    {
        text_add(page, "<h3>");
        text_add_html(page, section->string);
        text_add(page, "</h3><table class=\"facts\">\n");
        cJSON_ArrayForEach(item, section)
        {
            char *value = cJSON_IsString(item)   ? mem_string(item->valuestring)
                          : cJSON_IsNumber(item) ? mem_format("%.10g", round(item->valuedouble * 1000) / 1000)
                                                 : cJSON_PrintUnformatted(item);
            text_add(page, "<tr><td>");
            text_add_html(page, item->string);
            text_add(page, "</td><td>");
            text_add_html(page, value);
            text_add(page, "</td></tr>\n");
            free(value);
        }
        text_add(page, "</table>\n");
    }
}

/* ---- the page ---- */

void html_still(struct text *page, const char *folder, const char *name, const char *before,
                const char *after)
{
    struct error missing = {0};
    char *path = path_join(folder, name);
    char *content = path_exists(path) ? file_read(path, NULL, &missing) : NULL;
    const char *svg = content ? strstr(content, "<svg") : NULL;

    if (svg)
        text_add(page, "%s%s%s\n", before, svg, after);
    free(content);
    free(path);
}

void html_head(struct text *page, const char *title)
{
    text_add(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                   "<link rel=\"icon\" href=\"data:,\"><title>");
    text_add_html(page, title);
    text_add(page, "</title>\n<style>\n%s</style></head><body>\n<h1>", PAGE_CSS);
    text_add_html(page, title);
    text_add(page, "</h1>\n");
}

static void add_head(struct text *page, const struct report *report)
{
    html_head(page, report->run.name);
    text_add(page, "<p class=\"soft\">%s; started %s, ended %s</p>\n", report->run.state, report->run.started,
             report->run.finished ? report->run.finished : "-");
    for (size_t i = 0; i < report->remarks->count; i++) {
        text_add(page, "<p class=\"note\">");
        text_add_html(page, report->remarks->items[i]);
        text_add(page, "</p>\n");
    }
}

static void add_predictions(struct text *page, const struct report *report)
{
    const struct evaluation *e = &report->evaluation;

    text_add(page, "<h2>On %zu test clips</h2>\n", e->clips);
    add_metrics(page, report);
    if (e->task == REGRESSION)
        add_agreements(page, e);
    else
        add_classes(page, e);
    if (report->baseline)
        add_baseline(page, report);
    if (e->task == SINGLE_LABEL) {
        text_add(page, "<h2>Confusion matrix</h2>\n");
        add_confusion(page, e);
    }
    if (e->task == REGRESSION)
        html_still(page, report->folder, "agreement.svg",
                   "<h2>Predicted and true</h2>\n<div class=\"wide still\">", "</div>");
    text_add(
        page,
        "<h2>Worst mistakes</h2>\n<p class=\"soft\">%s</p>\n<div id=\"mistakes\" class=\"mistakes\"></div>\n",
        e->task == REGRESSION    ? "The numbers that are farthest off."
        : e->task == MULTI_LABEL ? "The answers with a wrong label whose loss is largest."
        : e->accuracy < 1           ? "The wrong answers that gave the right label the least probability."
                                    : "None: every answer is right.");
    if (e->task != REGRESSION)
        text_add(page, "<h2>Calibration</h2>\n<div id=\"calibration\"></div>\n");
    if (report->group_count)
        add_groups(page, report);
}

bool report_html(const struct report *report, bool audio, struct error *error)
{
    struct text page = {0};
    char *path = path_join(report->folder, "report.html");

    add_head(&page, report);
    if (report->evaluation.clips)
        add_predictions(&page, report);
    text_add(
        &page,
        "<h2>Training</h2>\n<div id=\"loss\"></div><div id=\"progress\"></div><div id=\"rate\"></div>\n");
    html_still(&page, report->folder, "loss.svg", "<noscript>",
               "</noscript>"); /* for readers without a script */
    text_add(&page, "<h2>What ran</h2>\n");
    cJSON *info = run_info_json(&report->info);
    add_facts(&page, info);
    cJSON_Delete(info);
    text_add(&page,
             "<h2>Settings</h2><p><code>emotrain --config config.ini --run NAME</code> with these, in the "
             "folder where it was started, repeats it.</p><details><summary>config.ini</summary><pre>");
    text_add_html(&page, report->run.config);
    text_add(&page, "</pre></details>\n<script type=\"application/json\" id=\"data\">");
    html_data(report, audio, &page);
    text_add(&page, "</script>\n<script>\n%s</script>\n</body></html>\n", PAGE_JS);
    bool done = file_write(path, page.text, page.length, error);
    text_free(&page);
    free(path);
    return done;
}
