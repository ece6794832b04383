/* What families' layers are built of: see blocks.h. */
#include "model/encoder/blocks.h"

#include "base/random.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- declaring ---- */

enum { NAME_SIZE = 192 };

/* The name that a caller of a variadic function gives. */
#define FORMAT_NAME(text, name)                                                                              \
    do {                                                                                                     \
        va_list arguments;                                                                                   \
        va_start(arguments, name);                                                                           \
        vsnprintf(text, NAME_SIZE, name, arguments);                                                         \
        va_end(arguments);                                                                                   \
    } while (0)

static size_t add(const struct encoder *encoder, struct parameters *p, enum initialisation kind, double scale,
                  const int64_t shape[4], const char *name, const char *what)
{
    return parameters_add(p, true, kind, scale, shape, "%s%s.%s", encoder->family->prefix, name, what);
}

struct affine declare_linear(const struct encoder *encoder, struct parameters *parameters, int64_t out,
                             int64_t in, bool bias, const char *name, ...)
{
    const int64_t weight[4] = {out, in}, biases[4] = {out};
    struct affine a = {.has_weight = true, .has_bias = bias};
    char text[NAME_SIZE];

    FORMAT_NAME(text, name);
    a.weight =
        add(encoder, parameters, INIT_NORMAL, encoder->config.initializer_range, weight, text, "weight");
    if (bias)
        a.bias = add(encoder, parameters, INIT_ZEROS, 0, biases, text, "bias");
    return a;
}

struct affine declare_uniform(const struct encoder *encoder, struct parameters *parameters, int64_t out,
                              int64_t in, double scale, const char *name)
{
    const int64_t weight[4] = {out, in}, bias[4] = {out};
    struct affine a = {.has_weight = true, .has_bias = true};

    a.weight = add(encoder, parameters, INIT_UNIFORM, scale, weight, name, "weight");
    a.bias = add(encoder, parameters, INIT_UNIFORM, scale, bias, name, "bias");
    return a;
}

struct affine declare_conv(const struct encoder *encoder, struct parameters *parameters, int64_t out,
                           int64_t in_per_group, int64_t kernel, bool bias, const char *name, ...)
{
    const int64_t weight[4] = {out, in_per_group, kernel}, biases[4] = {out};
    double fan = (double)(in_per_group * kernel);
    struct affine a = {.has_weight = true, .has_bias = bias};
    char text[NAME_SIZE];

    FORMAT_NAME(text, name);
    a.weight = add(encoder, parameters, INIT_NORMAL, sqrt(2.0 / fan), weight, text, "weight");
    if (bias)
        a.bias = add(encoder, parameters, INIT_UNIFORM, 1 / sqrt(fan), biases, text, "bias");
    return a;
}

struct affine declare_norm(const struct encoder *encoder, struct parameters *parameters, int64_t width,
                           const char *name, ...)
{
    const int64_t shape[4] = {width};
    struct affine a = {.has_weight = true, .has_bias = true};
    char text[NAME_SIZE];

    FORMAT_NAME(text, name);
    a.weight = add(encoder, parameters, INIT_ONES, 0, shape, text, "weight");
    a.bias = add(encoder, parameters, INIT_ZEROS, 0, shape, text, "bias");
    return a;
}

void declare_attention(struct encoder *encoder, struct parameters *parameters, struct attention *attention,
                       int64_t layer, const char *stem, const char *const names[PROJECTIONS], bool key_bias)
{
    static const enum projection order[PROJECTIONS] = {KEY, VALUE, QUERY, OUT}; /* as checkpoints have them */
    int64_t width = encoder->config.hidden_size;

    for (int k = 0; k < PROJECTIONS; k++)
        attention->projections[order[k]] = declare_linear(
            encoder, parameters, width, width, order[k] != KEY || key_bias, "%s.%s", stem, names[order[k]]);
    for (int k = 0; k < PROJECTIONS; k++)
        encoder->adaptable[layer].items[k] = &attention->projections[k];
}

/* ---- computing ---- */

struct et_tensor *pass_weight(const struct pass *pass, size_t index)
{
    return parameters_tensor(&pass->model->parameters, index);
}

bool pass_learns(const struct pass *pass, size_t index)
{
    return pass->mode->training && pass->model->parameters.items[index].trainable;
}

