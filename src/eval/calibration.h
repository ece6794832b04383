/*
 * Whether probabilities can be believed: expected calibration error (Guo et al., 2017), temperature scaling
 * (the same), and accuracy against coverage, where the least sure predictions are withheld (El-Yaniv and
 * Wiener, 2010).
 */
#ifndef EMOTRAIN_EVAL_CALIBRATION_H
#define EMOTRAIN_EVAL_CALIBRATION_H

#include "eval/predictions.h"

/* Predictions by the probability that they were made with: of single_label, that of the predicted label; of
 * multi_label, every label's, where "right" means that the clip has the label.  Bin b holds probabilities
 * above b / 15 up to (b + 1) / 15. */
enum { CALIBRATION_BINS = 15 };

struct calibration {
    struct calibration_bin {
        size_t clips;
        double confidence, accuracy; /* means over the bin's clips */
    } bins[CALIBRATION_BINS];
    double error; /* expected calibration error, 0 to 1 */
};

void calibration_make(struct calibration *calibration, const struct prediction_list *predictions);

/* The temperature by which the predictions' logits must be divided to make the known labels likeliest, of
 * single_label; `present`: the one that they were made with (1: none).  From 0.05 to 20, to six digits. */
double temperature_fit(const struct prediction_list *predictions, double present);

/* Makes predictions of one temperature those of another. */
void temperature_change(struct prediction_list *predictions, double from, double to);

/* Calibration error and mean cross-entropy of the same predictions as they would be without their
 * temperature. */
struct uncalibrated {
    double error, loss;
};
void temperature_undo(const struct prediction_list *predictions, double temperature,
                      struct uncalibrated *uncalibrated);

/* What comes of it where only the surest share of the predictions is kept; single_label. */
struct coverage_point {
    double share, threshold; /* of clips; the least probability that is kept */
    double accuracy;
    size_t clips;
};

/* Fills in the points, whose shares the caller has set, from 1 down.  Where no clip has a label they have
 * none either.  Returns the area under the risk-coverage curve. */
double coverage_points(const struct prediction_list *predictions, struct coverage_point *points,
                       size_t count);

enum { COVERAGE_POINTS = 6 };

struct coverage {
    struct coverage_point points[COVERAGE_POINTS];
    double
        aurc; /* area under the risk-coverage curve: the mean share of errors over all coverages; 0 is best */
};

void coverage_make(struct coverage *coverage, const struct prediction_list *predictions);

#endif
