/* JSON lines as CSV: see json_lines.h. */
#include "base/json_lines.h"

#include "base/csv.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/strings.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

bool is_json_lines(const char *text)
{
    text += strspn(text, " \t\r\n");
    if (*text == '[')
        text += 1 + strspn(text + 1, " \t\r\n");
    return *text == '{';
}

enum { MOST_COLUMNS = 10000 };

/* Appends text without line breaks, so that rows stay on the lines of their objects. */
static void add_words(struct text *field, const char *words)
{
    size_t first = field->length;

    text_add(field, "%s", words);
    for (size_t i = first; i < field->length; i++)
        if (field->text[i] == '\n' || field->text[i] == '\r')
            field->text[i] = ' ';
}

static void add_value(struct text *field, const cJSON *value)
{
    const cJSON *item;
    char *json;

    if (cJSON_IsArray(value)) {
        cJSON_ArrayForEach(item, value)
        {
            if (item != value->child)
                text_add(field, ";");
            add_value(field, item);
        }
    } else if (cJSON_IsString(value)) {
        add_words(field, value->valuestring);
    } else if (!cJSON_IsNull(value)) {
        json = cJSON_PrintUnformatted(value);
        add_words(field, json ? json : "");
        cJSON_free(json);
    }
}

static void add_row(struct text *csv, const cJSON *object, const struct strings *columns)
{
    const cJSON *next = object->child; /* most objects have their keys in one order */

    for (size_t c = 0; c < columns->count; c++) {
        const char *name = columns->items[c];
        const cJSON *value =
            next && strcmp(next->string, name) == 0 ? next : cJSON_GetObjectItemCaseSensitive(object, name);
        struct text field = {0};
        next = value ? value->next : next;
        if (value)
            add_value(&field, value);
        if (c > 0)
            text_add_bytes(csv, ",", 1);
        csv_add_field(csv, field.text ? field.text : "");
        text_free(&field);
    }
    text_add(csv, "\n");
}

static bool add_keys(struct strings *columns, const cJSON *object, const char *path, size_t line,
                     struct error *error)
{
    const char *twice = json_find_duplicate(object);
    const cJSON *member;
    size_t next = 0;

    if (twice)
        return error_set(error, "%s:%zu: \"%s\" stands twice in one object", path, line, twice);
    cJSON_ArrayForEach(member, object)
    {
        if (next >= columns->count || strcmp(columns->items[next], member->string) != 0)
            strings_add_new(columns, member->string);
        next++;
        if (columns->count > MOST_COLUMNS)
            return error_set(error, "%s:%zu: more than %d keys", path, line, MOST_COLUMNS);
    }
    return true;
}

static cJSON *refuse(cJSON *value, const char *path, size_t line, struct error *error)
{
    cJSON_Delete(value);
    error_set(error, "%s:%zu: expected a JSON object, alone on its line", path, line);
    return NULL;
}

/* The object of the next line; advances *text past it and *line by one.  NULL for an empty line (*empty), at
 * the end of the text, and on error. */
static cJSON *next_object(const char **text, size_t *line, bool *empty, const char *path, struct error *error)
{
    const char *at = *text, *end = NULL;
    size_t length = strcspn(at, "\r\n"), blanks = strspn(at, " \t");

    *empty = blanks >= length;
    *line += 1;
    *text = at + length + (at[length] == '\r' && at[length + 1] == '\n' ? 2 : at[length] != '\0');
    if (*empty)
        return NULL;
    if (memmem(at, length, "\\u0000", 6)) {
        error_set(error, "%s:%zu: a NUL inside a string", path, *line);
        return NULL;
    }
    cJSON *object = cJSON_ParseWithLengthOpts(at, length, &end, 0);
    bool alone = object && end && strspn(end, " \t") >= (size_t)(at + length - end);
    return alone && cJSON_IsObject(object) ? object : refuse(object, path, *line, error);
}

/* A table of which most fields are empty, as a few objects with many keys among many others make it. */
static bool check_filled(const struct text *csv, size_t all, const char *path, struct error *error)
{
    enum { TIMES = 64, LEAST = 16 << 20 };

    return csv->length / TIMES <= all || csv->length < LEAST ||
           error_set(error, "%s: has far more keys than its objects fill: no list of clips", path);
}

/* All lines, once for their keys (csv NULL) and once for their rows. */
static bool read_lines(const char *text, const char *path, struct strings *columns, struct text *csv,
                       struct error *error)
{
    size_t line = 0, all = strlen(text);
    bool empty;

    while (*text && !error->kind) {
        cJSON *object = next_object(&text, &line, &empty, path, error);
        if (object && csv)
            add_row(csv, object, columns);
        else if (object)
            add_keys(columns, object, path, line, error);
        else if (csv)
            text_add(csv, "\n");
        cJSON_Delete(object);
        if (csv && !error->kind)
            check_filled(csv, all, path, error);
    }
    return !error->kind;
}

/* An array of objects: its elements' numbers stand for lines. */
static bool read_array(const cJSON *array, size_t all, const char *path, struct strings *columns,
                       struct text *csv, struct error *error)
{
    const cJSON *object;
    size_t number = 0;

    cJSON_ArrayForEach(object, array)
    {
        number++;
        if (!cJSON_IsObject(object))
            return error_set(error, "%s: element %zu: expected an object", path, number);
        if (csv)
            add_row(csv, object, columns);
        if (csv ? !check_filled(csv, all, path, error) : !add_keys(columns, object, path, number, error))
            return false;
    }
    return true;
}

static void add_heading(struct text *csv, const struct strings *columns)
{
    for (size_t c = 0; c < columns->count; c++) {
        text_add(csv, "%s", c > 0 ? "," : "");
        csv_add_field(csv, columns->items[c]);
    }
    text_add(csv, "\n");
}

char *json_lines_to_csv(const char *text, const char *path, struct error *error)
{
    bool is_array = text[strspn(text, " \t\r\n")] == '[';
    const char *end = NULL;
    cJSON *array = is_array ? cJSON_ParseWithOpts(text, &end, 0) : NULL;
    struct strings columns = {0};
    struct text csv = {0};

    bool done = !is_array || (cJSON_IsArray(array) && !end[strspn(end, " \t\r\n")]) ||
                error_set(error, "%s: damaged JSON%s", path, array ? ": more than one array" : "");
    if (done && is_array && strstr(text, "\\u0000"))
        done = error_set(error, "%s: a NUL inside a string", path);
    done = done && (is_array ? read_array(array, strlen(text), path, &columns, NULL, error)
                             : read_lines(text, path, &columns, NULL, error));
    if (done) {
        add_heading(&csv, &columns);
        done = is_array ? read_array(array, strlen(text), path, &columns, &csv, error)
                        : read_lines(text, path, &columns, &csv, error);
    }
    if (!done)
        text_free(&csv);
    strings_free(&columns);
    cJSON_Delete(array);
    return csv.text;
}
