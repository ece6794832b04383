#include "model/pooling.h"

#include "base/handlers.h"

#include <math.h>

static struct et_tensor *sum(struct et_scope *scope, struct et_tensor *hidden, struct et_tensor *padding,
                             struct et_tensor *frames)
{
    (void)frames;
    if (padding)
        hidden = et_masked_fill(scope, hidden, padding, 0);
    return et_sum_dim(scope, hidden, 1, false);
}

static struct et_tensor *mean(struct et_scope *scope, struct et_tensor *hidden, struct et_tensor *padding,
                              struct et_tensor *frames)
{
    if (!padding)
        return et_mean_dim(scope, hidden, 1, false);
    return et_div(scope, sum(scope, hidden, padding, frames), frames);
}

static struct et_tensor *maximum(struct et_scope *scope, struct et_tensor *hidden, struct et_tensor *padding,
                                 struct et_tensor *frames)
{
    (void)frames;
    if (padding)
        hidden = et_masked_fill(scope, hidden, padding, -INFINITY);
    return et_amax(scope, hidden, 1, false);
}

static const struct pooling MEAN = {"mean", "mean over time", mean};
static const struct pooling SUM = {"sum", "sum over time", sum};
static const struct pooling MAX = {"max", "largest value over time", maximum};

static const struct pooling *const POOLINGS[] = {&MEAN, &SUM, &MAX};

const struct pooling *pooling_find(const char *name, struct error *error)
{
    return HANDLER_FIND(POOLINGS, name, "model.pooling", "merge strategy", error);
}
