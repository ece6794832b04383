/*
 * WavLM (Chen et al., 2022): wav2vec 2.0 with a bias on attention by relative position, in buckets as T5 has
 * them, gated by what each frame is.
 */
#include "model/encoder/wav2vec2.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GATE_PARTS = 8 }; /* that the gate's linear layer makes of each head: two sums of four */

struct wavlm {
    int64_t buckets, max_distance; /* num_buckets, max_bucket_distance */
    size_t embedding;              /* rel_attn_embed of the first layer: (buckets, heads) */
    struct affine *gates;          /* (layers): gru_rel_pos_linear */
    size_t *constants;             /* (layers): gru_rel_pos_const, (1, heads, 1, 1) */
};

static struct wavlm *wavlm_of(const struct encoder *encoder)
{
    return ((struct wav2vec2 *)encoder->own)->own;
}

static bool configure(struct encoder *encoder, cJSON *json, struct error *error)
{
    if (!wav2vec2_configure(encoder, json, error))
        return false;
    struct wavlm *own = mem_zero(1, sizeof *own);
    ((struct wav2vec2 *)encoder->own)->own = own;
    own->buckets = 320;
    own->max_distance = 800;
    return encoder_config_size(json, "num_buckets", &own->buckets, 1 << 16, error) &&
           encoder_config_size(json, "max_bucket_distance", &own->max_distance, 1 << 20, error) &&
           (own->buckets >= 4 ||
            error_set(error, "\"num_buckets\" must be at least 4, not %lld", (long long)own->buckets)) &&
           (own->max_distance > own->buckets / 4 ||
            error_set(error, "\"max_bucket_distance\" must be above a quarter of \"num_buckets\", not %lld",
                      (long long)own->max_distance));
}

static void declare(struct encoder *encoder, struct parameters *parameters)
{
    struct wavlm *own = wavlm_of(encoder);

    wav2vec2_declare(encoder, parameters);
    own->gates = mem_zero((size_t)encoder->config.num_hidden_layers, sizeof *own->gates);
    own->constants = mem_zero((size_t)encoder->config.num_hidden_layers, sizeof *own->constants);
}

static void declare_layer(struct encoder *encoder, struct parameters *parameters, int64_t i)
{
    struct wavlm *own = wavlm_of(encoder);
    const struct encoder_config *c = &encoder->config;
    const int64_t constant[4] = {1, c->num_attention_heads, 1, 1},
                  embedding[4] = {own->buckets, c->num_attention_heads};
    const char *prefix = encoder->family->prefix;

    wav2vec2_declare_layer(encoder, parameters, i);
    own->constants[i] =
        parameters_add(parameters, true, INIT_ONES, 0, constant,
                       "%sencoder.layers.%lld.attention.gru_rel_pos_const", prefix, (long long)i);
    own->gates[i] = declare_linear(encoder, parameters, GATE_PARTS, c->hidden_size / c->num_attention_heads,
                                   true, "encoder.layers.%lld.attention.gru_rel_pos_linear", (long long)i);
    if (i == 0)
        own->embedding = parameters_add(parameters, true, INIT_NORMAL, c->initializer_range, embedding,
                                        "%sencoder.layers.0.attention.rel_attn_embed.weight", prefix);
}

/* The bucket of a distance from a frame to another, half of them for frames after it: near ones have a bucket
 * each, further ones share buckets that widen with the logarithm. */
static int64_t bucket(const struct wavlm *own, int64_t distance)
{
    int64_t half = own->buckets / 2, exact = half / 2, first = distance > 0 ? half : 0,
            far = distance < 0 ? -distance : distance;

    if (far < exact)
        return first + far;
    float share = logf((float)far / (float)exact) / (float)log((double)own->max_distance / (double)exact);
    int64_t wide = (int64_t)((float)exact + share * (float)(half - exact));
    return first + (wide < half - 1 ? wide : half - 1);
}

/* (T, T): the bucket of each pair of frames; caller frees */
static int64_t *buckets_of(const struct wavlm *own, int64_t frames)
{
    int64_t *row = mem_zero((size_t)(2 * frames), sizeof *row),
            *all = mem_zero((size_t)(frames * frames), sizeof *all);

    for (int64_t distance = 1 - frames; distance < frames; distance++)
        row[distance + frames - 1] = bucket(own, distance);
    for (int64_t from = 0; from < frames; from++)
        memcpy(all + from * frames, row + frames - 1 - from, (size_t)frames * sizeof *all);
    free(row);
    return all;
}

static size_t layer_index(const struct encoder *encoder, const struct transformer_layer *layer)
{
    return (size_t)(layer - ((struct wav2vec2 *)encoder->own)->layers);
}

/* The buckets of all pairs of frames. */
static struct et_tensor *positions(const struct pass *pass, struct et_scope *scope)
{
    const int64_t shape[2] = {pass->frames, pass->frames};
    int64_t *buckets = buckets_of(wavlm_of(pass->encoder), pass->frames);
    struct et_tensor *index =
        et_from_data(scope, buckets, ET_INT64, shape, 2, pass->model->parameters.device);

    free(buckets);
    return index;
}

