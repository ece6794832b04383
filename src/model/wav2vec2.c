/*
 * wav2vec 2.0 (Baevski, Zhou, Mohamed and Auli, 2020) with a classifier, as Hugging Face's config.json
 * describes it: XLSR and 300M to 2B ("layer" extractor norm, "stable" layer norm), base ("group").
 *
 * Waveform -> convolutional feature encoder -> projection -> SpecAugment -> positional convolution ->
 * transformer -> merge over time -> head.  Shapes: B clips, S samples, C channels, T frames, H hidden size.
 */
#include "model/wav2vec2.h"
#include "base/random.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- parameters ---- */

static struct affine declare_linear(struct parameters *p, int64_t out, int64_t in, enum initialisation kind,
                                    double weight_scale, double bias_scale, const char *name)
{
    const int64_t weight[4] = {out, in}, bias[4] = {out};
    struct affine a = {.has_bias = true};

    a.weight = parameters_add(p, true, kind, weight_scale, weight, "wav2vec2.%s.weight", name);
    a.bias = parameters_add(p, true, bias_scale > 0 ? INIT_UNIFORM : INIT_ZEROS, bias_scale, bias,
                            "wav2vec2.%s.bias", name);
    return a;
}

static struct affine declare_norm(struct parameters *p, int64_t width, const char *name)
{
    const int64_t shape[4] = {width};
    struct affine a = {.has_bias = true};

    a.weight = parameters_add(p, true, INIT_ONES, 0, shape, "wav2vec2.%s.weight", name);
    a.bias = parameters_add(p, true, INIT_ZEROS, 0, shape, "wav2vec2.%s.bias", name);
    return a;
}

static void declare_conv(struct wav2vec2 *w, struct parameters *p, int i)
{
    const struct wav2vec2_config *c = &w->config;
    int64_t in = i ? c->conv_dim[i - 1] : 1, fan = in * c->conv_kernel[i];
    const int64_t weight[4] = {c->conv_dim[i], in, c->conv_kernel[i]}, bias[4] = {c->conv_dim[i]};
    const char *stem = "wav2vec2.feature_extractor.conv_layers";
    char norm[64];

    w->conv[i].has_bias = c->conv_bias;
    w->conv[i].weight =
        parameters_add(p, true, INIT_NORMAL, sqrt(2.0 / (double)fan), weight, "%s.%d.conv.weight", stem, i);
    if (c->conv_bias)
        w->conv[i].bias =
            parameters_add(p, true, INIT_UNIFORM, 1 / sqrt((double)fan), bias, "%s.%d.conv.bias", stem, i);
    w->conv_has_norm[i] = !c->group_norm || i == 0;
    snprintf(norm, sizeof norm, "feature_extractor.conv_layers.%d.layer_norm", i);
    if (w->conv_has_norm[i])
        w->conv_norm[i] = declare_norm(p, c->conv_dim[i], norm);
}

static void declare_layer(struct wav2vec2 *w, struct parameters *p, int64_t i)
{
    const struct wav2vec2_config *c = &w->config;
    struct wav2vec2_layer *layer = &w->layers[i];
    const struct {
        struct affine *affine;
        const char *name;
        int64_t out, in; /* in 0: a norm */
    } parts[] = {
        {&layer->key, "attention.k_proj", c->hidden_size, c->hidden_size},
        {&layer->value, "attention.v_proj", c->hidden_size, c->hidden_size},
        {&layer->query, "attention.q_proj", c->hidden_size, c->hidden_size},
        {&layer->out, "attention.out_proj", c->hidden_size, c->hidden_size},
        {&layer->attention_norm, "layer_norm", c->hidden_size, 0},
        {&layer->intermediate, "feed_forward.intermediate_dense", c->intermediate_size, c->hidden_size},
        {&layer->output, "feed_forward.output_dense", c->hidden_size, c->intermediate_size},
        {&layer->final_norm, "final_layer_norm", c->hidden_size, 0}};

    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        char name[96];
        snprintf(name, sizeof name, "encoder.layers.%lld.%s", (long long)i, parts[k].name);
        *parts[k].affine = parts[k].in ? declare_linear(p, parts[k].out, parts[k].in, INIT_NORMAL,
                                                        c->initializer_range, 0, name)
                                       : declare_norm(p, parts[k].out, name);
    }
}