struct et_tensor *apply_linear(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                               const struct affine *a)
{
    struct et_tensor *y =
        et_linear(s, x, pass_weight(pass, a->weight), a->has_bias ? pass_weight(pass, a->bias) : NULL);

    if (!a->has_adapter)
        return y;
    struct et_tensor *low = et_linear(s, x, pass_weight(pass, a->adapter.down), NULL);
    struct et_tensor *change = et_linear(s, low, pass_weight(pass, a->adapter.up), NULL);
    return et_add(s, y, et_mul_scalar(s, change, pass->encoder->adapter_scale));
}

struct et_tensor *apply_norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                             const struct affine *a)
{
    return et_layer_norm(s, x, a->has_weight ? pass_weight(pass, a->weight) : NULL,
                         a->has_bias ? pass_weight(pass, a->bias) : NULL,
                         pass->encoder->config.layer_norm_eps);
}

struct et_tensor *apply_dropout(const struct pass *pass, struct et_scope *s, struct et_tensor *x, double p)
{
    return pass->mode->training && p > 0 ? et_dropout(s, x, p) : x;
}

struct et_tensor *add_dropped(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                              struct et_tensor *y)
{
    double p = pass->mode->training ? pass->encoder->config.hidden_dropout : 0;

    return p > 0 ? et_add_dropped(s, x, y, p) : et_add(s, x, y);
}

struct et_tensor *clear_hidden(const struct pass *pass, struct et_scope *s, struct et_tensor *x)
{
    return pass->hidden ? et_masked_fill(s, x, pass->hidden, 0) : x;
}

struct et_tensor *split_heads(const struct pass *pass, struct et_scope *s, struct et_tensor *x)
{
    int64_t heads = pass->encoder->config.num_attention_heads;
    const int64_t shape[4] = {et_size(x, 0), et_size(x, 1), heads, et_size(x, 2) / heads};

    return et_transpose(s, et_reshape(s, x, shape, 4), 1, 2);
}

struct et_tensor *join_heads(const struct pass *pass, struct et_scope *s, struct et_tensor *x)
{
    const int64_t shape[3] = {et_size(x, 0), et_size(x, 2), pass->encoder->config.hidden_size};

    return et_reshape(s, et_transpose(s, x, 1, 2), shape, 3);
}

struct et_tensor *attend_by_scores(const struct pass *pass, struct et_scope *s, struct et_tensor *scores,
                                   struct et_tensor *value)
{
    if (pass->key_padding)
        scores = et_masked_fill(s, scores, pass->key_padding, -INFINITY);
    scores = et_softmax(s, scores, 3);
    scores = apply_dropout(pass, s, scores, pass->encoder->config.attention_dropout);
    return join_heads(pass, s, et_matmul(s, scores, value));
}

void pass_seed(const struct pass *pass, int64_t part)
{
    if (!pass->mode->training)
        return;
    struct random_stream stream = random_stream(pass->mode->seed, RANDOM_DROPOUT, (uint64_t)part);
    et_manual_seed(random_next(&stream));
}

void pass_observe(const struct pass *pass, const char *name, const struct et_tensor *x)
{
    if (pass->mode->observe && x)
        pass->mode->observe(pass->mode->context, name, x);
}

/* (B, T, 1) or (B, 1, width): true where a mask lies. */
static struct et_tensor *draw_mask(const struct pass *pass, struct et_scope *s, const int64_t shape[3],
                                   const int64_t *lengths, const struct mask_settings *settings,
                                   struct random_stream *stream)
{
    int64_t width = shape[1] * shape[2];
    bool *mask = mem_zero((size_t)(shape[0] * width), sizeof *mask);

    spec_augment_mask(mask, shape[0], width, lengths, settings, stream);
    struct et_tensor *result = et_from_data(s, mask, ET_BOOL, shape, 3, pass->model->parameters.device);
    free(mask);
    return result;
}

struct et_tensor *pass_mask(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                            const int64_t *lengths, struct et_tensor *fill)
{
    const struct encoder_config *c = &pass->encoder->config;
    const int64_t width = et_size(x, 2), frames[3] = {pass->clips, et_size(x, 1), 1},
                  features[3] = {pass->clips, 1, width};
    struct random_stream stream = random_stream(pass->mode->seed, RANDOM_MASK, 0);

