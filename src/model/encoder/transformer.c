/* The transformer layer: see transformer.h. */
#include "model/encoder/transformer.h"

#include <math.h>
#include <string.h>

const struct transformer_names TRANSFORMER_NAMES = {
    .attention = "attention",
    .projections = {[QUERY] = "q_proj", [KEY] = "k_proj", [VALUE] = "v_proj", [OUT] = "out_proj"},
    .attention_norm = "layer_norm",
    .intermediate = "feed_forward.intermediate_dense",
    .output = "feed_forward.output_dense",
    .final_norm = "final_layer_norm"};

bool transformer_configure(const cJSON *json, const char *activation, struct error *error)
{
    static const char *const gelu[] = {"gelu"};
    size_t only;

    return encoder_config_choice(json, activation, gelu[0], gelu, 1, &only, error);
}

void transformer_declare_layer(struct transformer_layer *layer, struct encoder *encoder,
                               struct parameters *parameters, int64_t i,
                               const struct transformer_names *names)
{
    const struct encoder_config *c = &encoder->config;
    char stem[96];

    snprintf(stem, sizeof stem, "%s%lld.%s", encoder_layers_stem(encoder), (long long)i, names->attention);
    declare_attention(encoder, parameters, &layer->attention, i, stem, names->projections,
                      !names->no_key_bias);
    *strrchr(stem, '.') = '\0';
    layer->attention_norm =
        declare_norm(encoder, parameters, c->hidden_size, "%s.%s", stem, names->attention_norm);
    layer->intermediate = declare_linear(encoder, parameters, c->intermediate_size, c->hidden_size, true,
                                         "%s.%s", stem, names->intermediate);
    layer->output = declare_linear(encoder, parameters, c->hidden_size, c->intermediate_size, true, "%s.%s",
                                   stem, names->output);
    encoder->adaptable[i].items[FEED_FORWARD_IN] = &layer->intermediate;
    encoder->adaptable[i].items[FEED_FORWARD_OUT] = &layer->output;
    layer->final_norm = declare_norm(encoder, parameters, c->hidden_size, "%s.%s", stem, names->final_norm);
}

static struct et_tensor *attend(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                const struct transformer_layer *layer, attention_bias *bias)
{
    const struct encoder_config *c = &pass->encoder->config;
    const struct attention *a = &layer->attention;
    double p = pass->mode->training ? c->attention_dropout : 0;
    struct et_tensor *query = apply_linear(pass, s, x, &a->projections[QUERY]),
                     *key = apply_linear(pass, s, x, &a->projections[KEY]),
                     *value = apply_linear(pass, s, x, &a->projections[VALUE]), *mixed;

    if (bias) {
        double scale = 1 / sqrt((double)(c->hidden_size / c->num_attention_heads));
        struct et_tensor *scores = et_matmul(s, et_mul_scalar(s, split_heads(pass, s, query), scale),
                                             et_transpose(s, split_heads(pass, s, key), 2, 3));
        mixed = attend_by_scores(pass, s, et_add(s, scores, bias(pass, s, x, layer)),
                                 split_heads(pass, s, value));
    } else if (pass->packed) {
        mixed =
            et_attention_packed(s, query, key, value, pass->visible, pass->clips, c->num_attention_heads, p);
    } else {
        mixed = et_attention(s, query, key, value, pass->key_padding, c->num_attention_heads, p);
    }
    return apply_linear(pass, s, mixed, &a->projections[OUT]);
}

static struct et_tensor *feed_forward(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                      const struct transformer_layer *layer)
{
    x = et_gelu(s, apply_linear(pass, s, x, &layer->intermediate));
    x = apply_dropout(pass, s, x, pass->encoder->config.activation_dropout);
    return apply_linear(pass, s, x, &layer->output);
}

struct et_tensor *transformer_run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                        const struct transformer_layer *layer, attention_bias *bias)
{
    if (pass->encoder->config.do_stable_layer_norm) {
        struct et_tensor *normed = apply_norm(pass, s, x, &layer->attention_norm);
        x = add_dropped(pass, s, x, attend(pass, s, normed, layer, bias));
        normed = apply_norm(pass, s, x, &layer->final_norm);
        return add_dropped(pass, s, x, feed_forward(pass, s, normed, layer));
    }
    x = add_dropped(pass, s, x, attend(pass, s, x, layer, bias));
    x = apply_norm(pass, s, x, &layer->attention_norm);
    x = add_dropped(pass, s, x, feed_forward(pass, s, x, layer));
    return apply_norm(pass, s, x, &layer->final_norm);
}

/* ---- in ONNX ---- */

static const char *onnx_attend(const struct graph_builder *d, const char *x,
                               const struct transformer_layer *layer, graph_bias *bias)
{
    const struct affine *p = layer->attention.projections;
    const char *query = graph_split_heads(d, graph_linear(d, x, &p[QUERY])),
               *key = graph_split_heads(d, graph_linear(d, x, &p[KEY])),
               *value = graph_split_heads(d, graph_linear(d, x, &p[VALUE]));

    return graph_linear(d, graph_attend(d, query, key, value, bias ? bias(d, x, layer) : NULL), &p[OUT]);
}

static const char *onnx_feed_forward(const struct graph_builder *d, const char *x,
                                     const struct transformer_layer *layer)
{
    return graph_linear(d, onnx_gelu(d->graph, graph_linear(d, x, &layer->intermediate)), &layer->output);
}

const char *transformer_onnx_layer(const struct graph_builder *d, const char *x,
                                   const struct transformer_layer *layer, graph_bias *bias)
{
    struct onnx *g = d->graph;

    if (d->encoder->config.do_stable_layer_norm) {
        const char *normed = graph_norm(d, x, &layer->attention_norm);
        x = onnx_binary(g, "Add", x, onnx_attend(d, normed, layer, bias));
        return onnx_binary(g, "Add", x, onnx_feed_forward(d, graph_norm(d, x, &layer->final_norm), layer));
    }
    x = graph_norm(d, onnx_binary(g, "Add", x, onnx_attend(d, x, layer, bias)), &layer->attention_norm);
    return graph_norm(d, onnx_binary(g, "Add", x, onnx_feed_forward(d, x, layer)), &layer->final_norm);
}