static void declare_position(struct wav2vec2 *w, struct parameters *p)
{
    const struct wav2vec2_config *c = &w->config;
    int64_t in = c->hidden_size / c->num_conv_pos_embedding_groups;
    const int64_t v[4] = {c->hidden_size, in, c->num_conv_pos_embeddings},
                  g[4] = {1, 1, c->num_conv_pos_embeddings};
    const int64_t bias[4] = {c->hidden_size};
    double scale = 2 * sqrt(1.0 / (double)(c->num_conv_pos_embeddings * c->hidden_size));

    w->position_v =
        parameters_add(p, true, INIT_NORMAL, scale, v, "wav2vec2.encoder.pos_conv_embed.conv.weight_v");
    w->position_g =
        parameters_add(p, true, INIT_NORM_OF, 0, g, "wav2vec2.encoder.pos_conv_embed.conv.weight_g");
    w->position_bias =
        parameters_add(p, true, INIT_ZEROS, 0, bias, "wav2vec2.encoder.pos_conv_embed.conv.bias");
}

static void declare(struct wav2vec2 *w, struct model *model)
{
    const struct wav2vec2_config *c = &w->config;
    struct parameters *p = &model->parameters;
    int64_t channels = c->conv_dim[c->conv_layers - 1];
    const int64_t embedding[4] = {c->hidden_size};
    double projection = sqrt(1.0 / (double)channels);

    w->mask_embedding = parameters_add(p, false, INIT_UNIT, 0, embedding, "wav2vec2.masked_spec_embed");
    for (int i = 0; i < c->conv_layers; i++)
        declare_conv(w, p, i);
    w->projection_norm = declare_norm(p, channels, "feature_projection.layer_norm");
    w->projection = declare_linear(p, c->hidden_size, channels, INIT_UNIFORM, projection, projection,
                                   "feature_projection.projection");
    declare_position(w, p);
    w->encoder_norm = declare_norm(p, c->hidden_size, "encoder.layer_norm");
    w->layers = mem_zero((size_t)c->num_hidden_layers, sizeof *w->layers);
    for (int64_t i = 0; i < c->num_hidden_layers; i++)
        declare_layer(w, p, i);
    head_declare(&w->head, p, c->hidden_size, (int64_t)model->labels.count, c->initializer_range,
                 c->final_dropout);
}

/* ---- opening ---- */

/* attention_mask: yes, no, or auto: hidden, but for group-norm checkpoints merged over padding, which are
 * what the reference ran without a mask. */
static bool hides_padding(const struct model *model, const struct wav2vec2 *w, const char *setting)
{
    if (strcmp(setting, "auto") != 0)
        return strcmp(setting, "yes") == 0;
    return !w->config.group_norm || !model->pooling_includes_padding;
}

static bool open(struct model *model, const struct config *config, struct error *error)
{
    struct wav2vec2 *w = mem_zero(1, sizeof *w);
    const char *mask = "auto";

    model->state = w;
    if (!wav2vec2_config_read(&w->config, model->json, config, error) ||
        !json_string(model->json, "emotrain_attention_mask", &mask, error))
        return error_prefix(error, "%s", model->path);
    if (config)
        mask = config_text(config, "model.attention_mask");
    w->hides_padding = hides_padding(model, w, mask);
    model->minimum_samples = wav2vec2_minimum_samples(&w->config);
    cJSON *saved = cJSON_CreateString(w->hides_padding ? "yes" : "no");
    cJSON_DeleteItemFromObjectCaseSensitive(model->json, "emotrain_attention_mask");
    cJSON_AddItemToObject(model->json, "emotrain_attention_mask", saved);
    declare(w, model);
    return true;
}

static void close(struct model *model)
{
    struct wav2vec2 *w = model->state;

    if (w)
        free(w->layers);
    free(w);
}

/* Whether `freeze` covers a parameter. */
static bool is_frozen(const struct wav2vec2 *w, const char *name, bool encoder, int64_t layers)
{
    long long layer;
    const char *digits = name + strlen("wav2vec2.encoder.layers.");

    (void)w;
    if (text_starts(name, "classifier."))
        return false;
    if (encoder || text_starts(name, "wav2vec2.feature_extractor."))
        return true;
    if (layers == 0)
        return false;
    if (!text_starts(name, "wav2vec2.encoder.layers."))
        return !text_starts(name, "wav2vec2.encoder.layer_norm.") || !w->config.do_stable_layer_norm;
    char *number = mem_format("%.*s", (int)strcspn(digits, "."), digits);
    bool frozen = text_to_integer(number, &layer) && layer < layers;
    free(number);
    return frozen;
}

