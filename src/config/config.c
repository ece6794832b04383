/* Configurations: INI files by inih, `--set`, and the text of config.ini. */
#include "config/config.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/paths.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CORPUS = 0 };

/* The last setting in a config.ini of any version; newer ones may stand behind it. */
static const char LAST_OF_ALL[] = "compare.models";

/* Values of the table's rows; of a corpus beside the first, those that each corpus has. */
struct values {
    const char **texts; /* one per entry of SETTINGS */
    bool *in_file;      /* given in the file that is being read */
    bool *given;        /* by any file or --set */
};

struct config {
    struct values *sections; /* the first, and one for each further corpus */
    struct corpus_settings *corpora;
    size_t corpus_count;
    struct settings settings;
    struct arena arena; /* of all strings */
};

/* ---- making and copying ---- */

static void store_value(struct config *config, size_t corpus, size_t i, const char *value)
{
    const struct setting *s = &SETTINGS[i];
    const char *kept = arena_string(&config->arena, value);

    config->sections[corpus].texts[i] = kept;
    setting_store(s, kept, s->of_each_corpus ? (void *)&config->corpora[corpus] : (void *)&config->settings);
    config->settings.corpora.task = config->settings.model.task;
    config->settings.corpora.channel = config->settings.audio.channel;
    config->settings.corpora.min_seconds = config->settings.audio.min_seconds;
}

/* Appends a corpus with its defaults; returns its index. */
static size_t add_corpus(struct config *config, const char *name)
{
    size_t index = config->corpus_count++, capacity = index;

    config->sections = mem_grow(config->sections, &capacity, index + 1, sizeof *config->sections);
    capacity = index;
    config->corpora = mem_grow(config->corpora, &capacity, index + 1, sizeof *config->corpora);
    config->sections[index] =
        (struct values){mem_zero(SETTINGS_COUNT, sizeof(char *)), mem_zero(SETTINGS_COUNT, sizeof(bool)),
                        mem_zero(SETTINGS_COUNT, sizeof(bool))};
    config->corpora[index] = (struct corpus_settings){.name = arena_string(&config->arena, name)};
    config->settings.corpora.items = config->corpora;
    config->settings.corpora.count = config->corpus_count;
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (index == FIRST_CORPUS || SETTINGS[i].of_each_corpus)
            store_value(config, index, i, SETTINGS[i].fallback);
    return index;
}

struct config *config_new(void)
{
    struct config *config = mem_zero(1, sizeof *config);

    add_corpus(config, "");
    return config;
}

struct config *config_copy(const struct config *config)
{
    struct config *copy = config_new();

    config_take(copy, config, NULL, NULL);
    return copy;
}

static void drop_corpora(struct config *config, size_t keep)
{
    while (config->corpus_count > keep) {
        struct values *values = &config->sections[--config->corpus_count];
        free(values->texts);
        free(values->in_file);
        free(values->given);
    }
    config->settings.corpora.count = config->corpus_count;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    drop_corpora(config, 0);
    free(config->sections);
    free(config->corpora);
    arena_free(&config->arena);
    free(config);
}

/* ---- finding ---- */

static bool section_exists(const char *section)
{
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (strcmp(SETTINGS[i].section, section) == 0)
            return true;
    return false;
}

/* Index of section.key, or SETTINGS_COUNT. */
static size_t find_row(const char *section, const char *key)
{
    size_t i = 0;

    while (i < SETTINGS_COUNT &&
           (strcmp(SETTINGS[i].section, section) != 0 || strcmp(SETTINGS[i].key, key) != 0))
        i++;
    return i;
}

/* The name of a corpus beside the first, where the section is one's: "other" of "corpus.other"; else NULL. */
static const char *corpus_name(const char *section)
{
    static const char prefix[] = "corpus.";

    return strncmp(section, prefix, sizeof prefix - 1) == 0 ? section + sizeof prefix - 1 : NULL;
}

/* Index of the corpus of that name, or corpus_count. */
static size_t find_corpus(const struct config *config, const char *name)
{
    size_t c = 0;

    while (c < config->corpus_count && strcmp(config->corpora[c].name, name) != 0)
        c++;
    return c;
}

