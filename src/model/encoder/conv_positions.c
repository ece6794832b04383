/* Positions by convolution: see conv_positions.h. */
#include "model/encoder/conv_positions.h"

#include <math.h>

bool conv_positions_configure(struct conv_positions *positions, const struct encoder *encoder,
                              const cJSON *json, struct error *error)
{
    int64_t hidden = encoder->config.hidden_size;

    positions->kernel = 128;
    positions->groups = 16;
    if (!encoder_config_size(json, "num_conv_pos_embeddings", &positions->kernel, 1 << 12, error) ||
        !encoder_config_size(json, "num_conv_pos_embedding_groups", &positions->groups, 1 << 12, error))
        return false;
    return hidden % positions->groups == 0 ||
           error_set(error, "\"hidden_size\" %lld is no multiple of \"num_conv_pos_embedding_groups\" %lld",
                     (long long)hidden, (long long)positions->groups);
}

void conv_positions_declare(struct conv_positions *positions, const struct encoder *encoder,
                            struct parameters *parameters)
{
    int64_t hidden = encoder->config.hidden_size;
    const int64_t v[4] = {hidden, hidden / positions->groups, positions->kernel},
                  g[4] = {1, 1, positions->kernel}, bias[4] = {hidden};
    double scale = 2 * sqrt(1.0 / (double)(positions->kernel * hidden));
    const char *prefix = encoder->family->prefix, *stem = "encoder.pos_conv_embed.conv";

    positions->v = parameters_add(parameters, true, INIT_NORMAL, scale, v, "%s%s.weight_v", prefix, stem);
    positions->g = parameters_add(parameters, true, INIT_NORM_OF, 0, g, "%s%s.weight_g", prefix, stem);
    positions->bias = parameters_add(parameters, true, INIT_ZEROS, 0, bias, "%s%s.bias", prefix, stem);
}

struct et_tensor *conv_positions_add(const struct conv_positions *positions, const struct pass *pass,
                                     struct et_scope *s, struct et_tensor *x)
{
    struct et_tensor *kernel =
        et_weight_norm(s, pass_weight(pass, positions->v), pass_weight(pass, positions->g), 2);
    struct et_tensor *y = et_conv1d(s, et_transpose(s, x, 1, 2), kernel, pass_weight(pass, positions->bias),
                                    1, positions->kernel / 2, positions->groups);

    if (positions->kernel % 2 == 0) /* an even kernel gives one frame too many */
        y = et_narrow(s, y, 2, 0, et_size(x, 1));
    return et_add(s, x, et_transpose(s, et_gelu(s, y), 1, 2));
}

const char *conv_positions_onnx(const struct conv_positions *positions, const struct graph_builder *d,
                                const char *x)
{
    struct onnx *g = d->graph;
    const int64_t padding[2] = {positions->kernel / 2, positions->kernel / 2};
    struct et_tensor *kernel =
        et_weight_norm(g->scope, graph_weight(d, positions->v), graph_weight(d, positions->g), 2);
    const char *y = graph_conv(d, onnx_transpose(g, x, ONNX_SWAP, 3), kernel,
                               graph_weight(d, positions->bias), 1, padding, positions->groups);

    if (positions->kernel % 2 == 0)
        y = onnx_slice(g, y, 2, 0, -1);
    return onnx_binary(g, "Add", x, onnx_transpose(g, onnx_gelu(g, y), ONNX_SWAP, 3));
}
