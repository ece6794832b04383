/*
 * A convolutional network on log-mel spectrograms, trained from scratch: blocks of one or two 3 x 3
 * convolutions with batch norm, halved in time and frequency after each (VGG's shape; Simonyan and Zisserman,
 * 2015; for sound: Kong et al., 2020), then the pooling over time and the classifier head.
 *
 * config.json: "channels" (one number a block), "convolutions" (in each block), "input_norm" ("clip": each
 * clip to mean 0 and deviation 1; "bands": batch norm of each band, which keeps loudness),
 * "window" and "hop" (seconds), "bands", "low" and "high" (Hz), "floor", "head_size" (0: no dense layer).
 * Frames of padding are zero between all convolutions, so a clip's prediction does not depend on how far its
 * batch is padded.
 */
#include "base/text.h"
#include "model/head/head.h"
#include "model/hyperparameter.h"
#include "model/layers/frames.h"
#include "model/layers/log_mel.h"
#include "model/layers/spec_augment.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BLOCKS = 8, MAX_CONVOLUTIONS = 4 };
static const double NORM_EPS = 1e-5, NORM_MOMENTUM = 0.1;

/* A convolution and its batch norm: indices of parameters. */
struct stage {
    size_t weight, scale, shift, mean, variance;
};

struct cnn {
    int64_t channels[MAX_BLOCKS];
    int blocks;
    int64_t convolutions; /* in each block */
    struct stage stages[MAX_BLOCKS][MAX_CONVOLUTIONS];
    bool norms_bands;   /* the input is normalised over bands, not over clips */
    struct stage input; /* of that; its weight is unused */
    struct log_mel mel;
    double hidden_dropout, final_dropout;
    bool apply_spec_augment;
    struct mask_settings mask_time, mask_feature;
    int64_t width; /* values of a frame after the last block: channels * remaining bands */
    struct head head;
    size_t pooling; /* index of the pooling's first parameter */
};

/* ---- config.json ---- */

static bool read_channels(struct cnn *cnn, const cJSON *json, struct error *error)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "channels"), *item = NULL;
    static const int64_t defaults[] = {32, 64, 128, 192};

    for (int i = 0; !list && i < 4; i++)
        cnn->channels[cnn->blocks++] = defaults[i];
    cJSON_ArrayForEach(item, list)
    {
        if (cnn->blocks == MAX_BLOCKS || !cJSON_IsNumber(item) || item->valuedouble < 1 ||
            item->valuedouble > 4096)
            return error_set(error, "\"channels\" must hold 1 to %d numbers from 1 to 4096", MAX_BLOCKS);
        cnn->channels[cnn->blocks++] = (int64_t)item->valuedouble;
    }
    return cnn->blocks > 0 || error_set(error, "\"channels\" is empty");
}

static bool read_front_end(struct cnn *cnn, const struct model *model, double *low, double *high,
                           struct error *error)
{
    const cJSON *json = model->json;
    double window = 0.032, hop = 0.016, rate = model->sound.sample_rate;

    cnn->mel = (struct log_mel){.bands = 64, .floor = 0.01};
    *low = 50;
    *high = rate / 2;
    if (!json_number(json, "window", &window, error) || !json_number(json, "hop", &hop, error) ||
        !json_number(json, "low", low, error) || !json_number(json, "high", high, error) ||
        !json_number(json, "floor", &cnn->mel.floor, error) ||
        !json_integer(json, "bands", &cnn->mel.bands, error))
        return false;
    if (!(window >= 0.001 && window <= 1 && hop >= 0.001 && hop <= window))
        return error_set(error,
                         "\"window\" must be from 0.001 to 1 s and \"hop\" from 0.001 s to \"window\"");
    if (!(*low >= 0 && *low < *high && *high <= rate / 2))
        return error_set(error, "\"low\" and \"high\" must rise, from 0 to %g Hz", rate / 2);
    if (!(cnn->mel.floor > 0) || cnn->mel.bands < 1 << cnn->blocks || cnn->mel.bands > 1024)
        return error_set(error,
                         "\"floor\" must be above 0 and \"bands\" from %d (halved by each block) to 1024",
                         1 << cnn->blocks);
    cnn->mel.window = (int64_t)lround(window * rate);
    cnn->mel.hop = (int64_t)lround(hop * rate);
    return true;
}

