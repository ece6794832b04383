/* report.html: one self-contained page.  Every name, path and setting is escaped. */
#include "report/report.h"

#include "base/files.h"
#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char STYLE[] =
    ":root{color-scheme:light dark;--line:#8885;--note:#f2b70033}"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}"
    "h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin-top:2rem}"
    "table{border-collapse:collapse}td,th{padding:.2rem .6rem;border-bottom:1px solid "
    "var(--line);text-align:right}"
    "th:first-child,td:first-child{text-align:left}.wide{overflow-x:auto}"
    ".facts td{text-align:left;overflow-wrap:anywhere;vertical-align:top}"
    ".facts td:first-child{overflow-wrap:normal;white-space:nowrap}h3{font-size:1rem;margin-bottom:.2rem}"
    ".note{background:var(--note);padding:.5rem .8rem;border-radius:.3rem;margin:.5rem 0}"
    ".big{display:flex;flex-wrap:wrap;gap:1.5rem;margin-bottom:1rem}.big div{font-size:1.6rem}.big "
    "small{display:block;font-size:.8rem}"
    "svg{max-width:100%;height:auto;background:#fff;border-radius:.3rem}"
    "pre{overflow-x:auto;border:1px solid var(--line);padding:.6rem;font-size:.85rem}";

static void big_number(struct text *page, const char *name, double value)
{
    text_add(page, "<div>%.3f<small>%s</small></div>", value, name);
}

static void scores_row(struct text *page, const char *name, const struct scores *s)
{
    text_add(page, "<tr><td>");
    text_add_html(page, name);
    text_add(page, "</td><td>%.2f</td><td>%.2f</td><td>%.2f</td><td>%zu</td></tr>\n", s->precision, s->recall,
             s->f1, s->support);
}

static void scores_table(struct text *page, const struct evaluation *e)
{
    text_add(page, "<div class=\"wide\"><table><tr><th>label</th><th>precision</th><th>recall</th><th>F1</th>"
                   "<th>clips</th></tr>\n");
    for (size_t k = 0; k < e->label_count; k++)
        scores_row(page, e->labels[k], &e->classes[k]);
    scores_row(page, "macro average", &e->macro);
    scores_row(page, "weighted average", &e->weighted);
    text_add(page, "</table></div>\n");
}

/* A chart that gnuplot drew, inline; nothing where it is not there. */
static void chart(struct text *page, const struct report *report, const char *name)
{
    struct error missing = {0};
    char *path = path_join(report->folder, name);
    char *content = path_exists(path) ? file_read(path, NULL, &missing) : NULL;
    const char *svg = content ? strstr(content, "<svg") : NULL;

    if (svg)
        text_add_bytes(page, svg, strlen(svg));
    else
        text_add(page, "<p>Not drawn: <code>emotrain plot</code> draws it where gnuplot is installed.</p>");
    text_add(page, "\n");
    free(content);
    free(path);
}

/* One table per section of the facts. */
static void facts_tables(struct text *page, const cJSON *facts)
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

bool report_html(const struct report *report, bool audio, struct error *error)
{
    const struct evaluation *e = &report->evaluation;
    struct text page = {0};
    char *path = path_join(report->folder, "report.html");
    (void)audio;

    text_add(&page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>");
    text_add_html(&page, report->run.name);
    text_add(&page, "</title><style>%s</style></head><body>\n<h1>", STYLE);
    text_add_html(&page, report->run.name);
    text_add(&page, "</h1>\n<p>Started %s, %s.</p>\n", report->run.started, report->run.state);
    for (size_t i = 0; i < report->remarks->count; i++) {
        text_add(&page, "<p class=\"note\">");
        text_add_html(&page, report->remarks->items[i]);
        text_add(&page, "</p>\n");
    }
    if (e->clips > 0) {
        text_add(&page, "<h2>On %zu test clips</h2><div class=\"big\">", e->clips);
        big_number(&page, "accuracy", e->accuracy);
        big_number(&page, "UAR", e->uar);
        big_number(&page, "macro F1", e->macro.f1);
        big_number(&page, "weighted F1", e->weighted.f1);
        text_add(&page, "</div>\n");
        scores_table(&page, e);
        text_add(&page, "<h2>Confusion matrix</h2>\n");
        chart(&page, report, "confusion.svg");
    }
    text_add(&page, "<h2>Loss</h2>\n");
    chart(&page, report, "loss.svg");
    text_add(&page, "<h2>What ran</h2>\n");
    facts_tables(&page, report->facts);
    text_add(&page, "<h2>Settings</h2><p><code>emotrain --config config.ini --run NAME</code> with these, in "
                    "the folder where it was started, repeats it.</p><pre>");
    text_add_html(&page, report->run.config);
    text_add(&page, "</pre>\n</body></html>\n");
    bool done = file_write(path, page.text, page.length, error);
    text_free(&page);
    free(path);
    return done;
}
