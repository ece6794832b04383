/* An experiment: configuration, device, corpus and split as datasets, model. */
#ifndef EMOTRAIN_CLI_EXPERIMENT_H
#define EMOTRAIN_CLI_EXPERIMENT_H

#include "cli/source.h"
#include "train/feature_store.h"

struct experiment {
    struct config *config; /* the caller makes it; owned here */
    struct compute compute;
    struct source source;
    struct strings labels;
    struct features *features; /* of model.features, where that is a list */
    struct dataset train, selection, test;
    struct feature_store *store; /* of train.feature_store, or NULL */
    char *pretrained;            /* the folder of a model of the hub; NULL where model.pretrained is a path */
    struct model *model;
};

/* Indexes and splits the corpus. */
bool experiment_read_corpus(struct experiment *experiment, struct error *error);

/* Finds or fetches model.pretrained where it is a model of the hub, and writes its commit into the
 * configuration. */
bool experiment_find_model(struct experiment *experiment, struct error *error);

/* After that: opens the checkpoint or, if it is NULL, what model.pretrained names. */
bool experiment_open_model(struct experiment *experiment, const char *checkpoint, struct error *error);

/* After that, where train.feature_store asks for it: has the frozen part's output at hand for all clips. */
bool experiment_fill_store(struct experiment *experiment, struct error *error);

void experiment_close(struct experiment *experiment); /* also after an error, or of a zeroed struct */

#endif
