/* The conformer layer: see conformer.h. */
#include "model/encoder/conformer.h"

#include "model/hyperparameter.h"

#include <math.h>
#include <stdlib.h>

static const double BATCH_NORM_EPS = 1e-5, BATCH_NORM_MOMENTUM = 0.1;

bool conformer_configure(struct conformer *conformer, struct encoder *encoder, cJSON *json,
                         const char *positions, struct error *error)
{
    static const char *const kinds[] = {"relative", "rotary", "relative_key"}, *const swish[] = {"swish"};
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(json, "position_embeddings_type");
    int64_t width = encoder->config.hidden_size / encoder->config.num_attention_heads;
    size_t kind = POSITIONS_NONE, only;

    conformer->left = 64;
    conformer->right = 8;
    conformer->rotary_base = 10000;
    encoder->config.conv_dropout = 0.1;
    conformer->kernel = 31;
    if (!(cJSON_IsNull(type) ||
          encoder_config_choice(json, "position_embeddings_type", positions, kinds, 3, &kind, error)) ||
        !encoder_config_choice(json, "hidden_act", swish[0], swish, 1, &only, error) ||
        !encoder_config_size(json, "conv_depthwise_kernel_size", &conformer->kernel, 1 << 12, error) ||
        !json_integer(json, "left_max_position_embeddings", &conformer->left, error) ||
        !json_integer(json, "right_max_position_embeddings", &conformer->right, error) ||
        !json_number(json, "rotary_embedding_base", &conformer->rotary_base, error) ||
        !hyperparameter_number(&encoder->config.conv_dropout, "conformer_conv_dropout", NAN, json, error))
        return false;
    conformer->positions = (enum conformer_positions)kind;
    if (conformer->kernel % 2 == 0)
        return error_set(error, "\"conv_depthwise_kernel_size\" must be odd, not %lld",
                         (long long)conformer->kernel);
    if (conformer->left < 0 || conformer->right < 0 || conformer->left + conformer->right > 1 << 20)
        return error_set(error, "\"left_max_position_embeddings\" and \"right_max_position_embeddings\" must "
                                "be at least 0");
    if (!(conformer->rotary_base > 0))
        return error_set(error, "\"rotary_embedding_base\" must be above 0");
    return width % 2 == 0 || kind != POSITIONS_ROTARY ||
           error_set(error, "rotary positions need heads of an even width, not %lld", (long long)width);
}

/* ---- parameters ---- */

void conformer_declare(struct conformer *conformer, const struct encoder *encoder)
{
    conformer->layers = mem_zero((size_t)encoder->config.num_hidden_layers, sizeof *conformer->layers);
}

void conformer_close(struct conformer *conformer)
{
    free(conformer->layers);
}

static void declare_positions(const struct conformer *conformer, struct conformer_layer *l,
                              const struct encoder *encoder, struct parameters *p, const char *stem)
{
    const struct encoder_config *c = &encoder->config;
    int64_t width = c->hidden_size / c->num_attention_heads;
    const int64_t heads[4] = {c->num_attention_heads, width},
                  table[4] = {conformer->left + conformer->right + 1, width};
    const char *prefix = encoder->family->prefix;

    if (conformer->positions == POSITIONS_RELATIVE) {
        l->position = declare_linear(encoder, p, c->hidden_size, c->hidden_size, false,
                                     "%s.self_attn.linear_pos", stem);
        l->bias_u = parameters_add(p, true, INIT_ZEROS, 0, heads, "%s%s.self_attn.pos_bias_u", prefix, stem);
        l->bias_v = parameters_add(p, true, INIT_ZEROS, 0, heads, "%s%s.self_attn.pos_bias_v", prefix, stem);
    }
    if (conformer->positions == POSITIONS_RELATIVE_KEY)
        l->distances = parameters_add(p, true, INIT_NORMAL, c->initializer_range, table,
                                      "%s%s.self_attn.distance_embedding.weight", prefix, stem);
}

