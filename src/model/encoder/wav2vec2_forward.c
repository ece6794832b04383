/*
 * wav2vec 2.0's forward pass: feature encoder, projection, SpecAugment, positional convolution, transformer,
 * pooling over time, head.
 *
 * Shapes: B clips, S samples, C channels, T frames, N frames of all clips without padding, H hidden size.
 */
#include "base/random.h"
#include "model/encoder/wav2vec2.h"
#include "model/layers/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One forward pass under way. */
struct pass {
    const struct model *model;
    const struct wav2vec2 *w;
    const struct forward_mode *mode;
    int64_t clips, frames;
    int64_t *lengths;              /* frames of each clip */
    struct et_tensor *padding;     /* (B, T, 1) true where a frame is padding; NULL where none is */
    struct et_tensor *key_padding; /* (B, 1, 1, T) the same, if it is hidden from attention; else NULL */
    int64_t first;                 /* layer that is run: those before it are in what is at hand */
    bool packed; /* what goes through the transformer is (1, N, H): the clips' frames without padding */
};

static struct et_tensor *layer_weight(const struct pass *pass, size_t index)
{
    return parameters_tensor(&pass->model->parameters, index);
}

/* Whether this pass records a gradient for the parameter. */
static bool is_learned(const struct pass *pass, size_t index)
{
    return pass->mode->training && pass->model->parameters.items[index].trainable;
}

static struct et_tensor *apply_linear(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                      const struct affine *a)
{
    return et_linear(s, x, layer_weight(pass, a->weight), a->has_bias ? layer_weight(pass, a->bias) : NULL);
}

const double WAV2VEC2_CONV_NORM_EPS = 1e-5;

static struct et_tensor *norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                              const struct affine *a)
{
    return et_layer_norm(s, x, layer_weight(pass, a->weight), layer_weight(pass, a->bias),
                         pass->w->config.layer_norm_eps);
}

static struct et_tensor *dropout(const struct pass *pass, struct et_scope *s, struct et_tensor *x, double p)
{
    return pass->mode->training && p > 0 ? et_dropout(s, x, p) : x;
}

static void observe(const struct pass *pass, const char *name, const struct et_tensor *x)
{
    if (pass->mode->observe && x)
        pass->mode->observe(pass->mode->context, name, x);
}

/* Seeds dropout for a part of the pass, so that a part run again draws the same. */
static void seed_part(const struct pass *pass, int64_t part)
{
    if (!pass->mode->training)
        return;
    struct random_stream stream = random_stream(pass->mode->seed, RANDOM_DROPOUT, (uint64_t)part);
    et_manual_seed(random_next(&stream));
}

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
    struct et_tensor *scale = et_rsqrt(s, et_add_scalar(s, variance, WAV2VEC2_CONV_NORM_EPS));
    x = et_mul(s, et_mul(s, centred, scale), et_reshape(s, layer_weight(pass, a->weight), channel, 3));
    return et_add(s, x, et_reshape(s, layer_weight(pass, a->bias), channel, 3));
}

/* The group norm of convolution i, over time, of x (B, C, T). */
static struct et_tensor *group_norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x, int i)
{
    const struct affine *a = &pass->w->conv_norm[i];
    struct et_tensor *mask =
        pass->w->hides_padding
            ? frames_padding(s, pass->lengths, pass->clips, et_size(x, 2), pass->model->parameters.device)
            : NULL;

    if (mask)
        return masked_group_norm(pass, s, x, a, mask, pass->lengths);
    return et_group_norm(s, x, pass->w->config.conv_dim[i], layer_weight(pass, a->weight),
                         layer_weight(pass, a->bias), WAV2VEC2_CONV_NORM_EPS);
}

/* The norm of convolution i, if it has one, and GELU.  x (B, T, C) */
static struct et_tensor *activate(const struct pass *pass, struct et_scope *s, struct et_tensor *x, int i)
{
    const struct affine *a = &pass->w->conv_norm[i];

    if (!pass->w->conv_has_norm[i])
        return et_gelu(s, x);
    if (pass->w->config.group_norm)
        return et_gelu(s, et_transpose(s, group_norm(pass, s, et_transpose(s, x, 1, 2), i), 1, 2));
    return et_layer_norm_gelu(s, x, layer_weight(pass, a->weight), layer_weight(pass, a->bias),
                              WAV2VEC2_CONV_NORM_EPS);
}

