/* Inside model/: wav2vec 2.0's settings and state. */
#ifndef EMOTRAIN_MODEL_ENCODER_WAV2VEC2_H
#define EMOTRAIN_MODEL_ENCODER_WAV2VEC2_H

#include "model/head/head.h"
#include "model/head/layer_mix.h"
#include "model/layers/spec_augment.h"
#include "model/model.h"

enum { WAV2VEC2_MAX_CONV = 16 };

/* Hugging Face's config.json, under its names. */
struct wav2vec2_config {
    int64_t hidden_size, num_hidden_layers, num_attention_heads, intermediate_size;
    int conv_layers;
    int64_t conv_dim[WAV2VEC2_MAX_CONV], conv_kernel[WAV2VEC2_MAX_CONV], conv_stride[WAV2VEC2_MAX_CONV];
    bool conv_bias, group_norm /* feat_extract_norm */, do_stable_layer_norm;
    int64_t num_conv_pos_embeddings, num_conv_pos_embedding_groups;
    double layer_norm_eps, initializer_range;
    double hidden_dropout, activation_dropout, attention_dropout, feat_proj_dropout, final_dropout, layerdrop;
    bool apply_spec_augment;
    struct mask_settings mask_time, mask_feature;
};

/* Reads `json` (with Hugging Face's defaults for what is absent), lays the experiment's settings over it
 * (settings may be NULL) and writes the settings back into `json`. */
bool wav2vec2_config_read(struct wav2vec2_config *c, cJSON *json, const struct model_settings *settings,
                          struct error *error);

/* Frames that the feature encoder makes of so many samples; 0 if there are too few. */
int64_t wav2vec2_frames(const struct wav2vec2_config *c, int64_t samples);
int64_t wav2vec2_minimum_samples(const struct wav2vec2_config *c); /* for one frame */

/* Indices of parameters. */
struct affine {
    size_t weight, bias;
    bool has_bias;
};

/* The attention projections of a layer, which adapters may be on. */
enum wav2vec2_projection { QUERY, KEY, VALUE, OUT, PROJECTIONS };

/* A low-rank adapter: weight + scale * up * down (Hu et al., "LoRA", 2021).  Indices of parameters. */
struct adapter {
    size_t down, up; /* (rank, in), (out, rank) */
};

struct wav2vec2_layer {
    struct affine projections[PROJECTIONS], attention_norm, intermediate, output, final_norm;
    struct adapter adapters[PROJECTIONS];
};

/* A weight with its adapter, to be written as one. */
struct lora_merge {
    struct et_tensor *weight, *down, *up;
    double scale;
};

struct wav2vec2 {
    struct wav2vec2_config config;
    struct affine conv[WAV2VEC2_MAX_CONV], conv_norm[WAV2VEC2_MAX_CONV];
    bool conv_has_norm[WAV2VEC2_MAX_CONV];
    struct affine projection_norm, projection;
    size_t mask_embedding, position_v, position_g, position_bias;
    struct affine encoder_norm;
    struct wav2vec2_layer *layers;
    int64_t adapter_rank;      /* 0: there are no adapters */
    double adapter_scale;      /* alpha / rank */
    struct lora_merge *merges; /* by index of parameter; of those with an adapter */
    bool has_adapter[PROJECTIONS];
    struct layer_mix mix;
    size_t pooling; /* index of the first parameter of the pooling */
    struct head head;
    bool hides_padding;    /* padding is hidden from the encoder (attention mask) */
    int64_t frozen_layers; /* of the transformer, from the first on */
};

/* Frozen layers whose output is the same in every pass over a clip, so that it can be kept: none where
 * dropout, masks, adapters or a mix of all layers come in between. */
int64_t wav2vec2_steady_layers(const struct model *model);

/* Of the feature encoder's norms, whatever config.json's layer_norm_eps: as Hugging Face has it. */
extern const double WAV2VEC2_CONV_NORM_EPS;

/* (clips, labels) logits; model->state is a struct wav2vec2. */
struct et_tensor *wav2vec2_forward(const struct model *model, struct et_scope *scope,
                                   const struct batch *batch, const struct forward_mode *mode);

/* Logits as a graph (wav2vec2_onnx.c). */
const char *wav2vec2_onnx(const struct model *model, struct onnx *graph, const char *samples);

/* As Hugging Face's Wav2Vec2ForSequenceClassification (wav2vec2_standard.c). */
bool wav2vec2_save_huggingface(const struct model *model, const char *directory, struct error *error);

/* The feature encoder by itself, (clips, frames, channels), and the steady layers, (clips, frames, hidden).
 */
struct et_tensor *wav2vec2_frozen(const struct model *model, struct et_scope *scope,
                                  const struct batch *batch, const struct forward_mode *mode);

#endif
