/*
 * Positions by convolution, as wav2vec 2.0 has them: one wide grouped convolution under weight norm, GELU,
 * added to what goes in.
 */
#ifndef EMOTRAIN_MODEL_ENCODER_CONV_POSITIONS_H
#define EMOTRAIN_MODEL_ENCODER_CONV_POSITIONS_H

#include "model/encoder/blocks.h"

struct conv_positions {
    int64_t kernel, groups; /* num_conv_pos_embeddings, num_conv_pos_embedding_groups */
    size_t v, g, bias;      /* indices of parameters */
};

bool conv_positions_configure(struct conv_positions *positions, const struct encoder *encoder,
                              const cJSON *json, struct error *error);
void conv_positions_declare(struct conv_positions *positions, const struct encoder *encoder,
                            struct parameters *parameters);

/* x (B, T, H) -> x and its positions */
struct et_tensor *conv_positions_add(const struct conv_positions *positions, const struct pass *pass,
                                     struct et_scope *s, struct et_tensor *x);
const char *conv_positions_onnx(const struct conv_positions *positions, const struct graph_builder *d,
                                const char *x);

#endif
