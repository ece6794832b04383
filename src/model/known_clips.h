/* The clips that a model knows: those it, or a model that its training began with, was trained on or chosen
 * by.  Each goes by a key, of which nobody can tell the clip's name; a model directory keeps them in
 * training_clips.txt, so that test clips among them are noticed wherever the model is used. */
#ifndef EMOTRAIN_MODEL_KNOWN_CLIPS_H
#define EMOTRAIN_MODEL_KNOWN_CLIPS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* {0} knows none. */
struct known_clips {
    uint64_t *keys; /* rising, each once */
    size_t count;
};

void known_clips_free(struct known_clips *known);
void known_clips_add(struct known_clips *known, const uint64_t *keys, size_t count);
bool known_clips_have(const struct known_clips *known, uint64_t key);

/* Adds those of a model directory; one that has no such file adds none. */
bool known_clips_read(struct known_clips *known, const char *directory, struct error *error);

/* Where none is known, no file is written. */
bool known_clips_write(const struct known_clips *known, const char *directory, struct error *error);

#endif
