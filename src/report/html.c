/* report.html: one self-contained page. */
#include "report/html.h"

#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"
#include "report/fields.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Only the page's own script runs, and nothing is loaded from elsewhere, whatever names hold. */
static void add_content_policy(struct text *page, const char *script)
{
    char hex[SHA256_HEX_SIZE];
    unsigned char digest[SHA256_HEX_SIZE / 2];
    char *element = mem_format("\n%s", script); /* as html_end writes it */

    digest_bytes(element, strlen(element), hex);
    for (size_t i = 0; i < sizeof digest; i++) {
        char byte[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        digest[i] = (unsigned char)strtoul(byte, NULL, 16);
    }
    text_add(page,
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
             "media-src data:; style-src 'unsafe-inline'; script-src 'sha256-");
    text_add_base64(page, digest, sizeof digest);
    text_add(page, "'\">");
    free(element);
}

void html_end(struct text *page, const char *script)
{
    if (*script)
        text_add(page, "<script>\n%s</script>\n", script);
    text_add(page, "</body></html>\n");
}

void html_address(struct text *page, const char *path)
{
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;
        text_add(page, isalnum(c) || strchr("-_.~/", c) ? "%c" : "%%%02X", c);
    }
}

void html_head(struct text *page, const char *title, const char *script)
{
    text_add(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    add_content_policy(page, script);
    text_add(page, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                   "<link rel=\"icon\" href=\"data:,\"><title>");
    text_add_html(page, title);
    text_add(page, "</title>\n<style>\n%s</style></head><body>\n<h1>", PAGE_CSS);
    text_add_html(page, title);
    text_add(page, "</h1>\n");
}

void html_cell(struct text *page, const char *format, double value)
{
    char number[40];

    snprintf(number, sizeof number, format, value);
    text_add(page, "<td>%s</td>", isfinite(value) ? number : "-");
}

void html_interval(struct text *page, const char *format, struct interval interval)
{
    char low[40], high[40];

    snprintf(low, sizeof low, format, interval.low);
    snprintf(high, sizeof high, format, interval.high);
    if (isfinite(interval.low))
        text_add(page, "<span class=\"interval\">%s to %s</span>", low, high);
    else
        text_add(page, "-");
}

/* ---- times ---- */

/* Seconds between two stamps as 2026-01-31T17:30:00Z; NaN where one is none. */
static double seconds_between(const char *from, const char *to)
{
    const char *const stamps[] = {from, to};
    time_t moments[2];

    for (int i = 0; i < 2; i++) {
        struct tm t = {0};
        if (!strptime(stamps[i], "%Y-%m-%dT%H:%M:%SZ", &t))
            return (double)NAN;
        moments[i] = mktime(&t); /* local time without summer time: the difference is the same */
    }
    return difftime(moments[1], moments[0]);
}

/* ", 1 h 02 min from start to end", nothing where that is not known. */
static void add_duration(struct text *page, const cJSON *json)
{
    double seconds = seconds_between(field_text(json, "started"), field_text(json, "finished"));
    long whole = isfinite(seconds) ? (long)seconds : -1;

    if (whole >= 3600)
        text_add(page, ", %ld h %02ld min from start to end", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
        text_add(page, ", %ld min %02ld s from start to end", whole / 60, whole % 60);
    else if (whole >= 0)
        text_add(page, ", %ld s from start to end", whole);
}

/* ---- what ran ---- */

static bool is_digest(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* A value as a person reads it: round numbers, short digests. */
static char *fact_text(const cJSON *item, enum task task)
{
    const char *text = cJSON_IsString(item) ? item->valuestring : NULL;

    if (text && strcmp(text, "auto") == 0) /* of best_metric: by the task */
        return mem_string(metric_title(metric_choose(text, task), task));
    if (text)
        return mem_format("%.*s", is_digest(text) ? 16 : (int)strlen(text), text);
    if (cJSON_IsNumber(item))
        return mem_format("%.10g", round(item->valuedouble * 1000) / 1000);
    char *printed = cJSON_PrintUnformatted(item), *copy = mem_string(printed);
    cJSON_free(printed);
    return copy;
}

/* "best_step" as "best step"; a licence says of which corpus. */
static char *fact_name(const cJSON *section, const cJSON *item)
{
    if (strcmp(item->string, "licence") == 0)
        return mem_format("licence of %s as published", field_text(section, "kind"));
    char *name = mem_string(item->string);
    for (char *c = name; *c; c++)
        if (*c == '_')
            *c = ' ';
    return name;
}

static void add_facts(struct text *page, const cJSON *section, enum task task)
{
    const cJSON *item = NULL;

    text_add(page, "<div><h3>");
    text_add_html(page, section->string);
    text_add(page, "</h3><table class=\"facts\">\n");
    cJSON_ArrayForEach(item, section)
    {
        char *name = fact_name(section, item), *value = fact_text(item, task);
        text_add(page, "<tr><td>");
        text_add_html(page, name);
        text_add(page, "</td><td>");
        text_add_html(page, value);
        text_add(page, "</td></tr>\n");
        free(name);
        free(value);
    }
    text_add(page, "</table></div>\n");
}

static void add_what_ran(struct text *page, const cJSON *json)
{
    const cJSON *section = NULL, *environment = field(json, "environment");

    text_add(page, "<h2>What ran</h2>\n<p class=\"soft\">Started %s", field_text(json, "started"));
    add_duration(page, json);
    if (environment) {
        text_add(page, "; emotrain ");
        text_add_html(page, field_text(environment, "emotrain"));
        text_add(page, ", commit ");
        text_add_html(page, field_text(environment, "commit"));
        text_add(page, ", libtorch ");
        text_add_html(page, field_text(environment, "libtorch"));
        text_add(page, " on ");
        text_add_html(page, field_text(environment, "processor"));
    }
    text_add(page, ".</p>\n<div class=\"columns\">\n");
    cJSON_ArrayForEach(section, field(json, "info")) add_facts(page, section, field_task(json));
    text_add(page, "</div>\n");
}

/* ---- the page ---- */

static void add_head(struct text *page, const cJSON *json)
{
    const char *finished = field_text(json, "finished");
    const cJSON *remark = NULL;

    html_head(page, field_text(json, "run"), PAGE_JS);
    text_add(page, "<p class=\"soft\">%s; started %s, ended %s", field_text(json, "state"),
             field_text(json, "started"), *finished ? finished : "-");
    add_duration(page, json);
    text_add(page, "</p>\n");
    cJSON_ArrayForEach(remark, field(json, "remarks"))
    {
        text_add(page, "<p class=\"note\">");
        text_add_html(page, remark->valuestring);
        text_add(page, "</p>\n");
    }
}

static void add_mistakes(struct text *page, const cJSON *json)
{
    static const char *const words[TASK_COUNT] = {
        [SINGLE_LABEL] = "The wrong predictions that gave the label the least probability.",
        [MULTI_LABEL] = "The predictions with a wrong label whose loss is largest.",
        [REGRESSION] = "The predictions that are farthest off.",
    };
    enum task task = field_task(json);
    bool none = task != REGRESSION && field_number(json, METRICS[METRIC_ACCURACY].name) >= 1;

    text_add(
        page,
        "<h2>Worst mistakes</h2>\n<p class=\"soft\">%s</p>\n<div id=\"mistakes\" class=\"mistakes\"></div>\n",
        none ? "None: every prediction is right." : words[task]);
}

static void add_predictions(struct text *page, const struct report *report, const cJSON *json)
{
    bool matrix = field(json, "confusion") != NULL;

    text_add(page, "<h2>On %zu test clips</h2>\n", field_count(json, "clips"));
    html_metrics(page, json);
    text_add(page, "<div class=\"%s\">\n<div>", matrix ? "beside" : "");
    html_scores(page, json);
    html_tables(page, json);
    text_add(page, "</div>\n");
    if (matrix)
        html_confusion(page, json);
    text_add(page, "</div>\n<div id=\"cell\" aria-live=\"polite\"></div>\n");
    if (field(json, "baseline"))
        html_baseline(page, json);
    if (field_task(json) == REGRESSION)
        html_agreement(page, &report->predictions);
    add_mistakes(page, json);
    if (field(json, "calibration"))
        html_calibration(page, json);
    if (cJSON_GetArraySize(field(json, "groups")))
        html_groups(page, json);
}

static void add_protocol(struct text *page, const cJSON *json)
{
    if (!*field_text(json, "protocol"))
        return;
    text_add(page, "<h2>Protocol</h2>\n<p class=\"soft\">Text for a paper.</p><pre id=\"protocol\">");
    text_add_html(page, field_text(json, "protocol"));
    text_add(page, "</pre>\n");
}

static void add_settings(struct text *page, const struct report *report)
{
    text_add(page, "<h2>Settings</h2><p><code>emotrain --config config.ini --run NAME</code> with the run's "
                   "config.ini repeats it.</p><details><summary>config.ini</summary><pre>");
    text_add_html(page, report->run.config);
    text_add(page, "</pre></details>\n");
}

bool report_html(const struct report *report, const cJSON *json, bool audio, struct error *error)
{
    struct text page = {0};
    char *path = path_join(report->output, "report.html");

    add_head(&page, json);
    if (field_count(json, "clips"))
        add_predictions(&page, report, json);
    html_training(&page, json);
    add_what_ran(&page, json);
    add_protocol(&page, json);
    add_settings(&page, report);
    html_clips(&page, report, audio);
    html_end(&page, PAGE_JS);
    bool done = file_write(path, page.text, page.length, error);
    text_free(&page);
    free(path);
    return done;
}
