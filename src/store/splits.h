/* Splits in the catalogue: which clip is in which part, in which order. */
#ifndef EMOTRAIN_STORE_SPLITS_H
#define EMOTRAIN_STORE_SPLITS_H

#include "store/catalogue.h"

#include <stddef.h>
#include <stdint.h>

enum part { PART_TRAIN, PART_VALIDATION, PART_TEST, PART_COUNT };

extern const char *const PART_NAMES[PART_COUNT]; /* "train", "validation", "test" */

/* Index of a part's name, or PART_COUNT with an error. */
enum part part_find(const char *name, struct error *error);

/* Stores a split under its description (the settings that made it), replacing what stood there.
 * clips[part][i] is the id of the part's i-th clip. */
bool split_write(struct catalogue *catalogue, int64_t corpus, const char *description,
                 int64_t *const clips[PART_COUNT], const size_t counts[PART_COUNT], struct error *error);

#endif
