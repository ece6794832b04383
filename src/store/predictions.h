/* Predictions of runs in the catalogue, as text; eval/predictions.h has them as numbers. */
#ifndef EMOTRAIN_STORE_PREDICTIONS_H
#define EMOTRAIN_STORE_PREDICTIONS_H

#include "store/catalogue.h"

#include <stddef.h>
#include <stdint.h>

struct prediction_row {
    const char *path;
    const char *target; /* NULL where it is not known */
    const char *predicted;
    const char *probabilities; /* JSON: label -> probability, or number */
    bool has_facts; /* the clip's facts as they were are here; earlier versions did not record them */
    const char *speaker, *sex, *intensity, *text; /* NULL where unknown */
};

/* Fills row i, whose strings are used before the next call. */
typedef void prediction_row_make(void *context, size_t i, struct prediction_row *row);

/* Takes a stored row; `task` is its run's.  Returns false where the row is damaged. */
typedef bool prediction_row_take(void *context, const char *task, const struct prediction_row *row);

/* Replaces the run's predictions for `part` by `count` rows; scores (runs.h) of other ones are removed. */
bool prediction_rows_write(struct catalogue *catalogue, int64_t run, const char *part, size_t count,
                           prediction_row_make *make, void *context, struct error *error);

/* Reads a part back in order. */
bool prediction_rows_read(struct catalogue *catalogue, int64_t run, const char *part,
                          prediction_row_take *take, void *context, struct error *error);

#endif
