/* Several models' predictions of the same clips, put together: the mean, and the weights that suit them best.
 */
#ifndef EMOTRAIN_EVAL_MIXTURE_H
#define EMOTRAIN_EVAL_MIXTURE_H

#include "eval/predictions.h"

/* Writes the weights, from 0 and with the sum 1, under which the mean of the models' probabilities makes the
 * known labels likeliest, by expectation maximisation from equal ones.  `lists` (count): predictions of the
 * same clips in the same order; single_label, or multi_label, where every label of a clip counts by itself.
 */
void mixture_weigh(const struct prediction_list *const *lists, size_t count, double *weights);

/* Appends to `mean`, started by the caller, the lists' weighted mean; `thresholds` as prediction_fill takes
 * them. */
void mixture_mean(const struct prediction_list *const *lists, size_t count, const double *weights,
                  const double *thresholds, struct prediction_list *mean);

#endif