static void declare_convolution(const struct conformer *conformer, struct conformer_layer *l,
                                const struct encoder *encoder, struct parameters *p, const char *stem)
{
    int64_t hidden = encoder->config.hidden_size;
    const int64_t channels[4] = {hidden};
    const char *prefix = encoder->family->prefix;

    l->conv_norm = declare_norm(encoder, p, hidden, "%s.conv_module.layer_norm", stem);
    l->widen = declare_conv(encoder, p, 2 * hidden, hidden, 1, false, "%s.conv_module.pointwise_conv1", stem);
    l->depth =
        declare_conv(encoder, p, hidden, 1, conformer->kernel, false, "%s.conv_module.depthwise_conv", stem);
    l->depth_norm = declare_norm(encoder, p, hidden, "%s.conv_module.%s", stem,
                                 conformer->is_causal ? "depthwise_layer_norm" : "batch_norm");
    if (!conformer->is_causal) {
        l->depth_mean = parameters_add(p, true, INIT_ZEROS, 0, channels,
                                       "%s%s.conv_module.batch_norm.running_mean", prefix, stem);
        l->depth_variance = parameters_add(p, true, INIT_ONES, 0, channels,
                                           "%s%s.conv_module.batch_norm.running_var", prefix, stem);
        p->items[l->depth_mean].trainable = p->items[l->depth_variance].trainable = false;
        p->items[l->depth_mean].is_buffer = p->items[l->depth_variance].is_buffer = true;
    }
    l->back = declare_conv(encoder, p, hidden, hidden, 1, false, "%s.conv_module.pointwise_conv2", stem);
}

void conformer_declare_layer(struct conformer *conformer, struct encoder *encoder,
                             struct parameters *parameters, int64_t i)
{
    static const char *const names[PROJECTIONS] = {
        [QUERY] = "linear_q", [KEY] = "linear_k", [VALUE] = "linear_v", [OUT] = "linear_out"};
    struct conformer_layer *l = &conformer->layers[i];
    int64_t hidden = encoder->config.hidden_size, inner = encoder->config.intermediate_size;
    char stem[48], attention[64];

    snprintf(stem, sizeof stem, "%s%lld", encoder_layers_stem(encoder), (long long)i);
    snprintf(attention, sizeof attention, "%s.self_attn", stem);
    l->first_norm = declare_norm(encoder, parameters, hidden, "%s.ffn1_layer_norm", stem);
    l->first_in =
        declare_linear(encoder, parameters, inner, hidden, true, "%s.ffn1.intermediate_dense", stem);
    l->first_out = declare_linear(encoder, parameters, hidden, inner, true, "%s.ffn1.output_dense", stem);
    l->attention_norm = declare_norm(encoder, parameters, hidden, "%s.self_attn_layer_norm", stem);
    declare_attention(encoder, parameters, &l->attention, i, attention, names, true);
    declare_positions(conformer, l, encoder, parameters, stem);
    declare_convolution(conformer, l, encoder, parameters, stem);
    l->second_norm = declare_norm(encoder, parameters, hidden, "%s.ffn2_layer_norm", stem);
    l->second_in =
        declare_linear(encoder, parameters, inner, hidden, true, "%s.ffn2.intermediate_dense", stem);
    l->second_out = declare_linear(encoder, parameters, hidden, inner, true, "%s.ffn2.output_dense", stem);
    l->final_norm = declare_norm(encoder, parameters, hidden, "%s.final_layer_norm", stem);
    encoder->adaptable[i].items[FEED_FORWARD_IN] = &l->first_in;
    encoder->adaptable[i].items[FEED_FORWARD_OUT] = &l->first_out;
    encoder->adaptable[i].items[SECOND_IN] = &l->second_in;
    encoder->adaptable[i].items[SECOND_OUT] = &l->second_out;
}

/* ---- positions ---- */

/* Row m of (2T - 1, H): sines and cosines, in turn, of the distance T - 1 - m. */
static struct et_tensor *make_sinusoids(const struct pass *pass, struct et_scope *scope)
{
    int64_t frames = pass->frames, hidden = pass->encoder->config.hidden_size;
    const int64_t shape[2] = {2 * frames - 1, hidden};
    float *values = mem_zero((size_t)(shape[0] * hidden), sizeof *values);

    for (int64_t m = 0; m < shape[0]; m++)
        for (int64_t k = 0; k < hidden; k++) {
            double angle = (double)(frames - 1 - m) * exp(-log(10000) * (double)(k - k % 2) / (double)hidden);
            values[m * hidden + k] = (float)(k % 2 ? cos(angle) : sin(angle));
        }
    struct et_tensor *result =
        et_from_data(scope, values, ET_FLOAT32, shape, 2, pass->model->parameters.device);
    free(values);
    return result;
}