/* Convolution i of the feature encoder.  x (B, T, C) -> (B, T', C')
 *
 * Where it is not learned it is one product of rows: what lies under the kernel is consecutive where channels
 * are innermost, so that neither it nor a layer norm moves anything about.  The gradient of overlapping rows
 * is slower than a convolution's. */
static struct et_tensor *convolve(const struct pass *pass, struct et_scope *s, struct et_tensor *x, int i)
{
    const struct wav2vec2_config *c = &pass->w->config;
    const struct affine *a = &pass->w->conv[i];
    struct et_tensor *w = layer_weight(pass, a->weight),
                     *bias = a->has_bias ? layer_weight(pass, a->bias) : NULL;
    int64_t channels = et_size(x, 2), width = c->conv_kernel[i] * channels, stride = c->conv_stride[i];
    const int64_t flat[2] = {pass->clips, et_size(x, 1) * channels}, kernel[2] = {c->conv_dim[i], width};

    if (is_learned(pass, a->weight) || (c->group_norm && pass->w->conv_has_norm[i]))
        return et_transpose(s, et_conv1d(s, et_transpose(s, x, 1, 2), w, bias, stride, 0, 1), 1, 2);
    x = et_unfold(s, et_reshape(s, x, flat, 2), width, stride * channels);
    return et_linear(s, x, et_reshape(s, et_transpose(s, w, 1, 2), kernel, 2), bias);
}

/* From samples to frames of each clip, after convolution i. */
static void shorten(const struct pass *pass, int i)
{
    const struct wav2vec2_config *c = &pass->w->config;

    for (int64_t b = 0; b < pass->clips; b++)
        pass->lengths[b] = (pass->lengths[b] - c->conv_kernel[i]) / c->conv_stride[i] + 1;
}

/* samples (B, S) -> features (B, T, C).  Turns the pass' lengths into frames. */
static struct et_tensor *encode_samples(const struct pass *pass, struct et_scope *scope,
                                        const struct batch *batch)
{
    const struct wav2vec2_config *c = &pass->w->config;
    const int64_t shape[3] = {batch->count, batch->width, 1};
    struct et_tensor *x = /* (B, T, C) between convolutions */
        et_from_data(scope, batch->samples, ET_FLOAT32, shape, 3, pass->model->parameters.device);

    for (int i = 0; i < c->conv_layers; i++) {
        struct et_scope *s = et_scope_open(scope);
        shorten(pass, i);
        struct et_tensor *y = et_keep(activate(pass, s, convolve(pass, s, x, i), i), scope);
        et_drop(x);
        x = y;
        et_scope_close(s, NULL);
    }
    return x;
}

/* Features, or the first layers' output, that are at hand.  They come from a disk: more frames than there are
 * would be read from nowhere.
 */
static struct et_tensor *take_features(const struct pass *pass, struct et_scope *scope,
                                       const struct batch *batch)
{
    const struct wav2vec2_config *c = &pass->w->config;
    const int64_t shape[3] = {batch->count, batch->frozen_width, batch->frozen_channels};
    int64_t channels = pass->first > 0 ? c->hidden_size : c->conv_dim[c->conv_layers - 1];
    bool fits = batch->frozen_channels == channels && pass->first <= layer_mix_depth(&pass->w->mix);

    for (int i = 0; i < c->conv_layers; i++)
        shorten(pass, i);
    for (int64_t b = 0; b < batch->count; b++)
        fits = fits && pass->lengths[b] >= 1 && pass->lengths[b] <= batch->frozen_width;
    if (!fits) {
        et_scope_fail(scope, "stored features do not fit their clips or this model");
        return NULL;
    }
    struct et_tensor *narrow =
        et_from_data(scope, batch->frozen, ET_FLOAT16, shape, 3, pass->model->parameters.device);
    return et_to_dtype(scope, narrow, ET_FLOAT32);
}

/* -> features (B, T, C).  Sets the pass' frames and their lengths. */
static struct et_tensor *encode_features(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    pass->lengths = et_scope_memory(scope, (size_t)batch->count * sizeof *pass->lengths);
    memcpy(pass->lengths, batch->lengths, (size_t)batch->count * sizeof *pass->lengths);
    struct et_tensor *x =
        batch->frozen ? take_features(pass, scope, batch) : encode_samples(pass, scope, batch);
    pass->frames = x ? et_size(x, 1) : 0;
    return x;
}

