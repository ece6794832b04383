/*
 * The forward pass of every encoder: front end, embedding, layers, pooling over time, head.
 *
 * Shapes: B clips, S samples, C features, T frames, N visible frames of all clips together, H hidden size.
 */
#include "base/random.h"
#include "model/encoder/blocks.h"
#include "model/layers/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Features, or the first layers' output, that are at hand.  They come from a disk: more frames than there are
 * would be read from nowhere. */
static struct et_tensor *take_features(const struct pass *pass, struct et_scope *scope,
                                       const struct batch *batch)
{
    const struct encoder *encoder = pass->encoder;
    const int64_t shape[3] = {batch->count, batch->frozen_width, batch->frozen_channels};
    int64_t channels = pass->first > 0 ? encoder->config.hidden_size : encoder->feature_width;
    bool fits = batch->frozen_channels == channels && pass->first <= layer_mix_depth(&encoder->mix);

    for (int64_t b = 0; b < batch->count; b++)
        fits = fits && pass->lengths[b] >= 1 &&
               pass->visible[b] + (pass->first > 0 ? encoder->extra : 0) <= batch->frozen_width;
    if (!fits) {
        et_scope_fail(scope, "stored features do not fit their clips or this model");
        return NULL;
    }
    struct et_tensor *narrow =
        et_from_data(scope, batch->frozen, ET_FLOAT16, shape, 3, pass->model->parameters.device);
    return et_to_dtype(scope, narrow, ET_FLOAT32);
}

/* Frames of each clip, its own and with the silence that it is padded with. */
static void count_frames(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    const struct encoder *encoder = pass->encoder;

    pass->lengths = et_scope_memory(scope, (size_t)batch->count * sizeof *pass->lengths);
    pass->visible = et_scope_memory(scope, (size_t)batch->count * sizeof *pass->visible);
    for (int64_t b = 0; b < batch->count; b++) {
        int64_t context = encoder_context(encoder, batch->lengths[b]);
        pass->lengths[b] = encoder->family->frames(encoder, batch->lengths[b]);
        pass->visible[b] =
            context == batch->lengths[b] ? pass->lengths[b] : encoder->family->frames(encoder, context);
    }
}

/* -> features (B, T, C).  Sets the pass' frames and their lengths. */
static struct et_tensor *encode_features(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    count_frames(pass, scope, batch);
    struct et_tensor *x = batch->frozen ? take_features(pass, scope, batch)
                                        : pass->encoder->family->features(pass, scope, batch);
    pass->frames = x ? et_size(x, 1) : 0;
    return x;
}

/* What a checkpointed layer needs to be run again.  Lives in the caller's scope until the backward pass. */
struct layer_run {
    struct pass pass;
    struct forward_mode mode;
    int64_t index;
};

static struct et_tensor *layer_body(void *context, struct et_scope *scope, struct et_tensor *x)
{
    struct layer_run *run = context;

    pass_seed(&run->pass, run->index + 1);
    struct et_tensor *y = run->pass.encoder->family->run_layer(&run->pass, scope, x, run->index);
    run->pass.again = true;
    return y;
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
    const struct encoder *encoder = pass->encoder;

    if (random_uniform(drop) < encoder->config.layerdrop && pass->mode->training)
        return x;
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *y;
    pass_seed(pass, i + 1);
    if (pass->model->gradient_checkpointing &&
        (pass_learns(pass, encoder->adaptable[i].items[QUERY]->weight) ||
         (pass->mode->training && encoder->adapter_rank > 0)))
        y = checkpointed_layer(pass, scope, x, i);
    else
        y = et_keep(encoder->family->run_layer(pass, s, x, i), scope);
    et_drop(x);
    et_scope_close(s, NULL);
    return y;
}

/* x as (B, T, H). */
static struct et_tensor *padded(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    return pass->packed ? et_unpack(scope, x, pass->visible, pass->clips, pass->frames) : x;
}

static void observe_hidden(const struct pass *pass, struct et_scope *scope, int64_t index,
                           struct et_tensor *x)
{
    char name[32];

    if (!pass->mode->observe)
        return;
    snprintf(name, sizeof name, "hidden_%lld", (long long)index);
    pass_observe(pass, name, padded(pass, scope, x));
}

/* Padding that is hidden need not go through the transformer at all.  On a GPU, few large operations are
 * faster than many of the clips' own lengths. */
