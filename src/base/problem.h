/*
 * What is asked about a clip: one of the labels (single_label), any of them (multi_label), or a number for
 * each (regression).
 *
 * In the catalogue, in lists and in predictions.csv an answer is text: "happy"; "happy;surprised", "" for
 * none of the labels; "3.5", or "3.5;2" for several numbers in the order of their names.
 */
#ifndef EMOTRAIN_BASE_PROBLEM_H
#define EMOTRAIN_BASE_PROBLEM_H

#include "base/error.h"
#include "base/text.h"

#include <stddef.h>

enum problem { SINGLE_LABEL, MULTI_LABEL, REGRESSION, PROBLEM_COUNT };

struct problem_kind {
    const char *name;         /* of model.problem, and in the catalogue */
    const char *problem_type; /* in Hugging Face's config.json */
};

extern const struct problem_kind PROBLEMS[PROBLEM_COUNT];

enum problem problem_find(const char *name);    /* PROBLEM_COUNT if there is none of that name */
enum problem problem_of_type(const char *type); /* of config.json's "problem_type"; likewise */

/* The values of an answer: 1 and 0 for the labels that are and are not in it, or the numbers.  False, with
 * the reason, for a label that is not among them, or other than `count` numbers. */
bool problem_parse(enum problem problem, const char *const *labels, size_t count, const char *text,
                   double *values, struct error *error);

/* The reverse. */
void problem_print(enum problem problem, const char *const *labels, size_t count, const double *values,
                   struct text *out);

/* The next label of a multi_label answer at *cursor, copied to `label`; false at the end. */
bool problem_next_label(const char **cursor, struct text *label);

#endif
