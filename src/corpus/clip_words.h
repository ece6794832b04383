/* What is said of a clip, in one spelling: corpora write one word in several ways. */
#ifndef EMOTRAIN_CORPUS_CLIP_WORDS_H
#define EMOTRAIN_CORPUS_CLIP_WORDS_H

#include "store/clips.h"

/* Label, speaker and part with each letter and its accents as one character (NFC), and in UTF-8: bytes that
 * are none are taken for Latin-1.  Sex as "female" or "male", where it says so in another word. */
void clip_words_mend(struct clip *clip, struct arena *arena);

/* The same of a setting that names labels or speakers; caller frees. */
char *clip_words_composed(const char *text);

/* "F" as "female", "Male" as "male"; any other word as it is. */
const char *clip_words_sex(const char *word);

#endif
