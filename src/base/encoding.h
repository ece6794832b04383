/* Texts of other programs in UTF-8. */
#ifndef EMOTRAIN_BASE_ENCODING_H
#define EMOTRAIN_BASE_ENCODING_H

#include "base/error.h"

#include <stddef.h>

/* The text of a file in UTF-8 and without a byte order mark: from UTF-8, or from UTF-16 where a mark says so.
 * What is neither, and a NUL inside, are errors that name `path` and the line.  Takes `bytes`, which end with
 * a NUL of their own, and gives a text that the caller frees; NULL on error. */
char *text_to_utf8(char *bytes, size_t size, const char *path, struct error *error);

/* Bytes of the UTF-8 sequence that begins here (Unicode 15, table 3-7); 0: none does. */
size_t utf8_length(const unsigned char *at);

/* UTF-8 text with each letter and its accents as one character where there is such a one (NFC), or as several
 * (NFD), as macOS names files.  Caller frees; NULL where it is no UTF-8. */
char *utf8_composed(const char *text);
char *utf8_decomposed(const char *text);

#endif
