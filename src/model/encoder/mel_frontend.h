/*
 * Log-mel spectrograms as pretrained encoders take them in: Whisper's (Radford et al., 2022), and Kaldi's as
 * SeamlessM4T has them, which w2v-BERT 2.0 was trained on.
 */
#ifndef EMOTRAIN_MODEL_ENCODER_MEL_FRONTEND_H
#define EMOTRAIN_MODEL_ENCODER_MEL_FRONTEND_H

#include "model/encoder/blocks.h"

enum mel_recipe { MEL_WHISPER, MEL_KALDI };

/* At 16 kHz: 25 ms every 10 ms. */
enum { MEL_WINDOW = 400, MEL_HOP = 160 };

struct mel_frontend {
    enum mel_recipe recipe;
    int64_t bands, size;       /* size: of the Fourier transform */
    struct et_tensor *window;  /* MEL_WHISPER (400); MEL_KALDI (400, 400), which also takes the mean away and
                                  emphasises */
    struct et_tensor *filters; /* (bands, size / 2 + 1) */
};

/* Makes window and filters, on `device`, in `scope`, which must outlive the struct. */
void mel_frontend_start(struct mel_frontend *mel, enum mel_recipe recipe, int64_t bands,
                        struct et_scope *scope, int device);

int64_t mel_frontend_frames(const struct mel_frontend *mel, int64_t samples); /* 0 if there is not one */

/* The batch's samples -> (B, T, bands), each clip as if it were alone: frames after its visible ones hold
 * nothing of use. */
struct et_tensor *mel_frontend_spectrogram(const struct mel_frontend *mel, const struct pass *pass,
                                           struct et_scope *scope, const struct batch *batch);

/* x (B, T, ...) with `value` behind each clip's frames and those of its silence. */
struct et_tensor *mel_frontend_fill(const struct mel_frontend *mel, const struct pass *pass,
                                    struct et_scope *scope, struct et_tensor *x, const struct batch *batch,
                                    double value);

/* In ONNX: samples (B, S) -> (B, T, bands).  context: samples that clips are padded to. */
const char *mel_frontend_onnx(const struct mel_frontend *mel, const struct graph_builder *d,
                              const char *samples, int64_t context);

#endif
