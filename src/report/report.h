/*
 * A run's report, written again at any time from the catalogue alone: classification_report.txt, report.json,
 * predictions.csv, loss and confusion charts, report.html.
 */
#ifndef EMOTRAIN_REPORT_REPORT_H
#define EMOTRAIN_REPORT_REPORT_H

#include "base/files.h"
#include "report/chart.h"

/* All of a run that is reported. */
struct report {
    struct run_row run;
    const char *folder;
    struct cJSON *facts; /* never NULL; may be empty */
    struct metric_list metrics;
    struct prediction_list predictions; /* of the test part; empty before there are any */
    struct evaluation evaluation;
    struct strings *remarks; /* what a reader must know: shared speakers, selection on the test part, ... */
    struct arena arena;
};

bool report_read(struct report *report, struct catalogue *catalogue, const char *folder, struct error *error);
void report_free(struct report *report);

/* Draws the charts again. */
bool report_charts(const struct report *report, struct error *error);

/* Writes everything; charts first, since the page holds them.  Charts that cannot be drawn are a warning. */
bool report_write(const struct report *report, struct error *error);

/* The page (html.c). */
bool report_html(const struct report *report, struct error *error);

/* predictions.csv: path,label,predicted, one probability per label. */
void report_predictions(const struct prediction_list *predictions, struct text *out);

#endif
