/* Looking a handler up by name: see handlers.h. */
#include "base/handlers.h"

#include "base/text.h"

#include <string.h>

/* A struct's first member stands at its beginning (C17 6.7.2.1). */
static const char *name_of(const void *handler)
{
    return *(const char *const *)handler;
}

const void *handler_find(const void *const *table, size_t count, const char *name, const char *setting,
                         const char *what, struct error *error)
{
    struct text known = {0};

    for (size_t i = 0; i < count; i++)
        if (strcmp(name_of(table[i]), name) == 0)
            return table[i];
    for (size_t i = 0; i < count; i++)
        text_add(&known, "%s%s", i ? ", " : "", name_of(table[i]));
    error_usage(error, "%s: no %s \"%s\"; there is %s", setting, what, name, known.text);
    text_free(&known);
    return NULL;
}
