/*
 * emotion2vec (Ma et al., 2024), which is data2vec 2.0 (Baevski et al., 2023): wav2vec 2.0's feature encoder,
 * positions by several convolutions, extra tokens before the frames, transformer layers with norms last and a
 * bias on attention that grows with distance (ALiBi, Press et al., 2022).
 *
 * Read from FunASR's layout (config.yaml, model.pt, tokens.txt) or from a model directory that emotrain
 * wrote, where config.json has the same under names of its own (read_sizes below).
 */
#include "model/encoder/emotion2vec.h"

#include "base/text.h"
#include "base/yaml.h"
#include "model/encoder/conv_frontend.h"
#include "model/encoder/stacked_positions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double SIGNAL_NORM_EPS = 1e-5, LAYER_NORM_EPS = 1e-5;

struct alibi_layer {
    struct attention attention; /* projections[QUERY] is that of queries, keys and values together */
    struct affine attention_norm, intermediate, output, final_norm;
};

struct emotion2vec {
    struct conv_frontend front;
    struct stacked_positions positions;
    int64_t extra;         /* num_extra_tokens */
    int64_t first_layers;  /* prenet_depth: of the layers, those that checkpoints keep apart */
    bool normalizes;       /* each clip to zero mean and unit variance */
    size_t tokens, scales; /* (1, extra, hidden); (1, 1, heads, 1, 1) */
    struct affine token_norm;
    struct alibi_layer *layers;
};

/* ---- FunASR's files ---- */

bool emotion2vec_is(const char *directory)
{
    char *config = path_join(directory, "config.yaml"), *weights = path_join(directory, "model.pt");
    bool there = path_exists(config) && path_exists(weights);

    free(config);
    free(weights);
    return there;
}

/* One list "[(512, 10, 5), ...]", perhaps "* 4", of a Python expression, added to dims, kernels and strides;
 * -> what follows it, NULL where it is no such list. */
static const char *take_list(const char *text, cJSON *lists[3])
{
    long values[CONV_FRONTEND_MAX][3], times = 1;
    int count = 0, used = 0;

    if (sscanf(text, " [%n", &used) != 0 || used == 0)
        return NULL;
    for (text += used; count < CONV_FRONTEND_MAX; count++) {
        used = 0;
        if (sscanf(text, " ( %ld , %ld , %ld )%n", &values[count][0], &values[count][1], &values[count][2],
                   &used) != 3 ||
            used == 0)
            return NULL;
        text += used;
        used = 0;
        if (sscanf(text, " ,%n", &used) == 0 && used > 0)
            text += used;
        used = 0;
        if (sscanf(text, " ]%n", &used) == 0 && used > 0)
            break;
    }
    if (count == CONV_FRONTEND_MAX)
        return NULL;
    text += used;
    count++;
    used = 0;
    if (sscanf(text, " * %ld%n", &times, &used) == 1)
        text += used;
    for (long n = 0; n < times && n < CONV_FRONTEND_MAX; n++)
        for (int i = 0; i < count * 3; i++)
            cJSON_AddItemToArray(lists[i % 3], cJSON_CreateNumber((double)values[i / 3][i % 3]));
    return text;
}

/* feature_encoder_spec as conv_dim, conv_kernel, conv_stride. */
static bool read_convolutions(cJSON *json, const char *text, struct error *error)
{
    cJSON *lists[3] = {cJSON_CreateArray(), cJSON_CreateArray(), cJSON_CreateArray()};
    const char *at = text;

    json_put(json, "conv_dim", lists[0]);
    json_put(json, "conv_kernel", lists[1]);
    json_put(json, "conv_stride", lists[2]);
    while (at && *at) {
        at = take_list(at, lists);
        int used = 0;
        if (at && sscanf(at, " +%n", &used) == 0 && used > 0)
            at += used;
        while (at && *at == ' ')
            at++;
    }
    return (at && cJSON_GetArraySize(lists[0]) > 0) ||
           error_set(error, "\"feature_encoder_spec\" is \"%s\", no sum of lists like [(512, 10, 5)] * 2",
                     text);
}

