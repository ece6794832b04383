/*
 * What the frozen part of a model (its feature encoder, or as many of its first layers as are frozen and use
 * no random numbers) makes of clips, kept beside the clips' cached signals: computed once for all epochs and
 * runs with that very part, in float16.
 *
 * Entries are named after the clip's content, and the frozen weights and settings.  A torn or damaged one is
 * made again; one that is there is compared with the model before it is trusted.
 */
#ifndef EMOTRAIN_TRAIN_FEATURE_CACHE_H
#define EMOTRAIN_TRAIN_FEATURE_CACHE_H

#include "train/compute.h"
#include "train/dataset.h"

struct feature_cache;

/* A cache for `model` as it is frozen now.  NULL where train.feature_cache=no, and on error: where the model
 * has no such part, where it is trained, or where [augment] changes the samples. */
struct feature_cache *feature_cache_open(const struct settings *settings, struct audio_cache *cache,
                                         const struct model *model, struct error *error);
void feature_cache_close(struct feature_cache *store); /* NULL does nothing */

/* What its entries' names end with (audio_cache_entry). */
const char *feature_cache_ending(const struct feature_cache *store);

/* Makes what is missing of the dataset's clips. */
bool feature_cache_fill(struct feature_cache *store, const struct dataset *dataset, const struct model *model,
                        const struct compute *compute, struct error *error);

/* Loads clips into batch->frozen and batch->lengths, padded with zeros.  Any thread may call. */
bool feature_cache_load(const struct feature_cache *store, const struct clip *const *clips, size_t count,
                        struct batch *batch, struct error *error);

#endif
