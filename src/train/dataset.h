/* The clips of one part as a model takes them in: signals from the cache, padded into batches. */
#ifndef EMOTRAIN_TRAIN_DATASET_H
#define EMOTRAIN_TRAIN_DATASET_H

#include "corpus/corpus.h"
#include "corpus/split.h"
#include "model/model.h"
#include "train/augment.h"

struct dataset_item {
    const char *path; /* relative to the corpus' root; belongs to the clip list */
    const char *sha256;
    double seconds; /* as the model hears it: for grouping by length */
    int label;      /* index */
};

struct dataset {
    const struct config *config;
    struct audio_cache *cache;
    const char *root;
    struct dataset_item *items;
    size_t count;
};

/* The clips of a part, in the split's order.  Config, cache, root and clips must outlive the dataset. */
void dataset_start(struct dataset *dataset, const struct config *config, struct audio_cache *cache,
                   const char *root, const struct clip_list *clips, const struct split *split, enum part part,
                   const struct strings *labels);
void dataset_free(struct dataset *dataset);

/* Loads items[0..count-1] (indices into the dataset) into a batch.  Clips shorter than the model's minimum
 * are lengthened by zeros.  `augmentation`, unless NULL, changes each with draws from `seed`. */
bool dataset_batch(const struct dataset *dataset, const size_t *items, size_t count,
                   const struct model *model, const struct augmentation *augmentation, uint64_t seed,
                   struct batch *batch, struct error *error);

/* Makes a batch of signals; labels may be NULL. */
void batch_start(struct batch *batch, const struct signal *signals, const int *labels, size_t count,
                 const struct model *model);
void batch_free(struct batch *batch);

/* The order of an epoch's clips: `order` has room for all.  Batches are consecutive runs of it. */
void dataset_order(const struct dataset *dataset, uint64_t seed, int64_t epoch, size_t *order);

/* Indices sorted from long to short, ties in order: evaluation's order, with little padding. */
void dataset_longest_first(const struct dataset *dataset, size_t *order);

#endif