/* "section.key" cut at its last dot: "corpus.other" and "root". */
static bool cut_name(const char *name, size_t length, char **section, char **key)
{
    size_t dot = length;

    while (dot > 0 && name[dot - 1] != '.')
        dot--;
    if (dot == 0)
        return false;
    *section = mem_format("%.*s", (int)(dot - 1), name);
    *key = mem_format("%.*s", (int)(length - dot), name + dot);
    return true;
}

/* The row and the corpus of a name; false where there is none. */
static bool find_name(const struct config *config, const char *name, size_t *corpus, size_t *row)
{
    char *section, *key;

    if (!cut_name(name, strlen(name), &section, &key))
        return false;
    const char *other = corpus_name(section);
    *corpus = other ? (config ? find_corpus(config, other) : 0) : FIRST_CORPUS;
    *row = find_row(other ? "corpus" : section, key);
    bool found = *row < SETTINGS_COUNT && (!other || SETTINGS[*row].of_each_corpus);
    free(section);
    free(key);
    return found && (!config || *corpus < config->corpus_count);
}

const struct setting *setting_find(const char *name)
{
    size_t corpus, row;

    return find_name(NULL, name, &corpus, &row) ? &SETTINGS[row] : NULL;
}

/* ---- checking ---- */

static bool unknown_section(const char *where, const char *section, struct error *error)
{
    size_t best = 0, distance = SIZE_MAX;

    if (strncmp(section, "corpus_", 7) == 0)
        return error_usage(error, "%s: unknown section [%s]; a further corpus is [corpus.NAME]", where,
                           section);
    for (size_t i = 0; i < SETTINGS_COUNT; i++)
        if (nearest_name(section, SETTINGS[i].section, &distance))
            best = i;
    return error_usage(error, "%s: unknown section [%s]; the nearest known one is [%s]", where, section,
                       SETTINGS[best].section);
}

/* The nearest key, one of the same section where several are as near. */
static bool unknown_key(const char *where, const char *section, const char *key, struct error *error)
{
    const char *renamed = setting_renamed(section, key);
    size_t best = 0, distance = SIZE_MAX;

    if (renamed)
        return error_usage(error, "%s: unknown key %s.%s; it is called %s", where, section, key, renamed);
    for (int elsewhere = 0; elsewhere <= 1; elsewhere++)
        for (size_t i = 0; i < SETTINGS_COUNT; i++)
            if ((strcmp(section, SETTINGS[i].section) != 0) == elsewhere &&
                nearest_name(key, SETTINGS[i].key, &distance))
                best = i;
    return error_usage(error, "%s: unknown key %s.%s; the nearest known one is %s.%s", where, section, key,
                       SETTINGS[best].section, SETTINGS[best].key);
}

static bool check_number(const struct setting *s, const char *where, const char *value, struct error *error)
{
    long long integer;
    double number;
    char low[TEXT_NUMBER_SIZE], high[TEXT_NUMBER_SIZE];

    if (s->word && strcmp(value, s->word) == 0)
        return true;
    if (s->type == SETTING_INTEGER) {
        if (!text_to_integer(value, &integer))
            return error_usage(error, "%s: %s.%s must be a whole number%s%s, not \"%s\"", where, s->section,
                               s->key, s->word ? " or " : "", s->word ? s->word : "", value);
        number = (double)integer;
    } else if (!text_to_number(value, &number)) {
        return error_usage(error, "%s: %s.%s must be a number, not \"%s\"", where, s->section, s->key, value);
    }
    if (number < s->minimum || number > s->maximum)
        return error_usage(error, "%s: %s.%s must be from %s to %s, not %s", where, s->section, s->key,
                           text_from_number(low, s->minimum), text_from_number(high, s->maximum), value);
    return true;
}

