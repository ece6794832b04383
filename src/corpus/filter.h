/* Inside corpus/: corpus.filter, which clips of a corpus count: "channel=speech, sex=female". */
#ifndef EMOTRAIN_CORPUS_FILTER_H
#define EMOTRAIN_CORPUS_FILTER_H

#include "corpus/corpus.h"

/* Leaves the clips in the list that the filter lets through, and says how many others there were.  Without a
 * filter of its own a corpus has its format's, unless that would leave none. */
bool filter_clips(const struct corpus_settings *corpus, enum task task, struct clip_list *list,
                  struct error *error);

#endif
