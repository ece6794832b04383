/*
 * An encoder's predictions as a graph in ONNX, from samples to probabilities: what encoder_forward.c computes
 * of clips of one length.
 */
#include "model/encoder/blocks.h"

/* Adds hidden state `index` to `sum`: weighted, or beside those already there. */
static const char *mix(const struct graph_builder *d, const char *sum, const char *x, int64_t index)
{
    const struct layer_mix *m = &d->encoder->mix;
    struct et_scope *s = d->graph->scope;

    if (m->kind == LAYERS_SEVERAL && layer_mix_has(m, index))
        return sum ? onnx_concat(d->graph, sum, x, 2) : x;
    if (m->kind != LAYERS_WEIGHTED)
        return sum;
    struct et_tensor *share = et_narrow(s, et_softmax(s, graph_weight(d, m->weights), 0), 0, index, 1);
    const char *part = onnx_binary(d->graph, "Mul", x, onnx_tensor(d->graph, share));
    return sum ? onnx_binary(d->graph, "Add", sum, part) : part;
}

/* x (B, T, H), the transformer's input -> the hidden state to pool over time */
static const char *transform(const struct graph_builder *d, const char *x)
{
    const struct encoder *encoder = d->encoder;
    int64_t depth = layer_mix_depth(&encoder->mix);
    const char *sum = NULL;

    for (int64_t i = 0; i < depth; i++) {
        sum = mix(d, sum, x, i);
        x = encoder->family->onnx_layer(d, x, i);
    }
    if (depth == encoder->mix.layers && encoder_norms_last(encoder))
        x = graph_norm(d, x, &encoder->final_norm);
    sum = mix(d, sum, x, depth);
    x = sum ? sum : x;
    return encoder->extra > 0 ? onnx_slice(d->graph, x, 1, encoder->extra, INT64_MAX) : x;
}

/* x (B, T, H) without the frames of the silence that clips are padded with. */
static const char *own_frames(const struct graph_builder *d, const char *x, const char *samples)
{
    static const int64_t first[1] = {0}, axis[1] = {1};
    const char *const inputs[4] = {x, onnx_integers(d->graph, first, 1),
                                   d->encoder->family->onnx_frames(d, samples),
                                   onnx_integers(d->graph, axis, 1)};

    return onnx_node(d->graph, "Slice", inputs, 4, NULL, 0);
}

/* Mean over frames and values of a clip.  x (B, T, H) -> (B, 1, 1) */
static const char *clip_mean(const struct graph_builder *d, const char *x)
{
    return onnx_over(d->graph, "ReduceMean", onnx_over(d->graph, "ReduceMean", x, 2, true), 1, true);
}

static const char *norm_output(const struct graph_builder *d, const char *x)
{
    struct onnx *g = d->graph;
    const char *centred = onnx_binary(g, "Sub", x, clip_mean(d, x));
    const char *variance = clip_mean(d, onnx_binary(g, "Mul", centred, centred));

    variance = onnx_binary(g, "Add", variance, onnx_number(g, ENCODER_OUTPUT_NORM_EPS));
    return onnx_binary(g, "Div", centred, onnx_unary(g, "Sqrt", variance));
}

const char *encoder_onnx(const struct model *model, struct onnx *graph, const char *samples)
{
    const struct graph_builder d = {graph, model, model->state};
    const char *x = transform(&d, d.encoder->family->onnx_embed(&d, samples));

    if (d.encoder->context > 0 && !model->pooling_includes_padding)
        x = own_frames(&d, x, samples);

    if (d.encoder->norms_output)
        x = norm_output(&d, x);
    x = model->pooling->build_onnx(graph, x, &model->parameters, d.encoder->pooling);
    return head_build_onnx(&d.encoder->head, &model->parameters, graph, x);
}
