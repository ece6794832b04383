/* Lists of strings: see strings.h. */
#include "base/strings.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

void strings_add(struct strings *strings, const char *text)
{
    strings->items = mem_grow(strings->items, &strings->capacity, strings->count + 1, sizeof *strings->items);
    strings->items[strings->count++] = mem_string(text);
}

int strings_index(const struct strings *strings, const char *text)
{
    for (size_t i = 0; i < strings->count; i++)
        if (text_equal(strings->items[i], text))
            return (int)i;
    return -1;
}

void strings_add_new(struct strings *strings, const char *text)
{
    if (strings_index(strings, text) < 0)
        strings_add(strings, text);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *strings)
{
    if (strings->count)
        qsort(strings->items, strings->count, sizeof *strings->items, compare_strings);
}

void strings_sort_distinct(struct strings *strings)
{
    size_t kept = 0;

    strings_sort(strings);
    for (size_t i = 0; i < strings->count; i++) {
        if (kept > 0 && strcmp(strings->items[kept - 1], strings->items[i]) == 0)
            free(strings->items[i]);
        else
            strings->items[kept++] = strings->items[i];
    }
    strings->count = kept;
}

int strings_find(const struct strings *sorted, const char *text)
{
    char **found =
        sorted->count ? bsearch(&text, sorted->items, sorted->count, sizeof *found, compare_strings) : NULL;

    return found ? (int)(found - sorted->items) : -1;
}

bool strings_equal(const struct strings *a, const struct strings *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; equal && i < a->count; i++)
        equal = strcmp(a->items[i], b->items[i]) == 0;
    return equal;
}

void strings_free(struct strings *strings)
{
    for (size_t i = 0; i < strings->count; i++)
        free(strings->items[i]);
    free(strings->items);
    *strings = (struct strings){0};
}
