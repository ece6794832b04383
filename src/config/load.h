/* The configuration of a command: its --config file and --set, and where runs are kept. */
#ifndef EMOTRAIN_CONFIG_LOAD_H
#define EMOTRAIN_CONFIG_LOAD_H

#include "base/strings.h"
#include "config/config.h"

/* The file (NULL: defaults) with `sets` ("section.key=value") over it; NULL on error.  Where no run.directory
 * is given and the current folder has no runs, the runs/ of the nearest folder above it is taken, if it has a
 * catalogue. */
struct config *config_load(const char *file, const struct strings *sets, struct error *error);

/* The settings of --set over a configuration. */
bool config_apply(struct config *config, const struct strings *sets, struct error *error);

#endif