static bool read_training(struct cnn *cnn, cJSON *json, const struct model_settings *given,
                          struct error *error)
{
    cnn->hidden_dropout = cnn->final_dropout = 0.2;
    cnn->apply_spec_augment = true;
    cnn->mask_time = (struct mask_settings){0.1, 12, 1};
    cnn->mask_feature = (struct mask_settings){0.1, 6, 1};
    return hyperparameter_number(&cnn->hidden_dropout, "hidden_dropout", given->hidden_dropout, json,
                                 error) &&
           hyperparameter_number(&cnn->final_dropout, "final_dropout", given->final_dropout, json, error) &&
           hyperparameter_bool(&cnn->apply_spec_augment, "apply_spec_augment", given->apply_spec_augment,
                               json, error) &&
           hyperparameter_number(&cnn->mask_time.probability, "mask_time_prob", given->mask_time_prob, json,
                                 error) &&
           hyperparameter_integer(&cnn->mask_time.length, "mask_time_length", given->mask_time_length, json,
                                  error) &&
           hyperparameter_integer(&cnn->mask_time.minimum, "mask_time_min_masks", given->mask_time_min_masks,
                                  json, error) &&
           hyperparameter_number(&cnn->mask_feature.probability, "mask_feature_prob",
                                 given->mask_feature_prob, json, error) &&
           hyperparameter_integer(&cnn->mask_feature.length, "mask_feature_length",
                                  given->mask_feature_length, json, error) &&
           hyperparameter_integer(&cnn->mask_feature.minimum, "mask_feature_min_masks",
                                  given->mask_feature_min_masks, json, error) &&
           ((cnn->mask_time.length > 0 && cnn->mask_feature.length > 0) ||
            error_set(error, "\"mask_time_length\" and \"mask_feature_length\" must be above 0"));
}

/* ---- parameters ---- */

/* A batch norm's parameters, NAME.weight and so on. */
static void declare_norm(struct parameters *p, struct stage *s, int64_t count, const char *name)
{
    const int64_t channels[4] = {count};

    s->scale = parameters_add(p, true, INIT_ONES, 0, channels, "%s.weight", name);
    s->shift = parameters_add(p, true, INIT_ZEROS, 0, channels, "%s.bias", name);
    s->mean = parameters_add(p, true, INIT_ZEROS, 0, channels, "%s.running_mean", name);
    s->variance = parameters_add(p, true, INIT_ONES, 0, channels, "%s.running_var", name);
    p->items[s->mean].trainable = p->items[s->variance].trainable = false;
    p->items[s->mean].is_buffer = p->items[s->variance].is_buffer = true;
}

static struct stage declare_stage(struct parameters *p, int64_t in, int64_t out, int block, int stage)
{
    const int64_t weight[4] = {out, in, 3, 3};
    struct stage s;
    char norm[40];

    s.weight = parameters_add(p, true, INIT_NORMAL, sqrt(2.0 / (9.0 * (double)in)), weight,
                              "blocks.%d.%d.conv.weight", block, stage);
    snprintf(norm, sizeof norm, "blocks.%d.%d.norm", block, stage);
    declare_norm(p, &s, out, norm);
    return s;
}

static void cnn_declare(struct cnn *cnn, struct model *model, int64_t head_size)
{
    struct parameters *p = &model->parameters;

    if (cnn->norms_bands)
        declare_norm(p, &cnn->input, cnn->mel.bands, "input_norm");
    for (int b = 0; b < cnn->blocks; b++)
        for (int i = 0; i < cnn->convolutions; i++)
            cnn->stages[b][i] = declare_stage(p,
                                              i   ? cnn->channels[b]
                                              : b ? cnn->channels[b - 1]
                                                  : 1,
                                              cnn->channels[b], b, i);
    cnn->width = cnn->channels[cnn->blocks - 1] * (cnn->mel.bands >> cnn->blocks);
    cnn->pooling = p->count;
    double range = 1 / sqrt((double)cnn->width);
    if (model->pooling->declare)
        model->pooling->declare(p, cnn->width, model->attention_width, range);
    head_declare(&cnn->head, p, head_size ? HEAD_DENSE : HEAD_LINEAR, cnn->width * model->pooling->outputs,
                 head_size, (int64_t)model->labels.count, range, cnn->final_dropout);
}