static const double MOST = 1e6; /* that any size here can be */

static int64_t integer_at(const cJSON *object, const char *name, int64_t fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) && fabs(item->valuedouble) <= MOST ? (int64_t)item->valuedouble : fallback;
}

static bool flag_at(const cJSON *object, const char *name, bool fallback)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsBool(item) ? cJSON_IsTrue(item) : fallback;
}

static void put_integer(cJSON *json, const char *name, int64_t value)
{
    json_put(json, name, cJSON_CreateNumber((double)value));
}

/* What this implementation does not do must not be ignored in silence. */
static bool check_yaml(const cJSON *conf, const cJSON *audio, struct error *error)
{
    const cJSON *mode = cJSON_GetObjectItemCaseSensitive(audio, "extractor_mode");
    const char *wrong =
        cJSON_IsString(mode) && strcmp(mode->valuestring, "layer_norm") != 0
            ? "an extractor_mode other than layer_norm"
        : flag_at(conf, "layer_first_norm", false) || flag_at(conf, "layer_norm_first", false)
            ? "layer_norm_first: true"
        : flag_at(audio, "conv_pos_pre_ln", false)               ? "conv_pos_pre_ln: true"
        : flag_at(audio, "learned_alibi", false)                 ? "learned_alibi: true"
        : flag_at(audio, "learned_alibi_scale_per_layer", false) ? "learned_alibi_scale_per_layer: true"
        : !flag_at(audio, "learned_alibi_scale_per_head", true)  ? "learned_alibi_scale_per_head: false"
        : !flag_at(audio, "use_alibi_encoder", true)             ? "use_alibi_encoder: false"
                                                                 : NULL;

    return !wrong || error_set(error, "%s is not supported", wrong);
}

/* model_conf of config.yaml under config.json's names. */
static bool read_conf(cJSON *json, const cJSON *conf, struct error *error)
{
    const cJSON *audio = json_at(conf, "modalities", "audio");
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(audio, "feature_encoder_spec");
    const cJSON *ratio = cJSON_GetObjectItemCaseSensitive(conf, "mlp_ratio"),
                *eps = cJSON_GetObjectItemCaseSensitive(conf, "norm_eps");
    int64_t hidden = integer_at(conf, "embed_dim", 768), depth = integer_at(audio, "conv_pos_depth", 5),
            width = integer_at(audio, "conv_pos_width", 95), first = integer_at(audio, "prenet_depth", 4);

    if (!cJSON_IsObject(audio) || !cJSON_IsString(spec))
        return error_set(error, "no \"model_conf\" of emotion2vec with \"modalities\", \"audio\" and its "
                                "\"feature_encoder_spec\"");
    put_integer(json, "hidden_size", hidden);
    put_integer(json, "num_hidden_layers", integer_at(conf, "depth", 8) + first);
    put_integer(json, "num_attention_heads", integer_at(conf, "num_heads", 12));
    put_integer(
        json, "intermediate_size",
        (int64_t)((double)hidden *
                  (cJSON_IsNumber(ratio) && fabs(ratio->valuedouble) <= MOST ? ratio->valuedouble : 4)));
    put_integer(json, "prenet_depth", first);
    put_integer(json, "num_extra_tokens", integer_at(audio, "num_extra_tokens", 10));
    put_integer(json, "num_conv_pos_embeddings", depth);
    put_integer(json, "conv_pos_kernel_size", depth > 0 && width / depth > 3 ? width / depth : 3);
    put_integer(json, "num_conv_pos_embedding_groups", integer_at(audio, "conv_pos_groups", 16));
    json_put(json, "layer_norm_eps", cJSON_CreateNumber(cJSON_IsNumber(eps) ? eps->valuedouble : 1e-5));
    json_put(json, "normalize", cJSON_CreateBool(flag_at(conf, "normalize", false)));
    return check_yaml(conf, audio, error) && read_convolutions(json, spec->valuestring, error);
}

