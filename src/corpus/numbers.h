/* Inside corpus/: which of a corpus' numbers model.task=regression takes, as corpus.labels names them. */
#ifndef EMOTRAIN_CORPUS_NUMBERS_H
#define EMOTRAIN_CORPUS_NUMBERS_H

#include "corpus/corpus.h"

enum { MOST_NUMBERS = 3 };

struct number_choice {
    size_t of[MOST_NUMBERS]; /* indices of the corpus' numbers, in the order of corpus.labels */
    size_t count;            /* 0: labels are wanted, not numbers */
};

/* `names`: the numbers that the corpus has; NULL after the last.  Fails where corpus.labels names none, or
 * another. */
bool numbers_choose(struct number_choice *choice, const struct corpora_settings *corpora, const char *kind,
                    const char *const names[MOST_NUMBERS], struct error *error);

#endif
