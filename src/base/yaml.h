/* YAML through libyaml, as JSON values: mappings, sequences, and scalars as YAML 1.1's core types. */
#ifndef EMOTRAIN_BASE_YAML_H
#define EMOTRAIN_BASE_YAML_H

#include "base/json.h"

cJSON *yaml_read(const char *path, struct error *error); /* a mapping; caller cJSON_Deletes */

#endif
