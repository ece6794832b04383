/* JSON lines (and an array of objects) as CSV, so that one reader takes all tables. */
#ifndef EMOTRAIN_BASE_JSON_LINES_H
#define EMOTRAIN_BASE_JSON_LINES_H

#include "base/error.h"

#include <stdbool.h>

bool is_json_lines(const char *text); /* or an array */

/* A row for each object, on the same line (of an array, on the line of its number); columns in the order in
 * which keys come.  Strings are as they stand but for line breaks, which become blanks; null and missing keys
 * are empty, an array's items are joined by ";", other values are JSON.  Errors name `path` and the line.
 * Caller frees; NULL on error. */
char *json_lines_to_csv(const char *text, const char *path, struct error *error);

#endif