static bool cnn_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    struct cnn *cnn = mem_zero(1, sizeof *cnn);
    const char *type = "cnn", *norm = "clip";
    int64_t head_size = 128;
    double low, high;

    model->state = cnn;
    cnn->convolutions = 2;
    if (!json_string(model->json, "model_type", &type, error) ||
        (strcmp(type, "cnn") != 0 && !error_set(error, "\"model_type\" is \"%s\", not \"cnn\"", type)) ||
        !read_channels(cnn, model->json, error) || !read_front_end(cnn, model, &low, &high, error) ||
        !json_integer(model->json, "head_size", &head_size, error) ||
        ((head_size < 0 || head_size > 65536) &&
         !error_set(error, "\"head_size\" must be from 0 to 65536")) ||
        !json_integer(model->json, "convolutions", &cnn->convolutions, error) ||
        ((cnn->convolutions < 1 || cnn->convolutions > MAX_CONVOLUTIONS) &&
         !error_set(error, "\"convolutions\" must be from 1 to %d", MAX_CONVOLUTIONS)) ||
        !json_string(model->json, "input_norm", &norm, error) ||
        (strcmp(norm, "clip") != 0 && strcmp(norm, "bands") != 0 &&
         !error_set(error, "\"input_norm\" is \"%s\", not \"clip\" or \"bands\"", norm)) ||
        !read_training(cnn, model->json, settings ? settings : &settings_default()->model, error))
        return error_prefix(error, "%s", model->path);
    cnn->norms_bands = strcmp(norm, "bands") == 0;
    log_mel_start(&cnn->mel, model->sound.sample_rate, low, high, model->parameters.scope,
                  model->parameters.device);
    /* one frame must be left after the last block */
    model->minimum_samples = cnn->mel.window + cnn->mel.hop * (((int64_t)1 << cnn->blocks) - 1);
    cnn_declare(cnn, model, head_size);
    return true;
}

static void cnn_close(struct model *model)
{
    free(model->state);
}

/* Nothing is pretrained here, so nothing is frozen by the default. */
static bool cnn_freeze(struct model *model, const char *what, struct error *error)
{
    (void)model;
    return strcmp(what, "none") == 0 || strcmp(what, "feature_encoder") == 0 ||
           error_usage(error, "model.freeze=%s: a cnn has nothing pretrained to freeze: none", what);
}

/* ---- the forward pass ---- */

/* One batch on its way. */
struct pass {
    const struct model *model;
    const struct cnn *cnn;
    const struct forward_mode *mode;
    int64_t clips, frames; /* frames: of the widest clip, now */
    int64_t *lengths;      /* (clips): frames of each, now */
};

static struct et_tensor *cnn_weight(const struct pass *pass, size_t index)
{
    return parameters_tensor(&pass->model->parameters, index);
}

/* True where a frame is padding: (clips, frames, 1), or for images (clips, 1, frames, 1); NULL: none is. */
static struct et_tensor *padding(const struct pass *pass, struct et_scope *scope, bool image)
{
    const int64_t rows[3] = {pass->clips, pass->frames, 1}, images[4] = {pass->clips, 1, pass->frames, 1};
    struct et_tensor *mask =
        frames_padding(scope, pass->lengths, pass->clips, pass->frames, pass->model->parameters.device);

    return mask ? et_reshape(scope, mask, image ? images : rows, image ? 4 : 3) : NULL;
}