/* Replaces spans of frames by the mask embedding, and spans of features by zero.  x (B, T, H) */
static struct et_tensor *augment(const struct pass *pass, struct et_scope *s, struct et_tensor *x)
{
    const struct wav2vec2_config *c = &pass->w->config;
    const int64_t frames[3] = {pass->clips, pass->frames, 1}, features[3] = {pass->clips, 1, c->hidden_size};
    struct random_stream stream = random_stream(pass->mode->seed, RANDOM_MASK, 0);
    int64_t widest = pass->frames > c->hidden_size ? pass->frames : c->hidden_size;
    int device = pass->model->parameters.device;

    if (!pass->mode->training || !c->apply_spec_augment)
        return x;
    bool *mask = mem_zero((size_t)(pass->clips * widest), sizeof *mask);
    if (c->mask_time.probability > 0) {
        spec_augment_mask(mask, pass->clips, pass->frames, pass->lengths, &c->mask_time, &stream);
        x = et_where(s, et_from_data(s, mask, ET_BOOL, frames, 3, device),
                     layer_weight(pass, pass->w->mask_embedding), et_to_dtype(s, x, ET_FLOAT32));
    }
    if (c->mask_feature.probability > 0) {
        int64_t *widths = mem_zero((size_t)pass->clips, sizeof *widths);
        for (int64_t b = 0; b < pass->clips; b++)
            widths[b] = c->hidden_size;
        spec_augment_mask(mask, pass->clips, c->hidden_size, widths, &c->mask_feature, &stream);
        x = et_masked_fill(s, x, et_from_data(s, mask, ET_BOOL, features, 3, device), 0);
        free(widths);
    }
    free(mask);
    return x;
}

/* Adds the positional convolution.  x (B, T, H) */
static struct et_tensor *add_positions(const struct pass *pass, struct et_scope *s, struct et_tensor *x)
{
    const struct wav2vec2_config *c = &pass->w->config;
    struct et_tensor *kernel = et_weight_norm(s, layer_weight(pass, pass->w->position_v),
                                              layer_weight(pass, pass->w->position_g), 2);
    struct et_tensor *y =
        et_conv1d(s, et_transpose(s, x, 1, 2), kernel, layer_weight(pass, pass->w->position_bias), 1,
                  c->num_conv_pos_embeddings / 2, c->num_conv_pos_embedding_groups);

    if (c->num_conv_pos_embeddings % 2 == 0) /* an even kernel gives one frame too many */
        y = et_narrow(s, y, 2, 0, pass->frames);
    return et_add(s, x, et_transpose(s, et_gelu(s, y), 1, 2));
}

/* One of attention's projections, with its adapter. */
static struct et_tensor *project(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                 const struct wav2vec2_layer *layer, enum wav2vec2_projection which)
{
    const struct wav2vec2 *w = pass->w;
    const struct adapter *adapter = &layer->adapters[which];
    struct et_tensor *y = apply_linear(pass, s, x, &layer->projections[which]);

    if (!w->has_adapter[which])
        return y;
    struct et_tensor *low = et_linear(s, x, layer_weight(pass, adapter->down), NULL);
    return et_add(
        s, y, et_mul_scalar(s, et_linear(s, low, layer_weight(pass, adapter->up), NULL), w->adapter_scale));
}

static struct et_tensor *attend(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                const struct wav2vec2_layer *layer)
{
    const struct wav2vec2_config *c = &pass->w->config;
    double p = pass->mode->training ? c->attention_dropout : 0;
    struct et_tensor *query = project(pass, s, x, layer, QUERY), *key = project(pass, s, x, layer, KEY),
                     *value = project(pass, s, x, layer, VALUE);

    struct et_tensor *mixed =
        pass->packed
            ? et_attention_packed(s, query, key, value, pass->lengths, pass->clips, c->num_attention_heads, p)
            : et_attention(s, query, key, value, pass->key_padding, c->num_attention_heads, p);
    return project(pass, s, mixed, layer, OUT);
}

static struct et_tensor *feed_forward(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                      const struct wav2vec2_layer *layer)
{
    const struct wav2vec2_config *c = &pass->w->config;

