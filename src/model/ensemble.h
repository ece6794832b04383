/*
 * Ensembles: several trained models that take in sounds and predict the same labels, as one model, whose
 * predictions are the weighted mean of theirs (of probabilities, after each one's softmax or sigmoid, or of
 * numbers).
 *
 * Its directory holds a config.json with "model_type": "ensemble" and "emotrain_weights", and each member's
 * own directory, member-1, member-2, ...
 */
#ifndef EMOTRAIN_MODEL_ENSEMBLE_H
#define EMOTRAIN_MODEL_ENSEMBLE_H

#include "model/model.h"

enum { ENSEMBLE_MOST = 64 }; /* members */

/* Whether a model directory is an ensemble's: by its config.json, or by its first member where that is
 * damaged. */
bool ensemble_is(const char *directory);

/* Fails, naming both, where two models cannot be members of one ensemble. */
bool ensemble_fits(const struct model *a, const struct model *b, struct error *error);

/* Writes the members and their weights, which sum to 1, into an existing folder. */
bool ensemble_write(const char *directory, struct model *const *members, const double *weights, size_t count,
                    struct error *error);

#endif