/* The mean of each clip's own frames and bands; padding is 0.  x (B, T, M) -> (B, 1, 1) */
static struct et_tensor *clip_mean(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const int64_t shape[3] = {pass->clips, 1, 1};
    float *sizes = mem_zero((size_t)pass->clips, sizeof *sizes);

    for (int64_t b = 0; b < pass->clips; b++)
        sizes[b] = (float)(pass->lengths[b] * pass->cnn->mel.bands);
    struct et_tensor *size = et_from_data(scope, sizes, ET_FLOAT32, shape, 3, pass->model->parameters.device);
    free(sizes);
    return et_div(scope, et_sum_dim(scope, et_sum_dim(scope, x, 2, true), 1, true), size);
}

static struct et_tensor *hide(struct et_scope *scope, struct et_tensor *x, const struct et_tensor *mask)
{
    return mask ? et_masked_fill(scope, x, mask, 0) : x;
}

/* Each clip to mean 0 and standard deviation 1 over its own frames and bands; padding to 0.  x (B, T, M) */
static struct et_tensor *standardise(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    struct et_tensor *mask = padding(pass, scope, false);

    x = et_sub(scope, x, clip_mean(pass, scope, hide(scope, x, mask)));
    x = hide(scope, x, mask);
    struct et_tensor *variance = clip_mean(pass, scope, et_mul(scope, x, x));
    return et_mul(scope, x, et_rsqrt(scope, et_add_scalar(scope, variance, 1e-6)));
}

static struct et_tensor *batch_norm(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                    const struct stage *stage)
{
    return et_batch_norm(scope, x, cnn_weight(pass, stage->scale), cnn_weight(pass, stage->shift),
                         cnn_weight(pass, stage->mean), cnn_weight(pass, stage->variance),
                         pass->mode->training, NORM_MOMENTUM, NORM_EPS);
}

/* The spectrogram as the first convolution takes it in; padding 0.  x (B, T, M) */
static struct et_tensor *normalise(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    if (!pass->cnn->norms_bands)
        return standardise(pass, scope, x);
    x = et_transpose(scope, batch_norm(pass, scope, et_transpose(scope, x, 1, 2), &pass->cnn->input), 1, 2);
    return hide(scope, x, padding(pass, scope, false));
}

/* SpecAugment: spans of frames and of bands become 0, the mean.  x (B, T, M) */
static struct et_tensor *augment(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const struct cnn *cnn = pass->cnn;
    const int64_t bands = cnn->mel.bands, frames[3] = {pass->clips, pass->frames, 1},
                  features[3] = {pass->clips, 1, bands};
    struct random_stream stream = random_stream(pass->mode->seed, RANDOM_MASK, 0);
    int device = pass->model->parameters.device;

    if (!pass->mode->training || !cnn->apply_spec_augment)
        return x;
    bool *mask =
        mem_zero((size_t)(pass->clips * (pass->frames > bands ? pass->frames : bands)), sizeof *mask);
    int64_t *widths = mem_zero((size_t)pass->clips, sizeof *widths);
    for (int64_t b = 0; b < pass->clips; b++)
        widths[b] = bands;
    spec_augment_mask(mask, pass->clips, pass->frames, pass->lengths, &cnn->mask_time, &stream);
    x = et_masked_fill(scope, x, et_from_data(scope, mask, ET_BOOL, frames, 3, device), 0);
    spec_augment_mask(mask, pass->clips, bands, widths, &cnn->mask_feature, &stream);
    x = et_masked_fill(scope, x, et_from_data(scope, mask, ET_BOOL, features, 3, device), 0);
    free(widths);
    free(mask);
    return x;
}

/* x (B, C, T, M) -> (B, C', T, M) */
static struct et_tensor *run_stage(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                   const struct stage *stage, const struct et_tensor *mask)
{
    x = batch_norm(pass, scope, et_conv2d(scope, x, cnn_weight(pass, stage->weight), NULL, 1, 1), stage);
    return hide(scope, et_relu(scope, x), mask);
}

/* x (B, C, T, M) -> (B, C', T / 2, M / 2).  Of an odd number of frames the last goes, and where the batch is
 * wider than the clip, so does the half-filled frame that it would leave. */
