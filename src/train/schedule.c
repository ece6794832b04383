#include "train/schedule.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

static double constant(double progress)
{
    (void)progress;
    return 1;
}

static double linear(double progress)
{
    return 1 - progress;
}

static double cosine(double progress)
{
    return 0.5 * (1 + cos(acos(-1.0) * progress));
}

static const struct schedule SCHEDULES[] = {
    {"constant", "the same from the end of the warm-up on", constant},
    {"linear", "a straight line to 0", linear},
    {"cosine", "half a cosine to 0 (Loshchilov and Hutter, 2017)", cosine},
};

const struct schedule *schedule_find(const char *name, struct error *error)
{
    struct text known = {0};

    for (size_t i = 0; i < sizeof SCHEDULES / sizeof SCHEDULES[0]; i++) {
        if (strcmp(SCHEDULES[i].name, name) == 0) {
            text_free(&known);
            return &SCHEDULES[i];
        }
        text_add(&known, "%s%s", i ? ", " : "", SCHEDULES[i].name);
    }
    error_usage(error, "train.schedule: no schedule \"%s\"; there is %s", name, known.text);
    text_free(&known);
    return NULL;
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
