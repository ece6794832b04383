/*
 * How sure a metric is, and whether two models differ.
 *
 *     clusters_make(&clusters, &predictions, speakers);
 *     bootstrap_intervals(&predictions, &clusters, intervals);      intervals[METRIC_UAR].low ... .high
 *
 * `predictions` are the predictions of one model, or of the same model trained from several seeds, for the
 * same clips in the same order.  A metric of several is the mean of theirs.
 *
 * The bootstrap (Efron, 1979) resamples whole clusters with replacement: all clips of a speaker together
 * where speakers are known, because a speaker's clips are not independent; else all of a recording; else
 * single clips.  Of several seeds, seeds are resampled too.  All random numbers come from a fixed stream: the
 * same predictions give the same numbers.
 */
#ifndef EMOTRAIN_EVAL_STATISTICS_H
#define EMOTRAIN_EVAL_STATISTICS_H

#include "eval/metrics.h"

enum { BOOTSTRAP_RESAMPLES = 2000, CLUSTERS_FEW = 8 /* fewer give intervals that are too narrow */ };

struct outputs {
    const struct prediction_list *const *lists;
    size_t count;
};

/* Which clips are resampled together. */
struct clusters {
    const char *unit; /* "speaker", "recording" or "clip" */
    size_t count;
    size_t *starts;        /* count + 1 positions in items */
    size_t *items;         /* positions in the predictions */
    bool of_one_recording; /* all clips: nothing is left to resample but those, which are not independent */
};

/* `speakers`: one per prediction, NULL where unknown; clusters are speakers if there are at least two, and a
 * clip without one goes by its recording; else recordings, where there are several clips of some. */
void clusters_make(struct clusters *clusters, const struct prediction_list *predictions,
                   const char *const *speakers);
void clusters_free(struct clusters *clusters);

struct interval {
    double low, high;
};

/* 95 % percentile intervals of every metric. */
void bootstrap_intervals(const struct outputs *outputs, const struct clusters *clusters,
                         struct interval intervals[METRIC_COUNT]);

/* One model against another on the same clips, in one metric; seeds are paired, so both have equally many. */
struct comparison {
    double difference;              /* of the metric: second less first */
    struct interval interval;       /* 95 %, paired bootstrap */
    double permutation_p;           /* two-sided, see below */
    size_t only_first, only_second; /* predictions (over clips and seeds) that only one of both has right */
    double mcnemar_p;               /* two-sided; of right and wrong predictions, whatever the metric */
};

/* Permutation test (Fisher, 1935; of any metric, as approximate randomisation: Noreen, 1989): how often the
 * difference is as large as the observed one, where the models' predictions for a cluster, of all seeds, are
 * swapped or not.  All ways are tried where there are few clusters, so p is exact then: with 4 speakers no
 * less than 1/8.
 *
 * McNemar's test (1947) of right and wrong predictions.  Exact, by the binomial distribution, where single
 * clips are the units and there is one seed; else its form for clustered pairs by Durkalski et al. (2003),
 * because a speaker's clips, and a clip's predictions from several seeds, are no independent trials. */
void compare_predictions(const struct outputs *first, const struct outputs *second,
                         const struct clusters *clusters, struct comparison comparisons[METRIC_COUNT]);

/* Whether two lists hold predictions for the same clips, in the same order, with the same labels. */
bool same_clips(const struct prediction_list *a, const struct prediction_list *b);

/* Adjusts p-values for being `count` tests (Holm, 1979), in place. */
void adjust_holm(double *p, size_t count);

double mean_of(const double *values, size_t count);
double deviation_of(const double *values, size_t count); /* of a sample, n - 1; NaN for fewer than 2 */

#endif