static bool packs(const struct pass *pass)
{
    return pass->encoder->family->packs && pass->hidden && !pass->model->pooling_includes_padding &&
           pass->model->parameters.device == ET_CPU;
}

/* Runs layers up to `last`, which it does not; adds what goes into each to *sum, where layers are mixed. */
static struct et_tensor *run_layers(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                    int64_t last, struct et_tensor **sum)
{
    struct random_stream drop = random_stream(pass->mode->seed, RANDOM_LAYERDROP, 0);

    for (int64_t i = pass->first; i < last; i++) {
        observe_hidden(pass, scope, i, x);
        *sum = layer_mix_add(&pass->encoder->mix, &pass->model->parameters, scope, *sum, x, i);
        x = next_hidden(pass, scope, x, i, &drop);
    }
    return x;
}

bool encoder_norms_last(const struct encoder *encoder)
{
    return encoder->final_norm.has_weight && encoder->config.do_stable_layer_norm;
}

/* x (B, T, H), what goes into the first layer that is run -> the hidden state to pool over time, (B, T, H) */
static struct et_tensor *transform(struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const struct layer_mix *mix = &pass->encoder->mix;
    const struct parameters *parameters = &pass->model->parameters;
    struct et_tensor *sum = NULL;
    int64_t depth = layer_mix_depth(mix);

    pass->packed = packs(pass);
    if (pass->packed)
        x = et_pack(scope, x, pass->visible);
    x = run_layers(pass, scope, x, depth, &sum);
    observe_hidden(pass, scope, depth, x);
    if (depth == mix->layers && encoder_norms_last(pass->encoder))
        x = apply_norm(pass, scope, x, &pass->encoder->final_norm);
    sum = layer_mix_add(mix, parameters, scope, sum, x, depth);
    x = padded(pass, scope, sum ? sum : x);
    if (pass->encoder->extra > 0)
        x = et_narrow(scope, x, 1, pass->encoder->extra, pass->frames);
    return x;
}

/* (B, T, 1), true behind each clip's so many frames; NULL where nothing is */
static struct et_tensor *column_after(const struct pass *pass, struct et_scope *scope, const int64_t *frames)
{
    const int64_t column[3] = {pass->clips, pass->frames, 1};
    struct et_tensor *mask =
        frames_padding(scope, frames, pass->clips, pass->frames, pass->model->parameters.device);

    return mask ? et_reshape(scope, mask, column, 3) : NULL;
}

/* (B, 1, 1, T): which keys attention shall not see; tokens before the frames it sees. */
static struct et_tensor *hide_keys(const struct pass *pass, struct et_scope *scope)
{
    int64_t extra = pass->encoder->extra, all = pass->frames + extra;
    const int64_t keys[4] = {pass->clips, 1, 1, all};
    int64_t *seen = et_scope_memory(scope, (size_t)pass->clips * sizeof *seen);

    if (extra == 0)
        return et_reshape(scope, pass->hidden, keys, 4);
    for (int64_t b = 0; b < pass->clips; b++)
        seen[b] = pass->visible[b] + extra;
    return et_reshape(scope, frames_padding(scope, seen, pass->clips, all, pass->model->parameters.device),
                      keys, 4);
}

/* Works out which frames are padding, and which the encoder shall not see. */
static void find_padding(struct pass *pass, struct et_scope *scope)
{
    bool alike = true;

    for (int64_t b = 0; b < pass->clips; b++)
        alike = alike && pass->lengths[b] == pass->visible[b];
    pass->padding = column_after(pass, scope, pass->lengths);
    if (!pass->encoder->hides_padding)
        return;
    pass->hidden = alike ? pass->padding : column_after(pass, scope, pass->visible);
    pass->key_padding = pass->hidden ? hide_keys(pass, scope) : NULL;
}

/* -> (B, T, H), what goes into layer pass->first; NULL on failure, as where memory ran out */
static struct et_tensor *enter_encoder(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    pass->first = batch->frozen ? batch->frozen_layers : 0;
    struct et_tensor *x = encode_features(pass, scope, batch);
    if (!x) /* there are no frames to mask */
        return NULL;
    pass_observe(pass, "features", x);
    if (pass->first > 0)
        pass->frames -= pass->encoder->extra;
    find_padding(pass, scope);
    if (pass->encoder->family->positions)
        pass->positions = pass->encoder->family->positions(pass, scope);
    if (pass->first > 0)
        return x;
    struct et_scope *s = et_scope_open(scope);
    pass_seed(pass, 0);
    x = et_keep(pass->encoder->family->embed(pass, s, x), scope);
    et_scope_close(s, NULL);
    return x;
}