/* A value must read back from config.ini as it is. */
static bool check_text(const struct setting *s, const char *where, const char *value, struct error *error)
{
    size_t length = strlen(value);
    const char *why = NULL;

    if (!*value && *s->fallback)
        why = "must not be empty";
    else if (value[strcspn(value, "\r\n")])
        why = "must be one line";
    else if (strstr(value, " ;") || strstr(value, "\t;") || value[0] == ';')
        why = "must not hold a space and a semicolon: a comment begins there";
    else if (length && (strchr(" \t", value[0]) || strchr(" \t", value[length - 1])))
        why = "must not begin or end with a space";
    return !why || error_usage(error, "%s: %s.%s %s", where, s->section, s->key, why);
}

/* What earlier versions called a value. */
static const char *renamed_value(const struct setting *s, const char *value)
{
    if (strcmp(s->key, "kind") != 0)
        return "";
    return strcmp(value, "wav2vec2") == 0 ? ": wav2vec2 is an encoder"
           : strcmp(value, "svm") == 0    ? ": svm is linear, with linear.classifier=svm"
           : strcmp(value, "csv") == 0    ? ": csv is list"
                                          : "";
}

static bool check_value(const struct setting *s, const char *where, const char *value, struct error *error)
{
    bool truth;

    if (!check_text(s, where, value, error))
        return false;
    if (!*value && !*s->fallback)
        return true;
    switch (s->type) {
    case SETTING_INTEGER:
    case SETTING_NUMBER:
        return check_number(s, where, value, error);
    case SETTING_BOOL:
    case SETTING_TRI:
        return setting_bool(value, &truth) || error_usage(error, "%s: %s.%s must be yes or no, not \"%s\"",
                                                          where, s->section, s->key, value);
    case SETTING_NAME:
    case SETTING_CHOICE:
        return setting_choice(s->choices, value) >= 0 ||
               error_usage(error, "%s: %s.%s must be one of %s, not \"%s\"%s", where, s->section, s->key,
                           s->choices, value, renamed_value(s, value));
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_MODEL:
    case SETTING_LIST:
    case SETTING_PATHS:
        return true;
    }
    return false;
}

/* ---- setting ---- */

static bool is_list(const struct setting *setting)
{
    return setting->type == SETTING_LIST || setting->type == SETTING_PATHS;
}

enum { LONGEST_SECTION = 49 }; /* that inih takes */

/* The corpus that a section is of, made where it is new. */
static bool take_section(struct config *config, const char *where, const char *section, size_t *corpus,
                         struct error *error)
{
    const char *name = corpus_name(section);