/* (2, T, width): cosines, then sines, of frame times frequency, twice over the width */
static struct et_tensor *make_rotation(const struct conformer *conformer, const struct pass *pass,
                                       struct et_scope *scope)
{
    const struct encoder_config *c = &pass->encoder->config;
    int64_t width = c->hidden_size / c->num_attention_heads, half = width / 2, frames = pass->frames;
    const int64_t shape[3] = {2, frames, width};
    float *values = mem_zero((size_t)(2 * frames * width), sizeof *values);

    for (int64_t t = 0; t < frames; t++)
        for (int64_t k = 0; k < width; k++) {
            double angle = (double)t * pow(conformer->rotary_base, -2.0 * (double)(k % half) / (double)width);
            values[t * width + k] = (float)cos(angle);
            values[(frames + t) * width + k] = (float)sin(angle);
        }
    struct et_tensor *result =
        et_from_data(scope, values, ET_FLOAT32, shape, 3, pass->model->parameters.device);
    free(values);
    return result;
}

struct et_tensor *conformer_make_positions(const struct conformer *conformer, const struct pass *pass,
                                           struct et_scope *scope)
{
    if (conformer->positions == POSITIONS_RELATIVE)
        return make_sinusoids(pass, scope);
    return conformer->positions == POSITIONS_ROTARY ? make_rotation(conformer, pass, scope) : NULL;
}

/* (T, T): which column of a table of distances each pair of frames takes: j - i, kept within the table, which
 * has `before` columns for earlier frames. */
static struct et_tensor *distance_index(const struct pass *pass, struct et_scope *s, int64_t before,
                                        int64_t after)
{
    int64_t frames = pass->frames;
    const int64_t shape[2] = {frames, frames};
    int64_t *index = mem_zero((size_t)(frames * frames), sizeof *index);

    for (int64_t i = 0; i < frames; i++)
        for (int64_t j = 0; j < frames; j++) {
            int64_t apart = j - i < -before ? -before : j - i > after ? after : j - i;
            index[i * frames + j] = apart + before;
        }
    struct et_tensor *result = et_from_data(s, index, ET_INT64, shape, 2, pass->model->parameters.device);
    free(index);
    return result;
}

/* What distances add to the scores (B, heads, T, T) of queries (B, heads, T, width), unscaled. */
static struct et_tensor *position_scores(const struct conformer *conformer, const struct pass *pass,
                                         struct et_scope *s, const struct conformer_layer *l,
                                         struct et_tensor *query)
{
    const struct encoder_config *c = &pass->encoder->config;
    int64_t heads = c->num_attention_heads, width = c->hidden_size / heads;
    const int64_t vector[4] = {1, heads, 1, width};

    if (conformer->positions == POSITIONS_RELATIVE_KEY) {
        struct et_tensor *table = et_transpose(s, pass_weight(pass, l->distances), 0, 1);
        return et_gather_rows(s, et_matmul(s, query, table),
                              distance_index(pass, s, conformer->left, conformer->right));
    }
    const int64_t rows[4] = {1, et_size(pass->positions, 0), heads, width};
    struct et_tensor *keys = et_reshape(s, apply_linear(pass, s, pass->positions, &l->position), rows, 4);
    keys = et_transpose(s, et_transpose(s, keys, 1, 2), 2, 3); /* (1, heads, width, 2T - 1) */
    query = et_add(s, query, et_reshape(s, pass_weight(pass, l->bias_v), vector, 4));
    return et_gather_rows(s, et_matmul(s, query, keys),
                          distance_index(pass, s, pass->frames - 1, pass->frames - 1));
}

/* x (B, T, H), each head's halves turned by their positions. */
static struct et_tensor *rotate(const struct pass *pass, struct et_scope *s, struct et_tensor *x)
{
    struct et_tensor *heads = split_heads(pass, s, x); /* (B, heads, T, width) */
    int64_t half = et_size(heads, 3) / 2;
    const int64_t single[4] = {1, 1, et_size(heads, 2), 2 * half};
    struct et_tensor *const turned[2] = {et_mul_scalar(s, et_narrow(s, heads, 3, half, half), -1),
                                         et_narrow(s, heads, 3, 0, half)};
    struct et_tensor *cosines = et_reshape(s, et_narrow(s, pass->positions, 0, 0, 1), single, 4),
                     *sines = et_reshape(s, et_narrow(s, pass->positions, 0, 1, 1), single, 4);