    if (!pass->mode->training || !c->apply_spec_augment)
        return x;
    if (c->mask_time.probability > 0) {
        struct et_tensor *mask = draw_mask(pass, s, frames, lengths, &c->mask_time, &stream);
        x = fill ? et_where(s, mask, fill, et_to_dtype(s, x, ET_FLOAT32)) : et_masked_fill(s, x, mask, 0);
    }
    if (c->mask_feature.probability > 0) {
        int64_t *widths = mem_zero((size_t)pass->clips, sizeof *widths);
        for (int64_t b = 0; b < pass->clips; b++)
            widths[b] = width;
        x = et_masked_fill(s, x, draw_mask(pass, s, features, widths, &c->mask_feature, &stream), 0);
        free(widths);
    }
    return x;
}

/* ---- the same in ONNX ---- */

const int64_t ONNX_SWAP[3] = {0, 2, 1};

const struct et_tensor *graph_weight(const struct graph_builder *d, size_t index)
{
    return parameters_tensor(&d->model->parameters, index);
}

const char *graph_linear(const struct graph_builder *d, const char *x, const struct affine *a)
{
    return onnx_linear(d->graph, x, graph_weight(d, a->weight),
                       a->has_bias ? graph_weight(d, a->bias) : NULL);
}

const char *graph_norm(const struct graph_builder *d, const char *x, const struct affine *a)
{
    return onnx_layer_norm(d->graph, x, a->has_weight ? graph_weight(d, a->weight) : NULL,
                           a->has_bias ? graph_weight(d, a->bias) : NULL, d->encoder->config.layer_norm_eps);
}

const char *graph_normalize(const struct graph_builder *d, const char *samples, double eps)
{
    struct onnx *g = d->graph;
    const char *centred = onnx_binary(g, "Sub", samples, onnx_over(g, "ReduceMean", samples, 1, true));
    const char *variance = onnx_over(g, "ReduceMean", onnx_binary(g, "Mul", centred, centred), 1, true);

    return onnx_binary(g, "Div", centred,
                       onnx_unary(g, "Sqrt", onnx_binary(g, "Add", variance, onnx_number(g, eps))));
}

const char *graph_conv(const struct graph_builder *d, const char *x, const struct et_tensor *kernel,
                       const struct et_tensor *bias, int64_t stride, const int64_t padding[2], int64_t groups)
{
    const int64_t strides[1] = {stride}, sizes[1] = {et_size(kernel, 2)};
    const char *const inputs[3] = {x, onnx_tensor(d->graph, kernel),
                                   bias ? onnx_tensor(d->graph, bias) : NULL};
    const struct onnx_attribute attributes[4] = {
        {.name = "strides", .type = ONNX_INTEGERS, .integers = strides, .count = 1},
        {.name = "pads", .type = ONNX_INTEGERS, .integers = padding, .count = 2},
        {.name = "kernel_shape", .type = ONNX_INTEGERS, .integers = sizes, .count = 1},
        {.name = "group", .integer = groups}};

    return onnx_node(d->graph, "Conv", inputs, bias ? 3 : 2, attributes, 4);
}

const char *graph_split_heads(const struct graph_builder *d, const char *x)
{
    const struct encoder_config *c = &d->encoder->config;
    const int64_t shape[4] = {0, 0, c->num_attention_heads, c->hidden_size / c->num_attention_heads},
                  order[4] = {0, 2, 1, 3};

    return onnx_transpose(d->graph, onnx_reshape(d->graph, x, shape, 4), order, 4);
}

const char *graph_join_heads(const struct graph_builder *d, const char *x)
{
    const int64_t shape[3] = {0, 0, d->encoder->config.hidden_size}, order[4] = {0, 2, 1, 3};

    return onnx_reshape(d->graph, onnx_transpose(d->graph, x, order, 4), shape, 3);
}

const char *graph_attend(const struct graph_builder *d, const char *query, const char *key, const char *value,
                         const char *bias)
{
    const struct encoder_config *c = &d->encoder->config;
    const int64_t turned[4] = {0, 1, 3, 2};
    struct onnx *g = d->graph;
    double scale = 1 / sqrt((double)(c->hidden_size / c->num_attention_heads));

    query = onnx_binary(g, "Mul", query, onnx_number(g, scale));
    const char *scores = onnx_binary(g, "MatMul", query, onnx_transpose(g, key, turned, 4));
    if (bias)
        scores = onnx_binary(g, "Add", scores, bias);
    return graph_join_heads(d, onnx_binary(g, "MatMul", onnx_softmax(g, scores, -1), value));
}
