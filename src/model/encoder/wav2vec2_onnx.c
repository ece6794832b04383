/*
 * wav2vec 2.0's predictions as a graph in ONNX, from samples to probabilities: what wav2vec2_forward.c
 * computes of clips of one length.
 *
 * Shapes: B clips, S samples, C channels, T frames, H hidden size.
 */
#include "audio/audio.h"
#include "model/encoder/wav2vec2.h"
#include "model/onnx/onnx.h"

#include <math.h>

/* The graph under way. */
struct graph_builder {
    struct onnx *graph;
    const struct model *model;
    const struct wav2vec2 *w;
};

static const int64_t SWAP[3] = {0, 2, 1};

static const struct et_tensor *graph_weight(const struct graph_builder *d, size_t index)
{
    return parameters_tensor(&d->model->parameters, index);
}

static const struct et_tensor *bias_of(const struct graph_builder *d, const struct affine *a)
{
    return a->has_bias ? graph_weight(d, a->bias) : NULL;
}

static const char *graph_linear(const struct graph_builder *d, const char *x, const struct affine *a)
{
    return onnx_linear(d->graph, x, graph_weight(d, a->weight), bias_of(d, a));
}

static const char *norm(const struct graph_builder *d, const char *x, const struct affine *a)
{
    return onnx_layer_norm(d->graph, x, graph_weight(d, a->weight), graph_weight(d, a->bias),
                           d->w->config.layer_norm_eps);
}

/* (B, S) -> zero mean and unit variance over each clip */
static const char *normalize(const struct graph_builder *d, const char *x)
{
    struct onnx *g = d->graph;
    const char *centred = onnx_binary(g, "Sub", x, onnx_over(g, "ReduceMean", x, 1, true));
    const char *variance = onnx_over(g, "ReduceMean", onnx_binary(g, "Mul", centred, centred), 1, true);

    return onnx_binary(
        g, "Div", centred,
        onnx_unary(g, "Sqrt", onnx_binary(g, "Add", variance, onnx_number(g, SIGNAL_VARIANCE_FLOOR))));
}

static const char *convolve(const struct graph_builder *d, const char *x, const struct et_tensor *kernel,
                            const struct et_tensor *bias, int64_t stride, int64_t padding, int64_t groups)
{
    const int64_t strides[1] = {stride}, pads[2] = {padding, padding}, sizes[1] = {et_size(kernel, 2)};
    const char *const inputs[3] = {x, onnx_tensor(d->graph, kernel), onnx_tensor(d->graph, bias)};
    const struct onnx_attribute attributes[4] = {
        {.name = "strides", .type = ONNX_INTEGERS, .integers = strides, .count = 1},
        {.name = "pads", .type = ONNX_INTEGERS, .integers = pads, .count = 2},
        {.name = "kernel_shape", .type = ONNX_INTEGERS, .integers = sizes, .count = 1},
        {.name = "group", .integer = groups}};

    return onnx_node(d->graph, "Conv", inputs, bias ? 3 : 2, attributes, 4);
}

/* The norm of convolution i, if it has one, and GELU.  x (B, C, T) */
static const char *activate(const struct graph_builder *d, const char *x, int i)
{
    struct onnx *g = d->graph;
    const struct affine *a = &d->w->conv_norm[i];

    if (!d->w->conv_has_norm[i])
        return onnx_gelu(g, x);
    if (d->w->config.group_norm) { /* one group per channel */
        const char *const inputs[3] = {x, onnx_tensor(g, graph_weight(d, a->weight)),
                                       onnx_tensor(g, graph_weight(d, a->bias))};
        const struct onnx_attribute eps = {
            .name = "epsilon", .type = ONNX_FLOAT, .number = WAV2VEC2_CONV_NORM_EPS};
        return onnx_gelu(g, onnx_node(g, "InstanceNormalization", inputs, 3, &eps, 1));
    }
    x = onnx_layer_norm(g, onnx_transpose(g, x, SWAP, 3), graph_weight(d, a->weight),
                        graph_weight(d, a->bias), WAV2VEC2_CONV_NORM_EPS);
    return onnx_transpose(g, onnx_gelu(g, x), SWAP, 3);
}

/* samples (B, S) -> features (B, T, C) */
static const char *encode(const struct graph_builder *d, const char *x)
{
    const struct wav2vec2_config *c = &d->w->config;
    const int64_t shape[3] = {0, 1, -1};

    x = onnx_reshape(d->graph, x, shape, 3);
    for (int i = 0; i < c->conv_layers; i++)
        x = activate(d,
                     convolve(d, x, graph_weight(d, d->w->conv[i].weight), bias_of(d, &d->w->conv[i]),
                              c->conv_stride[i], 0, 1),
                     i);
    return onnx_transpose(d->graph, x, SWAP, 3);
}

