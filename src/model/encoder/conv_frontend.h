/*
 * wav2vec 2.0's feature encoder and feature projection (Baevski et al., 2020): convolutions over the samples,
 * a norm, a linear layer.  Of wav2vec 2.0, HuBERT, WavLM, UniSpeech, data2vec, the conformer and emotion2vec.
 */
#ifndef EMOTRAIN_MODEL_ENCODER_CONV_FRONTEND_H
#define EMOTRAIN_MODEL_ENCODER_CONV_FRONTEND_H

#include "model/encoder/blocks.h"

enum { CONV_FRONTEND_MAX = 16 };

struct conv_frontend {
    int layers;
    int64_t dim[CONV_FRONTEND_MAX], kernel[CONV_FRONTEND_MAX], stride[CONV_FRONTEND_MAX];
    bool bias, group_norm /* feat_extract_norm */, project_norm /* feat_proj_layer_norm */;
    struct affine conv[CONV_FRONTEND_MAX], norm[CONV_FRONTEND_MAX]; /* norm: where it has_weight */
    struct affine projection_norm, projection;
};

/* Reads conv_dim and so on into `front`, which becomes encoder->front; sets encoder->feature_width and
 * minimum_samples.  The functions below are of that front. */
bool conv_frontend_configure(struct conv_frontend *front, struct encoder *encoder, const cJSON *json,
                             struct error *error);
void conv_frontend_declare(const struct encoder *encoder, struct parameters *parameters);

/* As struct encoder_family wants them: frames of so many samples; samples -> features (B, T, C). */
int64_t conv_frontend_frames(const struct encoder *encoder, int64_t samples);
struct et_tensor *conv_frontend_features(struct pass *pass, struct et_scope *scope,
                                         const struct batch *batch);

/* features (B, T, C) -> (B, T, H), projected, with SpecAugment's masks, hidden frames zero */
struct et_tensor *conv_frontend_project(const struct pass *pass, struct et_scope *scope,
                                        struct et_tensor *features);

/* Features and projection in ONNX: samples (B, S) -> (B, T, H). */
const char *conv_frontend_onnx(const struct graph_builder *d, const char *samples);

#endif