struct et_tensor *encoder_frozen(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 const struct forward_mode *mode)
{
    struct pass pass = {.model = model, .encoder = model->state, .mode = mode, .clips = batch->count};
    int64_t layers = encoder_steady_layers(model);
    struct et_tensor *no_sum = NULL;

    if (layers == 0)
        return encode_features(&pass, scope, batch);
    struct et_tensor *x = enter_encoder(&pass, scope, batch);
    return x ? run_layers(&pass, scope, x, layers, &no_sum) : NULL;
}

/* Fails the scope where a clip is too short for a frame, or too long for the encoder. */
static bool takes_lengths(const struct model *model, struct et_scope *scope, const struct batch *batch)
{
    const struct encoder *encoder = model->state;
    char message[200];

    for (int64_t b = 0; b < batch->count; b++) {
        if (batch->lengths[b] < model->minimum_samples) {
            et_scope_fail(scope, "a clip is too short for one frame");
            return false;
        }
        if (encoder->longest > 0 && batch->lengths[b] > encoder->longest) {
            double seconds = (double)encoder->longest / model->sound.sample_rate;
            snprintf(message, sizeof message,
                     "a clip is longer than the %g s that this encoder takes in: audio.max_seconds=%g "
                     "(window_seconds of the library) makes windows",
                     seconds, seconds);
            et_scope_fail(scope, message);
            return false;
        }
    }
    return true;
}

/* Mean over a clip's own frames and their values; x is zero elsewhere.  x (B, T, H) -> (B, 1, 1) */
static struct et_tensor *clip_mean(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const int64_t shape[3] = {pass->clips, 1, 1};
    float *shares = mem_zero((size_t)pass->clips, sizeof *shares);

    for (int64_t b = 0; b < pass->clips; b++)
        shares[b] = 1 / (float)(pass->lengths[b] * et_size(x, 2));
    struct et_tensor *sum = et_sum_dim(scope, et_sum_dim(scope, x, 2, true), 1, true);
    sum =
        et_mul(scope, sum, et_from_data(scope, shares, ET_FLOAT32, shape, 3, pass->model->parameters.device));
    free(shares);
    return sum;
}

/* SpeechBrain's output_norm: a clip's frames, all together, to zero mean and unit variance. */
static struct et_tensor *norm_output(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    if (pass->padding)
        x = et_masked_fill(scope, x, pass->padding, 0);
    struct et_tensor *centred = et_sub(scope, x, clip_mean(pass, scope, x));
    if (pass->padding)
        centred = et_masked_fill(scope, centred, pass->padding, 0);
    struct et_tensor *variance = clip_mean(pass, scope, et_mul(scope, centred, centred));
    return et_div(scope, centred, et_sqrt(scope, et_add_scalar(scope, variance, ENCODER_OUTPUT_NORM_EPS)));
}

/* ---- all layers ---- */

/* x (B, T, H) or packed, a layer's output as it goes to the pooling -> (B, 1, 2 H), mean and deviation; or of
 * one clip its own frames (1, T, H) */
static struct et_tensor *take_layer(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                    bool pooled)
{
    struct et_scope *s = et_scope_open(scope);
    const int64_t shape[3] = {pass->clips, 1, 2 * pass->encoder->config.hidden_size};

    x = padded(pass, s, x);
    if (pass->encoder->extra > 0)
        x = et_narrow(s, x, 1, pass->encoder->extra, pass->frames);
    x = et_to_dtype(s, x, ET_FLOAT32);
    if (pass->encoder->norms_output)
        x = norm_output(pass, s, x);
    if (pooled)
        x = et_reshape(s,
                       frames_pool(pass->model, &POOLING_STATISTICS, s, x, pass->padding, pass->lengths, 0),
                       shape, 3);
    else
        x = et_narrow(s, x, 1, 0, pass->lengths[0]);
    x = et_keep(x, scope);
    et_scope_close(s, NULL);
    return x;
}