/* (1, heads, T, T) */
static struct et_tensor *position_bias(const struct pass *pass, struct et_scope *s)
{
    const struct wavlm *own = wavlm_of(pass->encoder);
    const int64_t single[4] = {1, pass->frames, pass->frames, pass->encoder->config.num_attention_heads};
    struct et_tensor *bias =
        et_reshape(s, et_embedding(s, pass_weight(pass, own->embedding), pass->positions), single, 4);

    return et_transpose(s, et_transpose(s, bias, 2, 3), 1, 2);
}

/* How much of the bias each frame takes, x (B, T, H) -> (B, heads, T, 1): a * (b * constant - 1) + 2 */
static struct et_tensor *gate(const struct pass *pass, struct et_scope *s, struct et_tensor *x, size_t i)
{
    const struct wavlm *own = wavlm_of(pass->encoder);
    struct et_tensor *heads = split_heads(pass, s, x);
    const int64_t shape[5] = {et_size(heads, 0), et_size(heads, 1), et_size(heads, 2), 2, GATE_PARTS / 2};
    struct et_tensor *parts = et_reshape(s, apply_linear(pass, s, heads, &own->gates[i]), shape, 5);
    struct et_tensor *both = et_sigmoid(s, et_sum_dim(s, parts, 4, false)); /* (B, heads, T, 2) */
    struct et_tensor *a = et_narrow(s, both, 3, 0, 1), *b = et_narrow(s, both, 3, 1, 1);

    b = et_add_scalar(s, et_mul(s, b, pass_weight(pass, own->constants[i])), -1);
    return et_add_scalar(s, et_mul(s, a, b), 2);
}

static struct et_tensor *gated_bias(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                    const struct transformer_layer *layer)
{
    return et_mul(s, gate(pass, s, x, layer_index(pass->encoder, layer)), position_bias(pass, s));
}

static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   int64_t i)
{
    const struct wav2vec2 *w = pass->encoder->own;

    return transformer_run_layer(pass, s, x, &w->layers[i], gated_bias);
}

/* ---- in ONNX ---- */

/* (heads, T, T), gathered from a table (2 * furthest + 1, heads) by the frames' distance, kept within it. */
static const char *onnx_position_bias(const struct graph_builder *d, const char *x)
{
    const struct wavlm *own = wavlm_of(d->encoder);
    struct onnx *g = d->graph;
    int64_t furthest = own->max_distance + 1, count = 2 * furthest + 1;
    int64_t *buckets = mem_zero((size_t)count, sizeof *buckets);
    const int64_t shape[1] = {count}, order[3] = {2, 0, 1};

    for (int64_t k = 0; k < count; k++)
        buckets[k] = bucket(own, k - furthest);
    struct et_tensor *index = et_from_data(g->scope, buckets, ET_INT64, shape, 1, ET_CPU);
    free(buckets);
    struct et_tensor *table =
        et_embedding(g->scope, graph_weight(d, own->embedding), index); /* (count, heads) */
    const char *rows = onnx_gather(g, onnx_tensor(g, table), onnx_distances(g, x, furthest, furthest));
    return onnx_transpose(g, rows, order, 3); /* (heads, T, T) */
}

static const char *onnx_gate(const struct graph_builder *d, const char *x, size_t i)
{
    const struct wavlm *own = wavlm_of(d->encoder);
    struct onnx *g = d->graph;
    const int64_t shape[5] = {0, 0, 0, 2, GATE_PARTS / 2};
    const char *parts = onnx_reshape(g, graph_linear(d, graph_split_heads(d, x), &own->gates[i]), shape, 5);
    const char *both = onnx_unary(g, "Sigmoid", onnx_over(g, "ReduceSum", parts, 4, false));
    const char *a = onnx_slice(g, both, 3, 0, 1), *b = onnx_slice(g, both, 3, 1, 2);

    b = onnx_binary(g, "Mul", b, onnx_tensor(g, graph_weight(d, own->constants[i])));
    b = onnx_binary(g, "Sub", b, onnx_number(g, 1));
    return onnx_binary(g, "Add", onnx_binary(g, "Mul", a, b), onnx_number(g, 2));
}

static const char *onnx_bias(const struct graph_builder *d, const char *x,
                             const struct transformer_layer *layer)
{
    return onnx_binary(d->graph, "Mul", onnx_gate(d, x, layer_index(d->encoder, layer)),
                       onnx_position_bias(d, x));
}

static const char *onnx_layer(const struct graph_builder *d, const char *x, int64_t i)
{
    const struct wav2vec2 *w = d->encoder->own;

    return transformer_onnx_layer(d, x, &w->layers[i], onnx_bias);
}

static void close_family(struct encoder *encoder)
{
    struct wavlm *own = wavlm_of(encoder);

    if (own) {
        free(own->gates);
        free(own->constants);
    }
    wav2vec2_close(encoder);
}

const struct encoder_family FAMILY_WAVLM = {
    .model_type = "wavlm",
    .prefix = "wavlm.",
    .classification = "WavLMForSequenceClassification",
    .extractor = "Wav2Vec2FeatureExtractor",
    .normalizes = true,
    .feature_encoder = {"feature_extractor."},
    .configure = configure,
    .declare = declare,
    .declare_layer = declare_layer,
    .frames = conv_frontend_frames,
    .features = conv_frontend_features,
    .positions = positions,
    .embed = wav2vec2_embed,
    .run_layer = run_layer,
    .onnx_embed = wav2vec2_onnx_embed,
    .onnx_layer = onnx_layer,
    .close = close_family,
};
