/* Calibration, temperature scaling and coverage: see calibration.h. */
#include "eval/calibration.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double quotient(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* ---- expected calibration error ---- */

/* One stated probability, and whether it came true. */
static void add_to_bin(struct calibration *calibration, double confidence, bool right)
{
    long b = (long)ceil(confidence * CALIBRATION_BINS) - 1;
    struct calibration_bin *bin = &calibration->bins[b < 0                   ? 0
                                                     : b >= CALIBRATION_BINS ? CALIBRATION_BINS - 1
                                                                             : b];

    bin->clips++;
    bin->confidence += confidence;
    bin->accuracy += right;
}

void calibration_make(struct calibration *calibration, const struct prediction_list *predictions)
{
    double outputs = 0;

    *calibration = (struct calibration){0};
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        if (predictions->task == SINGLE_LABEL && p->label >= 0)
            add_to_bin(calibration, p->probabilities[p->predicted], p->label == p->predicted);
        for (size_t k = 0; predictions->task == MULTI_LABEL && p->targets && k < predictions->label_count;
             k++)
            add_to_bin(calibration, p->probabilities[k], p->targets[k] > 0.5);
    }
    for (size_t b = 0; b < CALIBRATION_BINS; b++)
        outputs += (double)calibration->bins[b].clips;
    for (size_t b = 0; b < CALIBRATION_BINS; b++) {
        struct calibration_bin *bin = &calibration->bins[b];
        bin->confidence = quotient(bin->confidence, (double)bin->clips);
        bin->accuracy = quotient(bin->accuracy, (double)bin->clips);
        calibration->error += fabs(bin->confidence - bin->accuracy) * quotient((double)bin->clips, outputs);
    }
}

/* ---- temperature ---- */

static const double LEAST_PROBABILITY = 1e-38; /* that float32 states */

/* The logarithm of a label's probability, where all logits are multiplied by `factor`. */
static double log_probability(const double *row, size_t labels, size_t label, double factor)
{
    double sum = 1, own = log(fmax(row[label], LEAST_PROBABILITY)); /* 1: the label itself */

    for (size_t k = 0; k < labels; k++)
        if (k != label)
            sum += exp(factor * (log(fmax(row[k], LEAST_PROBABILITY)) - own));
    return -log(sum);
}

static double summed_loss(const struct prediction_list *list, double factor)
{
    double sum = 0;

    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].label >= 0)
            sum -= log_probability(list->items[i].probabilities, list->label_count,
                                   (size_t)list->items[i].label, factor);
    return sum;
}

/* By golden section over its logarithm: the loss has one minimum in the factor, of which it is the inverse.
 */
double temperature_fit(const struct prediction_list *predictions, double present)
{
    static const double SECTION = 0.6180339887498949;
    double low = log(0.05), high = log(20);

    for (int round = 0; round < 40; round++) {
        double a = high - SECTION * (high - low), b = low + SECTION * (high - low);
        if (summed_loss(predictions, present / exp(a)) <= summed_loss(predictions, present / exp(b)))
            high = b;
        else
            low = a;
    }
    return exp((low + high) / 2);
}

void temperature_change(struct prediction_list *list, double from, double to)
{
    for (size_t i = 0; i < list->count && from != to; i++) {
        double *row = list->items[i].probabilities, *changed = mem_zero(list->label_count, sizeof *changed);
        for (size_t k = 0; k < list->label_count; k++)
            changed[k] = exp(log_probability(row, list->label_count, k, from / to));
        for (size_t k = 0; k < list->label_count; k++)
            row[k] = changed[k];
        free(changed);
    }
}

void temperature_undo(const struct prediction_list *predictions, double temperature,
                      struct uncalibrated *uncalibrated)
{
    size_t count = predictions->count, labels = predictions->label_count, known = 0;
    double *rows = mem_zero(count * labels, sizeof *rows);
    struct prediction_list list = *predictions; /* with rows of its own */
    struct calibration calibration;

    list.items = mem_zero(count, sizeof *list.items);
    for (size_t i = 0; i < count; i++) {
        list.items[i] = predictions->items[i];
        list.items[i].probabilities = rows + i * labels;
        memcpy(list.items[i].probabilities, predictions->items[i].probabilities, labels * sizeof *rows);
        known += list.items[i].label >= 0;
    }
    temperature_change(&list, temperature, 1);
    calibration_make(&calibration, &list);
    *uncalibrated = (struct uncalibrated){calibration.error, quotient(summed_loss(&list, 1), (double)known)};
    free(list.items);
    free(rows);
}

/* ---- coverage ---- */

/* A prediction, by how sure it is. */
struct sure {
    double probability;
    bool right;
};

static int surest_first(const void *a, const void *b)
{
    const struct sure *x = a, *y = b;

    return (x->probability < y->probability) - (x->probability > y->probability);
}

double coverage_points(const struct prediction_list *predictions, struct coverage_point *points, size_t count)
{
    struct sure *sure = mem_zero(predictions->count, sizeof *sure);
    size_t clips = 0, right = 0;
    double area = 0;

    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        if (p->label >= 0)
            sure[clips++] = (struct sure){p->probabilities[p->predicted], p->label == p->predicted};
    }
    if (clips)
        qsort(sure, clips, sizeof *sure, surest_first);
    for (size_t kept = 0, before; kept < clips;) {
        before = kept;
        do /* those as sure as each other are kept or left out together */
            right += sure[kept++].right;
        while (kept < clips && sure[kept].probability == sure[kept - 1].probability);
        area += (1 - (double)right / (double)kept) * (double)(kept - before) / (double)clips;
        for (size_t p = 0; p < count; p++) {
            size_t wanted = (size_t)ceil(points[p].share * (double)clips - 1e-9);
            if (wanted > before && wanted <= kept)
                points[p] = (struct coverage_point){points[p].share, sure[kept - 1].probability,
                                                    (double)right / (double)kept, kept};
        }
    }
    free(sure);
    return area;
}

void coverage_make(struct coverage *coverage, const struct prediction_list *predictions)
{
    static const double shares[COVERAGE_POINTS] = {1, 0.95, 0.9, 0.8, 0.7, 0.5};

    *coverage = (struct coverage){0};
    for (int p = 0; p < COVERAGE_POINTS; p++)
        coverage->points[p].share = shares[p];
    coverage->aurc = coverage_points(predictions, coverage->points, COVERAGE_POINTS);
}