    return join_heads(pass, s,
                      et_add(s, et_mul(s, heads, cosines), et_mul(s, et_cat(s, turned, 2, 3), sines)));
}

/* ---- the layer ---- */

static struct et_tensor *norm(const struct conformer *conformer, const struct pass *pass, struct et_scope *s,
                              struct et_tensor *x, const struct affine *a)
{
    return et_layer_norm(s, x, pass_weight(pass, a->weight), pass_weight(pass, a->bias), conformer->norm_eps);
}

static struct et_tensor *swish(struct et_scope *s, struct et_tensor *x)
{
    return et_mul(s, x, et_sigmoid(s, x));
}

/* x + half of the feed-forward network */
static struct et_tensor *feed_forward(const struct conformer *conformer, const struct pass *pass,
                                      struct et_scope *s, struct et_tensor *x, const struct affine parts[3])
{
    const struct encoder_config *c = &pass->encoder->config;
    struct et_tensor *y = apply_linear(pass, s, norm(conformer, pass, s, x, &parts[0]), &parts[1]);

    y = apply_linear(pass, s, apply_dropout(pass, s, swish(s, y), c->activation_dropout), &parts[2]);
    return et_add(s, x, et_mul_scalar(s, apply_dropout(pass, s, y, c->hidden_dropout), 0.5));
}

static struct et_tensor *attend(const struct conformer *conformer, const struct pass *pass,
                                struct et_scope *s, struct et_tensor *x, const struct conformer_layer *l)
{
    const struct encoder_config *c = &pass->encoder->config;
    int64_t heads = c->num_attention_heads, width = c->hidden_size / heads;
    const int64_t vector[4] = {1, heads, 1, width};
    struct et_tensor *turned = conformer->positions == POSITIONS_ROTARY ? rotate(pass, s, x) : x;
    struct et_tensor *query = split_heads(pass, s,
                                          apply_linear(pass, s, turned, &l->attention.projections[QUERY])),
                     *key =
                         split_heads(pass, s, apply_linear(pass, s, turned, &l->attention.projections[KEY])),
                     *value =
                         split_heads(pass, s, apply_linear(pass, s, x, &l->attention.projections[VALUE]));
    bool has_scores =
        conformer->positions == POSITIONS_RELATIVE || conformer->positions == POSITIONS_RELATIVE_KEY;
    struct et_tensor *more = has_scores ? position_scores(conformer, pass, s, l, query) : NULL;

    if (conformer->positions == POSITIONS_RELATIVE)
        query = et_add(s, query, et_reshape(s, pass_weight(pass, l->bias_u), vector, 4));
    struct et_tensor *scores = et_matmul(s, query, et_transpose(s, key, 2, 3));
    if (more)
        scores = et_add(s, scores, more);
    scores = et_mul_scalar(s, scores, 1 / sqrt((double)width));
    return apply_linear(pass, s, attend_by_scores(pass, s, scores, value), &l->attention.projections[OUT]);
}

/* The depthwise convolution and its norm.  x (B, T, H) */
static struct et_tensor *convolve_depth(const struct conformer *conformer, const struct pass *pass,
                                        struct et_scope *s, struct et_tensor *x,
                                        const struct conformer_layer *l)
{
    int64_t frames = et_size(x, 1), reach = conformer->kernel - 1;

    x = et_conv1d(s, et_transpose(s, x, 1, 2), pass_weight(pass, l->depth.weight), NULL, 1,
                  conformer->is_causal ? reach : reach / 2, et_size(x, 2));
    if (conformer->is_causal)
        return norm(conformer, pass, s, et_transpose(s, et_narrow(s, x, 2, 0, frames), 1, 2), &l->depth_norm);
    x = et_batch_norm(s, et_to_dtype(s, x, ET_FLOAT32), pass_weight(pass, l->depth_norm.weight),
                      pass_weight(pass, l->depth_norm.bias), pass_weight(pass, l->depth_mean),
                      pass_weight(pass, l->depth_variance), pass_learns(pass, l->depth_norm.weight),
                      pass->again ? 0 : BATCH_NORM_MOMENTUM, BATCH_NORM_EPS);
    return et_transpose(s, x, 1, 2);
}