    *corpus = FIRST_CORPUS;
    if (!name)
        return section_exists(section) || unknown_section(where, section, error);
    if (!*name || name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
        return error_usage(error, "%s: [%s]: a corpus' name has letters, digits, - and _", where, section);
    if (strlen(section) > LONGEST_SECTION)
        return error_usage(error, "%s: [%s]: the section of a corpus has up to %d characters", where, section,
                           LONGEST_SECTION);
    *corpus = find_corpus(config, name);
    if (*corpus == config->corpus_count)
        add_corpus(config, name);
    return true;
}

/* Sets a value.  folder: that of the file which holds it, for relative paths; NULL: it was given by --set. */
static bool assign_value(struct config *config, const char *where, const char *folder, const char *section,
                         const char *key, const char *value, struct error *error)
{
    size_t corpus = FIRST_CORPUS;

    if (!*section)
        return error_usage(error, "%s: \"%s\" stands before any [section]", where, key);
    if (!setting_renamed(section, key) && !take_section(config, where, section, &corpus, error))
        return false;
    size_t i = find_row(corpus_name(section) ? "corpus" : section, key);
    if (i == SETTINGS_COUNT)
        return unknown_key(where, section, key, error);
    const struct setting *s = &SETTINGS[i];
    if (corpus != FIRST_CORPUS && !s->of_each_corpus)
        return error_usage(error, "%s: %s.%s stands in [corpus], once for all corpora", where, section, key);
    struct values *values = &config->sections[corpus];
    bool given = folder && values->in_file[i];
    if (!check_value(s, where, value, error))
        return false;
    if (given && !is_list(s))
        return error_usage(error, "%s: %s.%s is given twice", where, section, key);
    char *resolved = setting_resolve(s, value, folder);
    if (given && *values->texts[i] && *resolved) {
        char *joined = mem_format("%s%c%s", values->texts[i], s->separator, resolved);
        free(resolved);
        resolved = joined;
    }
    store_value(config, corpus, i, resolved);
    values->in_file[i] = folder != NULL;
    values->given[i] = true;
    free(resolved);
    return true;
}

bool config_set(struct config *config, const char *where, const char *assignment, struct error *error)
{
    const char *equals = strchr(assignment, '=');
    char *section, *key;

    if (!equals || !cut_name(assignment, (size_t)(equals - assignment), &section, &key))
        return error_usage(error, "%s %s: expected section.key=value", where, assignment);
    bool done = assign_value(config, where, NULL, section, key, equals + 1, error);
    free(section);
    free(key);
    return done;
}

void config_choose(struct config *config, const char *name, const char *value)
{
    size_t corpus, row;

    if (!find_name(config, name, &corpus, &row)) {
        fprintf(stderr, "emotrain: internal error: no setting \"%s\"\n", name);
        abort();
    }
    store_value(config, corpus, row, value);
}

/* ---- reading ---- */

/* inih's line buffer holds 200 characters: a longer line goes to it in pieces, as a first line and its
 * continuations. */
enum { PIECE = 160 };
static const char BYTE_ORDER_MARK[] = "\xef\xbb\xbf"; /* which some editors begin a file with */

/* A file being parsed by inih: the reader counts lines, the handler collects a pair's pieces and assigns it.
 */
struct parse {
    struct config *config;
    const char *path, *folder;
    FILE *stream;
    int line;
    char *buffer; /* of the present line */
    size_t capacity, at, length;
    char *section, *key; /* of the pair being collected, or NULL */
    struct text value;
    int pair_line;
    struct error *error;
};

static bool end_pair(struct parse *parse)
{
    bool done = true;

    if (parse->key) {
        char *where = mem_format("%s:%d", parse->path, parse->pair_line);
        done = assign_value(parse->config, where, parse->folder, parse->section, parse->key,
                            parse->value.text ? parse->value.text : "", parse->error);
        free(where);
    }
    free(parse->section);
    free(parse->key);
    text_free(&parse->value);
    parse->section = parse->key = NULL;
    return done;
}

/* Cuts a comment after a value off, as inih does. */
static void cut_comment(char *line)
{
    for (char *c = line; *c; c++)
        if (*c == ';' && c > line && strchr(" \t", c[-1]))
            *c = '\0';
}

/* "[section]", and nothing behind it. */
static bool check_section(const char *line)
{
    const char *end = strchr(line, ']');

    return end && end[1 + strspn(end + 1, " \t")] == '\0' && end - line - 1 <= LONGEST_SECTION;
}

/* What inih would drop or misread is said here, where the line is known: a comment, which would go on in a
 * long line's next piece, is emptied; blanks before the value are taken out. */
static void check_line(struct parse *parse)
{
    char *line = parse->buffer + parse->at;
    size_t sign = strcspn(line, "=:");

    if (*line == '#' || *line == ';') {
        parse->length = parse->at;
    } else if (*line == '[') {
        if (!check_section(line))
            error_usage(parse->error,
                        "%s:%d: %s: expected [section], of up to %d characters, alone on its line",
                        parse->path, parse->line, line, LONGEST_SECTION);
    } else if (*line && !line[sign]) {
        error_usage(parse->error, "%s:%d: expected [section], key=value or a comment", parse->path,
                    parse->line);
    } else if (*line) {
        char *value = line + sign + 1, *word = value + strspn(value, " \t");
        memmove(value, word, strlen(word) + 1);
        parse->length -= (size_t)(word - value);
    }
}

/* The next line of the file, without the white space around it; false at the end. */
static bool next_line(struct parse *parse)
{
    ssize_t length = getline(&parse->buffer, &parse->capacity, parse->stream);

    if (length < 0)
        return false;
    parse->line++;
    if (memchr(parse->buffer, '\0', (size_t)length))
        error_usage(parse->error, "%s:%d: a NUL byte: not a configuration", parse->path, parse->line);
    cut_comment(parse->buffer);
    size_t end = strlen(parse->buffer);
    while (end && strchr(" \t\r\n", parse->buffer[end - 1]))
        parse->buffer[--end] = '\0';
    bool marked = parse->line == 1 && strncmp(parse->buffer, BYTE_ORDER_MARK, 3) == 0;
    parse->at = (marked ? 3 : 0) + strspn(parse->buffer + (marked ? 3 : 0), " \t");
    parse->length = end > parse->at ? end : parse->at;
    check_line(parse);
    return true;
}

/* Where a piece that begins at `at` ends: not beside white space or a comment's sign, which inih would drop.
 */
static size_t piece_end(const struct parse *parse)
{
    size_t end = parse->at + PIECE;

    if (end >= parse->length)
        return parse->length;
    while (end > parse->at + 1 && strchr(" \t;#", parse->buffer[end]))
        end--;
    while (end > parse->at + 1 && strchr(" \t", parse->buffer[end - 1]))
        end--;
    return end;
}

static char *read_piece(char *buffer, int size, void *stream)
{
    struct parse *parse = stream;
    bool continued = parse->at < parse->length;

    if (parse->error->kind || (!continued && !next_line(parse)) || parse->error->kind)
        return NULL;
    size_t first = parse->at, end = piece_end(parse);
    snprintf(buffer, (size_t)size, "%s%.*s\n", continued ? " " : "", (int)(end - first),
             parse->buffer + first);
    parse->at = end;
    return buffer;
}

static int on_pair(void *user, const char *section, const char *key, const char *value)
{
    struct parse *parse = user;

    if (parse->key && parse->pair_line == parse->line) { /* a further piece */
        text_add(&parse->value, "%s", value);
        return 1;
    }
    bool done = end_pair(parse);
    parse->section = mem_string(section);
    parse->key = mem_string(key);
    text_add(&parse->value, "%s", value);
    parse->pair_line = parse->line;
    return done;
}

/* Parses the open stream, and closes it. */
static bool parse_stream(struct config *config, const char *path, const char *folder, FILE *stream,
                         struct error *error)
{
    struct parse parse = {.config = config, .path = path, .folder = folder, .stream = stream, .error = error};

