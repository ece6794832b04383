/*
 * Texts to word numbers, as DeepMoji's tokenizer has it (Felbo et al., 2017): lower case; URLs, mentions,
 * hashtags, hearts, emoticons, contractions, abbreviations, numbers, words, runs of one symbol; numbers,
 * mentions and URLs become special words, and three and more of a character in a row become two.
 *
 * Of Unicode, common punctuation is turned into ASCII; every other character beyond ASCII is a word by
 * itself.
 */
#ifndef EMOTRAIN_MODEL_REFERENCE_TOKENIZER_H
#define EMOTRAIN_MODEL_REFERENCE_TOKENIZER_H

#include "base/error.h"
#include "base/strings.h"

#include <stdint.h>

struct vocabulary;

/* `path`: vocabulary.json, an object of words and their numbers.  NULL on error. */
struct vocabulary *vocabulary_open(const char *path, struct error *error);
void vocabulary_close(struct vocabulary *vocabulary); /* NULL does nothing */
bool vocabulary_save(const struct vocabulary *vocabulary, const char *path,
                     struct error *error);                    /* the file as it was read */
int64_t vocabulary_size(const struct vocabulary *vocabulary); /* the largest number, plus one */

/* The text's words, in order. */
void tokenize(const char *text, struct strings *words);

/* The numbers of the text's first `most` words, at least one; unknown words are 1.  Returns how many. */
int64_t vocabulary_numbers(const struct vocabulary *vocabulary, const char *text, int64_t *numbers,
                           int64_t most);

#endif
