#include "base/config.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct config {
    char **values; /* one per entry of SETTINGS */
};

struct config *config_new(void)
{
    struct config *config = mem_zero(1, sizeof *config);

    config->values = mem_zero(SETTINGS_COUNT, sizeof *config->values);
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        config->values[i] = mem_string(SETTINGS[i].fallback);
    return config;
}

struct config *config_copy(const struct config *config)
{
    struct config *copy = config_new();

    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        free(copy->values[i]);
        copy->values[i] = mem_string(config->values[i]);
    }
    return copy;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        free(config->values[i]);
    free(config->values);
    free(config);
}

/* Index of section.key, or SETTINGS_COUNT. */
static size_t find(const char *section, const char *key)
{
    size_t i = 0;

    while (i < SETTINGS_COUNT &&
           (strcmp(SETTINGS[i].section, section) != 0 || strcmp(SETTINGS[i].key, key) != 0))
        i++;
    return i;
}

/* Index of a known "section.key"; a name that is not in the table is a bug of the caller. */
static size_t known(const char *name)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        size_t length = strlen(SETTINGS[i].section);
        if (strncmp(name, SETTINGS[i].section, length) == 0 && name[length] == '.' &&
            strcmp(name + length + 1, SETTINGS[i].key) == 0)
            return i;
    }
    fprintf(stderr, "emotrain: internal error: no setting \"%s\"\n", name);
    abort();
}

static bool section_exists(const char *section)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (strcmp(SETTINGS[i].section, section) == 0)
            return true;
    return false;
}

static bool unknown_section(const char *where, const char *section, struct error *error)
{
    size_t best = 0, distance = SIZE_MAX;

    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (nearest_name(section, SETTINGS[i].section, &distance))
            best = i;
    return error_usage(error, "%s: unknown section [%s]; the nearest known one is [%s]", where, section,
                       SETTINGS[best].section);
}

/* The nearest key, one of the same section where several are as near. */
static bool unknown_key(const char *where, const char *section, const char *key, struct error *error)
{
    size_t best = 0, distance = SIZE_MAX;

    for (int elsewhere = 0; elsewhere <= 1; elsewhere++)
        for (size_t i = 0; i < SETTINGS_COUNT; i++)
            if ((strcmp(section, SETTINGS[i].section) != 0) == elsewhere &&
                nearest_name(key, SETTINGS[i].key, &distance))
                best = i;
    return error_usage(error, "%s: unknown key %s.%s; the nearest known one is %s.%s", where, section, key,
                       SETTINGS[best].section, SETTINGS[best].key);
}

static bool is_choice(const char *choices, const char *value)
{
    size_t length = strlen(value);

    for (const char *at = choices; length; at++) {
        if (strncmp(at, value, length) == 0 && (at[length] == '|' || !at[length]))
            return true;
        at = strchr(at, '|');
        if (!at)
            return false;
    }
    return false;
}

