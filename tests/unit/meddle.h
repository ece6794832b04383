/* What another program may do to a catalogue, for tests of what then happens. */
#ifndef EMOTRAIN_TESTS_MEDDLE_H
#define EMOTRAIN_TESTS_MEDDLE_H

#include "unit.h"

#include <sqlite3.h>

/* Runs SQL on the database over a connection of its own. */
static inline void meddle(const char *path, const char *sql)
{
    sqlite3 *db;
    char *message = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

#endif
