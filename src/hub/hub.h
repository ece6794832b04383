/*
 * Models of the Hugging Face hub, in the cache that its own library keeps (HF_HUB_CACHE, HF_HOME, else
 * ~/.cache/huggingface/hub): models--OWNER--NAME/{blobs,refs,snapshots}.
 *
 * HF_ENDPOINT names another hub, HF_TOKEN (or the file that `huggingface-cli login` leaves) a token,
 * HF_HUB_OFFLINE=1 keeps off the network.
 */
#ifndef EMOTRAIN_HUB_HUB_H
#define EMOTRAIN_HUB_HUB_H

#include "base/error.h"

#include <stdbool.h>

/* Whether a text can be a model of the hub and is no path here: OWNER/NAME or OWNER/NAME/SUBFOLDER, where
 * there is no folder OWNER. */
bool hub_is_name(const char *text);

/* The folder of a model with its config.json and weights: of the cache, else, or if `renew`, fetched into it.
 * revision: a branch, tag or commit.  *commit, if not NULL, is which commit that is; caller frees both. */
char *hub_model(const char *name, const char *revision, bool renew, char **commit, struct error *error);

#endif
