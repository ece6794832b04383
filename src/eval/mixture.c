/* Several models' predictions, put together: see mixture.h. */
#include "eval/mixture.h"

#include <math.h>
#include <stdlib.h>

static const double ENOUGH = 1e-9; /* change of every weight in a round */
enum { MOST_ROUNDS = 10000 };

/* Appends the probability that a model gave to a clip's label; of multi_label, to each label or its absence.
 */
static void add_label_probabilities(const struct prediction_list *list, const struct prediction *p,
                                    double *probable, size_t *count)
{
    if (list->task == SINGLE_LABEL && p->label >= 0)
        probable[(*count)++] = p->probabilities[p->label];
    for (size_t k = 0; list->task == MULTI_LABEL && p->targets && k < list->label_count; k++)
        probable[(*count)++] = p->targets[k] > 0.5 ? p->probabilities[k] : 1 - p->probabilities[k];
}

/* One round: a weight becomes its model's mean share in the labels' probabilities.  Returns the largest
 * change. */
static double reweigh(double *const *probable, size_t models, size_t count, double *weights)
{
    double *shares = mem_zero(models, sizeof *shares), change = 0, total = 0;

    for (size_t i = 0; i < count; i++) {
        double sum = 0;
        for (size_t m = 0; m < models; m++)
            sum += weights[m] * probable[m][i];
        for (size_t m = 0; sum > 0 && m < models; m++)
            shares[m] += weights[m] * probable[m][i] / sum;
    }
    for (size_t m = 0; m < models; m++)
        total += shares[m];
    for (size_t m = 0; total > 0 && m < models; m++) {
        change = fmax(change, fabs(shares[m] / total - weights[m]));
        weights[m] = shares[m] / total;
    }
    free(shares);
    return change;
}

void mixture_weigh(const struct prediction_list *const *lists, size_t count, double *weights)
{
    double **probable = mem_zero(count, sizeof *probable);
    size_t outputs = 0;

    for (size_t m = 0; m < count; m++) {
        const struct prediction_list *list = lists[m];
        outputs = 0;
        probable[m] = mem_zero(list->count * list->label_count + 1, sizeof **probable);
        for (size_t i = 0; i < list->count; i++)
            add_label_probabilities(list, &list->items[i], probable[m], &outputs);
        weights[m] = 1 / (double)count;
    }
    for (int round = 0; round < MOST_ROUNDS && reweigh(probable, count, outputs, weights) > ENOUGH; round++)
        ;
    for (size_t m = 0; m < count; m++)
        free(probable[m]);
    free(probable);
}

void mixture_mean(const struct prediction_list *const *lists, size_t count, const double *weights,
                  const double *thresholds, struct prediction_list *mean)
{
    float *row = mem_zero(mean->label_count + 1, sizeof *row);

    for (size_t i = 0; i < lists[0]->count; i++) {
        const struct prediction *first = &lists[0]->items[i];
        for (size_t k = 0; k < mean->label_count; k++) {
            double sum = 0;
            for (size_t m = 0; m < count; m++)
                sum += weights[m] * lists[m]->items[i].probabilities[k];
            row[k] = (float)sum;
        }
        struct prediction *p = prediction_list_add(mean, first->path, first->label, first->targets);
        prediction_fill(mean, p, row, thresholds);
        if (first->has_facts)
            prediction_set_facts(mean, p, first->speaker, first->sex, first->intensity, first->text);
    }
    free(row);
}
