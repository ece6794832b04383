/*
 * The transformer layer of wav2vec 2.0 and its relatives (Vaswani et al., 2017, with GELU): attention and a
 * feed-forward network, norms before or after each ("stable" layer norm, or not).
 */
#ifndef EMOTRAIN_MODEL_ENCODER_TRANSFORMER_H
#define EMOTRAIN_MODEL_ENCODER_TRANSFORMER_H

#include "model/encoder/blocks.h"

struct transformer_layer {
    struct attention attention;
    struct affine attention_norm, intermediate, output, final_norm;
};

/* What checkpoints call the parts of a layer, behind "encoder.layers.N.". */
struct transformer_names {
    const char *attention, *projections[PROJECTIONS], *attention_norm, *intermediate, *output, *final_norm;
    bool no_key_bias;
};

extern const struct transformer_names TRANSFORMER_NAMES; /* wav2vec 2.0's */

/* "gelu" is the one activation there is: fails where config.json wants another. */
bool transformer_configure(const cJSON *json, const char *activation, struct error *error);

void transformer_declare_layer(struct transformer_layer *layer, struct encoder *encoder,
                               struct parameters *parameters, int64_t i,
                               const struct transformer_names *names);

/* x (B, T, H) or (1, N, H) -> the same.  bias: added to the scaled scores of the attention, broadcast to
 * (B, heads, T, T), by a function that is given the attention's input; NULL: none is. */
typedef struct et_tensor *attention_bias(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                         const struct transformer_layer *layer);
struct et_tensor *transformer_run_layer(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                                        const struct transformer_layer *layer, attention_bias *bias);

typedef const char *graph_bias(const struct graph_builder *d, const char *x,
                               const struct transformer_layer *layer);
const char *transformer_onnx_layer(const struct graph_builder *d, const char *x,
                                   const struct transformer_layer *layer, graph_bias *bias);

#endif