    x = et_gelu(s, apply_linear(pass, s, x, &layer->intermediate));
    return apply_linear(pass, s, dropout(pass, s, x, c->activation_dropout), &layer->output);
}

/* x + dropout(y) */
static struct et_tensor *add_dropped(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                     struct et_tensor *y)
{
    double p = pass->mode->training ? pass->w->config.hidden_dropout : 0;

    return p > 0 ? et_add_dropped(s, x, y, p) : et_add(s, x, y);
}

/* One transformer layer, norm first ("stable") or last.  x (B, T, H) or (1, N, H) */
static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   const struct wav2vec2_layer *layer)
{
    if (pass->w->config.do_stable_layer_norm) {
        struct et_tensor *mixed = attend(pass, s, norm(pass, s, x, &layer->attention_norm), layer);
        x = add_dropped(pass, s, x, mixed);
        return add_dropped(pass, s, x, feed_forward(pass, s, norm(pass, s, x, &layer->final_norm), layer));
    }
    x = norm(pass, s, add_dropped(pass, s, x, attend(pass, s, x, layer)), &layer->attention_norm);
    return norm(pass, s, add_dropped(pass, s, x, feed_forward(pass, s, x, layer)), &layer->final_norm);
}

/* What a checkpointed layer needs to be run again.  Lives in the caller's scope until the backward pass. */
struct layer_run {
    struct pass pass;
    struct forward_mode mode;
    int64_t index;
};

static struct et_tensor *layer_body(void *context, struct et_scope *scope, struct et_tensor *x)
{
    const struct layer_run *run = context;

    seed_part(&run->pass, run->index + 1);
    return run_layer(&run->pass, scope, x, &run->pass.w->layers[run->index]);
}

static struct et_tensor *checkpointed_layer(const struct pass *pass, struct et_scope *scope,
                                            struct et_tensor *x, int64_t i)
{
    struct layer_run *run = et_scope_memory(scope, sizeof *run);

    *run = (struct layer_run){*pass, *pass->mode, i};
    run->pass.mode = &run->mode;
    return et_checkpoint(scope, layer_body, run, x);
}

/* Runs layer i, or in training skips it with probability layerdrop; x is replaced. */
static struct et_tensor *next_hidden(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                     int64_t i, struct random_stream *drop)
{
    const struct wav2vec2_layer *layer = &pass->w->layers[i];

    if (random_uniform(drop) < pass->w->config.layerdrop && pass->mode->training)
        return x;
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *y;
    seed_part(pass, i + 1);
    if (pass->model->gradient_checkpointing && (is_learned(pass, layer->projections[QUERY].weight) ||
                                                (pass->mode->training && pass->w->adapter_rank > 0)))
        y = checkpointed_layer(pass, scope, x, i);
    else
        y = et_keep(run_layer(pass, s, x, layer), scope);
    et_drop(x);
    et_scope_close(s, NULL);
    return y;
}

/* x as (B, T, H). */
static struct et_tensor *padded(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    return pass->packed ? et_unpack(scope, x, pass->lengths, pass->clips, pass->frames) : x;
}

static void observe_hidden(const struct pass *pass, struct et_scope *scope, int64_t index,
                           struct et_tensor *x)
{
    char name[32];

    if (!pass->mode->observe)
        return;
    snprintf(name, sizeof name, "hidden_%lld", (long long)index);
    observe(pass, name, padded(pass, scope, x));
}

/* Padding that is hidden need not go through the transformer at all.  On a card, few large operations are
 * faster than many of the clips' own lengths. */
static bool packs(const struct pass *pass)
{
    return pass->key_padding && !pass->model->pooling_includes_padding &&
           pass->model->parameters.device == ET_CPU;
}

/* Runs layers up to `last`, which it does not; adds what goes into each to *sum, where layers are mixed. */
static struct et_tensor *run_layers(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                    int64_t last, struct et_tensor **sum)
{
    struct random_stream drop = random_stream(pass->mode->seed, RANDOM_LAYERDROP, 0);

    for (int64_t i = pass->first; i < last; i++) {
        observe_hidden(pass, scope, i, x);
        *sum = layer_mix_add(&pass->w->mix, &pass->model->parameters, scope, *sum, x, i);
        x = next_hidden(pass, scope, x, i, &drop);
    }
    return x;
}

/* x (B, T, H), what goes into the first layer that is run -> the hidden state to pool over time, (B, T, H)
 */
