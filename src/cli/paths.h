/* The recordings that a user names on the command line. */
#ifndef EMOTRAIN_CLI_PATHS_H
#define EMOTRAIN_CLI_PATHS_H

#include "base/error.h"
#include "base/strings.h"

/* Adds what a path stands for: a file for itself, a folder for the sound files in it, at any depth, "-" for
 * standard input. */
bool paths_collect(struct strings *paths, const char *path, struct error *error);

#endif