static bool freeze(struct model *model, const char *what, struct error *error)
{
    struct wav2vec2 *w = model->state;
    long long layers = 0;
    bool encoder = strcmp(what, "encoder") == 0, known = encoder || strcmp(what, "feature_encoder") == 0;

    if (text_starts(what, "layers:"))
        known = text_to_integer(what + strlen("layers:"), &layers) && layers >= 1 &&
                layers <= w->config.num_hidden_layers;
    if (strcmp(what, "none") == 0)
        return true;
    if (!known)
        return error_usage(error,
                           "model.freeze must be none, feature_encoder, layers:N (N from 1 to %lld) or "
                           "encoder, not \"%s\"",
                           (long long)w->config.num_hidden_layers, what);
    for (size_t i = 0; i < model->parameters.count; i++) {
        struct parameter *p = &model->parameters.items[i];
        p->trainable = !is_frozen(w, p->name, encoder, layers);
    }
    return true;
}

static bool translate(const char *checkpoint_name, char name[256])
{
    static const char *const ignored[] = {"lm_head.",        "quantizer.",       "project_q.",
                                          "project_hid.",    "projector.",       "classifier.weight",
                                          "classifier.bias", "dropout_features."};
    static const char *const forms[][2] = {{"parametrizations.weight.original0", "weight_g"},
                                           {"parametrizations.weight.original1", "weight_v"}};

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (text_starts(checkpoint_name, ignored[i]))
            return false;
    bool prefixed = text_starts(checkpoint_name, "wav2vec2.") || text_starts(checkpoint_name, "classifier.");
    snprintf(name, 256, "%s%s", prefixed ? "" : "wav2vec2.", checkpoint_name);
    for (int i = 0; i < 2; i++)
        if (text_ends(name, forms[i][0]))
            strcpy(name + strlen(name) - strlen(forms[i][0]), forms[i][1]);
    return true;
}

/* ---- forward ---- */

/* One forward pass under way. */
struct pass {
    const struct model *model;
    const struct wav2vec2 *w;
    const struct forward_mode *mode;
    int64_t clips, frames;
    int64_t *lengths;              /* frames of each clip */
    struct et_tensor *padding;     /* (B, T, 1) true where a frame is padding; NULL where none is */
    struct et_tensor *key_padding; /* (B, 1, 1, T) the same, if it is hidden from attention; else NULL */
};

static struct et_tensor *weight(const struct pass *pass, size_t index)
{
    return parameters_tensor(&pass->model->parameters, index);
}

static struct et_tensor *linear(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                const struct affine *a)
{
    return et_linear(s, x, weight(pass, a->weight), a->has_bias ? weight(pass, a->bias) : NULL);
}

