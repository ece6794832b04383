/* Positions by several convolutions: see stacked_positions.h. */
#include "model/encoder/stacked_positions.h"

static const double NORM_EPS = 1e-5;

bool stacked_positions_check(const struct stacked_positions *positions, const struct encoder *encoder,
                             struct error *error)
{
    int64_t hidden = encoder->config.hidden_size;

    if (positions->count < 1 || positions->count > STACKED_POSITIONS_MAX)
        return error_set(error, "there must be 1 to %d positional convolutions, not %lld",
                         STACKED_POSITIONS_MAX, (long long)positions->count);
    return hidden % positions->groups == 0 ||
           error_set(error, "the hidden size %lld is no multiple of the positional convolutions' %lld groups",
                     (long long)hidden, (long long)positions->groups);
}

void stacked_positions_declare(struct stacked_positions *positions, const struct encoder *encoder,
                               struct parameters *parameters, const char *before, const char *after)
{
    int64_t hidden = encoder->config.hidden_size;

    for (int64_t i = 0; i < positions->count; i++)
        positions->convolutions[i] =
            declare_conv(encoder, parameters, hidden, hidden / positions->groups, positions->kernel, true,
                         "%s.%lld.%s", before, (long long)i, after);
}

struct et_tensor *stacked_positions_add(const struct stacked_positions *positions, const struct pass *pass,
                                        struct et_scope *s, struct et_tensor *x)
{
    struct et_tensor *y = x;

    for (int64_t i = 0; i < positions->count; i++) {
        const struct affine *a = &positions->convolutions[i];
        y = et_conv1d(s, et_transpose(s, y, 1, 2), pass_weight(pass, a->weight), pass_weight(pass, a->bias),
                      1, positions->kernel / 2, positions->groups);
        if (positions->kernel % 2 == 0) /* an even kernel gives one frame too many */
            y = et_narrow(s, y, 2, 0, et_size(x, 1));
        y = et_gelu(s, et_layer_norm(s, et_transpose(s, y, 1, 2), NULL, NULL, NORM_EPS));
        y = clear_hidden(pass, s, y); /* as if the clip ended there */
    }
    return et_add(s, x, y);
}

const char *stacked_positions_onnx(const struct stacked_positions *positions, const struct graph_builder *d,
                                   const char *x)
{
    struct onnx *g = d->graph;
    const int64_t padding[2] = {positions->kernel / 2, positions->kernel / 2 - (positions->kernel % 2 == 0)};
    const char *y = x;

    for (int64_t i = 0; i < positions->count; i++) {
        const struct affine *a = &positions->convolutions[i];
        y = graph_conv(d, onnx_transpose(g, y, ONNX_SWAP, 3), graph_weight(d, a->weight),
                       graph_weight(d, a->bias), 1, padding, positions->groups);
        y = onnx_gelu(g, onnx_plain_norm(g, onnx_transpose(g, y, ONNX_SWAP, 3),
                                         d->encoder->config.hidden_size, NORM_EPS));
    }
    return onnx_binary(g, "Add", x, y);
}
