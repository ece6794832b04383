/*
 * w2v-BERT 2.0 (Barrault et al., "Seamless", 2023): conformer layers with causal convolutions over pairs of
 * frames of a log-mel spectrogram.
 */
#include "model/encoder/conformer.h"
#include "model/encoder/mel_frontend.h"

enum { BANDS = 80, PAIR = 2 };

struct wav2vec2_bert {
    struct mel_frontend mel;
    struct conformer conformer;
    struct affine projection_norm, projection;
};

static bool configure(struct encoder *encoder, cJSON *json, struct error *error)
{
    struct wav2vec2_bert *w = encoder->own = mem_zero(1, sizeof *w);
    static const char *const refused[] = {"add_adapter", "use_intermediate_ffn_before_adapter", NULL};
    int64_t width = BANDS * PAIR;

    encoder->has_mask_embedding = true;
    encoder->config.do_stable_layer_norm = false;
    encoder->feature_width = BANDS * PAIR;
    encoder->minimum_samples = MEL_WINDOW + MEL_HOP;
    w->conformer.norm_eps = encoder->config.layer_norm_eps;
    w->conformer.is_causal = true;
    if (!conformer_configure(&w->conformer, encoder, json, "relative_key", error) ||
        !json_integer(json, "feature_projection_input_dim", &width, error) ||
        !encoder_config_refuse(json, refused, error))
        return false;
    return width == BANDS * PAIR || error_set(error, "\"feature_projection_input_dim\" must be %d, not %lld",
                                              BANDS * PAIR, (long long)width);
}

static void declare(struct encoder *encoder, struct parameters *parameters)
{
    struct wav2vec2_bert *w = encoder->own;

    mel_frontend_start(&w->mel, MEL_KALDI, BANDS, parameters->scope, parameters->device);
    w->projection_norm =
        declare_norm(encoder, parameters, encoder->feature_width, "feature_projection.layer_norm");
    w->projection = declare_linear(encoder, parameters, encoder->config.hidden_size, encoder->feature_width,
                                   true, "feature_projection.projection");
    conformer_declare(&w->conformer, encoder);
}

static void declare_layer(struct encoder *encoder, struct parameters *parameters, int64_t i)
{
    struct wav2vec2_bert *w = encoder->own;

    conformer_declare_layer(&w->conformer, encoder, parameters, i);
}

static int64_t frames(const struct encoder *encoder, int64_t samples)
{
    const struct wav2vec2_bert *w = encoder->own;

    return mel_frontend_frames(&w->mel, samples) / PAIR;
}

static struct et_tensor *features(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    const struct wav2vec2_bert *w = pass->encoder->own;
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *x = mel_frontend_spectrogram(&w->mel, pass, s, batch);
    int64_t pairs = et_size(x, 1) / PAIR;
    const int64_t shape[3] = {pass->clips, pairs, BANDS * PAIR};

    x = et_keep(et_reshape(s, et_narrow(s, x, 1, 0, pairs * PAIR), shape, 3), scope);
    et_scope_close(s, NULL);
    return x;
}

static struct et_tensor *positions(const struct pass *pass, struct et_scope *scope)
{
    const struct wav2vec2_bert *w = pass->encoder->own;

    return conformer_make_positions(&w->conformer, pass, scope);
}

static struct et_tensor *embed(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const struct wav2vec2_bert *w = pass->encoder->own;
    const struct encoder_config *c = &pass->encoder->config;

    x = apply_linear(pass, scope, apply_norm(pass, scope, x, &w->projection_norm), &w->projection);
    x = apply_dropout(pass, scope, x, c->feat_proj_dropout);
    x = pass_mask(pass, scope, x, pass->lengths, pass_weight(pass, pass->encoder->mask_embedding));
    return apply_dropout(pass, scope, clear_hidden(pass, scope, x), c->hidden_dropout);
}

static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   int64_t i)
{
    const struct wav2vec2_bert *w = pass->encoder->own;

    return conformer_run_layer(&w->conformer, pass, s, x, i);
}

/* Two frames to one; an odd last frame is left out. */
static const char *onnx_pairs(struct onnx *g, const char *x)
{
    const int64_t pads[6] = {0, 0, 0, 0, 1, 0}, shape[3] = {0, -1, BANDS * PAIR}, two[1] = {PAIR},
                  zero[1] = {0}, one[1] = {1};
    const char *whole =
        onnx_binary(g, "Mul", onnx_binary(g, "Div", onnx_frames(g, x), onnx_integers(g, two, 1)),
                    onnx_integers(g, two, 1));
    const char *const inputs[4] = {onnx_pad(g, x, pads, 6), onnx_integers(g, zero, 1), whole,
                                   onnx_integers(g, one, 1)};

    return onnx_reshape(g, onnx_node(g, "Slice", inputs, 4, NULL, 0), shape, 3);
}

static const char *onnx_embed(const struct graph_builder *d, const char *samples)
{
    const struct wav2vec2_bert *w = d->encoder->own;
    const char *x = onnx_pairs(d->graph, mel_frontend_onnx(&w->mel, d, samples, 0));

    return graph_linear(d, graph_norm(d, x, &w->projection_norm), &w->projection);
}

static const char *onnx_layer(const struct graph_builder *d, const char *x, int64_t i)
{
    const struct wav2vec2_bert *w = d->encoder->own;

    return conformer_onnx_layer(&w->conformer, d, x, i);
}

static void describe_extractor(const struct encoder *encoder, cJSON *json)
{
    (void)encoder;
    cJSON_AddNumberToObject(json, "feature_size", BANDS);
    cJSON_AddNumberToObject(json, "num_mel_bins", BANDS);
    cJSON_AddNumberToObject(json, "stride", PAIR);
}

static void close_family(struct encoder *encoder)
{
    struct wav2vec2_bert *w = encoder->own;

    conformer_close(&w->conformer);
}

const struct encoder_family FAMILY_WAV2VEC2_BERT = {
    .model_type = "wav2vec2-bert",
    .prefix = "wav2vec2_bert.",
    .classification = "Wav2Vec2BertForSequenceClassification",
    .extractor = "SeamlessM4TFeatureExtractor",
    .sample_rate = 16000,
    .configure = configure,
    .declare = declare,
    .declare_layer = declare_layer,
    .frames = frames,
    .features = features,
    .positions = positions,
    .embed = embed,
    .run_layer = run_layer,
    .onnx_embed = onnx_embed,
    .onnx_layer = onnx_layer,
    .describe_extractor = describe_extractor,
    .close = close_family,
};
