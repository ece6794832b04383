/*
 * Metrics of a set of predictions, and the classification report laid out as scikit-learn prints it.
 *
 * METRICS is the list of single numbers that sum up an evaluation: what eval.best_metric and sweep.metric
 * name, what reports and sweeps print.  Which of them mean something depends on the task.
 */
#ifndef EMOTRAIN_EVAL_METRICS_H
#define EMOTRAIN_EVAL_METRICS_H

#include "base/text.h"
#include "eval/predictions.h"
#include "store/runs.h"

/* Of a label or an average; 0 where a quotient has no denominator. */
struct scores {
    double precision, recall, f1;
    size_t support;   /* clips of that label */
    size_t predicted; /* clips taken for it */

    /* multi_label: by the probability alone, whatever the threshold; NaN where all clips have the label, or
     * none */
    double auc;               /* area under the ROC curve */
    double average_precision; /* as scikit-learn's average_precision_score */
};

/* How well predicted numbers agree with the targets; of regression. */
struct agreement {
    double ccc;     /* concordance correlation coefficient (Lin, 1989) */
    double pearson; /* NaN where one side is constant */
    double mae, rmse;
};

/* What one prediction counts for. */
struct outcome {
    const struct prediction *prediction;
    int label, predicted; /* single_label; predicted: -1 where nothing was */
    double loss;
};

/* More labels than these have no matrix: nobody could read it, and it would grow by their square. */
enum { CONFUSION_LABELS = 200 };

struct evaluation {
    enum task task;
    const char *const *labels; /* belong to the predictions */
    size_t label_count, clips;
    size_t *confusion; /* single_label: (label_count, label_count): row true, column predicted; of
                          evaluation_make, up to CONFUSION_LABELS; else NULL */
    size_t *right;     /* single_label: per label, clips that are right */
    struct scores *classes;
    struct scores macro, weighted, micro; /* micro: multi_label */
    struct agreement *targets, mean;      /* regression: per label, and their mean */
    double accuracy;                      /* share of predictions that are all right */
    double uar;                           /* unweighted average recall, over the labels that occur */
    double loss;                          /* mean per clip: cross-entropy, or mean squared error */

    const struct prediction **rows; /* all but single_label: the predictions, which must live until the end */
    size_t row_capacity;
};

/* Predictions without a known target are passed over. */
void evaluation_make(struct evaluation *evaluation, const struct prediction_list *predictions);
void evaluation_free(struct evaluation *evaluation);

/* The same step by step, without the matrix: start, add each prediction, finish; clear begins again with the
 * same labels. */
void evaluation_start(struct evaluation *evaluation, const struct prediction_list *predictions);
void evaluation_add(struct evaluation *evaluation, const struct outcome *outcome);
void evaluation_finish(struct evaluation *evaluation);
void evaluation_clear(struct evaluation *evaluation);

/* Whether a label is a clip's or was predicted.  Tables and averages leave out one that does not, as
 * scikit-learn's default does; of single_label, the other tasks list all. */
bool label_occurs(const struct evaluation *evaluation, size_t label);

/* Of a prediction whose target is known. */
struct outcome outcome_of(const struct prediction_list *predictions, const struct prediction *prediction);

enum metric {
    METRIC_ACCURACY,
    METRIC_UAR,
    METRIC_MACRO_F1,
    METRIC_MICRO_F1,
    METRIC_WEIGHTED_F1,
    METRIC_MACRO_AUC,
    METRIC_MEAN_AVERAGE_PRECISION,
    METRIC_CCC,
    METRIC_PEARSON,
    METRIC_MAE,
    METRIC_RMSE,
    METRIC_LOSS,
    METRIC_COUNT
};

struct metric_kind {
    const char *name; /* in settings, metrics.jsonl and report.json */
    bool smaller_is_better;
    double (*of)(const struct evaluation *evaluation);
    const char *titles[TASK_COUNT]; /* for people; NULL: means nothing there */
};

extern const struct metric_kind METRICS[METRIC_COUNT];

/* The next metric that a task has; after METRIC_COUNT the first, after the last METRIC_COUNT. */
enum metric metric_after(enum metric metric, enum task task);

/* For each metric `f` that a task has. */
#define FOR_METRICS(f, task)                                                                                 \
    for (enum metric f = metric_after(METRIC_COUNT, task); f < METRIC_COUNT; f = metric_after(f, task))

/* What the metric is called there. */
const char *metric_title(enum metric metric, enum task task);

/* The metric of that name, or METRIC_COUNT. */
enum metric metric_find(const char *name);

/* Whether `setting` names a metric of the task, or none. */
bool metric_check(const char *setting, const char *name, enum task task, struct error *error);

/* What a model is chosen by: the metric of that name (eval.best_metric), or where `name` is "auto" or means
 * nothing in the task, the task's own: accuracy, macro_f1, ccc. */
enum metric metric_choose(const char *name, enum task task);

/* Whether value `a` of the metric is better than `b`; any is better than NaN. */
bool metric_is_better(enum metric metric, double a, double b);

/* The thresholds of the probabilities, one per label, that give each label its best F1 on these predictions;
 * 0.5 for a label that none of them has.  multi_label. */
void thresholds_make(const struct prediction_list *predictions, double *thresholds);

/* scikit-learn's classification_report(digits=2), digit for digit; of multi_label with two more columns; of
 * regression a table of its own. */
void evaluation_print(const struct evaluation *evaluation, struct text *out);

/* Appends every metric to a step's metrics. */
void evaluation_metrics(const struct evaluation *evaluation, int64_t step, double epoch,
                        struct metric_list *metrics);

/* A metric, turned so that larger is better. */
double evaluation_score(const struct evaluation *evaluation, enum metric metric);

#endif
