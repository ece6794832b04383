/* A trained model that a user names: a run (its best checkpoint) or a model directory. */
#ifndef EMOTRAIN_CLI_TRAINED_H
#define EMOTRAIN_CLI_TRAINED_H

#include "cli/command.h"
#include "model/model.h"
#include "train/compute.h"

struct trained {
    struct config *config; /* the run's, or that of --config, with --set over it */
    struct compute compute;
    struct model *model;
    char *run; /* the run's folder; NULL for a model directory */
};

/* Finds what the user named, without opening it: sets config and run, and *folder to the model's directory,
 * which the caller frees. */
bool trained_find(struct trained *trained, const char *name, const struct options *options, char **folder,
                  struct error *error);

bool trained_open(struct trained *trained, const char *name, const struct options *options,
                  struct error *error);
void trained_close(struct trained *trained);

#endif
