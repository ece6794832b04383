/* wav2vec 2.0's feature encoder and projection: see conv_frontend.h. */
#include "model/encoder/conv_frontend.h"

#include "audio/audio.h"
#include "model/layers/frames.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the norms between convolutions, whatever config.json's layer_norm_eps: as Hugging Face has it. */
static const double CONV_NORM_EPS = 1e-5;

/* ---- config.json ---- */

static bool read_list(const cJSON *json, const char *name, int64_t *values, int count, struct error *error)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, name), *item = NULL;
    int n = 0;

    if (!list)
        return true;
    cJSON_ArrayForEach(item, list)
    {
        if (n == count || !cJSON_IsNumber(item) || item->valuedouble < 1 || item->valuedouble > 1e6 ||
            floor(item->valuedouble) != item->valuedouble)
            return error_set(error, "\"%s\" must hold as many positive whole numbers as \"conv_dim\"", name);
        values[n++] = (int64_t)item->valuedouble;
    }
    return n == count || error_set(error, "\"%s\" must hold as many numbers as \"conv_dim\"", name);
}

/* Samples for one frame. */
static int64_t minimum_samples(const struct conv_frontend *front)
{
    int64_t samples = 1;

    for (int i = front->layers - 1; i >= 0; i--)
        if (__builtin_mul_overflow(samples - 1, front->stride[i], &samples) ||
            __builtin_add_overflow(samples, front->kernel[i], &samples))
            return INT64_MAX;
    return samples;
}

/* A stride above its kernel would leave samples unread: a damaged file, not an encoder. */
static bool check_strides(const struct conv_frontend *front, struct error *error)
{
    for (int i = 0; i < front->layers; i++)
        if (front->stride[i] > front->kernel[i])
            return error_set(
                error, "\"conv_stride\" must not be above \"conv_kernel\" in layer %d (%lld is above %lld)",
                i, (long long)front->stride[i], (long long)front->kernel[i]);
    return true;
}

static bool read_convolutions(struct conv_frontend *front, const cJSON *json, struct error *error)
{
    static const int64_t kernels[] = {10, 3, 3, 3, 3, 2, 2}, strides[] = {5, 2, 2, 2, 2, 2, 2};
    const cJSON *dims = cJSON_GetObjectItemCaseSensitive(json, "conv_dim");

    front->layers = dims ? cJSON_GetArraySize(dims) : 7;
    if (front->layers < 1 || front->layers > CONV_FRONTEND_MAX)
        return error_set(error, "\"conv_dim\" must hold 1 to %d numbers", CONV_FRONTEND_MAX);
    for (int i = 0; i < front->layers; i++) {
        front->dim[i] = 512;
        front->kernel[i] = i < 7 ? kernels[i] : 2;
        front->stride[i] = i < 7 ? strides[i] : 2;
    }
    return read_list(json, "conv_dim", front->dim, front->layers, error) &&
           read_list(json, "conv_kernel", front->kernel, front->layers, error) &&
           read_list(json, "conv_stride", front->stride, front->layers, error) &&
           check_strides(front, error) && json_bool(json, "conv_bias", &front->bias, error);
}

bool conv_frontend_configure(struct conv_frontend *front, struct encoder *encoder, const cJSON *json,
                             struct error *error)
{
    static const char *const norms[] = {"group", "layer"}, *const gelu[] = {"gelu"};
    size_t norm, only;

    encoder->front = front;
    front->project_norm = true;
    if (!encoder_config_choice(json, "feat_extract_norm", norms[0], norms, 2, &norm, error) ||
        !encoder_config_choice(json, "feat_extract_activation", gelu[0], gelu, 1, &only, error) ||
        !json_bool(json, "feat_proj_layer_norm", &front->project_norm, error) ||
        !read_convolutions(front, json, error))
        return false;
    encoder->group_norm = front->group_norm = norm == 0;
    encoder->feature_width = front->dim[front->layers - 1];
    encoder->minimum_samples = minimum_samples(front);
    return encoder->minimum_samples <= 1 << 24 ||
           error_set(error, "\"conv_kernel\" and \"conv_stride\" take over %d samples for a frame", 1 << 24);
}

int64_t conv_frontend_frames(const struct encoder *encoder, int64_t samples)
{
    const struct conv_frontend *front = encoder->front;

    for (int i = 0; i < front->layers; i++)
        samples = samples < front->kernel[i] ? 0 : (samples - front->kernel[i]) / front->stride[i] + 1;
    return samples;
}

/* ---- parameters ---- */