static struct et_tensor *run_block(struct pass *pass, struct et_scope *scope, struct et_tensor *x, int block)
{
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *mask = padding(pass, s, true);

    for (int i = 0; i < pass->cnn->convolutions; i++)
        x = run_stage(pass, s, x, &pass->cnn->stages[block][i], mask);
    x = et_halve2d(s, x);
    pass->frames /= 2;
    for (int64_t b = 0; b < pass->clips; b++)
        pass->lengths[b] /= 2;
    x = et_keep(hide(s, x, padding(pass, s, true)), scope);
    et_scope_close(s, NULL);
    return x;
}

/* The spectrogram, in float32 whatever the products' type: (B, 1, T, M) */
static struct et_tensor *spectrogram(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    const struct cnn *cnn = pass->cnn;
    const int64_t shape[2] = {batch->count, batch->width};
    struct et_tensor *samples =
        et_from_data(scope, batch->samples, ET_FLOAT32, shape, 2, pass->model->parameters.device);

    pass->frames = log_mel_frames(&cnn->mel, batch->width);
    for (int64_t b = 0; b < batch->count; b++)
        pass->lengths[b] = log_mel_frames(&cnn->mel, batch->lengths[b]);
    struct et_tensor *x = log_mel(&cnn->mel, scope, samples);
    if (pass->mode->observe)
        pass->mode->observe(pass->mode->context, "log_mel", x);
    const int64_t image[4] = {batch->count, 1, pass->frames, cnn->mel.bands};
    x = augment(pass, scope, normalise(pass, scope, et_to_dtype(scope, x, ET_FLOAT32)));
    return et_channels_last(scope, et_reshape(scope, x, image, 4));
}

static struct et_tensor *cnn_forward(const struct model *model, struct et_scope *scope,
                                     const struct batch *batch, const struct forward_mode *mode)
{
    const struct cnn *cnn = model->state;
    struct pass pass = {.model = model, .cnn = cnn, .mode = mode, .clips = batch->count};

    pass.lengths = et_scope_memory(scope, (size_t)batch->count * sizeof *pass.lengths);
    if (mode->training)
        et_manual_seed(mode->seed);
    struct et_tensor *x = spectrogram(&pass, scope, batch);
    for (int b = 0; b < cnn->blocks; b++)
        x = run_block(&pass, scope, x, b);
    const int64_t shape[3] = {pass.clips, pass.frames, cnn->width};
    x = et_to_dtype(scope, et_reshape(scope, et_transpose(scope, x, 1, 2), shape, 3),
                    ET_FLOAT32); /* (B, T, C * M) */
    if (mode->training && cnn->hidden_dropout > 0)
        x = et_dropout(scope, x, cnn->hidden_dropout);
    if (mode->observe)
        mode->observe(mode->context, "hidden", x);
    x = frames_pool(model, model->pooling, scope, x, padding(&pass, scope, false), pass.lengths,
                    cnn->pooling);
    forward_show_pooled(mode, x);
    return head_forward(&cnn->head, &model->parameters, scope, x, mode->training);
}

static int64_t cnn_pooled_width(const struct model *model)
{
    const struct cnn *cnn = model->state;

    return head_input(&cnn->head, &model->parameters);
}

static bool cnn_reaches_pooled(const struct model *model, size_t i)
{
    const struct cnn *cnn = model->state;

    return i < head_first(&cnn->head);
}

const struct model_kind MODEL_CNN = {
    .name = "cnn",
    .summary = "a convolutional network on log-mel spectrograms, from scratch",
    .model_type = "cnn",
    .architecture = "EmotrainCnn",
    .extractor = "EmotrainWaveform",
    .input = INPUT_WAVEFORM,
    .open = cnn_open,
    .freeze = cnn_freeze,
    .forward = cnn_forward,
    .small = true,
    .pooled_width = cnn_pooled_width,
    .reaches_pooled = cnn_reaches_pooled,
    .close = cnn_close,
};