/* tokens.txt: a label a line, "Chinese/English"; <unk> is unknown. */
static bool read_tokens(cJSON *json, const char *directory, struct error *error)
{
    char *path = path_join(directory, "tokens.txt");
    size_t size;
    char *text = path_exists(path) ? file_read(path, &size, error) : NULL;
    cJSON *labels = text ? cJSON_CreateObject() : NULL;
    int count = 0;

    for (char *line = text, *end; line && *line; line = end) {
        char key[16];
        end = line + strcspn(line, "\r\n");
        end += *end ? (*end = '\0', 1) : 0;
        const char *slash = strrchr(line, '/'), *label = slash ? slash + 1 : line;
        if (!*label)
            continue;
        snprintf(key, sizeof key, "%d", count++);
        cJSON_AddStringToObject(labels, key, strcmp(label, "<unk>") == 0 ? "unknown" : label);
    }
    if (labels)
        json_put(json, "id2label", labels);
    free(text);
    free(path);
    return !error->kind;
}

cJSON *emotion2vec_read_config(const char *directory, struct error *error)
{
    char *path = path_join(directory, "config.yaml");
    cJSON *yaml = yaml_read(path, error), *json = yaml ? cJSON_CreateObject() : NULL;

    if (json) {
        json_put(json, "model_type", cJSON_CreateString("emotion2vec"));
        json_put(json, "emotrain_head", cJSON_CreateString("linear"));
        if (!read_conf(json, cJSON_GetObjectItemCaseSensitive(yaml, "model_conf"), error) ||
            !read_tokens(json, directory, error)) {
            error_prefix(error, "%s", path);
            cJSON_Delete(json);
            json = NULL;
        }
    }
    cJSON_Delete(yaml);
    free(path);
    return json;
}

/* ---- config.json ---- */

static bool configure(struct encoder *encoder, cJSON *json, struct error *error)
{
    struct emotion2vec *w = encoder->own = mem_zero(1, sizeof *w);

    encoder->config.do_stable_layer_norm = encoder->config.apply_spec_augment = false;
    encoder->config.hidden_dropout = encoder->config.layerdrop = encoder->config.final_dropout = 0;
    encoder->config.activation_dropout = encoder->config.attention_dropout = 0;
    w->normalizes = true;
    w->extra = 10;
    w->first_layers = 4;
    w->positions = (struct stacked_positions){.count = 5, .kernel = 19, .groups = 16};
    if (!conv_frontend_configure(&w->front, encoder, json, error) ||
        !json_integer(json, "num_extra_tokens", &w->extra, error) ||
        !json_integer(json, "prenet_depth", &w->first_layers, error) ||
        !json_bool(json, "normalize", &w->normalizes, error) ||
        !encoder_config_size(json, "num_conv_pos_embeddings", &w->positions.count, STACKED_POSITIONS_MAX,
                             error) ||
        !encoder_config_size(json, "conv_pos_kernel_size", &w->positions.kernel, 1 << 12, error) ||
        !encoder_config_size(json, "num_conv_pos_embedding_groups", &w->positions.groups, 1 << 12, error))
        return false;
    encoder->group_norm = w->front.group_norm = w->front.bias = false;
    if (w->extra < 1 || w->extra > 1 << 10)
        return error_set(error, "\"num_extra_tokens\" must be from 1 to %d", 1 << 10);
    if (w->first_layers < 0 || w->first_layers > encoder->config.num_hidden_layers)
        return error_set(error, "\"prenet_depth\" must be from 0 to %lld",
                         (long long)encoder->config.num_hidden_layers);
    encoder->extra = w->extra;
    return stacked_positions_check(&w->positions, encoder, error);
}