void conv_frontend_declare(const struct encoder *encoder, struct parameters *parameters)
{
    struct conv_frontend *front = encoder->front;
    const char *stem = "feature_extractor.conv_layers";
    double scale = sqrt(1.0 / (double)encoder->feature_width);

    for (int i = 0; i < front->layers; i++) {
        front->conv[i] = declare_conv(encoder, parameters, front->dim[i], i ? front->dim[i - 1] : 1,
                                      front->kernel[i], front->bias, "%s.%d.conv", stem, i);
        if (!front->group_norm || i == 0)
            front->norm[i] = declare_norm(encoder, parameters, front->dim[i], "%s.%d.layer_norm", stem, i);
    }
    if (front->project_norm)
        front->projection_norm =
            declare_norm(encoder, parameters, encoder->feature_width, "feature_projection.layer_norm");
    front->projection = declare_uniform(encoder, parameters, encoder->config.hidden_size,
                                        encoder->feature_width, scale, "feature_projection.projection");
}

/* ---- computing ---- */

/* Group norm with one group per channel over each clip's own frames, so that padding changes nothing.
 * x (B, C, T) */
static struct et_tensor *masked_group_norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                           const struct affine *a, struct et_tensor *mask,
                                           const int64_t *lengths)
{
    const int64_t row[3] = {pass->clips, 1, et_size(x, 2)}, single[3] = {pass->clips, 1, 1},
                  channel[3] = {1, -1, 1};
    float *counts = mem_zero((size_t)pass->clips, sizeof *counts);

    for (int64_t b = 0; b < pass->clips; b++)
        counts[b] = (float)lengths[b];
    struct et_tensor *count = et_from_data(s, counts, ET_FLOAT32, single, 3, pass->model->parameters.device);
    free(counts);
    mask = et_reshape(s, mask, row, 3);
    x = et_masked_fill(s, et_to_dtype(s, x, ET_FLOAT32), mask, 0);
    struct et_tensor *mean = et_div(s, et_sum_dim(s, x, 2, true), count);
    struct et_tensor *centred = et_masked_fill(s, et_sub(s, x, mean), mask, 0);
    struct et_tensor *variance = et_div(s, et_sum_dim(s, et_mul(s, centred, centred), 2, true), count);
    struct et_tensor *scale = et_rsqrt(s, et_add_scalar(s, variance, CONV_NORM_EPS));
    x = et_mul(s, et_mul(s, centred, scale), et_reshape(s, pass_weight(pass, a->weight), channel, 3));
    return et_add(s, x, et_reshape(s, pass_weight(pass, a->bias), channel, 3));
}

/* Over time, of x (B, C, T); lengths: of the clips here */
static struct et_tensor *group_norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                    const struct affine *a, const int64_t *lengths)
{
    struct et_tensor *mask =
        pass->encoder->hides_padding
            ? frames_padding(s, lengths, pass->clips, et_size(x, 2), pass->model->parameters.device)
            : NULL;

    if (mask)
        return masked_group_norm(pass, s, x, a, mask, lengths);
    return et_group_norm(s, x, et_size(x, 1), pass_weight(pass, a->weight), pass_weight(pass, a->bias),
                         CONV_NORM_EPS);
}

/* The norm of convolution i, if it has one, and GELU.  x (B, T, C) */
static struct et_tensor *activate(const struct conv_frontend *front, const struct pass *pass,
                                  struct et_scope *s, struct et_tensor *x, int i, const int64_t *lengths)
{
    const struct affine *a = &front->norm[i];

    if (!a->has_weight)
        return et_gelu(s, x);
    if (front->group_norm)
        return et_gelu(s, et_transpose(s, group_norm(pass, s, et_transpose(s, x, 1, 2), a, lengths), 1, 2));
    return et_layer_norm_gelu(s, x, pass_weight(pass, a->weight), pass_weight(pass, a->bias), CONV_NORM_EPS);
}

/* Convolution i of the feature encoder.  x (B, T, C) -> (B, T', C')
 *
 * Where it is not learned it is one product of rows: what lies under the kernel is consecutive where channels
 * are innermost, so that neither it nor a layer norm moves anything about.  The gradient of overlapping rows
 * is slower than a convolution's. */
static struct et_tensor *convolve(const struct conv_frontend *front, const struct pass *pass,
                                  struct et_scope *s, struct et_tensor *x, int i)
{
    const struct affine *a = &front->conv[i];
    struct et_tensor *w = pass_weight(pass, a->weight),
                     *bias = a->has_bias ? pass_weight(pass, a->bias) : NULL;
    int64_t channels = et_size(x, 2), width = front->kernel[i] * channels, stride = front->stride[i];
    const int64_t flat[2] = {pass->clips, et_size(x, 1) * channels}, kernel[2] = {front->dim[i], width};

