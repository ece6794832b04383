/*
 * data2vec's encoder of speech (Baevski et al., 2022), version 1.0: wav2vec 2.0 ("layer" extractor norm,
 * norms last) with another way of positions.
 */
#include "model/encoder/conv_frontend.h"
#include "model/encoder/stacked_positions.h"
#include "model/encoder/transformer.h"

#include <stdlib.h>

struct data2vec {
    struct conv_frontend front;
    struct stacked_positions positions;
    struct transformer_layer *layers;
};

static bool configure(struct encoder *encoder, cJSON *json, struct error *error)
{
    struct data2vec *d = encoder->own = mem_zero(1, sizeof *d);
    static const char *const refused[] = {"add_adapter", NULL};

    encoder->has_mask_embedding = true;
    encoder->config.do_stable_layer_norm = false;
    d->positions = (struct stacked_positions){.count = 5, .kernel = 19, .groups = 16};
    if (!transformer_configure(json, "hidden_act", error) ||
        !conv_frontend_configure(&d->front, encoder, json, error) ||
        !encoder_config_size(json, "num_conv_pos_embeddings", &d->positions.count, STACKED_POSITIONS_MAX,
                             error) ||
        !encoder_config_size(json, "conv_pos_kernel_size", &d->positions.kernel, 1 << 12, error) ||
        !encoder_config_size(json, "num_conv_pos_embedding_groups", &d->positions.groups, 1 << 12, error) ||
        !encoder_config_refuse(json, refused, error))
        return false;
    encoder->group_norm = d->front.group_norm = false;
    return stacked_positions_check(&d->positions, encoder, error);
}

static void declare(struct encoder *encoder, struct parameters *parameters)
{
    struct data2vec *d = encoder->own;

    conv_frontend_declare(encoder, parameters);
    stacked_positions_declare(&d->positions, encoder, parameters, "encoder.pos_conv_embed.layers", "conv");
    encoder->final_norm =
        declare_norm(encoder, parameters, encoder->config.hidden_size, "encoder.layer_norm");
    d->layers = mem_zero((size_t)encoder->config.num_hidden_layers, sizeof *d->layers);
}

static void declare_layer(struct encoder *encoder, struct parameters *parameters, int64_t i)
{
    struct data2vec *d = encoder->own;

    transformer_declare_layer(&d->layers[i], encoder, parameters, i, &TRANSFORMER_NAMES);
}

static struct et_tensor *embed(const struct pass *pass, struct et_scope *scope, struct et_tensor *features)
{
    const struct data2vec *d = pass->encoder->own;
    struct et_tensor *x = conv_frontend_project(pass, scope, features);

    x = apply_norm(pass, scope, stacked_positions_add(&d->positions, pass, scope, x),
                   &pass->encoder->final_norm);
    return apply_dropout(pass, scope, x, pass->encoder->config.hidden_dropout);
}

static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   int64_t i)
{
    const struct data2vec *d = pass->encoder->own;

    return transformer_run_layer(pass, s, x, &d->layers[i], NULL);
}

static const char *onnx_embed(const struct graph_builder *d, const char *samples)
{
    const struct data2vec *own = d->encoder->own;
    const char *x = conv_frontend_onnx(d, samples);

    return graph_norm(d, stacked_positions_onnx(&own->positions, d, x), &d->encoder->final_norm);
}

static const char *onnx_layer(const struct graph_builder *d, const char *x, int64_t i)
{
    const struct data2vec *own = d->encoder->own;

    return transformer_onnx_layer(d, x, &own->layers[i], NULL);
}

static void close_family(struct encoder *encoder)
{
    struct data2vec *d = encoder->own;

    free(d->layers);
}

const struct encoder_family FAMILY_DATA2VEC_AUDIO = {
    .model_type = "data2vec-audio",
    .prefix = "data2vec_audio.",
    .classification = "Data2VecAudioForSequenceClassification",
    .extractor = "Wav2Vec2FeatureExtractor",
    .normalizes = true,
    .packs = true,
    .feature_encoder = {"feature_extractor."},
    .configure = configure,
    .declare = declare,
    .declare_layer = declare_layer,
    .frames = conv_frontend_frames,
    .features = conv_frontend_features,
    .embed = embed,
    .run_layer = run_layer,
    .onnx_embed = onnx_embed,
    .onnx_layer = onnx_layer,
    .close = close_family,
};