/* Hidden states 0 .. depth side by side along a dimension. */
static struct et_tensor *all_layers(const struct model *model, struct et_scope *scope,
                                    const struct batch *batch, int64_t depth, bool pooled)
{
    const struct encoder *encoder = model->state;
    const struct forward_mode mode = {.training = false};
    struct pass pass = {.model = model, .encoder = encoder, .mode = &mode, .clips = batch->count};
    struct random_stream none = random_stream(0, RANDOM_LAYERDROP, 0);

    if (!takes_lengths(model, scope, batch))
        return NULL;
    struct et_tensor *x = enter_encoder(&pass, scope, batch);
    if (!x)
        return NULL;
    struct et_tensor **states = et_scope_memory(scope, (size_t)(depth + 1) * sizeof(struct et_tensor *));
    pass.packed = packs(&pass);
    if (pass.packed)
        x = et_pack(scope, x, pass.visible);
    for (int64_t i = 0; i < depth; i++) {
        states[i] = take_layer(&pass, scope, x, pooled);
        x = next_hidden(&pass, scope, x, i, &none);
    }
    if (depth == encoder->mix.layers && encoder_norms_last(encoder))
        x = apply_norm(&pass, scope, x, &encoder->final_norm);
    states[depth] = take_layer(&pass, scope, x, pooled);
    return et_cat(scope, states, (size_t)depth + 1, pooled ? 1 : 0);
}

struct et_tensor *encoder_states(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 int64_t depth)
{
    return all_layers(model, scope, batch, depth, true);
}

struct et_tensor *encoder_frames(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 int64_t depth)
{
    return all_layers(model, scope, batch, depth, false);
}

/* The pooled vector of the layers that the model reads, of those at hand: means, then deviations where the
 * pooling has them.  -> (B, outputs * layers * H) */
static struct et_tensor *take_states(const struct model *model, struct et_scope *scope,
                                     const struct batch *batch)
{
    const struct encoder *encoder = model->state;
    const struct layer_mix *mix = &encoder->mix;
    const int64_t shape[3] = {batch->count, batch->state_count, 2 * batch->state_width};
    int64_t outputs = model->pooling->outputs, count = 0;
    struct et_tensor *parts[2 * LAYERS_MOST] = {NULL};

    if (mix->kind == LAYERS_WEIGHTED || mix->index >= batch->state_count ||
        batch->state_width != encoder->config.hidden_size ||
        (strcmp(model->pooling->name, "mean") != 0 && model->pooling != &POOLING_STATISTICS)) {
        et_scope_fail(scope, "stored features do not fit this model");
        return NULL;
    }
    struct et_tensor *all =
        et_from_data(scope, batch->states, ET_FLOAT32, shape, 3, model->parameters.device);
    for (int64_t part = 0; part < outputs; part++)
        for (int64_t i = 0; i < mix->count; i++)
            parts[count++] = et_narrow(scope, et_narrow(scope, all, 1, mix->chosen[i], 1), 2,
                                       part * batch->state_width, batch->state_width);
    const int64_t flat[2] = {batch->count, count * batch->state_width};
    return et_reshape(scope, et_cat(scope, parts, (size_t)count, 2), flat, 2);
}

struct et_tensor *encoder_forward(const struct model *model, struct et_scope *scope,
                                  const struct batch *batch, const struct forward_mode *mode)
{
    const struct encoder *encoder = model->state;
    struct pass pass = {.model = model, .encoder = encoder, .mode = mode, .clips = batch->count};

    if (batch->states) {
        struct et_tensor *pooled = take_states(model, scope, batch);
        return pooled ? head_forward(&encoder->head, &model->parameters, scope, pooled, mode->training)
                      : NULL;
    }
    if (!takes_lengths(model, scope, batch))
        return NULL;
    struct et_tensor *x = enter_encoder(&pass, scope, batch);
    if (!x)
        return NULL;
    x = transform(&pass, scope, x);
    if (encoder->norms_output)
        x = norm_output(&pass, scope, et_to_dtype(scope, x, ET_FLOAT32));
    pass_observe(&pass, "encoder_output", x);
    pass_seed(&pass, encoder->config.num_hidden_layers + 1);
    x = frames_pool(model, model->pooling, scope, et_to_dtype(scope, x, ET_FLOAT32), pass.padding,
                    pass.lengths, encoder->pooling);
    forward_show_pooled(mode, x);
    return head_forward(&encoder->head, &model->parameters, scope, x, mode->training);
}
