/*
 * An experiment's configuration: INI file, `--set section.key=value` over it, defaults under it.
 *
 *     struct config *config = config_new();
 *     if (config_read(config, "configs/ravdess.ini", &error) && config_set(config, "--set", "train.epochs=3",
 * &error)) epochs = config_integer(config, "train.epochs");
 *
 * Every key there is stands in settings.c with its type, default and meaning.  An unknown section or key,
 * or a value of the wrong type or out of range, is an error with file and line that names the nearest known
 * one.  Getters take "section.key"; asking for a key that is not in the table is a programming error and
 * aborts.
 */
#ifndef EMOTRAIN_BASE_CONFIG_H
#define EMOTRAIN_BASE_CONFIG_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { CONFIG_VALUE_LENGTH = 160 }; /* characters of a value at most */

enum setting_type { SETTING_TEXT, SETTING_INTEGER, SETTING_NUMBER, SETTING_BOOL, SETTING_CHOICE };

struct setting {
    const char *section, *key, *fallback; /* fallback: the default, as text */
    enum setting_type type;
    double minimum, maximum; /* of numbers; an empty value is allowed where the default is empty */
    const char *choices;     /* of SETTING_CHOICE: "mean|sum|max" */
    const char *help;
};

extern const struct setting SETTINGS[]; /* settings.c */
extern const size_t SETTINGS_COUNT;

struct config;

struct config *config_new(void); /* every key at its default */
struct config *config_copy(const struct config *config);
void config_free(struct config *config);

bool config_read(struct config *config, const char *path, struct error *error);

/* The same from text; `where` is what an error names in place of the path. */
bool config_read_text(struct config *config, const char *where, const char *text, struct error *error);

/* "section.key=value"; `where` is what an error names: "--set". */
bool config_set(struct config *config, const char *where, const char *assignment, struct error *error);

/* Replaces a value by what was chosen for it ("auto" by "cpu"); the value must be valid. */
void config_choose(struct config *config, const char *name, const char *value);

const char *config_text(const struct config *config, const char *name); /* never NULL */
bool config_is_empty(const struct config *config, const char *name);
int64_t config_integer(const struct config *config, const char *name);
double config_number(const struct config *config, const char *name);
bool config_bool(const struct config *config, const char *name);

/* The setting of that "section.key", or NULL. */
const struct setting *setting_find(const char *name);

/* "section.key", as getters take it; caller frees. */
char *setting_name(const struct setting *setting);

/* Whether a setting says under which name and where a run goes, or what is said of it, not what it does. */
bool setting_is_bookkeeping(const struct setting *setting);

/* Whether two values of a setting mean the same: "1e-3" and "0.001". */
bool setting_same_value(const struct setting *setting, const char *a, const char *b);

/* The whole configuration as an INI file, every key written, in the table's order; caller frees. */
char *config_print(const struct config *config);

#endif