    if (pass_learns(pass, a->weight) || (front->group_norm && front->norm[i].has_weight))
        return et_transpose(s, et_conv1d(s, et_transpose(s, x, 1, 2), w, bias, stride, 0, 1), 1, 2);
    x = et_unfold(s, et_reshape(s, x, flat, 2), width, stride * channels);
    return et_linear(s, x, et_reshape(s, et_transpose(s, w, 1, 2), kernel, 2), bias);
}

struct et_tensor *conv_frontend_features(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    const struct conv_frontend *front = pass->encoder->front;
    const int64_t shape[3] = {batch->count, batch->width, 1};
    struct et_tensor *x = /* (B, T, C) between convolutions */
        et_from_data(scope, batch->samples, ET_FLOAT32, shape, 3, pass->model->parameters.device);

    x = encoder_scale_signal(pass->encoder, scope, x);
    int64_t *lengths = et_scope_memory(scope, (size_t)batch->count * sizeof *lengths);

    memcpy(lengths, batch->lengths, (size_t)batch->count * sizeof *lengths);
    for (int i = 0; i < front->layers; i++) {
        struct et_scope *s = et_scope_open(scope);
        for (int64_t b = 0; b < batch->count; b++)
            lengths[b] = (lengths[b] - front->kernel[i]) / front->stride[i] + 1;
        struct et_tensor *y = convolve(front, pass, s, x, i);
        y = et_keep(activate(front, pass, s, y, i, lengths), scope);
        et_drop(x);
        x = y;
        et_scope_close(s, NULL);
    }
    return x;
}

struct et_tensor *conv_frontend_project(const struct pass *pass, struct et_scope *scope,
                                        struct et_tensor *features)
{
    const struct conv_frontend *front = pass->encoder->front;
    const struct encoder *encoder = pass->encoder;
    struct et_tensor *fill = encoder->has_mask_embedding ? pass_weight(pass, encoder->mask_embedding) : NULL;
    struct et_tensor *x =
        front->project_norm ? apply_norm(pass, scope, features, &front->projection_norm) : features;

    x = apply_dropout(pass, scope, apply_linear(pass, scope, x, &front->projection),
                      encoder->config.feat_proj_dropout);
    return clear_hidden(pass, scope, pass_mask(pass, scope, x, pass->lengths, fill));
}

/* ---- in ONNX ---- */

/* The norm of convolution i, if it has one, and GELU.  x (B, C, T) */
static const char *onnx_activate(const struct conv_frontend *front, const struct graph_builder *d,
                                 const char *x, int i)
{
    struct onnx *g = d->graph;
    const struct affine *a = &front->norm[i];

    if (!a->has_weight)
        return onnx_gelu(g, x);
    if (front->group_norm) { /* one group per channel */
        const char *const inputs[3] = {x, onnx_tensor(g, graph_weight(d, a->weight)),
                                       onnx_tensor(g, graph_weight(d, a->bias))};
        const struct onnx_attribute eps = {.name = "epsilon", .type = ONNX_FLOAT, .number = CONV_NORM_EPS};
        return onnx_gelu(g, onnx_node(g, "InstanceNormalization", inputs, 3, &eps, 1));
    }
    x = onnx_layer_norm(g, onnx_transpose(g, x, ONNX_SWAP, 3), graph_weight(d, a->weight),
                        graph_weight(d, a->bias), CONV_NORM_EPS);
    return onnx_transpose(g, onnx_gelu(g, x), ONNX_SWAP, 3);
}

const char *conv_frontend_onnx(const struct graph_builder *d, const char *samples)
{
    const struct conv_frontend *front = d->encoder->front;
    static const int64_t none[2] = {0, 0}, shape[3] = {0, 1, -1};
    const char *x = d->model->sound.normalize ? graph_normalize(d, samples, SIGNAL_VARIANCE_FLOOR) : samples;

    if (d->encoder->signal_deviation > 0) {
        x = onnx_binary(d->graph, "Sub", x, onnx_number(d->graph, d->encoder->signal_mean));
        x = onnx_binary(d->graph, "Div", x, onnx_number(d->graph, d->encoder->signal_deviation));
    }
    x = onnx_reshape(d->graph, x, shape, 3);
    for (int i = 0; i < front->layers; i++) {
        const struct affine *a = &front->conv[i];
        x = graph_conv(d, x, graph_weight(d, a->weight), a->has_bias ? graph_weight(d, a->bias) : NULL,
                       front->stride[i], none, 1);
        x = onnx_activate(front, d, x, i);
    }
    x = onnx_transpose(d->graph, x, ONNX_SWAP, 3);
    if (front->project_norm)
        x = graph_norm(d, x, &front->projection_norm);
    return graph_linear(d, x, &front->projection);
}
