/*
 * Positions by several grouped convolutions one after another, each followed by a layer norm without weights
 * and GELU, as data2vec has them (Baevski et al., 2022), and data2vec 2.0, which emotion2vec is.
 */
#ifndef EMOTRAIN_MODEL_ENCODER_STACKED_POSITIONS_H
#define EMOTRAIN_MODEL_ENCODER_STACKED_POSITIONS_H

#include "model/encoder/blocks.h"

enum { STACKED_POSITIONS_MAX = 32 };

struct stacked_positions {
    int64_t count, kernel, groups;
    struct affine convolutions[STACKED_POSITIONS_MAX];
};

/* Checks the sizes, which the caller has read. */
bool stacked_positions_check(const struct stacked_positions *positions, const struct encoder *encoder,
                             struct error *error);

/* name: of convolution i, with a place for i. */
void stacked_positions_declare(struct stacked_positions *positions, const struct encoder *encoder,
                               struct parameters *parameters, const char *before, const char *after);

/* x (B, T, H) -> x and its positions */
struct et_tensor *stacked_positions_add(const struct stacked_positions *positions, const struct pass *pass,
                                        struct et_scope *s, struct et_tensor *x);
const char *stacked_positions_onnx(const struct stacked_positions *positions, const struct graph_builder *d,
                                   const char *x);

#endif
