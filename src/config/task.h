/*
 * What is predicted of a clip: one of the labels (single_label), any of them (multi_label), or a number for
 * each (regression).
 *
 * In the catalogue, in lists and in predictions.csv a prediction is text: "happy"; "happy;surprised", "" for
 * none of the labels; "3.5", or "3.5;2" for several numbers in the order of their names.
 */
#ifndef EMOTRAIN_CONFIG_TASK_H
#define EMOTRAIN_CONFIG_TASK_H

#include "base/error.h"
#include "base/text.h"

#include <stddef.h>

enum task { SINGLE_LABEL, MULTI_LABEL, REGRESSION, TASK_COUNT };

struct task_kind {
    const char *name;         /* of model.task, and in the catalogue */
    const char *problem_type; /* in Hugging Face's config.json */
};

extern const struct task_kind TASKS[TASK_COUNT];

enum task task_find(const char *name);    /* TASK_COUNT if there is none of that name */
enum task task_of_type(const char *type); /* of config.json's "problem_type"; likewise */

/* The values of a prediction: 1 and 0 for the labels that are and are not in it, or the numbers.  False, with
 * the reason, for a label that is not among them, or other than `count` numbers. */
bool target_parse(enum task task, const char *const *labels, size_t count, const char *text, double *values,
                  struct error *error);

/* The reverse. */
void target_print(enum task task, const char *const *labels, size_t count, const double *values,
                  struct text *out);

/* The next label of a multi_label prediction at *cursor, copied to `label`; false at the end. */
bool target_next_label(const char **cursor, struct text *label);

#endif