/* Adds the positional convolution.  x (B, T, H) */
static const char *add_positions(const struct graph_builder *d, const char *x)
{
    const struct wav2vec2_config *c = &d->w->config;
    struct onnx *g = d->graph;
    struct et_tensor *kernel =
        et_weight_norm(g->scope, graph_weight(d, d->w->position_v), graph_weight(d, d->w->position_g), 2);
    const char *y = convolve(d, onnx_transpose(g, x, SWAP, 3), kernel, graph_weight(d, d->w->position_bias),
                             1, c->num_conv_pos_embeddings / 2, c->num_conv_pos_embedding_groups);

    if (c->num_conv_pos_embeddings % 2 == 0) /* an even kernel gives one frame too many */
        y = onnx_slice(g, y, 2, 0, -1);
    return onnx_binary(g, "Add", x, onnx_transpose(g, onnx_gelu(g, y), SWAP, 3));
}

/* (B, T, H) -> (B, heads, T, width) */
static const char *split_heads(const struct graph_builder *d, const char *x)
{
    const struct wav2vec2_config *c = &d->w->config;
    const int64_t shape[4] = {0, 0, c->num_attention_heads, c->hidden_size / c->num_attention_heads},
                  order[4] = {0, 2, 1, 3};

    return onnx_transpose(d->graph, onnx_reshape(d->graph, x, shape, 4), order, 4);
}

static const char *attend(const struct graph_builder *d, const char *x, const struct wav2vec2_layer *layer)
{
    const struct wav2vec2_config *c = &d->w->config;
    struct onnx *g = d->graph;
    const int64_t turned[4] = {0, 1, 3, 2}, order[4] = {0, 2, 1, 3}, shape[3] = {0, 0, c->hidden_size};
    const char *query = split_heads(d, graph_linear(d, x, &layer->projections[QUERY])),
               *key = split_heads(d, graph_linear(d, x, &layer->projections[KEY])),
               *value = split_heads(d, graph_linear(d, x, &layer->projections[VALUE]));
    double scale = 1 / sqrt((double)(c->hidden_size / c->num_attention_heads));

    query = onnx_binary(g, "Mul", query, onnx_number(g, scale));
    const char *shares =
        onnx_softmax(g, onnx_binary(g, "MatMul", query, onnx_transpose(g, key, turned, 4)), -1);
    x = onnx_transpose(g, onnx_binary(g, "MatMul", shares, value), order, 4);
    return graph_linear(d, onnx_reshape(g, x, shape, 3), &layer->projections[OUT]);
}

static const char *feed_forward(const struct graph_builder *d, const char *x,
                                const struct wav2vec2_layer *layer)
{
    return graph_linear(d, onnx_gelu(d->graph, graph_linear(d, x, &layer->intermediate)), &layer->output);
}

/* One transformer layer, norm first ("stable") or last. */
static const char *run_layer(const struct graph_builder *d, const char *x, const struct wav2vec2_layer *layer)
{
    struct onnx *g = d->graph;

    if (d->w->config.do_stable_layer_norm) {
        x = onnx_binary(g, "Add", x, attend(d, norm(d, x, &layer->attention_norm), layer));
        return onnx_binary(g, "Add", x, feed_forward(d, norm(d, x, &layer->final_norm), layer));
    }
    x = norm(d, onnx_binary(g, "Add", x, attend(d, x, layer)), &layer->attention_norm);
    return norm(d, onnx_binary(g, "Add", x, feed_forward(d, x, layer)), &layer->final_norm);
}

/* Adds hidden state `index`, weighted, to `sum`, where layers are weighted. */
static const char *mix(const struct graph_builder *d, const char *sum, const char *x, int64_t index)
{
    const struct layer_mix *m = &d->w->mix;
    struct et_scope *s = d->graph->scope;

    if (m->kind != LAYERS_WEIGHTED)
        return sum;
    struct et_tensor *share = et_narrow(s, et_softmax(s, graph_weight(d, m->weights), 0), 0, index, 1);
    const char *part = onnx_binary(d->graph, "Mul", x, onnx_tensor(d->graph, share));
    return sum ? onnx_binary(d->graph, "Add", sum, part) : part;
}

/* x (B, T, H), the transformer's input -> the hidden state to pool over time */
static const char *transform(const struct graph_builder *d, const char *x)
{
    const struct layer_mix *m = &d->w->mix;
    int64_t depth = layer_mix_depth(m);
    const char *sum = NULL;

    for (int64_t i = 0; i < depth; i++) {
        sum = mix(d, sum, x, i);
        x = run_layer(d, x, &d->w->layers[i]);
    }
    if (d->w->config.do_stable_layer_norm && depth == m->layers)
        x = norm(d, x, &d->w->encoder_norm);
    sum = mix(d, sum, x, depth);
    return sum ? sum : x;
}

const char *wav2vec2_onnx(const struct model *model, struct onnx *graph, const char *samples)
{
    const struct graph_builder d = {graph, model, model->state};
    const char *x = encode(&d, model->normalize ? normalize(&d, samples) : samples);

    x = add_positions(&d, graph_linear(&d, norm(&d, x, &d.w->projection_norm), &d.w->projection));
    if (!d.w->config.do_stable_layer_norm)
        x = norm(&d, x, &d.w->encoder_norm);
    x = model->pooling->build_onnx(graph, transform(&d, x), &model->parameters, d.w->pooling);
    return head_build_onnx(&d.w->head, &model->parameters, graph, x);
}
