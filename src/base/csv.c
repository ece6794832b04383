/* CSV: see csv.h. */
#include "base/csv.h"

#include "base/files.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 10000 };

bool csv_next_field(const char **cursor, char separator, struct text *field, bool *last)
{
    const char *at = *cursor;
    bool quoted = *at == '"';

    if (!*at)
        return false;
    field->length = 0;
    text_add_bytes(field, "", 0);
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
        text_add_bytes(field, at++, 1);
    }
    *last = *at != separator;
    if (*at == '\r' && at[1] == '\n')
        at++;
    *cursor = *at ? at + 1 : at;
    return true;
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

/* Reads a row into `fields`, which grows as needed; returns its number of fields, 0 at the end. */
static size_t read_row(struct csv *csv, struct text **fields, size_t *capacity)
{
    size_t count = 0;
    bool last = false;

    while (!last && count < MAX_COLUMNS) {
        size_t before = *capacity;
        *fields = mem_grow(*fields, capacity, count + 1, sizeof **fields);
        memset(*fields + before, 0, (*capacity - before) * sizeof **fields);
        if (!csv_next_field(&csv->cursor, csv->separator, &(*fields)[count], &last))
            break;
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

bool csv_open(struct csv *csv, const char *path, struct error *error)
{
    *csv = (struct csv){.path = path, .row = 1};
    csv->text = file_read(path, NULL, error);
    csv->cursor = csv->text;
    if (!csv->text)
        return false;
    if (text_starts(csv->text, "\xef\xbb\xbf")) /* a byte order mark, as spreadsheets write it */
        csv->cursor += 3;
    const char *line_end = csv->cursor + strcspn(csv->cursor, "\n"), *comma = strchr(csv->cursor, ','),
               *semicolon = strchr(csv->cursor, ';');
    csv->separator = semicolon && semicolon < line_end && !(comma && comma < line_end) ? ';' : ',';
    csv->columns = read_row(csv, &csv->heading, &csv->heading_capacity);
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
        csv->row++;
        csv->count = read_row(csv, &csv->fields, &csv->field_capacity);
    } while (csv->count == 1 && csv->columns > 1 && csv->fields[0].length == 0);
    if (csv->count == 0)
        return false;
    return csv->count == csv->columns || error_set(error, "%s:%zu: %zu fields where the heading names %zu",
                                                   csv->path, csv->row, csv->count, csv->columns);
}

const char *csv_field(const struct csv *csv, size_t column)
{
    return column < csv->count ? csv->fields[column].text : "";
}
