/* wav2vec 2.0's parts, which WavLM has too. */
#ifndef EMOTRAIN_MODEL_ENCODER_WAV2VEC2_H
#define EMOTRAIN_MODEL_ENCODER_WAV2VEC2_H

#include "model/encoder/conv_frontend.h"
#include "model/encoder/conv_positions.h"
#include "model/encoder/transformer.h"

/* Behind a layer's feed-forward network, for a language each (MMS, Pratap et al., 2023). */
struct language_adapter {
    struct affine norm, down, up;
};

struct wav2vec2 {
    struct conv_frontend front;
    struct conv_positions positions;
    struct transformer_layer *layers;
    struct language_adapter *adapters; /* (layers); NULL: there are none */
    int64_t adapter_width;             /* adapter_attn_dim */
    void *own;                         /* of a family that has more */
};

bool wav2vec2_configure(struct encoder *encoder, cJSON *json, struct error *error);
void wav2vec2_declare(struct encoder *encoder, struct parameters *parameters);
void wav2vec2_declare_layer(struct encoder *encoder, struct parameters *parameters, int64_t i);
struct et_tensor *wav2vec2_embed(const struct pass *pass, struct et_scope *scope, struct et_tensor *features);
const char *wav2vec2_onnx_embed(const struct graph_builder *d, const char *samples);
void wav2vec2_close(struct encoder *encoder);

#endif
