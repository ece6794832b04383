/* A trained model that a user names: a run (its best checkpoint), a model directory, or OWNER/NAME of the
 * hub. */
#ifndef EMOTRAIN_RUN_TRAINED_MODEL_H
#define EMOTRAIN_RUN_TRAINED_MODEL_H

#include "config/load.h"
#include "model/model.h"
#include "train/compute.h"

/* What the user says: a run's name or folder, a model directory or a model of the hub; --config or NULL;
 * --set. */
struct trained_model_request {
    const char *name, *config;
    const struct strings *sets;
    bool encoder_only; /* it is not used as it was trained: [model] may be set */
};

struct trained_model {
    struct config *config; /* the run's, or that of --config, with --set over it */
    struct compute compute;
    struct model *model;
    char *run; /* the run's folder; NULL for a model directory */
};

/* Finds what the user named, without opening it: sets config and run, and *folder to the model's directory,
 * which the caller frees. */
bool trained_model_find(struct trained_model *trained, const struct trained_model_request *request,
                        char **folder, struct error *error);

bool trained_model_open(struct trained_model *trained, const struct trained_model_request *request,
                        struct error *error);
void trained_model_close(struct trained_model *trained);

/* Sets [audio] to what recordings become before the model takes them in, where nothing else is given;
 * settled: rate and normalisation whatever is given, as the model cannot take in others. */
void trained_model_take_sound(struct config *config, const struct preprocessing *sound, bool settled);

#endif