static bool is_bool(const char *value, bool *truth)
{
    static const char *const yes[] = {"yes", "true", "on", "1"}, *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < 4; i++) {
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *truth = strcmp(value, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool check_number(const struct setting *s, const char *where, const char *value, struct error *error)
{
    long long integer;
    double number;
    char low[TEXT_NUMBER_SIZE], high[TEXT_NUMBER_SIZE];

    if (s->type == SETTING_INTEGER) {
        if (!text_to_integer(value, &integer))
            return error_usage(error, "%s: %s.%s must be a whole number, not \"%s\"", where, s->section,
                               s->key, value);
        number = (double)integer;
    } else if (!text_to_number(value, &number)) {
        return error_usage(error, "%s: %s.%s must be a number, not \"%s\"", where, s->section, s->key, value);
    }
    if (number < s->minimum || number > s->maximum)
        return error_usage(error, "%s: %s.%s must be from %s to %s, not %s", where, s->section, s->key,
                           text_from_number(low, s->minimum), text_from_number(high, s->maximum), value);
    return true;
}

enum { INIH_LINE = 200 }; /* inih's default line buffer, longer lines would be cut in two */

/* A value must read back from config.ini as it is. */
static bool check_text(const struct setting *s, const char *where, const char *value, struct error *error)
{
    size_t length = strlen(value);
    const char *why = NULL;

    if (!*value && *s->fallback)
        why = "must not be empty";
    else if (length > CONFIG_VALUE_LENGTH)
        why = "is longer than 160 characters";
    else if (value[strcspn(value, "\r\n")])
        why = "must be one line";
    else if (strstr(value, " ;") || strstr(value, "\t;") || value[0] == ';')
        why = "must not hold a space and a semicolon: a comment begins there";
    else if (length && (strchr(" \t", value[0]) || strchr(" \t", value[length - 1])))
        why = "must not begin or end with a space";
    return !why || error_usage(error, "%s: %s.%s %s", where, s->section, s->key, why);
}

static bool check(const struct setting *s, const char *where, const char *value, struct error *error)
{
    bool truth;

    if (!check_text(s, where, value, error))
        return false;
    if (!*value && !*s->fallback)
        return true;
    switch (s->type) {
    case SETTING_TEXT:
        return true;
    case SETTING_INTEGER:
    case SETTING_NUMBER:
        return check_number(s, where, value, error);
    case SETTING_BOOL:
        return is_bool(value, &truth) || error_usage(error, "%s: %s.%s must be yes or no, not \"%s\"", where,
                                                     s->section, s->key, value);
    case SETTING_CHOICE:
        return is_choice(s->choices, value) || error_usage(error, "%s: %s.%s must be one of %s, not \"%s\"",
                                                           where, s->section, s->key, s->choices, value);
    }
    return false;
}

static bool assign(struct config *config, const char *where, const char *section, const char *key,
                   const char *value, struct error *error)
{
    if (!*section)
        return error_usage(error, "%s: \"%s\" stands before any [section]", where, key);
    if (!section_exists(section))
        return unknown_section(where, section, error);
    size_t i = find(section, key);
    if (i == SETTINGS_COUNT)
        return unknown_key(where, section, key, error);
    if (!check(&SETTINGS[i], where, value, error))
        return false;
    free(config->values[i]);
    config->values[i] = mem_string(value);
    return true;
}

/* A file being parsed by inih: the reader counts lines, the handler assigns. */
struct parse {
    struct config *config;
    const char *path;
    FILE *stream;
    int line;
    bool *given;
    struct error *error;
};

/* One line for inih, its leading white space removed: inih would take an indented line for a continuation. */
static char *read_line(char *buffer, int size, void *stream)
{
    struct parse *parse = stream;

    if (parse->error->kind || !fgets(buffer, size, parse->stream))
        return NULL;
    parse->line++;
    size_t length = strlen(buffer);
    if (length + 1 >= (size_t)size || length + 1 >= INIH_LINE) {
        error_usage(parse->error, "%s:%d: line longer than %d characters", parse->path, parse->line,
                    INIH_LINE - 2);
        return NULL;
    }
    size_t blank = strspn(buffer, " \t");
    memmove(buffer, buffer + blank, length - blank + 1);
    return buffer;
}

static int on_pair(void *user, const char *section, const char *key, const char *value)
{
    struct parse *parse = user;
    char *where = mem_format("%s:%d", parse->path, parse->line);
    bool done = assign(parse->config, where, section, key, value, parse->error);

    if (done) {
        size_t i = find(section, key);
        if (parse->given[i])
            done = error_usage(parse->error, "%s: %s.%s is given twice", where, section, key);
        parse->given[i] = true;
    }
    free(where);
    return done;
}

/* Parses the open stream, and closes it. */
static bool parse_stream(struct config *config, const char *path, FILE *stream, struct error *error)
{
    struct parse parse = {.config = config, .path = path, .stream = stream, .error = error};

    parse.given = mem_zero(SETTINGS_COUNT, sizeof *parse.given);
    int line = ini_parse_stream(read_line, &parse, on_pair, &parse);
    free(parse.given);
    fclose(stream);
    if (line != 0 && !error->kind)
        error_usage(error, "%s:%d: expected [section], key=value or a comment", path, line);
    return error->kind == ERROR_NONE;
}

bool config_read(struct config *config, const char *path, struct error *error)
{
    if (path_is_folder(path))
        return error_usage(error, "%s: is a folder, not a configuration file", path);
    FILE *stream = fopen(path, "r");
    if (!stream)
        return error_usage(error, "%s: cannot read the configuration: %s", path, strerror(errno));
    return parse_stream(config, path, stream, error);
}

bool config_read_text(struct config *config, const char *where, const char *text, struct error *error)
{
    FILE *stream = *text ? fmemopen((void *)text, strlen(text), "r") : NULL;

    return !*text || (stream ? parse_stream(config, where, stream, error)
                             : error_set(error, "%s: %s", where, strerror(errno)));
}

bool config_set(struct config *config, const char *where, const char *assignment, struct error *error)
{
    const char *dot = strchr(assignment, '.'), *equals = strchr(assignment, '=');

    if (!dot || !equals || dot > equals)
        return error_usage(error, "%s %s: expected section.key=value", where, assignment);
    char *section = mem_format("%.*s", (int)(dot - assignment), assignment);
    char *key = mem_format("%.*s", (int)(equals - dot - 1), dot + 1);
    bool done = assign(config, where, section, key, equals + 1, error);
    free(section);
    free(key);
    return done;
}

void config_choose(struct config *config, const char *name, const char *value)
{
    size_t i = known(name);

    char *copy = mem_string(value);
    free(config->values[i]);
    config->values[i] = copy;
}

const char *config_text(const struct config *config, const char *name)
{
    return config->values[known(name)];
}

bool config_is_empty(const struct config *config, const char *name)
{
    return !*config_text(config, name);
}

int64_t config_integer(const struct config *config, const char *name)
{
    long long value = 0;

    text_to_integer(config_text(config, name), &value);
    return value;
}

double config_number(const struct config *config, const char *name)
{
    double value = 0;

    text_to_number(config_text(config, name), &value);
    return value;
}

bool config_bool(const struct config *config, const char *name)
{
    bool value = false;

    is_bool(config_text(config, name), &value);
    return value;
}

const struct setting *setting_find(const char *name)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        size_t length = strlen(SETTINGS[i].section);
        if (strncmp(name, SETTINGS[i].section, length) == 0 && name[length] == '.' &&
            strcmp(name + length + 1, SETTINGS[i].key) == 0)
            return &SETTINGS[i];
    }
    return NULL;
}

