/*
 * Labels of a corpus and of a model that was trained elsewhere: which of them mean the same ("angry" and
 * "ang").
 */
#ifndef EMOTRAIN_RUN_LABEL_MATCH_H
#define EMOTRAIN_RUN_LABEL_MATCH_H

#include "run/indexed_corpus.h"

/* Gives the clips of a part the model's labels in place of the corpus' own, and says how in one line.  Clips
 * whose label the model does not have leave the part, and are counted in that line.  Fails where none is
 * left. */
bool match_labels(struct indexed_corpus *corpus, enum part part, const struct strings *labels,
                  struct error *error);

#endif
