/*
 * Features from elsewhere: a CSV or a NumPy archive (.npz) with a row per clip.  An archive has the arrays
 * "features" (clips, ...) and "paths" (clips), and may have "names" of the columns.  A CSV's first column is
 * the clip's path or name, the others are numbers; columns of text ("class") and openSMILE's frameTime are
 * passed over.  openSMILE's own CSV files, with semicolons and names in quotes, are read too.
 */
#ifndef EMOTRAIN_CORPUS_FEATURES_H
#define EMOTRAIN_CORPUS_FEATURES_H

#include "base/error.h"
#include "base/strings.h"

struct features;

struct features *features_open(const char *path, struct error *error); /* NULL on error */
void features_close(struct features *features);                        /* NULL does nothing */

const struct strings *features_names(const struct features *features);

/* The numbers of the clip of that path (also where the list has it under a folder that `root` ends in:
 * DIR/a.wav of emotrain features DIR) or name (without ending); NULL if it has no row. */
const float *features_row(const struct features *features, const char *root, const char *path,
                          const char *name);

#endif