char *setting_name(const struct setting *setting)
{
    return mem_format("%s.%s", setting->section, setting->key);
}

bool setting_is_bookkeeping(const struct setting *setting)
{
    static const char *const keys[] = {"name", "directory", "database"};
    bool place = false;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        place = place || strcmp(setting->key, keys[i]) == 0;
    return (place && strcmp(setting->section, "run") == 0) || strcmp(setting->section, "sweep") == 0 ||
           strcmp(setting->section, "report") == 0;
}

bool setting_same_value(const struct setting *setting, const char *a, const char *b)
{
    double x, y;
    bool p, q;

    if (setting->type == SETTING_BOOL && is_bool(a, &p) && is_bool(b, &q))
        return p == q;
    if ((setting->type == SETTING_INTEGER || setting->type == SETTING_NUMBER) && text_to_number(a, &x) &&
        text_to_number(b, &y))
        return x == y;
    return strcmp(a, b) == 0;
}

char *config_print(const struct config *config)
{
    struct text text = {0};
    const char *section = "";

    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        if (strcmp(section, SETTINGS[i].section) != 0) {
            section = SETTINGS[i].section;
            text_add(&text, "%s[%s]\n", i ? "\n" : "", section);
        }
        text_add(&text, "%s = %s\n", SETTINGS[i].key, config->values[i]);
    }
    return text.text;
}
