/*
 * What every family's layers are built of: one forward pass under way, its linear layers, norms and dropout,
 * and the same in ONNX.
 */
#ifndef EMOTRAIN_MODEL_ENCODER_BLOCKS_H
#define EMOTRAIN_MODEL_ENCODER_BLOCKS_H

#include "model/encoder/encoder.h"

/* One forward pass under way. */
struct pass {
    const struct model *model;
    const struct encoder *encoder;
    const struct forward_mode *mode;
    int64_t clips, frames;
    int64_t *lengths;              /* frames of each clip: what is pooled */
    int64_t *visible;              /* frames of each clip and of the silence that it is padded with */
    struct et_tensor *padding;     /* (B, T, 1) true after a clip's own frames; NULL where there are none */
    struct et_tensor *hidden;      /* (B, T, 1) true after a clip's visible frames, if the encoder shall not
                                      see them; else NULL */
    struct et_tensor *key_padding; /* (B, 1, 1, T) the same */
    struct et_tensor *positions;   /* what the family makes of T for its layers; NULL: nothing */
    int64_t first;                 /* layer that is run: those before it are in what is at hand */
    bool again;                    /* a checkpointed layer is run a second time, for the backward pass */
    bool packed; /* what goes through the transformer is (1, N, H): the clips' visible frames */
};

/* ---- declaring ---- */

/* A linear layer NAME.weight, NAME.bias under the family's prefix, as PyTorch's transformers begin: weights
 * normal with the deviation initializer_range, biases zero. */
struct affine declare_linear(const struct encoder *encoder, struct parameters *parameters, int64_t out,
                             int64_t in, bool bias, const char *name, ...)
    __attribute__((format(printf, 6, 7)));

/* One whose weights and biases are uniform within +-scale. */
struct affine declare_uniform(const struct encoder *encoder, struct parameters *parameters, int64_t out,
                              int64_t in, double scale, const char *name);

/* A convolution over time with weights (out, in / groups, kernel), by He et al.'s rule. */
struct affine declare_conv(const struct encoder *encoder, struct parameters *parameters, int64_t out,
                           int64_t in_per_group, int64_t kernel, bool bias, const char *name, ...)
    __attribute__((format(printf, 7, 8)));

struct affine declare_norm(const struct encoder *encoder, struct parameters *parameters, int64_t width,
                           const char *name, ...) __attribute__((format(printf, 4, 5)));

/* The projections of one attention, of encoder->config's sizes, STEM.NAMES[QUERY] and so on; `layer`:
 * whose they are. */
void declare_attention(struct encoder *encoder, struct parameters *parameters, struct attention *attention,
                       int64_t layer, const char *stem, const char *const names[PROJECTIONS], bool key_bias);

/* ---- computing ---- */

struct et_tensor *pass_weight(const struct pass *pass, size_t index);

/* Whether this pass records a gradient for the parameter. */
bool pass_learns(const struct pass *pass, size_t index);

/* With its adapter, where it has one. */
struct et_tensor *apply_linear(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                               const struct affine *a);

/* With config.layer_norm_eps, and without weights where it has none. */
struct et_tensor *apply_norm(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                             const struct affine *a);

struct et_tensor *apply_dropout(const struct pass *pass, struct et_scope *s, struct et_tensor *x, double p);

/* x + dropout(y), by config.hidden_dropout */
struct et_tensor *add_dropped(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                              struct et_tensor *y);

/* Frames that the encoder shall not see to zero.  x (B, T, ...) */
struct et_tensor *clear_hidden(const struct pass *pass, struct et_scope *s, struct et_tensor *x);

/* (B, T, H) <-> (B, heads, T, H / heads) */
struct et_tensor *split_heads(const struct pass *pass, struct et_scope *s, struct et_tensor *x);
struct et_tensor *join_heads(const struct pass *pass, struct et_scope *s, struct et_tensor *x);

/* Attention by scores (B, heads, T, T) that are already scaled; value (B, heads, T, H / heads) -> (B, T, H),
 * before its out projection.  Hides padding, drops config.attention_dropout. */
struct et_tensor *attend_by_scores(const struct pass *pass, struct et_scope *s, struct et_tensor *scores,
                                   struct et_tensor *value);

/* Seeds dropout for a part of the pass, so that a part run again has the same. */
void pass_seed(const struct pass *pass, int64_t part);

/* Shows a result to the mode's observer. */
void pass_observe(const struct pass *pass, const char *name, const struct et_tensor *x);

/* SpecAugment on x (B, T, width) of so many frames each: spans of frames become `fill` (NULL: zero), spans of
 * features zero. */
struct et_tensor *pass_mask(const struct pass *pass, struct et_scope *s, struct et_tensor *x,
                            const int64_t *lengths, struct et_tensor *fill);

/* ---- the same in ONNX ---- */

/* The graph under way. */
struct graph_builder {
    struct onnx *graph;
    const struct model *model;
    const struct encoder *encoder;
};

extern const int64_t ONNX_SWAP[3]; /* (B, T, C) <-> (B, C, T) */

const struct et_tensor *graph_weight(const struct graph_builder *d, size_t index);
const char *graph_linear(const struct graph_builder *d, const char *x, const struct affine *a);
const char *graph_norm(const struct graph_builder *d, const char *x, const struct affine *a);

/* samples (B, S) -> zero mean and unit variance over each clip */
const char *graph_normalize(const struct graph_builder *d, const char *samples, double eps);

/* x (B, C, T); kernel (out, in / groups, size) */
const char *graph_conv(const struct graph_builder *d, const char *x, const struct et_tensor *kernel,
                       const struct et_tensor *bias, int64_t stride, const int64_t padding[2],
                       int64_t groups);
const char *graph_split_heads(const struct graph_builder *d, const char *x);
const char *graph_join_heads(const struct graph_builder *d, const char *x);

/* Attention of queries, keys and values (B, heads, T, H / heads); bias is added to the scaled scores; NULL:
 * none.  -> (B, T, H), before its out projection */
const char *graph_attend(const struct graph_builder *d, const char *query, const char *key, const char *value,
                         const char *bias);

#endif
