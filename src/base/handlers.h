/*
 * Tables of handlers: variants (corpora, models, poolings, ...) are constant structs whose first
 * member is `const char *name`, listed in one array of pointers.
 */
#ifndef EMOTRAIN_BASE_HANDLERS_H
#define EMOTRAIN_BASE_HANDLERS_H

#include "base/error.h"

#include <stddef.h>

/* The handler of that name.  NULL, with a usage error "SETTING: no WHAT "NAME"; there is A, B, C", if the
 * table has none. */
const void *handler_find(const void *const *table, size_t count, const char *name, const char *setting,
                         const char *what, struct error *error);

#define HANDLER_FIND(table, name, setting, what, error)                                                      \
    handler_find((const void *const *)(table), sizeof(table) / sizeof(table)[0], name, setting, what, error)

#endif
