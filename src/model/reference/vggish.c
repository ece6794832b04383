/*
 * VGGish (Hershey et al., "CNN Architectures for Large-Scale Audio Classification", ICASSP 2017): log-mel
 * patches of 0.96 s, VGG's configuration A without its last blocks, three dense layers to 128 values per
 * patch; then the pooling over patches and the classifier head.
 *
 * Parameters go by the published PyTorch port's names: features.N, embeddings.N, and where config.json says
 * "pca": true, pca_eigen_vectors and pca_means (with or without "pproc." before them).  With "quantize": true
 * the PCA's values are rounded to 8 bits, as the published embeddings are; no gradient passes through that.
 *
 * config.json: "channels" (four numbers), "embedding" (three), "pca", "quantize".  A clip's last frames that
 * fill no patch are not used; one shorter than a patch is padded by silence.
 */
#include "base/text.h"
#include "model/head/head.h"
#include "model/hyperparameter.h"
#include "model/layers/frames.h"
#include "model/layers/log_mel.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CONVOLUTIONS = 6, DENSE = 3, PATCH = 96 /* frames */, BANDS = 64, HALVINGS = 4 };

/* Places in the port's nn.Sequential, which of the four channel counts each convolution makes, and whether a
 * max-pool follows. */
static const struct {
    int place, channels;
    bool halves;
} LAYERS[CONVOLUTIONS] = {{0, 0, true}, {3, 1, true},   {6, 2, false},
                          {8, 2, true}, {11, 3, false}, {13, 3, true}};
static const int DENSE_PLACES[DENSE] = {0, 2, 4};

struct affine {
    size_t weight, bias; /* indices of parameters */
};

struct vggish {
    int64_t channels[4], sizes[DENSE];
    struct affine convolutions[CONVOLUTIONS], dense[DENSE];
    bool pca, quantize;
    size_t eigenvectors, means;
    size_t trunk;   /* parameters before this one are the convolutions', */
    size_t encoder; /* and before this one the network's without pooling and head */
    struct log_mel mel;
    double final_dropout;
    struct head head;
    size_t pooling;
};

/* ---- config.json and parameters ---- */

static bool read_sizes(const cJSON *json, const char *name, int64_t *sizes, int count, struct error *error)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, name);

    if (list && cJSON_GetArraySize(list) != count)
        return error_set(error, "\"%s\" must hold %d numbers", name, count);
    for (int i = 0; list && i < count; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i);
        if (!cJSON_IsNumber(item) || item->valuedouble < 1 || item->valuedouble > 65536)
            return error_set(error, "\"%s\" must hold numbers from 1 to 65536", name);
        sizes[i] = (int64_t)item->valuedouble;
    }
    return true;
}

static struct affine declare_affine(struct parameters *p, const int64_t weight[4], double deviation,
                                    const char *name, int place)
{
    const int64_t bias[4] = {weight[0]};

    return (struct affine){
        parameters_add(p, true, INIT_NORMAL, deviation, weight, "%s.%d.weight", name, place),
        parameters_add(p, true, INIT_ZEROS, 0, bias, "%s.%d.bias", name, place)};
}

static void vggish_declare(struct vggish *v, struct model *model)
{
    struct parameters *p = &model->parameters;
    int64_t in = 1;

    for (int c = 0; c < CONVOLUTIONS; c++) {
        const int64_t shape[4] = {v->channels[LAYERS[c].channels], in, 3, 3};
        v->convolutions[c] =
            declare_affine(p, shape, sqrt(2.0 / (9.0 * (double)in)), "features", LAYERS[c].place);
        in = shape[0];
    }
    v->trunk = p->count;
    in *= (PATCH >> HALVINGS) * (BANDS >> HALVINGS);
    for (int d = 0; d < DENSE; d++) {
        const int64_t shape[4] = {v->sizes[d], in};
        v->dense[d] = declare_affine(p, shape, sqrt(2.0 / (double)in), "embeddings", DENSE_PLACES[d]);
        in = shape[0];
    }
    if (v->pca) {
        const int64_t square[4] = {in, in}, means[4] = {in, 1}; /* a column, as published */
        v->eigenvectors =
            parameters_add(p, true, INIT_NORMAL, 1 / sqrt((double)in), square, "pca_eigen_vectors");
        v->means = parameters_add(p, true, INIT_ZEROS, 0, means, "pca_means");
        p->items[v->eigenvectors].trainable = p->items[v->means].trainable = false;
    }
    v->encoder = v->pooling = p->count;
    double range = 1 / sqrt((double)in);
    if (model->pooling->declare)
        model->pooling->declare(p, in, model->attention_width, range);
    head_declare(&v->head, p, HEAD_DENSE, in * model->pooling->outputs, in, (int64_t)model->labels.count,
                 range, v->final_dropout);
}

