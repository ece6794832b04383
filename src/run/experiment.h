/* An experiment: configuration, device, corpus and split as datasets, model. */
#ifndef EMOTRAIN_RUN_EXPERIMENT_H
#define EMOTRAIN_RUN_EXPERIMENT_H

#include "config/config.h"
#include "run/indexed_corpus.h"
#include "train/feature_cache.h"
#include "train/layer_features.h"

struct experiment {
    struct config *config; /* the caller makes it; owned here */
    struct compute compute;
    struct indexed_corpus corpus;
    struct strings labels;
    struct features *features; /* of linear.features, where that is a file */
    struct dataset train, selection, test;
    struct feature_cache *cache;    /* of train.feature_cache, or NULL */
    struct layer_features *layers;  /* of linear.features=encoder, or NULL */
    struct speaker_scale *speakers; /* of linear.scale=speaker, or NULL */
    char *pretrained; /* the folder of a model of the hub; NULL where model.pretrained is a path */
    struct model *model;
    size_t known_test_clips; /* that it knew before it was trained here (training_clips.h) */
};

/* Chooses device, precision and threads and writes what was chosen into the configuration: "auto" becomes
 * "cpu". env: as compute_choose takes it. */
bool experiment_choose_compute(struct config *config, const struct dist_env *env, struct compute *compute,
                               struct error *error);

/* The same once the model is open, which "auto" goes by, too. */
void experiment_suit_compute(struct config *config, struct compute *compute, const struct model *model);

/* Indexes and splits the corpora. */
bool experiment_read_corpus(struct experiment *experiment, struct error *error);

/* Finds or downloads model.pretrained where it is a model of the hub, and writes its commit into the
 * configuration. */
bool experiment_find_model(struct experiment *experiment, struct error *error);

/* After that: opens the checkpoint or, if it is NULL, what model.pretrained names. */
bool experiment_open_model(struct experiment *experiment, const char *checkpoint, struct error *error);

/* After that, where train.feature_cache or linear.features=encoder asks for it: has the frozen part's output,
 * or the encoder's layers, at hand for all clips. */
bool experiment_fill_cache(struct experiment *experiment, struct error *error);

void experiment_close(struct experiment *experiment); /* also after an error, or of a zeroed struct */

/* What a dataset needs of an indexed corpus.  What it points to must outlive the dataset. */
struct dataset_source dataset_source_of(const struct settings *settings, const struct indexed_corpus *corpus,
                                        const struct strings *labels, const struct features *features);

#endif