/* ---- parameters ---- */

static void declare(struct encoder *encoder, struct parameters *parameters)
{
    struct emotion2vec *w = encoder->own;
    const struct encoder_config *c = &encoder->config;
    const int64_t tokens[4] = {1, w->extra, c->hidden_size}, scales[4] = {c->num_attention_heads};
    const char *prefix = encoder->family->prefix;

    conv_frontend_declare(encoder, parameters);
    stacked_positions_declare(&w->positions, encoder, parameters, "encoder.pos_conv_embed.layers", "conv");
    w->tokens = parameters_add(parameters, true, INIT_NORMAL, 0.02, tokens, "%sencoder.extra_tokens", prefix);
    w->scales = parameters_add(parameters, true, INIT_ONES, 0, scales, "%sencoder.alibi_scale", prefix);
    w->token_norm = declare_norm(encoder, parameters, c->hidden_size, "encoder.layer_norm");
    w->layers = mem_zero((size_t)c->num_hidden_layers, sizeof *w->layers);
}

static void declare_layer(struct encoder *encoder, struct parameters *parameters, int64_t i)
{
    struct emotion2vec *w = encoder->own;
    struct alibi_layer *l = &w->layers[i];
    int64_t hidden = encoder->config.hidden_size, inner = encoder->config.intermediate_size;
    char stem[48];

    snprintf(stem, sizeof stem, "encoder.layers.%lld", (long long)i);
    l->attention.projections[QUERY] =
        declare_linear(encoder, parameters, 3 * hidden, hidden, true, "%s.attention.qkv", stem);
    l->attention.projections[OUT] =
        declare_linear(encoder, parameters, hidden, hidden, true, "%s.attention.out_proj", stem);
    l->attention_norm = declare_norm(encoder, parameters, hidden, "%s.layer_norm", stem);
    l->intermediate =
        declare_linear(encoder, parameters, inner, hidden, true, "%s.feed_forward.intermediate_dense", stem);
    l->output =
        declare_linear(encoder, parameters, hidden, inner, true, "%s.feed_forward.output_dense", stem);
    l->final_norm = declare_norm(encoder, parameters, hidden, "%s.final_layer_norm", stem);
    encoder->adaptable[i].items[QUERY] = &l->attention.projections[QUERY];
}

/* The parts of a layer, as checkpoints and as we call them. */
static bool rename_part(const char *part, char *out, size_t size)
{
    static const char *const parts[][2] = {{"attn.qkv.", "attention.qkv."},
                                           {"attn.proj.", "attention.out_proj."},
                                           {"norm1.", "layer_norm."},
                                           {"mlp.fc1.", "feed_forward.intermediate_dense."},
                                           {"mlp.fc2.", "feed_forward.output_dense."},
                                           {"norm2.", "final_layer_norm."}};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (text_starts(part, parts[i][0])) {
            snprintf(out, size, "%s%s", parts[i][1], part + strlen(parts[i][0]));
            return true;
        }
    return false;
}

/* "STEM<number>.REST": the number, and where REST begins; NULL: it is not. */
static const char *numbered(const char *name, const char *stem, long *number)
{
    char *end;

    if (!text_starts(name, stem))
        return NULL;
    *number = strtol(name + strlen(stem), &end, 10);
    return *end == '.' && *number >= 0 && *number < 1 << 20 ? end + 1 : NULL;
}

