/* What ran, with which versions, on what: environment.json and emotrain doctor. */
#ifndef EMOTRAIN_RUN_ENVIRONMENT_H
#define EMOTRAIN_RUN_ENVIRONMENT_H

#include "base/json.h"

cJSON *environment_describe(void); /* caller cJSON_Deletes */

/* Warns where the run of that folder began with other versions, or on another processor, than are here now.
 */
void environment_warn(const char *folder);

/* The most memory this process has held so far, MiB. */
double peak_memory(void);

#endif