static struct et_tensor *transform(struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const struct layer_mix *mix = &pass->w->mix;
    const struct parameters *parameters = &pass->model->parameters;
    struct et_tensor *sum = NULL;
    int64_t depth = layer_mix_depth(mix);

    pass->packed = packs(pass);
    if (pass->packed)
        x = et_pack(scope, x, pass->lengths);
    x = run_layers(pass, scope, x, depth, &sum);
    observe_hidden(pass, scope, depth, x);
    if (pass->w->config.do_stable_layer_norm && depth == mix->layers)
        x = norm(pass, scope, x, &pass->w->encoder_norm);
    sum = layer_mix_add(mix, parameters, scope, sum, x, depth);
    return padded(pass, scope, sum ? sum : x);
}

/* Works out which frames are padding, from the frames of each clip. */
static void find_padding(struct pass *pass, struct et_scope *scope)
{
    const int64_t column[3] = {pass->clips, pass->frames, 1}, keys[4] = {pass->clips, 1, 1, pass->frames};
    struct et_tensor *mask =
        frames_padding(scope, pass->lengths, pass->clips, pass->frames, pass->model->parameters.device);

    if (!mask)
        return;
    pass->padding = et_reshape(scope, mask, column, 3);
    if (pass->w->hides_padding)
        pass->key_padding = et_reshape(scope, mask, keys, 4);
}

/* features (B, T, C) -> (B, T, H) before the first layer */
static struct et_tensor *embed(const struct pass *pass, struct et_scope *scope, struct et_tensor *features)
{
    const struct wav2vec2_config *c = &pass->w->config;
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *x = norm(pass, s, features, &pass->w->projection_norm);

    seed_part(pass, 0);
    x = dropout(pass, s, apply_linear(pass, s, x, &pass->w->projection), c->feat_proj_dropout);
    x = augment(pass, s, x);
    if (pass->key_padding)
        x = et_masked_fill(s, x, pass->padding, 0);
    x = add_positions(pass, s, x);
    if (!c->do_stable_layer_norm)
        x = norm(pass, s, x, &pass->w->encoder_norm);
    x = et_keep(dropout(pass, s, x, c->hidden_dropout), scope);
    et_scope_close(s, NULL);
    return x;
}

/* -> (B, T, H), what goes into layer pass->first; NULL on failure, as where memory ran out */
static struct et_tensor *enter_encoder(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    pass->first = batch->frozen ? batch->frozen_layers : 0;
    struct et_tensor *x = encode_features(pass, scope, batch);
    if (!x) /* there are no frames to mask */
        return NULL;
    observe(pass, "features", x);
    find_padding(pass, scope);
    return pass->first > 0 ? x : embed(pass, scope, x);
}

struct et_tensor *wav2vec2_frozen(const struct model *model, struct et_scope *scope,
                                  const struct batch *batch, const struct forward_mode *mode)
{
    struct pass pass = {.model = model, .w = model->state, .mode = mode, .clips = batch->count};
    int64_t layers = wav2vec2_steady_layers(model);
    struct et_tensor *no_sum = NULL;

    if (layers == 0)
        return encode_features(&pass, scope, batch);
    struct et_tensor *x = enter_encoder(&pass, scope, batch);
    return x ? run_layers(&pass, scope, x, layers, &no_sum) : NULL;
}

struct et_tensor *wav2vec2_forward(const struct model *model, struct et_scope *scope,
                                   const struct batch *batch, const struct forward_mode *mode)
{
    const struct wav2vec2 *w = model->state;
    struct pass pass = {.model = model, .w = w, .mode = mode, .clips = batch->count};

    for (int64_t b = 0; b < batch->count; b++) {
        if (batch->lengths[b] < model->minimum_samples) {
            et_scope_fail(scope, "a clip is too short for one frame");
            return NULL;
        }
    }
    struct et_tensor *x = enter_encoder(&pass, scope, batch);
    if (!x)
        return NULL;
    x = transform(&pass, scope, x);
    observe(&pass, "encoder_output", x);
    seed_part(&pass, w->config.num_hidden_layers + 1);
    return head_forward(
        &w->head, &model->parameters, scope,
        frames_pool(model, scope, et_to_dtype(scope, x, ET_FLOAT32), pass.padding, pass.lengths, w->pooling),
        mode->training);
}
