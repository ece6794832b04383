/*
 * Whisper's encoder (Radford et al., 2022): two convolutions over a log-mel spectrogram, sinusoids for
 * positions, a transformer with norms first.  It was trained on 30 s of sound; shorter clips are zero-padded
 * (model.context_seconds).
 */
#include "audio/audio.h"
#include "model/encoder/mel_frontend.h"
#include "model/encoder/transformer.h"

#include <math.h>
#include <stdlib.h>

struct whisper {
    struct mel_frontend mel;
    int64_t bands, positions; /* num_mel_bins, max_source_positions */
    struct affine conv[2];
    size_t embedding; /* embed_positions: (positions, hidden) */
    struct transformer_layer *layers;
};

static const struct encoder_sizes SIZES = {"d_model", "encoder_layers", "encoder_attention_heads",
                                           "encoder_ffn_dim"};

static const struct transformer_names NAMES = {
    .attention = "self_attn",
    .projections = {[QUERY] = "q_proj", [KEY] = "k_proj", [VALUE] = "v_proj", [OUT] = "out_proj"},
    .attention_norm = "self_attn_layer_norm",
    .intermediate = "fc1",
    .output = "fc2",
    .final_norm = "final_layer_norm",
    .no_key_bias = true};

static bool configure(struct encoder *encoder, cJSON *json, struct error *error)
{
    struct whisper *w = encoder->own = mem_zero(1, sizeof *w);
    bool scales = false;

    w->bands = 80;
    w->positions = 1500;
    encoder->config.do_stable_layer_norm = true;
    encoder->config.layer_norm_eps = 1e-5;
    encoder->config.apply_spec_augment = false;
    encoder->config.hidden_dropout = encoder->config.layerdrop = 0;
    encoder->config.activation_dropout = encoder->config.attention_dropout = encoder->config.final_dropout =
        0;
    if (!transformer_configure(json, "activation_function", error) ||
        !encoder_config_size(json, "num_mel_bins", &w->bands, 1024, error) ||
        !encoder_config_size(json, "max_source_positions", &w->positions, 1 << 16, error) ||
        !json_bool(json, "scale_embedding", &scales, error))
        return false;
    encoder->feature_width = encoder->config.hidden_size;
    encoder->minimum_samples = 2 * MEL_HOP;
    encoder->longest = 2 * MEL_HOP * w->positions;
    return true;
}

static void declare(struct encoder *encoder, struct parameters *parameters)
{
    struct whisper *w = encoder->own;
    int64_t hidden = encoder->config.hidden_size;
    const int64_t table[4] = {w->positions, hidden};

    mel_frontend_start(&w->mel, MEL_WHISPER, w->bands, parameters->scope, parameters->device);
    w->conv[0] = declare_conv(encoder, parameters, hidden, w->bands, 3, true, "conv1");
    w->conv[1] = declare_conv(encoder, parameters, hidden, hidden, 3, true, "conv2");
    w->embedding = parameters_add(parameters, true, INIT_SINUSOIDS, 0, table, "%sembed_positions.weight",
                                  encoder->family->prefix);
    parameters->items[w->embedding].trainable = false; /* sinusoids */
    encoder->final_norm = declare_norm(encoder, parameters, hidden, "layer_norm");
    w->layers = mem_zero((size_t)encoder->config.num_hidden_layers, sizeof *w->layers);
}

static void declare_layer(struct encoder *encoder, struct parameters *parameters, int64_t i)
{
    struct whisper *w = encoder->own;

    transformer_declare_layer(&w->layers[i], encoder, parameters, i, &NAMES);
}

static int64_t frames(const struct encoder *encoder, int64_t samples)
{
    const struct whisper *w = encoder->own;

    return (mel_frontend_frames(&w->mel, samples) + 1) / 2;
}

/* Of the spectrogram, of each clip. */
static const int64_t *mel_frames(const struct pass *pass, struct et_scope *s, const struct batch *batch)
{
    const struct whisper *w = pass->encoder->own;
    int64_t *lengths = et_scope_memory(s, (size_t)pass->clips * sizeof *lengths);

    for (int64_t b = 0; b < pass->clips; b++)
        lengths[b] = mel_frontend_frames(&w->mel, batch->lengths[b]);
    return lengths;
}

static struct et_tensor *convolve(const struct pass *pass, struct et_scope *s, struct et_tensor *x, int i)
{
    const struct affine *a = &((const struct whisper *)pass->encoder->own)->conv[i];
    struct et_tensor *y = et_conv1d(s, et_transpose(s, x, 1, 2), pass_weight(pass, a->weight),
                                    pass_weight(pass, a->bias), i + 1, 1, 1);

    return et_gelu(s, et_transpose(s, y, 1, 2));
}