static struct et_tensor *norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                              const struct affine *a)
{
    return et_layer_norm(s, x, weight(pass, a->weight), weight(pass, a->bias),
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

/* A mask (B, width) that is true from each clip's own length on; NULL if no clip is shorter than width. */
static struct et_tensor *padding_mask(const struct pass *pass, struct et_scope *s, const int64_t *lengths,
                                      int64_t width)
{
    const int64_t shape[2] = {pass->clips, width};
    bool *mask = mem_zero((size_t)(pass->clips * width), sizeof *mask), any = false;

    for (int64_t b = 0; b < pass->clips; b++) {
        for (int64_t t = lengths[b]; t < width; t++)
            mask[b * width + t] = any = true;
    }
    struct et_tensor *result =
        any ? et_from_data(s, mask, ET_BOOL, shape, 2, pass->model->parameters.device) : NULL;
    free(mask);
    return result;
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
    struct et_tensor *scale = et_rsqrt(s, et_add_scalar(s, variance, pass->w->config.layer_norm_eps));
    x = et_mul(s, et_mul(s, centred, scale), et_reshape(s, weight(pass, a->weight), channel, 3));
    return et_add(s, x, et_reshape(s, weight(pass, a->bias), channel, 3));
}

/* (B, C, T) -> the same, normalised. */
static struct et_tensor *conv_norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x, int i,
                                   const int64_t *lengths)
{
    const struct affine *a = &pass->w->conv_norm[i];
    const double eps = pass->w->config.layer_norm_eps;

    if (!pass->w->conv_has_norm[i])
        return x;
    if (!pass->w->config.group_norm)
        return et_transpose(s, norm(pass, s, et_transpose(s, x, 1, 2), a), 1, 2);
    struct et_tensor *mask = pass->w->hides_padding ? padding_mask(pass, s, lengths, et_size(x, 2)) : NULL;
    if (mask)
        return masked_group_norm(pass, s, x, a, mask, lengths);
    return et_group_norm(s, x, pass->w->config.conv_dim[i], weight(pass, a->weight), weight(pass, a->bias),
                         eps);
}

/* samples (B, S) -> features (B, T, C).  Sets the pass' frames and their lengths. */
static struct et_tensor *encode_features(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    const struct wav2vec2_config *c = &pass->w->config;
    const int64_t shape[3] = {batch->count, 1, batch->width};
    struct et_tensor *x =
        et_from_data(scope, batch->samples, ET_FLOAT32, shape, 3, pass->model->parameters.device);

    memcpy(pass->lengths, batch->lengths, (size_t)batch->count * sizeof *pass->lengths);
    for (int i = 0; i < c->conv_layers; i++) {
        struct et_scope *s = et_scope_open(scope);
        const struct affine *a = &pass->w->conv[i];
        for (int64_t b = 0; b < pass->clips; b++)
            pass->lengths[b] = (pass->lengths[b] - c->conv_kernel[i]) / c->conv_stride[i] + 1;
        struct et_tensor *y = et_conv1d(s, x, weight(pass, a->weight),
                                        a->has_bias ? weight(pass, a->bias) : NULL, c->conv_stride[i], 0, 1);
        y = et_keep(et_gelu(s, conv_norm(pass, s, y, i, pass->lengths)), scope);
        et_drop(x);
        x = y;
        et_scope_close(s, NULL);
    }
    pass->frames = et_size(x, 2);
    return et_transpose(scope, x, 1, 2);
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
                     weight(pass, pass->w->mask_embedding), et_to_dtype(s, x, ET_FLOAT32));
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
    struct et_tensor *kernel =
        et_weight_norm(s, weight(pass, pass->w->position_v), weight(pass, pass->w->position_g), 2);
    struct et_tensor *y = et_conv1d(s, et_transpose(s, x, 1, 2), kernel, weight(pass, pass->w->position_bias),
                                    1, c->num_conv_pos_embeddings / 2, c->num_conv_pos_embedding_groups);

    if (c->num_conv_pos_embeddings % 2 == 0) /* an even kernel gives one frame too many */
        y = et_narrow(s, y, 2, 0, pass->frames);
    return et_add(s, x, et_transpose(s, et_gelu(s, y), 1, 2));
}

/* (B, T, H) -> (B, heads, T, H / heads) */
static struct et_tensor *split_heads(const struct pass *pass, struct et_scope *s, struct et_tensor *x)
{
    const int64_t heads = pass->w->config.num_attention_heads;
    const int64_t shape[4] = {pass->clips, pass->frames, heads, pass->w->config.hidden_size / heads};

    return et_transpose(s, et_reshape(s, x, shape, 4), 1, 2);
}

static struct et_tensor *attend(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                const struct wav2vec2_layer *layer)
{
    const struct wav2vec2_config *c = &pass->w->config;
    const int64_t shape[3] = {pass->clips, pass->frames, c->hidden_size};
    double scale = 1 / sqrt((double)(c->hidden_size / c->num_attention_heads));
    struct et_tensor *query =
        split_heads(pass, s, et_mul_scalar(s, linear(pass, s, x, &layer->query), scale));
    struct et_tensor *key = split_heads(pass, s, linear(pass, s, x, &layer->key));
    struct et_tensor *value = split_heads(pass, s, linear(pass, s, x, &layer->value));
    struct et_tensor *scores = et_matmul(s, query, et_transpose(s, key, 2, 3)); /* (B, heads, T, T) */

    if (pass->key_padding)
        scores = et_masked_fill(s, scores, pass->key_padding, -INFINITY);
    scores = dropout(pass, s, et_softmax(s, scores, 3), c->attention_dropout);
    struct et_tensor *mixed = et_transpose(s, et_matmul(s, scores, value), 1, 2);
    return linear(pass, s, et_reshape(s, mixed, shape, 3), &layer->out);
}

static struct et_tensor *feed_forward(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                      const struct wav2vec2_layer *layer)
{
    const struct wav2vec2_config *c = &pass->w->config;

    x = et_gelu(s, linear(pass, s, x, &layer->intermediate));
    x = linear(pass, s, dropout(pass, s, x, c->activation_dropout), &layer->output);
    return dropout(pass, s, x, c->hidden_dropout);
}

