/*
 * The conformer layer (Gulati et al., 2020): half a feed-forward network, attention with relative or rotary
 * positions, a convolution over time, the other half.  Of wav2vec2-conformer and w2v-BERT 2.0.
 */
#ifndef EMOTRAIN_MODEL_ENCODER_CONFORMER_H
#define EMOTRAIN_MODEL_ENCODER_CONFORMER_H

#include "model/encoder/blocks.h"

/* "position_embeddings_type" */
enum conformer_positions {
    POSITIONS_RELATIVE,     /* sinusoids of distances, Dai et al., 2019 */
    POSITIONS_ROTARY,       /* Su et al., 2021 */
    POSITIONS_RELATIVE_KEY, /* a learned vector per distance, Shaw et al., 2018 */
    POSITIONS_NONE
};

struct conformer_layer {
    struct affine first_norm, first_in, first_out;    /* ffn1 */
    struct affine second_norm, second_in, second_out; /* ffn2 */
    struct affine attention_norm, conv_norm, final_norm;
    struct attention attention;
    struct affine position;           /* POSITIONS_RELATIVE: linear_pos */
    size_t bias_u, bias_v;            /* likewise: (heads, width) */
    size_t distances;                 /* POSITIONS_RELATIVE_KEY: (left + right + 1, width) */
    struct affine widen, depth, back; /* of the convolution: pointwise, depthwise, pointwise */
    struct affine depth_norm;
    size_t depth_mean, depth_variance; /* of a batch norm */
};

struct conformer {
    enum conformer_positions positions;
    int64_t left, right; /* POSITIONS_RELATIVE_KEY: distances beyond these count as these */
    double rotary_base, norm_eps;
    int64_t kernel; /* conv_depthwise_kernel_size */
    bool is_causal; /* the convolution sees no later frames, and a layer norm, not a batch norm, follows it */
    struct conformer_layer *layers;
};

/* Reads position_embeddings_type and so on; norm_eps and is_causal are the caller's. */
bool conformer_configure(struct conformer *conformer, struct encoder *encoder, cJSON *json,
                         const char *positions, struct error *error);

/* Makes room for the layers. */
void conformer_declare(struct conformer *conformer, const struct encoder *encoder);
void conformer_declare_layer(struct conformer *conformer, struct encoder *encoder,
                             struct parameters *parameters, int64_t i);
void conformer_close(struct conformer *conformer);

/* struct pass.positions of pass->frames frames. */
struct et_tensor *conformer_make_positions(const struct conformer *conformer, const struct pass *pass,
                                           struct et_scope *scope);

/* x (B, T, H) -> the same */
struct et_tensor *conformer_run_layer(const struct conformer *conformer, const struct pass *pass,
                                      struct et_scope *s, struct et_tensor *x, int64_t i);
const char *conformer_onnx_layer(const struct conformer *conformer, const struct graph_builder *d,
                                 const char *x, int64_t i);

#endif
