/* Inside corpus/: labels of several annotators. */
#ifndef EMOTRAIN_CORPUS_LIST_VOTES_H
#define EMOTRAIN_CORPUS_LIST_VOTES_H

#include "config/settings.h"
#include "store/clips.h"

/* Makes one clip of all rows of a path, which each have a label of one annotator: the label that most give,
 * or (all_agree) the one that all give.  A clip without such a label has that as its defect.  Sorts the list
 * by path. */
void votes_join_rows(struct clip_list *list, bool all_agree);

/* The index of the label with most votes, of so many; `all_agree`: of the only one with any; -1: there is
 * none. */
int votes_choose(const double *votes, size_t count, bool all_agree);

extern const char VOTES_UNDECIDED[]; /* the defect */

#endif
