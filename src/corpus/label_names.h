/* What emotions are called: by models and corpora, in several languages, as words and as codes. */
#ifndef EMOTRAIN_CORPUS_LABEL_NAMES_H
#define EMOTRAIN_CORPUS_LABEL_NAMES_H

#include "base/strings.h"

/* The emotion that a label names ("ang", "Anger", "5 = angry", "Wut": "angry"); NULL where it is not known.
 * Codes of one or two letters are not, but TESS's "ps": corpora use one for different emotions. */
const char *emotion_of_label(const char *label);

/* The index in `labels` of what means the same as `label`: the very word, else the same in another case, else
 * the only one that names the same emotion; labels->count where there is none. */
size_t label_of_same_emotion(const struct strings *labels, const char *label);

#endif