    for (size_t c = 0; c < config->corpus_count; c++)
        memset(config->sections[c].in_file, 0, SETTINGS_COUNT * sizeof(bool));
    int line = ini_parse_stream(read_piece, &parse, on_pair, &parse);
    if (!error->kind)
        end_pair(&parse);
    free(parse.section);
    free(parse.key);
    text_free(&parse.value);
    free(parse.buffer);
    fclose(stream);
    if (line != 0 && !error->kind)
        error_usage(error, "%s:%d: expected [section], key=value or a comment", path, parse.line);
    return error->kind == ERROR_NONE;
}

bool config_read(struct config *config, const char *path, struct error *error)
{
    if (path_is_folder(path))
        return error_usage(error, "%s: is a folder, not a configuration file", path);
    struct error unread = {0};
    FILE *stream = file_stream(path, &unread);
    if (!stream)
        return error_usage(error, "cannot read the configuration %s", unread.message);
    char *folder = path_folder(path);
    bool done = parse_stream(config, path, folder, stream, error);
    free(folder);
    return done;
}

/* Whether config_print's last line is there, to its end. */
static bool ends_well(const struct config *config, const char *path)
{
    struct error unread = {0};
    size_t size = 0;
    char *text = file_read(path, &size, &unread);
    bool whole = text && size > 0 && text[size - 1] == '\n' && config_is_given(config, LAST_OF_ALL);

    free(text);
    return whole;
}

bool config_read_back(struct config *config, const char *path, struct error *error)
{
    return config_read(config, path, error) &&
           (ends_well(config, path) ||
            error_set(error, "%s: is empty or cut: put a copy of it back in its place", path));
}

bool config_read_text(struct config *config, const char *where, const char *folder, const char *text,
                      struct error *error)
{
    FILE *stream = *text ? fmemopen((void *)text, strlen(text), "r") : NULL;

