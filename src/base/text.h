/*
 * Text: a growing buffer, strict number parsing, shortest exact number printing, nearest-name suggestions,
 * escaping for HTML.
 */
#ifndef EMOTRAIN_BASE_TEXT_H
#define EMOTRAIN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A growing, always NUL-terminated buffer; a zeroed struct is an empty one (text is then NULL). */
struct text {
    char *text;
    size_t length, capacity;
};

void text_add(struct text *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *buffer, const char *bytes, size_t size);
/* Whether text is not empty and without control characters, fit for a name in tables and files. */
bool text_is_plain(const char *text);

/* Other people's text for a terminal or a page: control characters but tabs and line ends, and what is no
 * UTF-8, become U+FFFD. */
void text_add_printable(struct text *buffer, const char *text);
void text_add_html(struct text *buffer, const char *text); /* the same, escaped for content and attributes */
void text_add_base64(struct text *buffer, const void *bytes, size_t size);
void text_free(struct text *buffer);

/* A column of a table: the word with blanks before it up to so many characters, or behind it where width is
 * negative.  (printf counts bytes.) */
void text_add_column(struct text *buffer, const char *word, int width);
int text_characters(const char *text); /* of UTF-8 */

/* A number in a column, "-" where there is none (NaN) or it is infinite. */
void text_add_number(struct text *buffer, double value, int width, int decimals);

/* The whole text must be the number; else false.  No leading space, no "0x", no "nan" or "inf". */
bool text_to_integer(const char *text, long long *value);
bool text_to_number(const char *text, double *value);

enum { TEXT_NUMBER_SIZE = 32 };

/* The shortest decimal that reads back as the same double ("0.1", "1e-04", "nan"); returns `buffer`. */
const char *text_from_number(char buffer[TEXT_NUMBER_SIZE], double value);

bool text_equal(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* Edit distance (insert, delete, replace: 1 each). */
size_t text_distance(const char *a, const char *b);

/* Whether `name` is nearer to `wanted` than any name before it, to be asked of each in turn; *distance begins
 * at SIZE_MAX.  Of names equally near the first stays the nearest.
 *
 *     for (size_t i = 0; i < count; i++)
 *         if (nearest_name(word, names[i], &distance))
 *             best = i;
 */
bool nearest_name(const char *wanted, const char *name, size_t *distance);

#endif
