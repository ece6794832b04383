/*
 * What both a model's config.json and the experiment's [model] section may say, under one name: the section
 * wins, and what was chosen is put into the JSON, to be saved with the model.
 */
#ifndef EMOTRAIN_MODEL_HYPERPARAMETER_H
#define EMOTRAIN_MODEL_HYPERPARAMETER_H

#include "base/json.h"
#include "config/settings.h"

/* `given`: what the section says; NAN, SETTING_UNSET or TRI_UNSET where it says nothing.  *value holds the
 * default and gets what was chosen.  Numbers are from 0 to 1. */
bool hyperparameter_number(double *value, const char *name, double given, cJSON *json, struct error *error);
bool hyperparameter_integer(int64_t *value, const char *name, int64_t given, cJSON *json,
                            struct error *error);
bool hyperparameter_bool(bool *value, const char *name, enum tristate given, cJSON *json,
                         struct error *error);

#endif