/* A convolution of one frame is a linear layer. */
static struct et_tensor *pointwise(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                   const struct affine *a)
{
    struct et_tensor *weight = pass_weight(pass, a->weight);
    const int64_t shape[2] = {et_size(weight, 0), et_size(weight, 1)};

    return et_linear(s, x, et_reshape(s, weight, shape, 2), NULL);
}

static struct et_tensor *convolve(const struct conformer *conformer, const struct pass *pass,
                                  struct et_scope *s, struct et_tensor *x, const struct conformer_layer *l)
{
    int64_t hidden = et_size(x, 2);

    x = clear_hidden(pass, s, norm(conformer, pass, s, x, &l->conv_norm));
    x = pointwise(pass, s, x, &l->widen);
    x = et_mul(s, et_narrow(s, x, 2, 0, hidden), et_sigmoid(s, et_narrow(s, x, 2, hidden, hidden)));
    x = swish(s, convolve_depth(conformer, pass, s, x, l));
    return apply_dropout(pass, s, pointwise(pass, s, x, &l->back), pass->encoder->config.conv_dropout);
}

struct et_tensor *conformer_run_layer(const struct conformer *conformer, const struct pass *pass,
                                      struct et_scope *s, struct et_tensor *x, int64_t i)
{
    const struct conformer_layer *l = &conformer->layers[i];
    const struct affine first[3] = {l->first_norm, l->first_in, l->first_out},
                        second[3] = {l->second_norm, l->second_in, l->second_out};

    x = feed_forward(conformer, pass, s, x, first);
    struct et_tensor *y = attend(conformer, pass, s, norm(conformer, pass, s, x, &l->attention_norm), l);
    x = et_add(s, x, apply_dropout(pass, s, y, pass->encoder->config.attention_dropout));
    x = et_add(s, x, convolve(conformer, pass, s, x, l));
    x = feed_forward(conformer, pass, s, x, second);
    return norm(conformer, pass, s, x, &l->final_norm);
}

/* ---- in ONNX ---- */

static const char *onnx_norm(const struct conformer *conformer, const struct graph_builder *d, const char *x,
                             const struct affine *a)
{
    return onnx_layer_norm(d->graph, x, graph_weight(d, a->weight), graph_weight(d, a->bias),
                           conformer->norm_eps);
}

static const char *onnx_swish(struct onnx *g, const char *x)
{
    return onnx_binary(g, "Mul", x, onnx_unary(g, "Sigmoid", x));
}

static const char *onnx_feed_forward(const struct conformer *conformer, const struct graph_builder *d,
                                     const char *x, const struct affine parts[3])
{
    struct onnx *g = d->graph;
    const char *y = graph_linear(d, onnx_norm(conformer, d, x, &parts[0]), &parts[1]);

    y = graph_linear(d, onnx_swish(g, y), &parts[2]);
    return onnx_binary(g, "Add", x, onnx_binary(g, "Mul", y, onnx_number(g, 0.5)));
}

/* Frame times frequency: (T, count) */
static const char *onnx_angles(const struct graph_builder *d, const char *range, const double *frequencies,
                               int64_t count)
{
    static const int64_t column[2] = {-1, 1};
    struct onnx *g = d->graph;

    return onnx_binary(g, "Mul", onnx_reshape(g, range, column, 2),
                       onnx_numbers(g, frequencies, (size_t)count));
}

/* (2T - 1, H), as make_sinusoids */
static const char *onnx_sinusoids(const struct graph_builder *d, const char *x)
{
    struct onnx *g = d->graph;
    int64_t hidden = d->encoder->config.hidden_size;
    const int64_t pairs[3] = {0, 0, 1}, whole[2] = {0, -1};
    double *frequencies = mem_zero((size_t)hidden, sizeof *frequencies);

    for (int64_t k = 0; k < hidden / 2; k++)
        frequencies[k] = exp(-log(10000) * 2 * (double)k / (double)hidden);
    const char *angles = onnx_angles(d, onnx_distance_range(g, x), frequencies, hidden / 2);
    free(frequencies);
    const char *sines = onnx_reshape(g, onnx_unary(g, "Sin", angles), pairs, 3),
               *cosines = onnx_reshape(g, onnx_unary(g, "Cos", angles), pairs, 3);
    return onnx_reshape(g, onnx_concat(g, sines, cosines, 2), whole, 2);
}