    return !*text || (stream ? parse_stream(config, where, folder, stream, error)
                             : error_set(error, "%s: %s", where, strerror(errno)));
}

/* ---- values ---- */

const struct settings *config_settings(const struct config *config)
{
    return &config->settings;
}

const char *config_text(const struct config *config, const char *name)
{
    size_t corpus, row;

    return find_name(config, name, &corpus, &row) ? config->sections[corpus].texts[row] : NULL;
}

bool config_is_given(const struct config *config, const char *name)
{
    size_t corpus, row;

    return find_name(config, name, &corpus, &row) && config->sections[corpus].given[row];
}

bool config_is_set(const struct config *config, const char *name)
{
    size_t corpus, row;

    return find_name(config, name, &corpus, &row) && config->sections[corpus].given[row] &&
           !config->sections[corpus].in_file[row];
}

/* Rows that each corpus has, and the last row of [corpus]. */
static void measure_corpus_rows(size_t *each, size_t *last)
{
    *each = 0;
    for (size_t i = 0; i < SETTINGS_COUNT; i++) {
        *each += SETTINGS[i].of_each_corpus;
        if (strcmp(SETTINGS[i].section, "corpus") == 0)
            *last = i;
    }
}

static size_t corpus_row(size_t number)
{
    size_t row = 0;

    for (;; row++)
        if (SETTINGS[row].of_each_corpus && number-- == 0)
            return row;
}

bool config_entry(const struct config *config, size_t i, struct config_entry *entry)
{
    size_t each, last = 0, corpus = FIRST_CORPUS, row = i;

    measure_corpus_rows(&each, &last);
    size_t more = (config->corpus_count - 1) * each;
    if (i > last && i <= last + more) { /* of a further corpus, after [corpus] */
        corpus = 1 + (i - last - 1) / each;
        row = corpus_row((i - last - 1) % each);
    } else if (i > last) {
        row = i - more;
    }
    if (row >= SETTINGS_COUNT)
        return false;
    entry->setting = &SETTINGS[row];
    entry->value = config->sections[corpus].texts[row];
    snprintf(entry->name, sizeof entry->name, "%s%s%s.%s", SETTINGS[row].section, corpus ? "." : "",
             config->corpora[corpus].name, SETTINGS[row].key);
    return true;
}

void config_take(struct config *config, const struct config *from,
                 bool (*wanted)(const struct config_entry *entry, const void *context), const void *context)
{
    struct config_entry entry;
    size_t corpus, row, own_corpus, own_row;

    for (size_t i = 0; config_entry(from, i, &entry); i++) {
        if (wanted && !wanted(&entry, context))
            continue;
        if (strcmp(entry.name, "corpus.root") == 0) {
            drop_corpora(config, 1);
            for (size_t c = 1; c < from->corpus_count; c++)
                add_corpus(config, from->corpora[c].name);
        }
        if (find_name(config, entry.name, &corpus, &row) &&
            find_name(from, entry.name, &own_corpus, &own_row)) {
            store_value(config, corpus, row, entry.value);
            config->sections[corpus].given[row] = from->sections[own_corpus].given[own_row];
            config->sections[corpus].in_file[row] = from->sections[own_corpus].in_file[own_row];
        }
    }
}

/* One side of a comparison: all keys of `a`, or those that only `a` has. */
static void compare_keys(const struct config *a, const struct config *b, bool only_missing,
                         config_difference *differs, void *context)
{
    struct config_entry entry;

    for (size_t i = 0; config_entry(a, i, &entry); i++) {
        const char *other = config_text(b, entry.name);
        if (only_missing && !other && *entry.value)
            differs(context, entry.setting, entry.name, "", entry.value);
        else if (!only_missing && !(other && setting_same_value(entry.setting, entry.value, other)))
            differs(context, entry.setting, entry.name, entry.value, other ? other : "");
    }
}

void config_compare(const struct config *a, const struct config *b, config_difference *differs, void *context)
{
    compare_keys(a, b, false, differs, context);
    compare_keys(b, a, true, differs, context);
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

/* Whether the setting is one of `names`: section and key. */
static bool is_among(const struct setting *setting, const char *const (*names)[2], size_t count)
{
    bool found = false;

    for (size_t i = 0; i < count; i++)
        found =
            found || (strcmp(setting->section, names[i][0]) == 0 && strcmp(setting->key, names[i][1]) == 0);
    return found;
}

bool setting_is_local(const struct setting *setting)
{
    static const char *const names[][2] = {
        {"run", "device"}, {"run", "threads"}, {"model", "gradient_checkpointing"}};

    return setting_is_bookkeeping(setting) || setting->type == SETTING_PATH ||
           (setting->type == SETTING_PATHS && setting->colons == 0) ||
           is_among(setting, names, sizeof names / sizeof names[0]);
}

bool setting_may_change(const struct setting *setting)
{
    static const char *const names[][2] = {{"run", "timeout"}, {"corpus", "note"}, {"checkpoint", "keep"}};

    return setting_is_local(setting) || setting->type == SETTING_MODEL ||
           is_among(setting, names, sizeof names / sizeof names[0]);
}

bool setting_same_value(const struct setting *setting, const char *a, const char *b)
{
    double x, y;
    bool p, q;

    if ((setting->type == SETTING_BOOL || setting->type == SETTING_TRI) && setting_bool(a, &p) &&
        setting_bool(b, &q))
        return p == q;
    if ((setting->type == SETTING_INTEGER || setting->type == SETTING_NUMBER) && text_to_number(a, &x) &&
        text_to_number(b, &y))
        return x == y;
    if (strcmp(a, b) == 0)
        return true;
    char *c = setting_place(setting, a, NULL), *d = setting_place(setting, b, NULL);
    bool same = strcmp(c, d) == 0;
    free(c);
    free(d);
    return same;
}

/* ---- printing ---- */

char *config_print(const struct config *config, const char *folder)
{
    struct text text = {0};
    struct config_entry entry;
    char section[128] = "";

    for (size_t i = 0; config_entry(config, i, &entry); i++) {
        size_t length = (size_t)(strrchr(entry.name, '.') - entry.name);
        if (strlen(section) != length || strncmp(section, entry.name, length) != 0) {
            snprintf(section, sizeof section, "%.*s", (int)length, entry.name);
            text_add(&text, "%s[%s]\n", i ? "\n" : "", section);
        }
        char *value = setting_place(entry.setting, entry.value, folder);
        text_add(&text, "%s = %s\n", entry.setting->key, value);
        free(value);
    }
    return text.text;
}

/* ---- lists ---- */

size_t list_item_length(const char *text, char separator)
{
    size_t length = 0;
    bool quoted = false;

    for (; text[length] && (quoted || text[length] != separator); length++) {
        bool may_open = length == 0 || strchr(" \t=|,", text[length - 1]);
        if (text[length] == '"')
            quoted = !quoted && may_open && strchr(text + length + 1, '"');
    }
    return length;
}

char *list_unquote(char *item)
{
    size_t length = strlen(item);

    if (length < 3 || item[0] != '"' || strchr(item + 1, '"') != item + length - 1)
        return item;
    item[length - 1] = '\0';
    return item + 1;
}

char *list_next(const char **cursor, char separator)
{
    while (**cursor) {
        size_t length = list_item_length(*cursor, separator), first = strspn(*cursor, " \t");
        const char *item = *cursor;
        *cursor += length + ((*cursor)[length] != '\0');
        while (length > first && strchr(" \t", item[length - 1]))
            length--;
        if (length > first) {
            char *copy = mem_format("%.*s", (int)(length - first), item + first);
            char *unquoted = mem_string(list_unquote(copy));
            free(copy);
            return unquoted;
        }
    }
    return NULL;
}