/* One transformer layer, norm first ("stable") or last.  x (B, T, H) */
static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   const struct wav2vec2_layer *layer)
{
    const struct wav2vec2_config *c = &pass->w->config;

    if (c->do_stable_layer_norm) {
        struct et_tensor *mixed = attend(pass, s, norm(pass, s, x, &layer->attention_norm), layer);
        x = et_add(s, x, dropout(pass, s, mixed, c->hidden_dropout));
        return et_add(s, x, feed_forward(pass, s, norm(pass, s, x, &layer->final_norm), layer));
    }
    x = et_add(s, x, dropout(pass, s, attend(pass, s, x, layer), c->hidden_dropout));
    x = norm(pass, s, x, &layer->attention_norm);
    return norm(pass, s, et_add(s, x, feed_forward(pass, s, x, layer)), &layer->final_norm);
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

static struct et_tensor *transform(struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const struct wav2vec2_config *c = &pass->w->config;
    struct random_stream drop = random_stream(pass->mode->seed, RANDOM_LAYERDROP, 0);
    bool checkpointing = pass->mode->training && pass->model->gradient_checkpointing;
    char name[32];

    for (int64_t i = 0; i < c->num_hidden_layers; i++) {
        struct et_scope *s = et_scope_open(scope);
        const struct wav2vec2_layer *layer = &pass->w->layers[i];
        bool trainable = pass->model->parameters.items[layer->query.weight].trainable;
        snprintf(name, sizeof name, "hidden_%lld", (long long)i);
        observe(pass, name, x);
        bool skipped = random_uniform(&drop) < c->layerdrop && pass->mode->training;
        if (!skipped) {
            struct et_tensor *y;
            seed_part(pass, i + 1);
            if (checkpointing && trainable)
                y = checkpointed_layer(pass, scope, x, i);
            else
                y = et_keep(run_layer(pass, s, x, layer), scope);
            et_drop(x);
            x = y;
        }
        et_scope_close(s, NULL);
    }
    snprintf(name, sizeof name, "hidden_%lld", (long long)c->num_hidden_layers);
    observe(pass, name, x);
    return c->do_stable_layer_norm ? norm(pass, scope, x, &pass->w->encoder_norm) : x;
}

/* Works out which frames are padding, from the frames of each clip. */
static void find_padding(struct pass *pass, struct et_scope *scope)
{
    const int64_t column[3] = {pass->clips, pass->frames, 1}, keys[4] = {pass->clips, 1, 1, pass->frames};
    struct et_tensor *mask = padding_mask(pass, scope, pass->lengths, pass->frames);

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
    x = dropout(pass, s, linear(pass, s, x, &pass->w->projection), c->feat_proj_dropout);
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

static struct et_tensor *merge(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const int64_t shape[2] = {pass->clips, 1};
    float *counts = mem_zero((size_t)pass->clips, sizeof *counts);

    for (int64_t b = 0; b < pass->clips; b++)
        counts[b] = (float)pass->lengths[b];
    struct et_tensor *frames =
        et_from_data(scope, counts, ET_FLOAT32, shape, 2, pass->model->parameters.device);
    free(counts);
    return pass->model->pooling->apply(scope, et_to_dtype(scope, x, ET_FLOAT32),
                                       pass->model->pooling_includes_padding ? NULL : pass->padding, frames);
}

static struct et_tensor *forward(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 const struct forward_mode *mode)
{
    const struct wav2vec2 *w = model->state;
    struct pass pass = {.model = model, .w = w, .mode = mode, .clips = batch->count};

    for (int64_t b = 0; b < batch->count; b++) {
        if (batch->lengths[b] < model->minimum_samples) {
            et_scope_fail(scope, "a clip is too short for one frame");
            return NULL;
        }
    }
    pass.lengths = et_scope_memory(scope, (size_t)batch->count * sizeof *pass.lengths);
    struct et_tensor *x = encode_features(&pass, scope, batch);
    observe(&pass, "features", x);
    find_padding(&pass, scope);
    x = transform(&pass, scope, embed(&pass, scope, x));
    observe(&pass, "encoder_output", x);
    seed_part(&pass, w->config.num_hidden_layers + 1);
    return head_forward(&w->head, &model->parameters, scope, merge(&pass, scope, x), mode->training);
}

const struct model_kind MODEL_WAV2VEC2 = {
    .name = "wav2vec2",
    .summary = "wav2vec 2.0 (XLSR, base, large, 300M to 2B) with a dense-tanh-out head",
    .open = open,
    .freeze = freeze,
    .forward = forward,
    .translate = translate,
    .close = close,
};