/* FunASR's names to ours.  Of pretraining alone are the decoder and the moving average's own copies. */
static bool rename_entry(const struct encoder *encoder, const char *name, char out[256])
{
    static const char *const single[][2] = {{"project_features.1.", "feature_projection.layer_norm."},
                                            {"project_features.2.", "feature_projection.projection."},
                                            {"extra_tokens", "encoder.extra_tokens"},
                                            {"alibi_scale", "encoder.alibi_scale"},
                                            {"context_encoder.norm.", "encoder.layer_norm."}};
    const struct emotion2vec *w = encoder->own;
    const char *plain = text_starts(name, "d2v_model.") ? name + strlen("d2v_model.") : name, *rest;
    const char *audio =
        text_starts(plain, "modality_encoders.AUDIO.") ? plain + strlen("modality_encoders.AUDIO.") : NULL;
    char part[160];
    long i;

    snprintf(out, 256, "%s", name);
    if (text_starts(plain, "proj."))
        snprintf(out, 256, "classifier.out_proj.%s", plain + strlen("proj."));
    if ((rest = numbered(plain, "blocks.", &i)) && rename_part(rest, part, sizeof part))
        snprintf(out, 256, "encoder.layers.%ld.%s", i + (long)w->first_layers, part);
    if (!audio)
        return !text_starts(plain, "_ema") && !text_starts(plain, "mask_emb");
    for (size_t k = 0; k < sizeof single / sizeof single[0]; k++)
        if (text_starts(audio, single[k][0]))
            snprintf(out, 256, "%s%s", single[k][1], audio + strlen(single[k][0]));
    if ((rest = numbered(audio, "context_encoder.blocks.", &i)) && rename_part(rest, part, sizeof part))
        snprintf(out, 256, "encoder.layers.%ld.%s", i, part);
    if ((rest = numbered(audio, "relative_positional_encoder.", &i)) && text_starts(rest, "0."))
        snprintf(out, 256, "encoder.pos_conv_embed.layers.%ld.conv.%s", i - 1, rest + 2);
    if ((rest = numbered(audio, "local_encoder.conv_layers.", &i)))
        snprintf(out, 256, "feature_extractor.conv_layers.%ld.%s%s", i,
                 text_starts(rest, "0.") ? "conv." : "layer_norm.",
                 text_starts(rest, "0.")     ? rest + 2
                 : text_starts(rest, "2.1.") ? rest + 4
                                             : rest);
    return !text_starts(audio, "decoder.") && !text_starts(audio, "mask");
}

/* ---- computing ---- */

/* Each clip to zero mean and unit variance over its own samples. */
static void standardise(float *samples, int64_t length)
{
    double mean = 0, variance = 0;

    for (int64_t i = 0; i < length; i++)
        mean += (double)samples[i] / (double)length;
    for (int64_t i = 0; i < length; i++)
        variance += ((double)samples[i] - mean) * ((double)samples[i] - mean) / (double)length;
    for (int64_t i = 0; i < length; i++)
        samples[i] = (float)(((double)samples[i] - mean) / sqrt(variance + SIGNAL_NORM_EPS));
}

static struct et_tensor *features(struct pass *pass, struct et_scope *scope, const struct batch *batch)
{
    const struct emotion2vec *w = pass->encoder->own;
    struct batch own = *batch;
    size_t size = (size_t)(batch->count * batch->width) * sizeof(float);

    if (!w->normalizes)
        return conv_frontend_features(pass, scope, batch);
    own.samples = memcpy(mem_alloc(size), batch->samples, size);
    for (int64_t b = 0; b < batch->count; b++)
        standardise(own.samples + b * batch->width, batch->lengths[b]);
    struct et_tensor *x = conv_frontend_features(pass, scope, &own);
    free(own.samples);
    return x;
}

/* How steeply head h's attention falls with distance: powers of two where the heads are one. */
static double slope(int64_t heads, int64_t h)
{
    int64_t whole = 1;

    while (2 * whole <= heads)
        whole *= 2;
    if (h < whole)
        return pow(2, -8.0 * (double)(h + 1) / (double)whole);
    return pow(2, -8.0 * (double)(2 * (h - whole) + 1) / (double)(2 * whole));
}

