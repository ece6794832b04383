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

/* How long the answers for the test part took. */
void facts_add_testing(cJSON *facts, double seconds, size_t clips);

/* A hash of the clips in use: their files, labels, parts and order. */
void facts_digest_split(const struct source *source, char hash[SHA256_HEX_SIZE]);

/* Whether the facts are of another split than this one: other files, labels, parts or order. */
bool facts_other_split(const cJSON *facts, const struct source *source);

#endif
