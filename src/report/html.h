/* Inside report/ only: the parts of report.html. */
#ifndef EMOTRAIN_REPORT_HTML_H
#define EMOTRAIN_REPORT_HTML_H

#include "report/report.h"

extern const char PAGE_CSS[], PAGE_JS[]; /* page.css and page.js, embedded by the build */

enum { WORST_MISTAKES = 12 };

/* The beginning of a page, down to its title. */
void html_head(struct text *page, const char *title);

/* A table's cell with a number; "-" where there is none. */
void html_cell(struct text *page, const char *format, double value);

/* A chart in `folder` that gnuplot drew, between two pieces of markup; nothing if it has not. */
void html_still(struct text *page, const char *folder, const char *name, const char *before,
                const char *after);

/* What page.js draws from, as JSON that is safe inside a <script> element: labels, clips, metrics,
 * calibration; with `audio`, the sound of the worst mistakes. */
void html_data(const struct report *report, bool audio, struct text *page);

#endif
