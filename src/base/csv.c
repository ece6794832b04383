/* CSV: see csv.h. */
#include "base/csv.h"

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_lines.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_COLUMNS = 10000 };

/* csv_next_field; *fault: what is wrong with the field's quotes, or as it was. */
static bool next_field(const char **cursor, char separator, struct text *field, bool *last,
                       const char **fault)
{
    const char *at = *cursor, *quote = at + strspn(at, " ");
    bool quoted = *quote == '"', spans = false, strays = false;

    if (!*at)
        return false;
    field->length = 0;
    text_add_bytes(field, "", 0);
    if (quoted)
        at = quote;
    if (quoted)
        at++;
    while (*at) {
        if (quoted && *at == '"') {
            if (at[1] != '"') {
                quoted = false;
                at++;
                continue;
            }
            at++;
        } else if (!quoted && (*at == separator || *at == '\n' || *at == '\r')) {
            break;
        }
        spans = spans || (quoted && (*at == '\n' || *at == '\r'));
        strays = strays || (spans && (quoted ? separator == '\t' && *at == '\t' : *at != ' '));
        text_add_bytes(field, at++, 1);
    }
    *last = *at != separator;
    if (quoted)
        *fault = "a quote is opened and never closed";
    else if (strays) /* text behind the closing quote; tabs in a table of tabs */
        *fault = "a quote is opened that another row closes, or its field holds line ends and tabs: double "
                 "such a quote, and quote its field";
    if (*at == '\r' && at[1] == '\n')
        at++;
    *cursor = *at ? at + 1 : at;
    return true;
}

bool csv_next_field(const char **cursor, char separator, struct text *field, bool *last)
{
    const char *fault;

    return next_field(cursor, separator, field, last, &fault);
}

/* Whether a spreadsheet would take the field for a formula and run it. */
static bool is_formula(const char *field)
{
    double number;

    return *field && strchr("=+-@\t\r", *field) && !text_to_number(field, &number);
}

void csv_add_path(struct text *buffer, const char *path)
{
    char *safe = mem_format("%s%s", is_formula(path) ? "./" : "", path);

    csv_add_field(buffer, safe);
    free(safe);
}

void csv_add_name(struct text *buffer, const char *name)
{
    char *safe = mem_format("%s%s", is_formula(name) ? "'" : "", name);

    csv_add_field(buffer, safe);
    free(safe);
}

void csv_add_field(struct text *buffer, const char *field)
{
    if (!field[strcspn(field, ",\"\r\n")]) {
        text_add_bytes(buffer, field, strlen(field));
        return;
    }
    text_add_bytes(buffer, "\"", 1);
    for (; *field; field++) {
        if (*field == '"')
            text_add_bytes(buffer, "\"", 1);
        text_add_bytes(buffer, field, 1);
    }
    text_add_bytes(buffer, "\"", 1);
}

/* Line ends between two places of the text: LF, CR LF or CR. */
static size_t count_lines(const char *from, const char *to)
{
    size_t lines = 0;

    for (; from < to; from++)
        lines += *from == '\n' || (*from == '\r' && from[1] != '\n');
    return lines;
}

/* Reads a row into `fields`, which grows as needed; returns its number of fields, 0 at the end. */
static size_t read_row(struct csv *csv, struct text **fields, size_t *capacity)
{
    size_t count = 0;
    bool last = false;

    csv->row += count_lines(csv->begin, csv->cursor);
    csv->begin = csv->cursor;
    csv->fault = NULL;
    while (!last && count < MAX_COLUMNS) {
        size_t before = *capacity;
        *fields = mem_grow(*fields, capacity, count + 1, sizeof **fields);
        memset(*fields + before, 0, (*capacity - before) * sizeof **fields);
        bool some = next_field(&csv->cursor, csv->separator, &(*fields)[count], &last, &csv->fault);
        if (!some && count == 0)
            break;
        if (!some) { /* the file ends behind a separator */
            (*fields)[count].length = 0;
            text_add_bytes(&(*fields)[count], "", 0);
            last = true;
        }
        count++;
    }
    return count;
}

static void free_fields(struct text *fields, size_t capacity)
{
    for (size_t i = 0; i < capacity; i++)
        text_free(&fields[i]);
    free(fields);
}

/* What stands most often in the heading outside quotes. */
static char find_separator(const char *text)
{
    static const char separators[] = ",;\t|";
    size_t counts[sizeof separators] = {0}, best = 0;
    bool quoted = false;

    for (; *text && (quoted || !strchr("\r\n", *text)); text++) {
        const char *found = strchr(separators, *text);
        quoted = quoted != (*text == '"');
        if (found && !quoted)
            counts[found - separators]++;
    }
    for (size_t i = 0; separators[i]; i++)
        best = counts[i] > counts[best] ? i : best;
    return separators[best];
}

void csv_rewind(struct csv *csv)
{
    csv->begin = csv->cursor = csv->text;
    csv->row = csv->heading_row;
    csv->columns = read_row(csv, &csv->heading, &csv->heading_capacity);
}

bool csv_open(struct csv *csv, const char *path, struct error *error)
{
    size_t size = 0;

    *csv = (struct csv){.path = path, .row = 1};
    char *bytes = file_read(path, &size, error),
         *text = bytes ? text_to_utf8(bytes, size, path, error) : NULL;
    bool json = text && is_json_lines(text);

    *csv = (struct csv){.path = path, .heading_row = json ? 0 : 1, .text = text};
    if (json) {
        csv->text = json_lines_to_csv(text, path, error);
        free(text);
    }
    if (!csv->text)
        return false;
    csv->separator = json ? ',' : find_separator(csv->text);
    csv_rewind(csv);
    if (csv->fault)
        return error_set(error, "%s:%zu: %s", path, csv->row, csv->fault);
    return csv->columns > 0 || error_set(error, "%s: empty: expected a row of column names", path);
}

void csv_close(struct csv *csv)
{
    free_fields(csv->heading, csv->heading_capacity);
    free_fields(csv->fields, csv->field_capacity);
    free(csv->text);
    *csv = (struct csv){0};
}

size_t csv_column(const struct csv *csv, const char *name)
{
    size_t c = 0;

    while (c < csv->columns && strcmp(csv->heading[c].text, name) != 0)
        c++;
    return c;
}

bool csv_next(struct csv *csv, struct error *error)
{
    do {
        csv->count = read_row(csv, &csv->fields, &csv->field_capacity);
    } while (csv->count == 1 && csv->columns > 1 && csv->fields[0].length == 0);
    if (csv->count == 0)
        return false;
    if (csv->fault)
        return error_set(error, "%s:%zu: %s", csv->path, csv->row, csv->fault);
    return csv->count == csv->columns || error_set(error, "%s:%zu: %zu fields where the heading names %zu",
                                                   csv->path, csv->row, csv->count, csv->columns);
}

const char *csv_heading(const struct csv *csv, size_t column)
{
    return csv->heading[column].text;
}

const char *csv_trimmed(struct csv *csv, size_t column)
{
    struct text *field = column < csv->count ? &csv->fields[column] : NULL;

    while (field && field->length > 0 && strchr(" \t\r\n", field->text[field->length - 1]))
        field->text[--field->length] = '\0';
    return field ? field->text + strspn(field->text, " \t\r\n") : "";
}

const char *csv_field(const struct csv *csv, size_t column)
{
    return column < csv->count ? csv->fields[column].text : "";
}
