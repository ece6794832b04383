/*
 * Emotion models whose authors published them in a layout of their own, read as if they were transformers':
 * config.json is completed, tensors are renamed.
 *
 * - The baselines of the Odyssey 2024 challenge (Goncalves et al., 2024; 3loi/SER-Odyssey-Baseline-WavLM-*):
 *   config.json has "ssl_type", the encoder that it is built on, and "mean" and "std" of the signal.
 * - SpeechBrain (Ravanelli et al., 2021; speechbrain/emotion-recognition-wav2vec2-IEMOCAP): hyperparams.yaml,
 *   wav2vec2.ckpt, model.ckpt, label_encoder.txt.
 *
 * Neither says the sizes of its encoder, but its name on the hub: those are known here.
 */
#ifndef EMOTRAIN_MODEL_ENCODER_PUBLISHED_H
#define EMOTRAIN_MODEL_ENCODER_PUBLISHED_H

#include "base/json.h"

#include <stdbool.h>

/* Whether a directory has SpeechBrain's files, with or without a config.json. */
bool published_is(const char *directory);

/* Fills in what a config.json of such a model leaves out; others stay as they are.  What it says itself
 * counts.  directory: where it stands. */
bool published_complete(cJSON *json, const char *directory, struct error *error);

/* Our name for a tensor of such a model, else the name itself. */
const char *published_rename(const char *name, char buffer[256]);

/* Whether a checkpoint's output layer, of that name, has no bias: it is zero. */
bool published_has_no_bias(const char *weight);

#endif
