/* Inside report/ only: the parts of report.html and sweep.html.  Every name, path and setting is escaped. */
#ifndef EMOTRAIN_REPORT_HTML_H
#define EMOTRAIN_REPORT_HTML_H

#include "report/report.h"

/* page.css, page.js and runs_table.js, embedded by the build */
extern const char PAGE_CSS[], PAGE_JS[], RUNS_TABLE_JS[];

enum { WORST_MISTAKES = 12 };

/* The beginning of a page, down to its title, and its end.  Its content policy lets only `script` run, which
 * stands at the end; "": none. */
void html_head(struct text *page, const char *title, const char *script);
void html_end(struct text *page, const char *script);

/* A path as the address of a link: every byte but the plain ones as %XX. */
void html_address(struct text *page, const char *path);

/* A table's cell with a number; "-" where there is none. */
void html_cell(struct text *page, const char *format, double value);

/* "LOW to HIGH" that stays on one line. */
void html_interval(struct text *page, const char *format, struct interval interval);

/* The metrics, classes, groups and changes against a baseline, from report.json (html_results.c). */
void html_metrics(struct text *page, const cJSON *json);
void html_scores(struct text *page, const cJSON *json);
/* Tables that the run recorded. */
void html_tables(struct text *page, const cJSON *json);

void html_groups(struct text *page, const cJSON *json);
void html_baseline(struct text *page, const cJSON *json);

/* The confusion matrix (html_confusion.c). */
void html_confusion(struct text *page, const cJSON *json);

/* Curves of training and of calibration, from report.json; numbers predicted against labels (html_charts.c).
 */
void html_training(struct text *page, const cJSON *json);
void html_calibration(struct text *page, const cJSON *json);
void html_agreement(struct text *page, const struct prediction_list *predictions);

/* The clips that page.js shows, as JSON that is safe inside a <script> element; with `audio`, the sound of
 * the worst mistakes (html_clips.c). */
void html_clips(struct text *page, const struct report *report, bool audio);

#endif
