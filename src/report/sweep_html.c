/* sweep.html: a sweep's or comparison's tables and chart on one self-contained page. */
#include "base/files.h"
#include "report/html.h"
#include "report/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_label(struct text *page, const struct sweep_row *row)
{
    text_add(page, "<tr><td>");
    text_add_html(page, row->label);
    text_add(page, "</td>");
}

/* Ranked, with what the differences are worth. */
static void add_ranking(struct text *page, const struct sweep *sweep)
{
    text_add(page,
             "<div class=\"wide\"><table><tr><th></th><th>runs</th><th>%s</th><th>deviation</th><th>95 %% "
             "interval</th><th>to the best</th><th>95 %% interval</th><th>McNemar p</th><th>bootstrap "
             "p</th></tr>\n",
             metric_title(sweep->metric, sweep->task));
    for (size_t i = 0; i < sweep->count; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        add_label(page, row);
        text_add(page, "<td>%zu</td>", row->finished);
        html_cell(page, "%.4f", row->means[sweep->metric]);
        html_cell(page, "%.4f", row->deviation);
        text_add(page, isfinite(row->interval.low) ? "<td>%.4f to %.4f</td>" : "<td>-</td>",
                 row->interval.low, row->interval.high);
        if (row->compared) {
            text_add(page, "<td>%+.4f</td><td>%+.4f to %+.4f</td>", row->comparison.difference,
                     row->comparison.interval.low, row->comparison.interval.high);
            html_cell(page, "%.4f", row->mcnemar_adjusted);
            html_cell(page, "%.4f", row->bootstrap_adjusted);
        } else {
            text_add(page, "<td>%s</td><td></td><td></td><td></td>",
                     i == 0 && row->finished ? "the best" : "");
        }
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n");
}

static void add_metrics(struct text *page, const struct sweep *sweep)
{
    text_add(page, "<div class=\"wide\"><table><tr><th></th>");
    FOR_METRICS (f, sweep->task)
        text_add(page, "<th>%s</th>", metric_title(f, sweep->task));
    text_add(page, "</tr>\n");
    for (size_t i = 0; i < sweep->count && sweep->rows[i].finished; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        add_label(page, row);
        FOR_METRICS (f, sweep->task)
            text_add(page, "<td>%.3f<br><small>%.3f to %.3f</small></td>", row->means[f],
                     row->intervals[f].low, row->intervals[f].high);
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n");
}

static void add_costs(struct text *page, const struct sweep *sweep)
{
    text_add(page, "<div class=\"wide\"><table><tr><th></th><th>parameters</th><th>training, s</th><th>test, "
                   "clips/s</th>"
                   "<th>memory, MiB</th></tr>\n");
    for (size_t i = 0; i < sweep->count && sweep->rows[i].finished; i++) {
        const struct sweep_row *row = &sweep->rows[i];
        add_label(page, row);
        html_cell(page, "%.0f", row->parameters);
        html_cell(page, "%.1f", row->seconds);
        html_cell(page, "%.1f", row->test_rate);
        html_cell(page, "%.0f", row->memory);
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n");
}

bool sweep_html(const struct sweep *sweep, struct error *error)
{
    struct text page = {0}, words = {0};
    const char *name = path_base(sweep->folder);
    char *path = path_join(sweep->folder, "sweep.html");

    html_head(&page, name);
    text_add(&page, "<p class=\"soft\">%s on the test part", metric_title(sweep->metric, sweep->task));
    if (sweep->clips)
        text_add(&page, ", %zu clips", sweep->clips);
    text_add(&page, "</p>\n");
    add_ranking(&page, sweep);
    html_still(&page, sweep->folder, "sweep.svg", "<div class=\"wide still\">", "</div>");
    text_add(&page, "<h2>Every figure</h2>\n");
    add_metrics(&page, sweep);
    text_add(&page, "<h2>What it costs</h2>\n");
    add_costs(&page, sweep);
    text_add(&page, "<h2>How to read it</h2>\n<pre class=\"words\">");
    sweep_notes(sweep, &words);
    text_add_html(&page, words.text);
    text_add(&page, "</pre>\n</body></html>\n");
    bool done = file_write(path, page.text, page.length, error);
    text_free(&words);
    text_free(&page);
    free(path);
    return done;
}
