/* Learning-rate schedules, as factors of train.learning_rate.  A schedule is an entry of SCHEDULES. */
#ifndef EMOTRAIN_TRAIN_SCHEDULE_H
#define EMOTRAIN_TRAIN_SCHEDULE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct schedule {
    const char *name, *summary;
    double (*factor)(double progress); /* after warm-up; progress 0..1 */
};

const struct schedule *schedule_find(const char *name, struct error *error);

/* Whether it goes by evaluations: by a plateau's factor, beside schedule_factor. */
bool schedule_needs_evaluations(const struct schedule *schedule);

/* Where PyTorch's ReduceLROnPlateau (mode "max", threshold 1e-4, no cooldown) stands.  Begin with factor 1.
 */
struct plateau {
    double factor, best;
    int64_t waited, evaluations;
};

/* After an evaluation, of which more is better: more than `patience` in a row that are no better by 0.01 %
 * make the factor `factor` times what it was. */
void plateau_step(struct plateau *plateau, double score, int64_t patience, double factor);

/* Warm-up steps: `ratio` of the total, rounded up, where that is above 0. */
int64_t schedule_warmup(int64_t steps, double ratio, int64_t total);

/* The factor for optimizer step `step` (from 0) of `total`: rises linearly over the first `warmup` steps. */
double schedule_factor(const struct schedule *schedule, int64_t step, int64_t warmup, int64_t total);

#endif
