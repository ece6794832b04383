/*
 * Figures of a set of predictions, and the classification report laid out as scikit-learn prints it.
 *
 * FIGURES is the list of single numbers that sum up an evaluation: what eval.best_metric and sweep.metric
 * name, what reports and sweeps print.
 */
#ifndef EMOTRAIN_REPORT_METRICS_H
#define EMOTRAIN_REPORT_METRICS_H

#include "base/text.h"
#include "store/runs.h"

/* Precision, recall and F1 of a label or an average; 0 where the quotient has no denominator. */
struct scores {
    double precision, recall, f1;
    size_t support;   /* clips of that label */
    size_t predicted; /* clips taken for it */
};

struct evaluation {
    const char *const *labels; /* belong to the predictions */
    size_t label_count, clips;
    size_t *confusion; /* (label_count, label_count): row true, column predicted */
    struct scores *classes;
    struct scores macro, weighted;
    double accuracy;
    double uar;  /* unweighted average recall, over the labels that occur */
    double loss; /* mean cross-entropy per clip */
};

/* Predictions without a label are passed over. */
void evaluation_make(struct evaluation *evaluation, const struct prediction_list *predictions);
void evaluation_free(struct evaluation *evaluation);

/* The same step by step: start, add each clip, finish; clear begins again with the same labels. */
void evaluation_start(struct evaluation *evaluation, const char *const *labels, size_t count);
void evaluation_add(struct evaluation *evaluation, int label, int predicted, double loss);
void evaluation_finish(struct evaluation *evaluation);
void evaluation_clear(struct evaluation *evaluation);

/* Cross-entropy of one prediction that has a label. */
double prediction_loss(const struct prediction *prediction);

enum figure { FIGURE_ACCURACY, FIGURE_UAR, FIGURE_MACRO_F1, FIGURE_WEIGHTED_F1, FIGURE_LOSS, FIGURE_COUNT };

struct figure_kind {
    const char *name;  /* in settings, metrics.jsonl and report.json */
    const char *title; /* for people */
    bool smaller_is_better;
    double (*of)(const struct evaluation *evaluation);
};

extern const struct figure_kind FIGURES[FIGURE_COUNT];

/* The figure of that name, or FIGURE_COUNT. */
enum figure figure_find(const char *name);

/* Whether value `a` of the figure is better than `b`. */
bool figure_is_better(enum figure figure, double a, double b);

/* How far stated confidence and accuracy lie apart: expected calibration error over equally wide bins of the
 * likeliest label's probability (Guo et al., 2017). */
enum { CALIBRATION_BINS = 15 };

struct calibration {
    struct calibration_bin {
        size_t clips;
        double confidence, accuracy; /* means over the bin's clips */
    } bins[CALIBRATION_BINS];
    double error; /* expected calibration error, 0 to 1 */
};

void calibration_make(struct calibration *calibration, const struct prediction_list *predictions);

/* scikit-learn's classification_report(digits=2), digit for digit. */
void evaluation_print(const struct evaluation *evaluation, struct text *out);

/* Appends every figure to a step's metrics. */
void evaluation_metrics(const struct evaluation *evaluation, int64_t step, double epoch,
                        struct metric_list *metrics);

/* The figure that eval.best_metric names, turned so that larger is better. */
double evaluation_score(const struct evaluation *evaluation, const char *metric);

#endif