/* Transformer-XL's shift: row i of (B, heads, T, 2T - 1) begins T - 1 - i columns later -> (B, heads, T, T)
 */
static const char *onnx_shift(struct onnx *g, const char *scores, const char *x)
{
    const int64_t pads[8] = {0, 0, 0, 1}, tall[4] = {0, 0, -1, ONNX_FRAMES},
                  wide[4] = {0, 0, ONNX_FRAMES, -1};
    const char *frames = onnx_frames(g, x), *zero = onnx_integers(g, (const int64_t[1]){0}, 1),
               *last = onnx_integers(g, (const int64_t[1]){3}, 1);
    const char *y = onnx_reshape_by(g, onnx_pad(g, scores, pads, 8), tall, 4, frames);

    y = onnx_reshape_by(g, onnx_slice(g, y, 2, 1, INT64_MAX), wide, 4, frames);
    const char *const inputs[4] = {y, zero, frames, last};
    return onnx_node(g, "Slice", inputs, 4, NULL, 0);
}

static const char *onnx_position_scores(const struct conformer *conformer, const struct graph_builder *d,
                                        const struct conformer_layer *l, const char *query, const char *x)
{
    struct onnx *g = d->graph;
    const struct encoder_config *c = &d->encoder->config;
    int64_t heads = c->num_attention_heads, width = c->hidden_size / heads;
    const int64_t rows[4] = {1, -1, heads, width}, order[4] = {0, 2, 3, 1}, vector[4] = {1, heads, 1, width};

    if (conformer->positions == POSITIONS_RELATIVE_KEY) {
        const char *vectors = onnx_gather(g, onnx_tensor(g, graph_weight(d, l->distances)),
                                          onnx_distances(g, x, conformer->left, conformer->right));
        return onnx_einsum(g, "bhld,lrd->bhlr", query, vectors);
    }
    const char *keys = onnx_reshape(g, graph_linear(d, onnx_sinusoids(d, x), &l->position), rows, 4);
    struct et_tensor *bias = et_reshape(g->scope, graph_weight(d, l->bias_v), vector, 4);
    query = onnx_binary(g, "Add", query, onnx_tensor(g, bias));
    return onnx_shift(g, onnx_binary(g, "MatMul", query, onnx_transpose(g, keys, order, 4)), x);
}

static const char *onnx_rotate(const struct conformer *conformer, const struct graph_builder *d,
                               const char *x)
{
    struct onnx *g = d->graph;
    const struct encoder_config *c = &d->encoder->config;
    int64_t width = c->hidden_size / c->num_attention_heads, half = width / 2;
    double *frequencies = mem_zero((size_t)width, sizeof *frequencies);

    for (int64_t k = 0; k < width; k++)
        frequencies[k] = pow(conformer->rotary_base, -2.0 * (double)(k % half) / (double)width);
    const char *angles = onnx_angles(d, onnx_range_number(g, x), frequencies, width);
    free(frequencies);
    const char *heads = graph_split_heads(d, x), *minus = onnx_number(g, -1);
    const char *turned = onnx_concat(g, onnx_binary(g, "Mul", onnx_slice(g, heads, 3, half, width), minus),
                                     onnx_slice(g, heads, 3, 0, half), 3);
    return graph_join_heads(d,
                            onnx_binary(g, "Add", onnx_binary(g, "Mul", heads, onnx_unary(g, "Cos", angles)),
                                        onnx_binary(g, "Mul", turned, onnx_unary(g, "Sin", angles))));
}