static bool vggish_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    const struct model_settings *given = settings ? settings : &settings_default()->model;
    struct vggish *v = mem_zero(1, sizeof *v);
    const char *type = "vggish";

    model->state = v;
    *v = (struct vggish){.channels = {64, 128, 256, 512}, .sizes = {4096, 4096, 128}, .final_dropout = 0.1};
    v->mel =
        (struct log_mel){.window = 400, .hop = 160, .bands = BANDS, .floor = 0.01, .of_magnitudes = true};
    if (!json_string(model->json, "model_type", &type, error) ||
        (strcmp(type, "vggish") != 0 &&
         !error_set(error, "\"model_type\" is \"%s\", not \"vggish\"", type)) ||
        !read_sizes(model->json, "channels", v->channels, 4, error) ||
        !read_sizes(model->json, "embedding", v->sizes, DENSE, error) ||
        !json_bool(model->json, "pca", &v->pca, error) ||
        !json_bool(model->json, "quantize", &v->quantize, error) ||
        (v->quantize && !v->pca && !error_set(error, "\"quantize\" needs \"pca\"")) ||
        !hyperparameter_number(&v->final_dropout, "final_dropout", given->final_dropout, model->json, error))
        return error_prefix(error, "%s", model->path);
    if (model->sound.sample_rate != 16000)
        return error_usage(error, "audio.sample_rate=%d: vggish takes 16000 Hz", model->sound.sample_rate);
    log_mel_start(&v->mel, model->sound.sample_rate, 125, 7500, model->parameters.scope,
                  model->parameters.device);
    model->minimum_samples = v->mel.window + (PATCH - 1) * v->mel.hop;
    vggish_declare(v, model);
    return true;
}

static void vggish_close(struct model *model)
{
    free(model->state);
}

static bool vggish_freeze(struct model *model, const char *what, struct error *error)
{
    const struct vggish *v = model->state;
    size_t frozen = strcmp(what, "none") == 0              ? 0
                    : strcmp(what, "feature_encoder") == 0 ? v->trunk
                    : strcmp(what, "encoder") == 0         ? v->encoder
                                                           : SIZE_MAX;

    if (frozen == SIZE_MAX)
        return error_usage(
            error,
            "model.freeze=%s: vggish allows none, feature_encoder (its convolutions) or encoder (all but "
            "the head)",
            what);
    for (size_t i = 0; i < frozen; i++)
        model->parameters.items[i].trainable = false;
    return true;
}

static bool vggish_translate(const struct model *model, const char *checkpoint_name, char name[256])
{
    (void)model;
    static const char prefix[] = "pproc.";

    snprintf(name, 256, "%s", checkpoint_name + (text_starts(checkpoint_name, prefix) ? strlen(prefix) : 0));
    return true;
}

/* ---- the forward pass ---- */

/* samples (B, T) -> (B * P, 1, 96, 64): patches one after another, `patches` of the widest clip */
static struct et_tensor *spectrogram(const struct model *model, struct et_scope *scope,
                                     const struct batch *batch, int64_t patches)
{
    const struct vggish *v = model->state;
    const int64_t shape[2] = {batch->count, batch->width},
                  image[4] = {batch->count * patches, 1, PATCH, BANDS};
    struct et_tensor *samples =
        et_from_data(scope, batch->samples, ET_FLOAT32, shape, 2, model->parameters.device);
    struct et_tensor *frames = et_to_dtype(scope, log_mel(&v->mel, scope, samples), ET_FLOAT32);

    return et_channels_last(scope,
                            et_reshape(scope, et_narrow(scope, frames, 1, 0, patches * PATCH), image, 4));
}

