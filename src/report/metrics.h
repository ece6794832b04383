/* Figures of a set of predictions, and the classification report laid out as scikit-learn prints it. */
#ifndef EMOTRAIN_REPORT_METRICS_H
#define EMOTRAIN_REPORT_METRICS_H

#include "base/text.h"
#include "store/runs.h"

/* Precision, recall and F1 of a label or an average; 0 where the quotient has no denominator. */
struct scores {
    double precision, recall, f1;
    size_t support; /* clips of that label */
};

struct evaluation {
    const char *const *labels; /* belong to the predictions */
    size_t label_count, clips;
    size_t *confusion; /* (label_count, label_count): row true, column predicted */
    struct scores *classes;
    struct scores macro, weighted;
    double accuracy;
    double uar; /* unweighted average recall, over the labels that occur */
};

/* Predictions without a label are passed over. */
void evaluation_make(struct evaluation *evaluation, const struct prediction_list *predictions);
void evaluation_free(struct evaluation *evaluation);

/* scikit-learn's classification_report(digits=2), digit for digit. */
void evaluation_print(const struct evaluation *evaluation, struct text *out);

/* Appends accuracy, uar, macro_f1, weighted_f1 to a step's metrics. */
void evaluation_metrics(const struct evaluation *evaluation, int64_t step, double epoch,
                        struct metric_list *metrics);

/* The figure that eval.best_metric names, larger is better; `loss` is the mean cross-entropy. */
double evaluation_score(const struct evaluation *evaluation, double loss, const char *metric);

#endif
