/* Paths in configurations: relative to the file that they stand in. */
#ifndef EMOTRAIN_CONFIG_PATHS_H
#define EMOTRAIN_CONFIG_PATHS_H

#include "config/settings.h"

/* A value as it stands in a file of `folder`, made relative to the current folder; NULL: it stands in none.
 * Only paths change.  Caller frees. */
char *setting_resolve(const struct setting *setting, const char *value, const char *folder);

/* The reverse: a path as it is to stand in a file of `folder`.  What lies below the current folder is written
 * relative to `folder`, so that both can move together; all else, and all where `folder` is NULL, absolutely.
 * Caller frees. */
char *setting_place(const struct setting *setting, const char *value, const char *folder);

/* `path` seen from `folder`, by their names alone; both absolute; caller frees. */
char *path_relative(const char *path, const char *folder);

#endif
