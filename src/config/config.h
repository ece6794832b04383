/*
 * An experiment's configuration: an INI file, `--set section.key=value` over it, defaults under it.
 *
 *     struct config *config = config_new();
 *     if (config_read(config, "configs/ravdess.ini", &error) &&
 *         config_set(config, "--set", "train.epochs=3", &error))
 *         epochs = config_settings(config)->train.epochs;
 *
 * settings.h has the values and the table of keys.  An unknown section or key, or a value of the wrong type
 * or out of range, is an error with file and line that names the nearest known one.  A corpus beside the
 * first has a section of its own, [corpus.NAME].  In a file, a key that takes a list may be repeated.
 *
 * A relative path in a file is relative to that file, one given by --set to the current folder.
 */
#ifndef EMOTRAIN_CONFIG_CONFIG_H
#define EMOTRAIN_CONFIG_CONFIG_H

#include "base/error.h"
#include "config/settings.h"

struct config;

struct config *config_new(void); /* every key at its default */
struct config *config_copy(const struct config *config);
void config_free(struct config *config);

bool config_read(struct config *config, const char *path, struct error *error);

/* Reads a file that config_print wrote, into a new configuration; fails where the file was cut. */
bool config_read_back(struct config *config, const char *path, struct error *error);

/* config_read of text that a file of `folder` holds; `where` is what an error names in place of the path. */
bool config_read_text(struct config *config, const char *where, const char *folder, const char *text,
                      struct error *error);

/* "section.key=value"; `where` is what an error names: "--set". */
bool config_set(struct config *config, const char *where, const char *assignment, struct error *error);

/* Replaces a value by what was chosen for it ("auto" by "cpu"); name and value must be valid. */
void config_choose(struct config *config, const char *name, const char *value);

/* The values.  They follow every later change; their strings live as long as the configuration. */
const struct settings *config_settings(const struct config *config);

/* A value by its name "section.key", as text; NULL where there is no such key. */
const char *config_text(const struct config *config, const char *name);

/* Whether a file or --set gave the value, even if it is the default. */
bool config_is_given(const struct config *config, const char *name);

/* Whether it was --set that gave it. */
bool config_is_set(const struct config *config, const char *name);

/* One key of a configuration. */
struct config_entry {
    char name[128]; /* "corpus.other.root" */
    const struct setting *setting;
    const char *value;
};

/* Entry i in config.ini's order; false after the last. */
bool config_entry(const struct config *config, size_t i, struct config_entry *entry);

/* Takes over from another configuration the values that `wanted` (with `context`) says, all where it is NULL;
 * its corpora where that holds of the key corpus.root. */
void config_take(struct config *config, const struct config *from,
                 bool (*wanted)(const struct config_entry *entry, const void *context), const void *context);

/* Tells of each setting that differs, as text; "" where one has no such key.  Values that mean the same do
 * not differ. */
typedef void config_difference(void *context, const struct setting *setting, const char *name, const char *a,
                               const char *b);
void config_compare(const struct config *a, const struct config *b, config_difference *differs,
                    void *context);

/* The setting of that "section.key" ("corpus.other.root" too), or NULL. */
const struct setting *setting_find(const char *name);

/* Whether a setting says under which name and where a run goes, or what is said of it, not what it does. */
bool setting_is_bookkeeping(const struct setting *setting);

/* Whether a setting says where things are or how fast they go, not what comes of them: it may differ between
 * the processes of a run, and change while the run is interrupted. */
bool setting_is_local(const struct setting *setting);

/* Whether a run may go on with another value of the setting than it began with. */
bool setting_may_change(const struct setting *setting);

/* Whether two values of a setting mean the same: "1e-3" and "0.001". */
bool setting_same_value(const struct setting *setting, const char *a, const char *b);

/* The whole configuration as an INI file, every key written, each section once; caller frees.  Paths are made
 * relative to `folder`, where the file will lie, or stay absolute. */
char *config_print(const struct config *config, const char *folder);

/* ---- lists ---- */

/* Characters before the next separator, of which quoted items may hold some: "a, b", c */
size_t list_item_length(const char *text, char separator);
char *list_unquote(char *item); /* in place */

/* The next item of a SETTING_LIST value at *cursor, without the white space and the quotes around it, in an
 * allocated string; NULL at the end. Empty items are passed over. */
char *list_next(const char **cursor, char separator);

#endif
