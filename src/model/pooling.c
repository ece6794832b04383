#include "model/pooling.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

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

static const struct pooling POOLINGS[] = {
    {"mean", "mean over time", mean},
    {"sum", "sum over time", sum},
    {"max", "largest value over time", maximum},
};

const struct pooling *pooling_find(const char *name, struct error *error)
{
    struct text known = {0};

    for (size_t i = 0; i < sizeof POOLINGS / sizeof POOLINGS[0]; i++) {
        if (strcmp(POOLINGS[i].name, name) == 0) {
            text_free(&known);
            return &POOLINGS[i];
        }
        text_add(&known, "%s%s", i ? ", " : "", POOLINGS[i].name);
    }
    error_usage(error, "model.pooling: no merge strategy \"%s\"; there is %s", name, known.text);
    text_free(&known);
    return NULL;
}
