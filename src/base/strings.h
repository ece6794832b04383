/* A growing list of strings that owns its copies.  A zeroed struct is an empty one. */
#ifndef EMOTRAIN_BASE_STRINGS_H
#define EMOTRAIN_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

struct strings {
    char **items;
    size_t count, capacity;
};

void strings_add(struct strings *strings, const char *text);
int strings_index(const struct strings *strings, const char *text);   /* -1 if it is not there */
void strings_add_new(struct strings *strings, const char *text);      /* unless it is there already */
void strings_sort(struct strings *strings);                           /* by byte */
void strings_sort_distinct(struct strings *strings);                  /* and leaves each once */
int strings_find(const struct strings *sorted, const char *text);     /* strings_index, by bisection */
bool strings_equal(const struct strings *a, const struct strings *b); /* the same in the same order */
void strings_free(struct strings *strings);                           /* leaves an empty list */

#endif