/* x (N, 1, 96, 64) -> (N, 128) */
static struct et_tensor *embed(const struct model *model, struct et_scope *scope, struct et_tensor *x)
{
    const struct vggish *v = model->state;
    const struct parameters *p = &model->parameters;
    struct et_scope *s = et_scope_open(scope);

    for (int c = 0; c < CONVOLUTIONS; c++) {
        const struct affine *a = &v->convolutions[c];
        x = et_relu(s, et_conv2d(s, x, parameters_tensor(p, a->weight), parameters_tensor(p, a->bias), 1, 1));
        x = LAYERS[c].halves ? et_max_pool2d(s, x) : x;
    }
    /* (N, C, T, M) to (N, T * M * C), the order of TensorFlow's, which the weights come from */
    const int64_t flat[2] = {et_size(x, 0), v->channels[3] * (PATCH >> HALVINGS) * (BANDS >> HALVINGS)};
    x = et_reshape(s, et_transpose(s, et_transpose(s, x, 1, 2), 2, 3), flat, 2);
    for (int d = 0; d < DENSE; d++)
        x = et_relu(s, et_linear(s, x, parameters_tensor(p, v->dense[d].weight),
                                 parameters_tensor(p, v->dense[d].bias)));
    x = et_keep(et_to_dtype(s, x, ET_FLOAT32), scope);
    et_scope_close(s, NULL);
    return x;
}

/* PCA, cut to -2 .. 2, and where asked for rounded to 256 steps of that.  x (N, 128) */
static struct et_tensor *post_process(const struct model *model, struct et_scope *scope, struct et_tensor *x,
                                      const struct forward_mode *mode)
{
    const struct vggish *v = model->state;
    const struct parameters *p = &model->parameters;

    if (!v->pca)
        return x;
    x = et_sub(scope, x, et_transpose(scope, parameters_tensor(p, v->means), 0, 1));
    x = et_to_dtype(scope, et_linear(scope, x, parameters_tensor(p, v->eigenvectors), NULL), ET_FLOAT32);
    x = et_clamp(scope, x, -2, 2);
    if (!v->quantize)
        return x;
    x = et_round(scope, et_mul_scalar(scope, et_add_scalar(scope, x, 2), 255.0 / 4));
    if (mode->observe)
        mode->observe(mode->context, "quantized", x);
    return et_add_scalar(scope, et_mul_scalar(scope, x, 4 / 255.0), -2);
}

static struct et_tensor *vggish_forward(const struct model *model, struct et_scope *scope,
                                        const struct batch *batch, const struct forward_mode *mode)
{
    const struct vggish *v = model->state;
    int64_t patches = log_mel_frames(&v->mel, batch->width) / PATCH;
    int64_t *lengths = et_scope_memory(scope, (size_t)batch->count * sizeof *lengths);

    if (mode->training)
        et_manual_seed(mode->seed);
    for (int64_t b = 0; b < batch->count; b++)
        lengths[b] = log_mel_frames(&v->mel, batch->lengths[b]) / PATCH;
    struct et_tensor *x = spectrogram(model, scope, batch, patches);
    if (mode->observe)
        mode->observe(mode->context, "log_mel", x);
    x = embed(model, scope, x);
    if (mode->observe)
        mode->observe(mode->context, "embedding", x);
    x = post_process(model, scope, x, mode);
    const int64_t rows[3] = {batch->count, patches, v->sizes[DENSE - 1]},
                  mask[3] = {batch->count, patches, 1};
    struct et_tensor *padding =
        frames_padding(scope, lengths, batch->count, patches, model->parameters.device);
    padding = padding ? et_reshape(scope, padding, mask, 3) : NULL;
    x = frames_pool(model, model->pooling, scope, et_reshape(scope, x, rows, 3), padding, lengths,
                    v->pooling);
    return head_forward(&v->head, &model->parameters, scope, x, mode->training);
}

const struct model_kind MODEL_VGGISH = {
    .name = "vggish",
    .summary = "VGGish embeddings of log-mel patches",
    .model_type = "vggish",
    .architecture = "VGGish",
    .extractor = "EmotrainWaveform",
    .input = INPUT_WAVEFORM,
    .open = vggish_open,
    .freeze = vggish_freeze,
    .forward = vggish_forward,
    .translate = vggish_translate,
    .close = vggish_close,
};
