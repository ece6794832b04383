/*
 * Every layer of an encoder, mean and standard deviation over time, for each clip: what a linear classifier
 * is fitted to. Computed once for all folds, settings and runs with that encoder, and kept beside the clips'
 * cached signals in float32.
 *
 * Entries are named after the clip's content, the encoder's weights and what its output depends on.  A torn
 * or damaged one is made again.
 */
#ifndef EMOTRAIN_TRAIN_LAYER_FEATURES_H
#define EMOTRAIN_TRAIN_LAYER_FEATURES_H

#include "train/compute.h"
#include "train/dataset.h"

struct layer_features;

/* Layers 0 to `depth` of the model's encoder; -1: all.  NULL on error. */
struct layer_features *layer_features_open(const struct settings *settings, struct audio_cache *cache,
                                           const struct model *model, const struct compute *compute,
                                           int64_t depth, struct error *error);
void layer_features_close(struct layer_features *features); /* NULL does nothing */

/* Makes what is missing of the datasets' clips.  Interrupted, it keeps what it made. */
bool layer_features_fill(const struct layer_features *features, struct dataset *const *datasets, size_t count,
                         const struct model *model, const struct compute *compute, struct error *error);

/* Loads clips into batch->states.  Any thread may call. */
bool layer_features_load(const struct layer_features *features, const struct clip *const *clips, size_t count,
                         struct batch *batch, struct error *error);

#endif
