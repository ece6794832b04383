/*
 * The facts of a run, for its report: a JSON object with the sections corpus, split, model and training,
 * stored in the catalogue.
 */
#ifndef EMOTRAIN_CLI_FACTS_H
#define EMOTRAIN_CLI_FACTS_H

#include "base/digest.h"
#include "base/json.h"
#include "cli/source.h"
#include "train/trainer.h"

/* Corpus, split and model; caller cJSON_Deletes. */
cJSON *facts_begin(const struct config *config, const struct source *source, const struct model *model);

/* Puts in what training came to; `steps` of its steps were taken in this session. */
void facts_add_training(cJSON *facts, const struct trainer *trainer, int64_t steps);

/* A hash of which file is in which part, in order: a resumed run with another one would be another
 * experiment. */
void facts_digest_split(const struct source *source, char hex[SHA256_HEX_SIZE]);

#endif
