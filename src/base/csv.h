/*
 * Tables: CSV (RFC 4180) whose first row names the columns, with commas, semicolons, tabs or bars, whichever
 * the first row has most of; or JSON lines, an object in each; and single fields of CSV, read and written.
 * UTF-8, or UTF-16 with a mark.
 *
 *     struct csv csv;
 *     if (csv_open(&csv, "clips.csv", &error)) {
 *         size_t path = csv_column(&csv, "path");
 *         while (csv_next(&csv, &error))
 *             use(csv_field(&csv, path));
 *     }
 *     csv_close(&csv);
 */
#ifndef EMOTRAIN_BASE_CSV_H
#define EMOTRAIN_BASE_CSV_H

#include "base/error.h"
#include "base/text.h"

struct csv {
    const char *path;
    char *text;
    const char *cursor, *begin; /* begin: of the row last read */
    char separator;
    const char *fault;             /* what is wrong with the row's quotes, or NULL */
    struct text *heading, *fields; /* of the row last read */
    size_t heading_capacity, field_capacity;
    size_t columns, count, row; /* row: the line that it begins in; the heading's is 1 */
    size_t heading_row;         /* 1, or 0 of JSON lines, which have none */
};

/* `path` must outlive the file.  A file without a heading is an error.  Close it, opened or not. */
bool csv_open(struct csv *csv, const char *path, struct error *error);
void csv_close(struct csv *csv);

size_t csv_column(const struct csv *csv, const char *name); /* csv->columns if there is none */
const char *csv_heading(const struct csv *csv, size_t column);

/* The next row that is not empty.  False at the end, and with an error for a row of other length than the
 * heading, or whose quotes the file ends in or another row closes. */
bool csv_next(struct csv *csv, struct error *error);

/* Goes back to before the first row. */
void csv_rewind(struct csv *csv);

/* A field of the row; "" for a column that there is not. */
const char *csv_field(const struct csv *csv, size_t column);

/* The same without blanks around it, which are taken from the row. */
const char *csv_trimmed(struct csv *csv, size_t column);

/* The first field of CSV text at *cursor, unquoted into `field`; moves *cursor past it.  *last says that the
 * row ended with it.  Returns false at the end of the text.  Quotes are doubled inside quotes; blanks may
 * stand before the first. */
bool csv_next_field(const char **cursor, char separator, struct text *field, bool *last);

void csv_add_field(struct text *buffer, const char *field); /* writes one, quoted where needed */

/* The same for tables that people open in a spreadsheet, which runs a field that begins with "=", "+", "-" or
 * "@": such a name gets a "'" before it, such a path a "./".  Numbers stay as they are. */
void csv_add_name(struct text *buffer, const char *name);
void csv_add_path(struct text *buffer, const char *path);

#endif
