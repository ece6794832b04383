/*
 * A run's report, written again at any time from the catalogue alone: classification_report.txt, report.json,
 * predictions.csv, charts, report.html.
 */
#ifndef EMOTRAIN_REPORT_REPORT_H
#define EMOTRAIN_REPORT_REPORT_H

#include "base/strings.h"
#include "report/clips.h"
#include "store/run_info.h"
#include "eval/statistics.h"

/* The clips that have one value of an attribute: those of women, those of speaker 7, ... */
struct group {
    const char *attribute, *value;
    struct evaluation evaluation;
};

/* What changed against another run. */
struct baseline {
    char *name;
    double metrics[METRIC_COUNT]; /* of the baseline */
    bool compared;                /* both predicted for the same clips */
    struct comparison comparisons[METRIC_COUNT];
    enum metric first_metric;   /* of the task */
    size_t fixed, broken;       /* clips: wrong before and right now, and the reverse */
    struct strings differences; /* "section.key: before -> now" */
};

/* All of a run that is reported. */
struct report {
    struct run_row run;
    const char *folder;
    struct run_info info; /* empty where the catalogue has none */
    struct metric_list metrics;
    struct prediction_list predictions; /* of the test part; empty before there are any */
    struct clip_facts clips;            /* one per prediction */
    struct evaluation evaluation;
    struct calibration calibration;
    struct clusters clusters; /* what intervals were drawn by */
    struct interval intervals[METRIC_COUNT];
    struct group *groups;
    size_t group_count;
    struct baseline *baseline; /* NULL without one */
    struct strings *remarks;   /* what a reader must know: shared speakers, selection on the test part, ... */
    struct arena arena;
};

bool report_read(struct report *report, struct catalogue *catalogue, const char *folder, struct error *error);
void report_free(struct report *report);

/* The metrics that groups are told by: the task's first ones. */
enum { GROUP_FIGURES = 3 };
enum metric report_group_metric(const struct report *report, size_t i);

/* Says what changed against the run in `folder`, whose report has been read from its catalogue. */
void report_set_baseline(struct report *report, const struct report *baseline);

/* Draws the charts again. */
bool report_charts(const struct report *report, struct error *error);

/* Writes everything.  Charts that cannot be drawn are a warning.  `audio` puts the worst mistakes' sound into
 * the page. */
bool report_write(const struct report *report, bool audio, struct error *error);

/* The text report, as it stands in classification_report.txt. */
void report_print(const struct report *report, struct text *out);

/* report.json (report_json.c). */
bool report_json(const struct report *report, struct error *error);

/* The page (html.c). */
bool report_html(const struct report *report, bool audio, struct error *error);

/* predictions.csv: path,label,predicted, one probability (of regression: number) per label. */
void report_predictions(const struct prediction_list *predictions, struct text *out);

#endif
