/*
 * Merge strategies that weigh frames: statistics (Snyder et al., 2018: mean and standard deviation),
 * attention (a learned weight per frame) and attentive statistics (Okabe, Koshinaka and Shinoda, 2018: both).
 */
#include "model/head/pooling.h"

#include <math.h>
#include <stdlib.h>

static const double VARIANCE_FLOOR = 1e-5; /* keeps the root's gradient finite where frames are all alike */

/* The same weight for each of a clip's own frames.  -> (clips, frames, 1), summing to 1 over frames */
static struct et_tensor *even_weights(struct et_scope *scope, const struct pooling_input *in)
{
    const int64_t clips = et_size(in->hidden, 0), frames = et_size(in->hidden, 1),
                  shape[3] = {clips, frames, 1};
    float *weights = mem_zero((size_t)(clips * frames), sizeof *weights);

    for (int64_t i = 0; i < clips * frames; i++)
        weights[i] = i % frames < in->lengths[i / frames] ? 1 / (float)in->lengths[i / frames] : 0;
    struct et_tensor *result = et_from_data(scope, weights, ET_FLOAT32, shape, 3, in->parameters->device);
    free(weights);
    return result;
}

/* Parameters in the order of `declare`. */
enum { HIDDEN_WEIGHT, HIDDEN_BIAS, SCORE_WEIGHT };

static void declare_attention(struct parameters *parameters, int64_t width, int64_t attention_width,
                              double range)
{
    const int64_t hidden[4] = {attention_width, width}, bias[4] = {attention_width},
                  score[4] = {1, attention_width};

    parameters_add(parameters, false, INIT_NORMAL, range, hidden, "pooling.hidden.weight");
    parameters_add(parameters, false, INIT_ZEROS, 0, bias, "pooling.hidden.bias");
    parameters_add(parameters, false, INIT_NORMAL, range, score, "pooling.score.weight");
}

/* softmax over a clip's own frames of score(tanh(hidden(h))).  -> (clips, frames, 1) */
static struct et_tensor *attention_weights(struct et_scope *scope, const struct pooling_input *in)
{
    const struct parameters *p = in->parameters;
    struct et_tensor *scores = et_linear(scope, in->hidden, parameters_tensor(p, in->first + HIDDEN_WEIGHT),
                                         parameters_tensor(p, in->first + HIDDEN_BIAS));

    scores = et_linear(scope, et_tanh(scope, scores), parameters_tensor(p, in->first + SCORE_WEIGHT), NULL);
    if (in->padding)
        scores = et_masked_fill(scope, scores, in->padding, -INFINITY);
    return et_softmax(scope, scores, 1);
}

/* Padding has weight zero, but may hold anything: hide it, so that zero times infinity cannot happen. */
static struct et_tensor *weighted_mean(struct et_scope *scope, const struct pooling_input *in,
                                       struct et_tensor *weights)
{
    struct et_tensor *hidden = in->padding ? et_masked_fill(scope, in->hidden, in->padding, 0) : in->hidden;

    return et_sum_dim(scope, et_mul(scope, hidden, weights), 1, true);
}

/* Weighted mean and standard deviation, side by side.  -> (clips, 2 * width) */
static struct et_tensor *weighted_statistics(struct et_scope *scope, const struct pooling_input *in,
                                             struct et_tensor *weights)
{
    const int64_t shape[2] = {et_size(in->hidden, 0), et_size(in->hidden, 2)};
    struct et_tensor *mean = weighted_mean(scope, in, weights); /* (clips, 1, width) */
    struct et_tensor *centred = et_sub(scope, in->hidden, mean);

    if (in->padding)
        centred = et_masked_fill(scope, centred, in->padding, 0);
    struct et_tensor *variance =
        et_sum_dim(scope, et_mul(scope, et_mul(scope, centred, centred), weights), 1, false);
    struct et_tensor *const both[2] = {et_reshape(scope, mean, shape, 2),
                                       et_sqrt(scope, et_clamp(scope, variance, VARIANCE_FLOOR, INFINITY))};
    return et_cat(scope, both, 2, 1);
}

static struct et_tensor *statistics(struct et_scope *scope, const struct pooling_input *in)
{
    return weighted_statistics(scope, in, even_weights(scope, in));
}

static struct et_tensor *attention(struct et_scope *scope, const struct pooling_input *in)
{
    const int64_t shape[2] = {et_size(in->hidden, 0), et_size(in->hidden, 2)};

    return et_reshape(scope, weighted_mean(scope, in, attention_weights(scope, in)), shape, 2);
}

static struct et_tensor *attentive_statistics(struct et_scope *scope, const struct pooling_input *in)
{
    return weighted_statistics(scope, in, attention_weights(scope, in));
}

/* ---- the same as graphs ---- */

static const char *build_shares(struct onnx *graph, const char *hidden, const struct parameters *p,
                                size_t first)
{
    const char *x = onnx_linear(graph, hidden, parameters_tensor(p, first + HIDDEN_WEIGHT),
                                parameters_tensor(p, first + HIDDEN_BIAS));

    x = onnx_linear(graph, onnx_unary(graph, "Tanh", x), parameters_tensor(p, first + SCORE_WEIGHT), NULL);
    return onnx_softmax(graph, x, 1);
}

/* Sum over time, each frame by its share; shares NULL: all alike. */
static const char *build_weighted(struct onnx *graph, const char *x, const char *shares, bool keep)
{
    if (!shares)
        return onnx_over(graph, "ReduceMean", x, 1, keep);
    return onnx_over(graph, "ReduceSum", onnx_binary(graph, "Mul", x, shares), 1, keep);
}

static const char *build_both(struct onnx *graph, const char *hidden, const char *shares)
{
    const char *mean = build_weighted(graph, hidden, shares, true);
    const char *centred = onnx_binary(graph, "Sub", hidden, mean);
    const char *variance = build_weighted(graph, onnx_binary(graph, "Mul", centred, centred), shares, false);
    const char *floored = onnx_binary(graph, "Max", variance, onnx_number(graph, VARIANCE_FLOOR));

    return onnx_concat(graph, onnx_over(graph, "ReduceSum", mean, 1, false),
                       onnx_unary(graph, "Sqrt", floored), 1);
}

static const char *build_statistics(struct onnx *graph, const char *hidden, const struct parameters *p,
                                    size_t first)
{
    (void)p;
    (void)first;
    return build_both(graph, hidden, NULL);
}

static const char *build_attention(struct onnx *graph, const char *hidden, const struct parameters *p,
                                   size_t first)
{
    return build_weighted(graph, hidden, build_shares(graph, hidden, p, first), false);
}

static const char *build_attentive_statistics(struct onnx *graph, const char *hidden,
                                              const struct parameters *p, size_t first)
{
    return build_both(graph, hidden, build_shares(graph, hidden, p, first));
}

const struct pooling POOLING_STATISTICS = {
    "statistics", "mean and standard deviation", 2, NULL, statistics, build_statistics};
const struct pooling POOLING_ATTENTION = {
    "attention", "mean weighted by learned attention", 1, declare_attention, attention, build_attention};
const struct pooling POOLING_ATTENTIVE_STATISTICS = {
    "attentive_statistics",
    "mean and standard deviation, weighted by learned attention",
    2,
    declare_attention,
    attentive_statistics,
    build_attentive_statistics};
