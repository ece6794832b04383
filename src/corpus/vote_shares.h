/*
 * The votes of a clip's annotators, all of them: {"angry":3,"happy":1}, as text in the catalogue, beside the
 * label that was chosen of them (corpus.votes).
 */
#ifndef EMOTRAIN_CORPUS_VOTE_SHARES_H
#define EMOTRAIN_CORPUS_VOTE_SHARES_H

#include "base/memory.h"
#include "base/strings.h"

#include <stdbool.h>

/* `count` labels with a number each; those without any are left out.  NULL where none has; caller frees. */
char *votes_print(const char *const *labels, const double *numbers, size_t count);

/* Calls visit(context, label, number) for each label that has votes. */
void votes_visit(const char *votes, void (*visit)(void *context, const char *label, double number),
                 void *context);

/* With other names for the labels, by rename(context, name), NULL for one to leave out; labels of one name
 * are added.  In `arena`; NULL where nothing is left. */
const char *votes_rename(const char *votes, const char *(*rename)(void *context, const char *name),
                         void *context, struct arena *arena);

/* The share of each of the labels in the votes for them.  False where none of them has votes, or there are
 * none. */
bool votes_shares(const char *votes, const struct strings *labels, double *shares);

#endif
