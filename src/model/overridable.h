/*
 * What both a model's config.json and the experiment's [model] section may say, under one name: the section
 * wins, and what was chosen is put into the JSON, to be saved with the model.
 */
#ifndef EMOTRAIN_MODEL_OVERRIDABLE_H
#define EMOTRAIN_MODEL_OVERRIDABLE_H

#include "base/config.h"
#include "base/json.h"

/* *value holds the default.  `config` may be NULL.  Numbers are from 0 to 1. */
bool overridable_number(double *value, const char *name, cJSON *json, const struct config *config,
                        struct error *error);
bool overridable_integer(int64_t *value, const char *name, cJSON *json, const struct config *config,
                         struct error *error);
bool overridable_bool(bool *value, const char *name, cJSON *json, const struct config *config,
                      struct error *error);

#endif
