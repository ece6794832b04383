/* Learning-rate schedules, as factors of train.learning_rate.  A schedule is an entry of SCHEDULES. */
#ifndef EMOTRAIN_TRAIN_SCHEDULE_H
#define EMOTRAIN_TRAIN_SCHEDULE_H

#include "base/error.h"

#include <stdint.h>

struct schedule {
    const char *name, *summary;
    double (*factor)(double progress); /* after warm-up; progress 0..1 */
};

const struct schedule *schedule_find(const char *name, struct error *error);

/* The factor for optimizer step `step` (from 0) of `total`: rises linearly over the first `warmup` steps. */
double schedule_factor(const struct schedule *schedule, int64_t step, int64_t warmup, int64_t total);

#endif
