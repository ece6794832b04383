/* The poolings without parameters, and the list of all. */
#include "model/head/pooling.h"
#include "base/handlers.h"

#include <math.h>
#include <stdlib.h>

static struct et_tensor *sum(struct et_scope *scope, const struct pooling_input *in)
{
    struct et_tensor *hidden = in->padding ? et_masked_fill(scope, in->hidden, in->padding, 0) : in->hidden;

    return et_sum_dim(scope, hidden, 1, false);
}

static struct et_tensor *mean(struct et_scope *scope, const struct pooling_input *in)
{
    if (!in->padding)
        return et_mean_dim(scope, in->hidden, 1, false);
    return et_div(scope, sum(scope, in), in->counts);
}

static struct et_tensor *maximum(struct et_scope *scope, const struct pooling_input *in)
{
    struct et_tensor *hidden =
        in->padding ? et_masked_fill(scope, in->hidden, in->padding, -INFINITY) : in->hidden;

    return et_amax(scope, hidden, 1, false);
}

static struct et_tensor *first(struct et_scope *scope, const struct pooling_input *in)
{
    const int64_t shape[2] = {et_size(in->hidden, 0), et_size(in->hidden, 2)};

    return et_reshape(scope, et_narrow(scope, in->hidden, 1, 0, 1), shape, 2);
}

/* Each clip's own last frame, picked by a mask that hides all others. */
static struct et_tensor *last(struct et_scope *scope, const struct pooling_input *in)
{
    const int64_t clips = et_size(in->hidden, 0), frames = et_size(in->hidden, 1),
                  shape[3] = {clips, frames, 1};
    bool *others = mem_zero((size_t)(clips * frames), sizeof *others);

    for (int64_t i = 0; i < clips * frames; i++)
        others[i] = i % frames != in->lengths[i / frames] - 1;
    struct et_tensor *mask = et_from_data(scope, others, ET_BOOL, shape, 3, in->parameters->device);
    free(others);
    return et_sum_dim(scope, et_masked_fill(scope, in->hidden, mask, 0), 1, false);
}

static struct et_tensor *mean_and_maximum(struct et_scope *scope, const struct pooling_input *in)
{
    struct et_tensor *const both[2] = {mean(scope, in), maximum(scope, in)};

    return et_cat(scope, both, 2, 1);
}

/* ---- the same as graphs ---- */

static const char *build_sum(struct onnx *graph, const char *hidden, const struct parameters *p, size_t i)
{
    (void)p;
    (void)i;
    return onnx_over(graph, "ReduceSum", hidden, 1, false);
}

static const char *build_mean(struct onnx *graph, const char *hidden, const struct parameters *p, size_t i)
{
    (void)p;
    (void)i;
    return onnx_over(graph, "ReduceMean", hidden, 1, false);
}

static const char *build_maximum(struct onnx *graph, const char *hidden, const struct parameters *p, size_t i)
{
    (void)p;
    (void)i;
    return onnx_over(graph, "ReduceMax", hidden, 1, false);
}

static const char *build_first(struct onnx *graph, const char *hidden, const struct parameters *p, size_t i)
{
    return build_sum(graph, onnx_slice(graph, hidden, 1, 0, 1), p, i);
}

static const char *build_last(struct onnx *graph, const char *hidden, const struct parameters *p, size_t i)
{
    return build_sum(graph, onnx_slice(graph, hidden, 1, -1, INT64_MAX), p, i);
}

static const char *build_mean_and_maximum(struct onnx *graph, const char *hidden, const struct parameters *p,
                                          size_t i)
{
    return onnx_concat(graph, build_mean(graph, hidden, p, i), build_maximum(graph, hidden, p, i), 1);
}

static const struct pooling MEAN = {"mean", "mean over time", 1, NULL, mean, build_mean};
static const struct pooling SUM = {"sum", "sum over time", 1, NULL, sum, build_sum};
static const struct pooling MAX = {"max", "largest value over time", 1, NULL, maximum, build_maximum};
static const struct pooling FIRST = {"first", "the first frame", 1, NULL, first, build_first};
static const struct pooling LAST = {"last", "the clip's last frame", 1, NULL, last, build_last};
static const struct pooling MEAN_MAX = {"mean+max", "mean and largest value", 2,
                                        NULL,       mean_and_maximum,         build_mean_and_maximum};

static const struct pooling *const POOLINGS[] = {&MEAN,
                                                 &SUM,
                                                 &MAX,
                                                 &FIRST,
                                                 &LAST,
                                                 &POOLING_STATISTICS,
                                                 &POOLING_ATTENTION,
                                                 &POOLING_ATTENTIVE_STATISTICS,
                                                 &MEAN_MAX};

const struct pooling *pooling_find(const char *name, struct error *error)
{
    return HANDLER_FIND(POOLINGS, name, "model.pooling", "pooling", error);
}
