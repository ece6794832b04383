/*
 * A run's report, written again at any time from the catalogue and the run's environment.json: report.json,
 * classification_report.txt, report.html, predictions.csv, charts.
 *
 *     report_read     the catalogue -> struct report, with all that is worked out from the predictions
 *     report_json     struct report -> report.json, as an object in memory
 *     report_text, report_html, card_print (card.h)     that object -> text, page and model card
 */
#ifndef EMOTRAIN_REPORT_REPORT_H
#define EMOTRAIN_REPORT_REPORT_H

#include "base/json.h"
#include "base/strings.h"
#include "eval/calibration.h"
#include "eval/statistics.h"
#include "report/clips.h"
#include "store/run_info.h"

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
    const char *output;   /* the folder that report_write writes into: the run's own, unless changed */
    struct run_info info; /* empty where the catalogue has none */
    cJSON *environment;   /* environment.json; NULL where there is none */
    struct metric_list metrics;
    struct prediction_list predictions; /* of the test part; empty before there are any */
    struct clip_facts clips;            /* one per prediction */
    struct evaluation evaluation;
    struct calibration calibration;
    struct uncalibrated uncalibrated; /* where a temperature was fitted */
    struct coverage coverage;         /* of single_label */
    struct clusters clusters;         /* what intervals are resampled by */
    struct interval intervals[METRIC_COUNT];
    struct group *groups;
    size_t group_count;
    struct baseline *baseline; /* NULL without one */
    struct strings remarks;    /* what a reader must know: shared speakers, selection on the test part, ... */
    struct arena arena;
};

bool report_read(struct report *report, struct catalogue *catalogue, const char *folder, struct error *error);
void report_free(struct report *report);

/* Says what changed against the run in `folder`, whose report has been read from its catalogue. */
void report_set_baseline(struct report *report, const struct report *baseline);

/* What a reader of the metrics must know, in report->remarks (remarks.c). */
void report_add_remarks(struct report *report);

/* Plots the charts again. */
bool report_charts(const struct report *report, struct error *error);

/* Writes everything.  Charts that cannot be plotted are a warning.  `audio` puts the worst mistakes' sound
 * into the page. */
bool report_write(const struct report *report, bool audio, struct error *error);

/* The protocol card (protocol.c): data, split, model, training, selection, results and software, a sentence
 * each, to paste into a paper; nothing where the run has not been tested. */
void report_protocol(const struct report *report, struct text *out);

/* The report on a terminal: that of classification_report.txt without the speakers, the metrics last. */
void report_print_summary(const struct report *report, struct text *out);

/* The text report, as it stands in classification_report.txt. */
void report_print(const struct report *report, struct text *out);

/* report.json (report_json.c); caller cJSON_Deletes. */
cJSON *report_json(const struct report *report);

/* The same two texts, from report.json (report_text.c). */
void report_text(const cJSON *json, struct text *out);
void report_summary(const cJSON *json, struct text *out);

/* The page (html.c), from report.json and the clips of `report`. */
bool report_html(const struct report *report, const cJSON *json, bool audio, struct error *error);

/* predictions.csv: path,label,predicted, one probability (of regression: number) per label. */
void report_predictions(const struct prediction_list *predictions, struct text *out);

#endif
