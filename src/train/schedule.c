/* Learning-rate schedules: see schedule.h. */
#include "train/schedule.h"

#include "base/handlers.h"

#include <math.h>

static double constant_factor(double progress)
{
    (void)progress;
    return 1;
}

static double linear_factor(double progress)
{
    return 1 - progress;
}

static double cosine_factor(double progress)
{
    return 0.5 * (1 + cos(acos(-1.0) * progress));
}

static const struct schedule CONSTANT = {"constant", "the same from the end of the warm-up on",
                                         constant_factor};
static const struct schedule LINEAR = {"linear", "a straight line to 0", linear_factor};
static const struct schedule COSINE = {"cosine", "half a cosine to 0 (Loshchilov and Hutter, 2017)",
                                       cosine_factor};

static const struct schedule PLATEAU = {"reduce_lr_on_plateau",
                                        "the same until evaluations stop getting better, then a part of it",
                                        constant_factor};

static const struct schedule *const SCHEDULES[] = {&CONSTANT, &LINEAR, &COSINE, &PLATEAU};

const struct schedule *schedule_find(const char *name, struct error *error)
{
    return HANDLER_FIND(SCHEDULES, name, "train.lr_scheduler", "schedule", error);
}

bool schedule_needs_evaluations(const struct schedule *schedule)
{
    return schedule == &PLATEAU;
}

int64_t schedule_warmup(int64_t steps, double ratio, int64_t total)
{
    return ratio > 0 ? (int64_t)ceil(ratio * (double)total) : steps;
}

void plateau_step(struct plateau *plateau, double score, int64_t patience, double factor)
{
    const double threshold = 1e-4; /* relative, as PyTorch's */

    if (plateau->evaluations++ == 0 || score > plateau->best + threshold * fabs(plateau->best)) {
        plateau->best = score;
        plateau->waited = 0;
    } else if (++plateau->waited > patience) {
        plateau->factor *= factor;
        plateau->waited = 0;
    }
}

double schedule_factor(const struct schedule *schedule, int64_t step, int64_t warmup, int64_t total)
{
    if (step < warmup)
        return (double)step / (double)warmup;
    if (total <= warmup)
        return 1;
    double progress = (double)(step - warmup) / (double)(total - warmup);
    return schedule->factor(progress < 1 ? progress : 1);
}
