/*
 * Inside store/ only: prepared statements.  Values are always bound, never pasted into SQL.
 *
 *     struct statement s;
 *     if (statement_prepare(&s, catalogue, "SELECT name FROM runs WHERE id = ?", error)) {
 *         statement_integer(&s, id);
 *         while (statement_row(&s, error)) ...
 *     }
 *     return statement_end(&s);
 */
#ifndef EMOTRAIN_STORE_STATEMENT_H
#define EMOTRAIN_STORE_STATEMENT_H

#include "base/memory.h"
#include "store/catalogue.h"

#include <sqlite3.h>
#include <stdint.h>
#include <sys/types.h>

struct catalogue {
    sqlite3 *db;
    char *path;
    char *folder; /* of the database, as an absolute path; NULL: unknown */
    dev_t device; /* of the file that was opened; inode 0: unknown */
    ino_t inode;
};

/* The database's own error, and the system's reason for it.  Returns false. */
bool catalogue_fail(const struct catalogue *catalogue, struct error *error);

struct statement {
    struct catalogue *catalogue;
    sqlite3_stmt *handle;
    int bound;
    bool failed;
};

bool statement_prepare(struct statement *s, struct catalogue *catalogue, const char *sql,
                       struct error *error);

/* Bind the next parameter, left to right.  Text is copied; NULL binds SQL NULL. */
void statement_text(struct statement *s, const char *text);
void statement_integer(struct statement *s, int64_t value);
void statement_number(struct statement *s, double value);

bool statement_row(struct statement *s, struct error *error); /* true: a row is there */
bool statement_run(struct statement *s, struct error *error); /* to the end, then ready to be bound again */
bool statement_end(struct statement *s);                      /* frees; false if anything failed */

/* A write at once: prepares, binds, runs to the end and frees.  `types` has one letter per value that
 * follows: 't' text, 'i' int64_t. */
bool statement_once(struct catalogue *catalogue, struct error *error, const char *sql, const char *types,
                    ...);

const char *column_text(struct statement *s, int column, struct arena *arena); /* copy; NULL for SQL NULL */
/* SQLite's own text, up to the next row; "" for SQL NULL, which the database of somebody else may have where
 * ours has none. */
const char *column_known_text(struct statement *s, int column);

/* Whether the database is still the file that was opened: SQLite goes on writing to one that was removed. */
bool catalogue_is_there(const struct catalogue *catalogue, struct error *error);

#endif
