/*
 * wav2vec 2.0 (Baevski, Zhou, Mohamed and Auli, 2020): XLSR and XLS-R ("layer" extractor norm, "stable" layer
 * norm), base ("group"), MMS with its adapters.  And what computes as it does: HuBERT (Hsu et al., 2021),
 * UniSpeech (Wang et al., 2021), UniSpeech-SAT (Chen et al., 2022).
 */
#include "model/encoder/wav2vec2.h"

#include <stdlib.h>

static const double ADAPTER_NORM_EPS = 1e-5;

bool wav2vec2_configure(struct encoder *encoder, cJSON *json, struct error *error)
{
    struct wav2vec2 *w = encoder->own = mem_zero(1, sizeof *w);
    static const char *const refused[] = {"add_adapter", "conv_pos_batch_norm", NULL};
    const cJSON *language = cJSON_GetObjectItemCaseSensitive(json, "adapter_attn_dim");

    encoder->has_mask_embedding = true;
    if (!transformer_configure(json, "hidden_act", error) ||
        !conv_frontend_configure(&w->front, encoder, json, error) ||
        !conv_positions_configure(&w->positions, encoder, json, error) ||
        !encoder_config_refuse(json, refused, error))
        return false;
    if (!language || cJSON_IsNull(language))
        return true;
    return encoder_config_size(json, "adapter_attn_dim", &w->adapter_width, 1 << 16, error) &&
           (encoder->config.do_stable_layer_norm ||
            error_set(error, "\"adapter_attn_dim\" needs \"do_stable_layer_norm\": true"));
}

void wav2vec2_declare(struct encoder *encoder, struct parameters *parameters)
{
    struct wav2vec2 *w = encoder->own;
    size_t layers = (size_t)encoder->config.num_hidden_layers;

    conv_frontend_declare(encoder, parameters);
    conv_positions_declare(&w->positions, encoder, parameters);
    encoder->final_norm =
        declare_norm(encoder, parameters, encoder->config.hidden_size, "encoder.layer_norm");
    w->layers = mem_zero(layers, sizeof *w->layers);
    if (w->adapter_width > 0)
        w->adapters = mem_zero(layers, sizeof *w->adapters);
}

void wav2vec2_declare_layer(struct encoder *encoder, struct parameters *parameters, int64_t i)
{
    struct wav2vec2 *w = encoder->own;
    int64_t hidden = encoder->config.hidden_size;
    char stem[64];

    transformer_declare_layer(&w->layers[i], encoder, parameters, i, &TRANSFORMER_NAMES);
    if (!w->adapters)
        return;
    snprintf(stem, sizeof stem, "encoder.layers.%lld.adapter_layer", (long long)i);
    w->adapters[i].norm = declare_norm(encoder, parameters, hidden, "%s.norm", stem);
    w->adapters[i].down =
        declare_linear(encoder, parameters, w->adapter_width, hidden, true, "%s.linear_1", stem);
    w->adapters[i].up =
        declare_linear(encoder, parameters, hidden, w->adapter_width, true, "%s.linear_2", stem);
}

struct et_tensor *wav2vec2_embed(const struct pass *pass, struct et_scope *scope, struct et_tensor *features)
{
    const struct wav2vec2 *w = pass->encoder->own;
    const struct encoder_config *c = &pass->encoder->config;
    struct et_tensor *x = conv_frontend_project(pass, scope, features);

    x = conv_positions_add(&w->positions, pass, scope, x);
    if (!c->do_stable_layer_norm)
        x = apply_norm(pass, scope, x, &pass->encoder->final_norm);
    return apply_dropout(pass, scope, x, c->hidden_dropout);
}

/* x + up(relu(down(norm(x)))) */
static struct et_tensor *add_language(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                      const struct language_adapter *a)
{
    struct et_tensor *y = et_layer_norm(s, x, pass_weight(pass, a->norm.weight),
                                        pass_weight(pass, a->norm.bias), ADAPTER_NORM_EPS);

    y = apply_linear(pass, s, et_relu(s, apply_linear(pass, s, y, &a->down)), &a->up);
    return et_add(s, x, y);
}

static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   int64_t i)
{
    const struct wav2vec2 *w = pass->encoder->own;

    x = transformer_run_layer(pass, s, x, &w->layers[i], NULL);
    return w->adapters ? add_language(pass, s, x, &w->adapters[i]) : x;
}

const char *wav2vec2_onnx_embed(const struct graph_builder *d, const char *samples)
{
    const struct wav2vec2 *w = d->encoder->own;
    const char *x = conv_positions_onnx(&w->positions, d, conv_frontend_onnx(d, samples));

    return d->encoder->config.do_stable_layer_norm ? x : graph_norm(d, x, &d->encoder->final_norm);
}

static const char *onnx_layer(const struct graph_builder *d, const char *x, int64_t i)
{
    const struct wav2vec2 *w = d->encoder->own;
    struct onnx *g = d->graph;

    x = transformer_onnx_layer(d, x, &w->layers[i], NULL);
    if (!w->adapters)
        return x;
    const struct language_adapter *a = &w->adapters[i];
    const char *y = onnx_layer_norm(g, x, graph_weight(d, a->norm.weight), graph_weight(d, a->norm.bias),
                                    ADAPTER_NORM_EPS);
    y = graph_linear(d, onnx_unary(g, "Relu", graph_linear(d, y, &a->down)), &a->up);
    return onnx_binary(g, "Add", x, y);
}

void wav2vec2_close(struct encoder *encoder)
{
    struct wav2vec2 *w = encoder->own;

    free(w->layers);
    free(w->adapters);
    free(w->own);
}

#define FAMILY(type, name, class)                                                                            \
    {                                                                                                        \
        .model_type = type, .prefix = name, .classification = class,                                         \
        .extractor = "Wav2Vec2FeatureExtractor", .normalizes = true, .packs = true,                          \
        .feature_encoder = {"feature_extractor."}, .configure = wav2vec2_configure,                          \
        .declare = wav2vec2_declare, .declare_layer = wav2vec2_declare_layer,                                \
        .frames = conv_frontend_frames, .features = conv_frontend_features, .embed = wav2vec2_embed,         \
        .run_layer = run_layer, .onnx_embed = wav2vec2_onnx_embed, .onnx_layer = onnx_layer,                 \
        .close = wav2vec2_close,                                                                             \
    }

const struct encoder_family FAMILY_WAV2VEC2 =
    FAMILY("wav2vec2", "wav2vec2.", "Wav2Vec2ForSequenceClassification");
const struct encoder_family FAMILY_HUBERT = FAMILY("hubert", "hubert.", "HubertForSequenceClassification");
const struct encoder_family FAMILY_UNISPEECH =
    FAMILY("unispeech", "unispeech.", "UniSpeechForSequenceClassification");
const struct encoder_family FAMILY_UNISPEECH_SAT =
    FAMILY("unispeech-sat", "unispeech_sat.", "UniSpeechSatForSequenceClassification");
