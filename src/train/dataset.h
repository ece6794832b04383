/* The clips of one part as a model takes them in: signals from the cache, padded into batches; features;
 * texts. */
#ifndef EMOTRAIN_TRAIN_DATASET_H
#define EMOTRAIN_TRAIN_DATASET_H

#include "audio/distort.h"
#include "corpus/corpus.h"
#include "corpus/features.h"
#include "corpus/split/split.h"
#include "model/model.h"
#include "train/augment.h"

struct dataset_item {
    const struct clip *clip; /* of the clip list; path relative to the corpus' root, or absolute */
    double seconds;          /* as the model sees it: for grouping by length */
    int label;         /* index; -1 of other tasks than single_label, and for a label that is not asked for */
    double *targets;   /* (labels) of the other tasks; NULL of single_label */
    int64_t auxiliary; /* class of train.auxiliary_task; -100 where unknown */
    double *shares; /* (labels) of train.loss=kl: of the annotators' votes; NULL where they are not known */
};

/* What datasets are made of. */
struct dataset_source {
    const struct settings *settings;
    struct audio_cache *cache;
    const char *root; /* of the corpus */
    const struct clip_list *clips;
    const struct split *split;
    const struct strings *labels;
    const struct features *features; /* of linear.features, where that is a list; else NULL */
};

struct feature_cache;
struct layer_features;
struct speaker_scale;

struct dataset {
    struct dataset_source source;
    const struct feature_cache *cache;    /* of what a frozen part makes of the clips; or NULL */
    const struct layer_features *layers;  /* of an encoder's layers of the clips; or NULL */
    const struct speaker_scale *speakers; /* of features; or NULL */
    struct distortion **distortions;      /* one of which a clip gets, with this probability */
    size_t distortion_count;
    double distortion_probability;
    enum task task;
    struct dataset_item *items;
    size_t count;
    struct strings auxiliary; /* classes of train.auxiliary_task, sorted; none: nothing else is learned */
    struct arena arena;
};

/* The clips of a part, in the split's order.  What the source points to must outlive the dataset.  Fails
 * where a clip's label cannot be read in the task. */
bool dataset_start(struct dataset *dataset, const struct dataset_source *source, enum part part,
                   struct error *error);
void dataset_free(struct dataset *dataset);

/* From now on the clips are distorted: `words` as augment.distort has them, a clip by one of them, that
 * probable.  Clips are then loaded from their samples, not from what is stored of them. */
bool dataset_distort(struct dataset *dataset, const char *words, double probability, struct error *error);

/* Adds one distortion, which the dataset takes over. */
void dataset_add_distortion(struct dataset *dataset, struct distortion *distortion, double probability);

/* The list of linear.features, where it names one: NULL where it does not, and on error. */
struct features *dataset_features(const struct linear_settings *settings, struct error *error);

/* Regression learns over the mean and deviation of the dataset's targets, which the model keeps. */
void dataset_learn_scale(const struct dataset *dataset, struct model *model);

/* Loads items[0..count-1] (indices into the dataset) into a batch.  Clips shorter than the model's minimum
 * are padded by zeros.  `augmentation`, unless NULL, changes each by random numbers of `seed`. */
bool dataset_batch(const struct dataset *dataset, const size_t *items, size_t count,
                   const struct model *model, const struct augment_settings *augmentation, uint64_t seed,
                   struct batch *batch, struct error *error);

/* Makes a batch of signals, or of texts, without labels.  Signals of a model that takes in functionals are
 * turned into those. */
bool batch_of_signals(struct batch *batch, const struct signal *signals, size_t count,
                      const struct model *model, struct error *error);
void batch_of_texts(struct batch *batch, const char *const *texts, size_t count);
void batch_free(struct batch *batch);

/* The vectors that a linear model is fitted to, one for each clip, (*width) of each. */
float *batch_features(const struct batch *batch, const struct model *model, size_t *width);

#endif
