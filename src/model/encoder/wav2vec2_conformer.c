/*
 * wav2vec 2.0 with conformer layers (wav2vec2-conformer of transformers, after fairseq's): its feature
 * encoder and projection, relative or rotary positions, a norm at the end.
 */
#include "model/encoder/conformer.h"
#include "model/encoder/conv_frontend.h"

#include <string.h>

struct wav2vec2_conformer {
    struct conv_frontend front;
    struct conformer conformer;
};

static bool configure(struct encoder *encoder, cJSON *json, struct error *error)
{
    struct wav2vec2_conformer *w = encoder->own = mem_zero(1, sizeof *w);
    static const char *const refused[] = {"add_adapter", NULL};

    encoder->has_mask_embedding = true;
    encoder->config.do_stable_layer_norm = true; /* the norm comes last */
    w->conformer.norm_eps = 1e-5;
    return conv_frontend_configure(&w->front, encoder, json, error) &&
           conformer_configure(&w->conformer, encoder, json, "relative", error) &&
           encoder_config_refuse(json, refused, error);
}

static void declare(struct encoder *encoder, struct parameters *parameters)
{
    struct wav2vec2_conformer *w = encoder->own;

    conv_frontend_declare(encoder, parameters);
    encoder->final_norm =
        declare_norm(encoder, parameters, encoder->config.hidden_size, "encoder.layer_norm");
    conformer_declare(&w->conformer, encoder);
}

static void declare_layer(struct encoder *encoder, struct parameters *parameters, int64_t i)
{
    struct wav2vec2_conformer *w = encoder->own;

    conformer_declare_layer(&w->conformer, encoder, parameters, i);
}

static struct et_tensor *positions(const struct pass *pass, struct et_scope *scope)
{
    const struct wav2vec2_conformer *w = pass->encoder->own;

    return conformer_make_positions(&w->conformer, pass, scope);
}

static struct et_tensor *embed(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    x = conv_frontend_project(pass, scope, x);
    return apply_dropout(pass, scope, x, pass->encoder->config.hidden_dropout);
}

static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   int64_t i)
{
    const struct wav2vec2_conformer *w = pass->encoder->own;

    return conformer_run_layer(&w->conformer, pass, s, x, i);
}

static const char *onnx_layer(const struct graph_builder *d, const char *x, int64_t i)
{
    const struct wav2vec2_conformer *w = d->encoder->own;

    return conformer_onnx_layer(&w->conformer, d, x, i);
}

/* Checkpoints hold a positional convolution that nothing uses. */
static bool rename_entry(const struct encoder *encoder, const char *name, char out[256])
{
    (void)encoder;
    snprintf(out, 256, "%s", name);
    return strstr(name, "encoder.pos_conv_embed.") == NULL;
}

static void close_family(struct encoder *encoder)
{
    struct wav2vec2_conformer *w = encoder->own;

    conformer_close(&w->conformer);
}

const struct encoder_family FAMILY_WAV2VEC2_CONFORMER = {
    .model_type = "wav2vec2-conformer",
    .prefix = "wav2vec2_conformer.",
    .classification = "Wav2Vec2ConformerForSequenceClassification",
    .extractor = "Wav2Vec2FeatureExtractor",
    .normalizes = true,
    .feature_encoder = {"feature_extractor."},
    .configure = configure,
    .declare = declare,
    .declare_layer = declare_layer,
    .frames = conv_frontend_frames,
    .features = conv_frontend_features,
    .positions = positions,
    .embed = embed,
    .run_layer = run_layer,
    .onnx_embed = conv_frontend_onnx,
    .onnx_layer = onnx_layer,
    .rename = rename_entry,
    .close = close_family,
};