static struct et_tensor *features(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    const struct whisper *w = pass->encoder->own;
    struct et_scope *s = et_scope_open(scope);
    struct et_tensor *x = mel_frontend_spectrogram(&w->mel, pass, s, batch);

    pass_observe(pass, "log_mel", x);
    x = pass_mask(pass, s, x, mel_frames(pass, s, batch), NULL);
    x = mel_frontend_fill(&w->mel, pass, s, x, batch, 0); /* a convolution sees a clip end where it ends */
    x = mel_frontend_fill(&w->mel, pass, s, convolve(pass, s, x, 0), batch, 0);
    x = et_keep(convolve(pass, s, x, 1), scope);
    et_scope_close(s, NULL);
    return x;
}

static struct et_tensor *embed(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const struct whisper *w = pass->encoder->own;

    x = et_add(scope, x, et_narrow(scope, pass_weight(pass, w->embedding), 0, 0, et_size(x, 1)));
    return apply_dropout(pass, scope, clear_hidden(pass, scope, x), pass->encoder->config.hidden_dropout);
}

static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   int64_t i)
{
    const struct whisper *w = pass->encoder->own;

    return transformer_run_layer(pass, s, x, &w->layers[i], NULL);
}

static const char *onnx_embed(const struct graph_builder *d, const char *samples)
{
    static const int64_t padding[2] = {1, 1};
    const struct whisper *w = d->encoder->own;
    struct onnx *g = d->graph;
    const char *sound =
        d->model->sound.normalize ? graph_normalize(d, samples, SIGNAL_VARIANCE_FLOOR) : samples;
    const char *x = mel_frontend_onnx(&w->mel, d, sound, d->encoder->context);

    x = onnx_transpose(g, x, ONNX_SWAP, 3);
    for (int i = 0; i < 2; i++)
        x = onnx_gelu(g, graph_conv(d, x, graph_weight(d, w->conv[i].weight),
                                    graph_weight(d, w->conv[i].bias), i + 1, padding, 1));
    x = onnx_transpose(g, x, ONNX_SWAP, 3);
    return onnx_binary(g, "Add", x,
                       onnx_gather(g, onnx_tensor(g, graph_weight(d, w->embedding)), onnx_range(g, x)));
}

/* (S / 160 + 1) / 2 */
static const char *onnx_frames_of(const struct graph_builder *d, const char *samples)
{
    static const int64_t hop[1] = {MEL_HOP}, one[1] = {1}, two[1] = {2};
    struct onnx *g = d->graph;
    const char *frames = onnx_binary(g, "Div", onnx_frames(g, samples), onnx_integers(g, hop, 1));

    return onnx_binary(g, "Div", onnx_binary(g, "Add", frames, onnx_integers(g, one, 1)),
                       onnx_integers(g, two, 1));
}

static const char *onnx_layer(const struct graph_builder *d, const char *x, int64_t i)
{
    const struct whisper *w = d->encoder->own;

    return transformer_onnx_layer(d, x, &w->layers[i], NULL);
}

static void describe_extractor(const struct encoder *encoder, cJSON *json)
{
    const struct whisper *w = encoder->own;
    int64_t samples = encoder->longest;

    cJSON_AddNumberToObject(json, "feature_size", (double)w->bands);
    cJSON_AddNumberToObject(json, "n_fft", MEL_WINDOW);
    cJSON_AddNumberToObject(json, "hop_length", MEL_HOP);
    cJSON_AddNumberToObject(json, "chunk_length", (double)samples / 16000);
    cJSON_AddNumberToObject(json, "n_samples", (double)samples);
    cJSON_AddNumberToObject(json, "nb_max_frames", (double)samples / MEL_HOP);
}

static void close_family(struct encoder *encoder)
{
    struct whisper *w = encoder->own;

    free(w->layers);
}

const struct encoder_family FAMILY_WHISPER = {
    .model_type = "whisper",
    .prefix = "encoder.",
    .layers = "layers.",
    .classification = "WhisperForAudioClassification",
    .extractor = "WhisperFeatureExtractor",
    .sizes = &SIZES,
    .context = 5,
    .pools_padding = true,
    .masks_input = true,
    .packs = true,
    .feature_encoder = {"conv1.", "conv2.", "embed_positions."},
    .sample_rate = 16000,
    .configure = configure,
    .declare = declare,
    .declare_layer = declare_layer,
    .frames = frames,
    .features = features,
    .embed = embed,
    .run_layer = run_layer,
    .onnx_embed = onnx_embed,
    .onnx_layer = onnx_layer,
    .onnx_frames = onnx_frames_of,
    .describe_extractor = describe_extractor,
    .close = close_family,
};
