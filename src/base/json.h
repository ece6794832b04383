/* JSON through cJSON: files read with their path in the error, typed members with defaults. */
#ifndef EMOTRAIN_BASE_JSON_H
#define EMOTRAIN_BASE_JSON_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

/* An object without duplicate names; caller cJSON_Deletes. */
cJSON *json_read(const char *path, struct error *error);
cJSON *json_parse(const char *text, size_t size, const char *where, struct error *error);
bool json_write(const char *path, const cJSON *value, struct error *error); /* atomic, indented */

/* A name that stands twice in an object, in it or anywhere below it; NULL if there is none.  Readers of JSON
 * disagree on which of the two counts. */
const char *json_find_duplicate(const cJSON *value);

/* object[section][name], for reading what need not be there; NULL if it is not. */
const cJSON *json_at(const cJSON *object, const char *section, const char *name);
const char *json_text_at(const cJSON *object, const char *section,
                         const char *name);                                        /* "" if it is no text */
double json_number_at(const cJSON *object, const char *section, const char *name); /* 0 if it is no number */

/* Sets a member, replacing an older one; the object owns the value. */
void json_put(cJSON *object, const char *name, cJSON *value);

/* A number that reads back the same to the last bit, of which cJSON may print too few digits.  It is raw text
 * until then. */
void json_put_exact(cJSON *object, const char *name, double value);

/* A number, or null in place of NaN and the infinite, which JSON has not. */
cJSON *json_finite(double value);
void json_add_finite(cJSON *object, const char *name, double value);

/* Members of an object.  Absent or null gives the default; a wrong type is an error naming the member. */
bool json_number(const cJSON *object, const char *name, double *value, struct error *error);
bool json_integer(const cJSON *object, const char *name, int64_t *value, struct error *error);
bool json_bool(const cJSON *object, const char *name, bool *value, struct error *error);
bool json_string(const cJSON *object, const char *name, const char **value, struct error *error);

/* A string that must be one of some words, which NULL ends. */
bool json_word(const cJSON *object, const char *name, const char *const *words, const char **value,
               struct error *error);

#endif