/* (1, heads, E + T, E + T): minus the distance times the slope, among frames; 0 where a token takes part. */
static struct et_tensor *positions(const struct pass *pass, struct et_scope *scope)
{
    const struct emotion2vec *w = pass->encoder->own;
    int64_t heads = pass->encoder->config.num_attention_heads, all = pass->frames + w->extra;
    const int64_t shape[4] = {1, heads, all, all};
    float *bias = mem_zero((size_t)(heads * all * all), sizeof *bias);

    for (int64_t h = 0; h < heads; h++)
        for (int64_t i = w->extra; i < all; i++)
            for (int64_t j = w->extra; j < all; j++)
                bias[(h * all + i) * all + j] = (float)(-slope(heads, h) * (double)(i < j ? j - i : i - j));
    struct et_tensor *result =
        et_from_data(scope, bias, ET_FLOAT32, shape, 4, pass->model->parameters.device);
    free(bias);
    return result;
}

static struct et_tensor *norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                              const struct affine *a)
{
    return et_layer_norm(s, x, pass_weight(pass, a->weight), pass_weight(pass, a->bias), LAYER_NORM_EPS);
}

static struct et_tensor *embed(const struct pass *pass, struct et_scope *scope, struct et_tensor *x)
{
    const struct emotion2vec *w = pass->encoder->own;
    const int64_t shape[3] = {pass->clips, w->extra, pass->encoder->config.hidden_size};

    x = conv_frontend_project(pass, scope, x);
    x = stacked_positions_add(&w->positions, pass, scope, x);
    struct et_tensor *const both[2] = {
        et_add(scope, et_zeros(scope, ET_FLOAT32, shape, 3, pass->model->parameters.device),
               pass_weight(pass, w->tokens)),
        et_to_dtype(scope, x, ET_FLOAT32)};
    x = norm(pass, scope, et_cat(scope, both, 2, 1), &w->token_norm);
    return apply_dropout(pass, scope, x, pass->encoder->config.hidden_dropout);
}

static struct et_tensor *attend(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                const struct alibi_layer *l)
{
    const struct emotion2vec *w = pass->encoder->own;
    const struct encoder_config *c = &pass->encoder->config;
    int64_t heads = c->num_attention_heads, hidden = c->hidden_size;
    const int64_t column[4] = {1, heads, 1, 1};
    struct et_tensor *all = apply_linear(pass, s, x, &l->attention.projections[QUERY]);
    struct et_tensor *query = split_heads(pass, s, et_narrow(s, all, 2, 0, hidden)),
                     *key = split_heads(pass, s, et_narrow(s, all, 2, hidden, hidden)),
                     *value = split_heads(pass, s, et_narrow(s, all, 2, 2 * hidden, hidden));
    struct et_tensor *scales = et_relu(s, et_reshape(s, pass_weight(pass, w->scales), column, 4));
    double scale = 1 / sqrt((double)(hidden / heads));
    struct et_tensor *scores = et_matmul(s, et_mul_scalar(s, query, scale), et_transpose(s, key, 2, 3));

    scores = et_add(s, scores, et_mul(s, pass->positions, scales));
    return apply_linear(pass, s, attend_by_scores(pass, s, scores, value), &l->attention.projections[OUT]);
}

static struct et_tensor *run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   int64_t i)
{
    const struct alibi_layer *l = &((const struct emotion2vec *)pass->encoder->own)->layers[i];

    x = apply_norm(pass, s, add_dropped(pass, s, x, attend(pass, s, x, l)), &l->attention_norm);
    struct et_tensor *y = et_gelu(s, apply_linear(pass, s, x, &l->intermediate));
    y = apply_linear(pass, s, apply_dropout(pass, s, y, pass->encoder->config.activation_dropout),
                     &l->output);
    return apply_norm(pass, s, add_dropped(pass, s, x, y), &l->final_norm);
}

/* ---- in ONNX ---- */