static const char *onnx_attend(const struct conformer *conformer, const struct graph_builder *d,
                               const char *x, const struct conformer_layer *l)
{
    struct onnx *g = d->graph;
    const struct encoder_config *c = &d->encoder->config;
    int64_t heads = c->num_attention_heads, width = c->hidden_size / heads;
    const int64_t vector[4] = {1, heads, 1, width};
    const struct affine *p = l->attention.projections;
    const char *turned = conformer->positions == POSITIONS_ROTARY ? onnx_rotate(conformer, d, x) : x;
    const char *query = graph_split_heads(d, graph_linear(d, turned, &p[QUERY])),
               *key = graph_split_heads(d, graph_linear(d, turned, &p[KEY])),
               *value = graph_split_heads(d, graph_linear(d, x, &p[VALUE])), *more = NULL;

    if (conformer->positions == POSITIONS_RELATIVE || conformer->positions == POSITIONS_RELATIVE_KEY)
        more = onnx_binary(g, "Mul", onnx_position_scores(conformer, d, l, query, x),
                           onnx_number(g, 1 / sqrt((double)width)));
    if (conformer->positions == POSITIONS_RELATIVE)
        query = onnx_binary(g, "Add", query,
                            onnx_tensor(g, et_reshape(g->scope, graph_weight(d, l->bias_u), vector, 4)));
    return graph_linear(d, graph_attend(d, query, key, value, more), &p[OUT]);
}

/* x (B, C, T) */
static const char *onnx_batch_norm(const struct graph_builder *d, const char *x,
                                   const struct conformer_layer *l)
{
    struct onnx *g = d->graph;
    const char *const inputs[5] = {x, onnx_tensor(g, graph_weight(d, l->depth_norm.weight)),
                                   onnx_tensor(g, graph_weight(d, l->depth_norm.bias)),
                                   onnx_tensor(g, graph_weight(d, l->depth_mean)),
                                   onnx_tensor(g, graph_weight(d, l->depth_variance))};
    const struct onnx_attribute eps = {.name = "epsilon", .type = ONNX_FLOAT, .number = BATCH_NORM_EPS};

    return onnx_node(g, "BatchNormalization", inputs, 5, &eps, 1);
}

static const char *onnx_convolve(const struct conformer *conformer, const struct graph_builder *d,
                                 const char *x, const struct conformer_layer *l)
{
    static const int64_t none[2] = {0, 0};
    struct onnx *g = d->graph;
    int64_t hidden = d->encoder->config.hidden_size, reach = conformer->kernel - 1;
    const int64_t pads[2] = {conformer->is_causal ? reach : reach / 2, conformer->is_causal ? 0 : reach / 2};

    x = onnx_transpose(g, onnx_norm(conformer, d, x, &l->conv_norm), ONNX_SWAP, 3);
    x = graph_conv(d, x, graph_weight(d, l->widen.weight), NULL, 1, none, 1);
    x = onnx_binary(g, "Mul", onnx_slice(g, x, 1, 0, hidden),
                    onnx_unary(g, "Sigmoid", onnx_slice(g, x, 1, hidden, 2 * hidden)));
    x = graph_conv(d, x, graph_weight(d, l->depth.weight), NULL, 1, pads, hidden);
    if (conformer->is_causal)
        x = onnx_transpose(g, onnx_norm(conformer, d, onnx_transpose(g, x, ONNX_SWAP, 3), &l->depth_norm),
                           ONNX_SWAP, 3);
    else
        x = onnx_batch_norm(d, x, l);
    x = graph_conv(d, onnx_swish(g, x), graph_weight(d, l->back.weight), NULL, 1, none, 1);
    return onnx_transpose(g, x, ONNX_SWAP, 3);
}

const char *conformer_onnx_layer(const struct conformer *conformer, const struct graph_builder *d,
                                 const char *x, int64_t i)
{
    struct onnx *g = d->graph;
    const struct conformer_layer *l = &conformer->layers[i];
    const struct affine first[3] = {l->first_norm, l->first_in, l->first_out},
                        second[3] = {l->second_norm, l->second_in, l->second_out};

    x = onnx_feed_forward(conformer, d, x, first);
    x = onnx_binary(g, "Add", x,
                    onnx_attend(conformer, d, onnx_norm(conformer, d, x, &l->attention_norm), l));
    x = onnx_binary(g, "Add", x, onnx_convolve(conformer, d, x, l));
    x = onnx_feed_forward(conformer, d, x, second);
    return onnx_norm(conformer, d, x, &l->final_norm);
}