static const char *onnx_embed(const struct graph_builder *d, const char *samples)
{
    const struct emotion2vec *w = d->encoder->own;
    struct onnx *g = d->graph;
    const char *x = w->normalizes ? graph_normalize(d, samples, SIGNAL_NORM_EPS) : samples;

    x = stacked_positions_onnx(&w->positions, d, conv_frontend_onnx(d, x));
    const char *none = onnx_binary(g, "Mul", onnx_slice(g, x, 1, 0, 1), onnx_number(g, 0)); /* (B, 1, H) */
    const char *tokens = onnx_binary(g, "Add", none, onnx_tensor(g, graph_weight(d, w->tokens)));
    return onnx_layer_norm(g, onnx_concat(g, tokens, x, 1), graph_weight(d, w->token_norm.weight),
                           graph_weight(d, w->token_norm.bias), LAYER_NORM_EPS);
}

/* (heads, E + T, E + T) */
static const char *onnx_bias(const struct graph_builder *d, const char *x)
{
    static const int64_t column[2] = {-1, 1};
    const struct emotion2vec *w = d->encoder->own;
    struct onnx *g = d->graph;
    int64_t heads = d->encoder->config.num_attention_heads;
    const int64_t shape[3] = {heads, 1, 1}, pads[6] = {0, w->extra, w->extra, 0, 0, 0};
    float *slopes = mem_zero((size_t)heads, sizeof *slopes);
    const char *range = onnx_range_number(g, onnx_slice(g, x, 1, w->extra, INT64_MAX));

    for (int64_t h = 0; h < heads; h++)
        slopes[h] = (float)-slope(heads, h);
    struct et_tensor *falls =
        et_mul(g->scope, et_from_data(g->scope, slopes, ET_FLOAT32, shape, 3, ET_CPU),
               et_relu(g->scope, et_reshape(g->scope, graph_weight(d, w->scales), shape, 3)));
    free(slopes);
    const char *apart = onnx_unary(g, "Abs", onnx_binary(g, "Sub", range, onnx_reshape(g, range, column, 2)));
    return onnx_pad(g, onnx_binary(g, "Mul", apart, onnx_tensor(g, falls)), pads, 6);
}

static const char *onnx_layer(const struct graph_builder *d, const char *x, int64_t i)
{
    const struct alibi_layer *l = &((const struct emotion2vec *)d->encoder->own)->layers[i];
    struct onnx *g = d->graph;
    int64_t hidden = d->encoder->config.hidden_size;
    const char *all = graph_linear(d, x, &l->attention.projections[QUERY]);
    const char *query = graph_split_heads(d, onnx_slice(g, all, 2, 0, hidden)),
               *key = graph_split_heads(d, onnx_slice(g, all, 2, hidden, 2 * hidden)),
               *value = graph_split_heads(d, onnx_slice(g, all, 2, 2 * hidden, 3 * hidden));
    const char *mixed =
        graph_linear(d, graph_attend(d, query, key, value, onnx_bias(d, x)), &l->attention.projections[OUT]);

    x = graph_norm(d, onnx_binary(g, "Add", x, mixed), &l->attention_norm);
    const char *y = graph_linear(d, onnx_gelu(g, graph_linear(d, x, &l->intermediate)), &l->output);
    return graph_norm(d, onnx_binary(g, "Add", x, y), &l->final_norm);
}

static void close_family(struct encoder *encoder)
{
    struct emotion2vec *w = encoder->own;

    free(w->layers);
}

const struct encoder_family FAMILY_EMOTION2VEC = {
    .model_type = "emotion2vec",
    .prefix = "emotion2vec.",
    .extractor = "Wav2Vec2FeatureExtractor",
    .fused = true,
    .feature_encoder = {"feature_extractor."},
    .configure = configure,
    .declare = declare,
    .declare_layer = declare_layer,
    .frames = conv_frontend_frames,
    .features = features,
    .positions = positions,
    .embed = embed,
    .run_layer = run_layer,
    .onnx_embed = onnx_embed,
    .onnx_layer = onnx_layer,
    .rename = rename_entry,
    .close = close_family,
};
