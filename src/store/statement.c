/* Prepared statements: see statement.h. */
#include "store/statement.h"

#include <stdarg.h>

static bool fail(struct statement *s, struct error *error)
{
    s->failed = true;
    return catalogue_fail(s->catalogue, error);
}

bool statement_prepare(struct statement *s, struct catalogue *catalogue, const char *sql, struct error *error)
{
    *s = (struct statement){.catalogue = catalogue};
    if (sqlite3_prepare_v2(catalogue->db, sql, -1, &s->handle, NULL) != SQLITE_OK)
        return fail(s, error);
    return true;
}

void statement_text(struct statement *s, const char *text)
{
    sqlite3_bind_text(s->handle, ++s->bound, text, -1, SQLITE_TRANSIENT);
}

void statement_integer(struct statement *s, int64_t value)
{
    sqlite3_bind_int64(s->handle, ++s->bound, value);
}

void statement_number(struct statement *s, double value)
{
    sqlite3_bind_double(s->handle, ++s->bound, value);
}

bool statement_row(struct statement *s, struct error *error)
{
    int code = s->failed ? SQLITE_ERROR : sqlite3_step(s->handle);

    if (code == SQLITE_ROW)
        return true;
    if (code != SQLITE_DONE && !s->failed)
        fail(s, error);
    return false;
}

bool statement_run(struct statement *s, struct error *error)
{
    while (statement_row(s, error))
        ;
    sqlite3_reset(s->handle);
    sqlite3_clear_bindings(s->handle);
    s->bound = 0;
    return !s->failed;
}

bool statement_end(struct statement *s)
{
    sqlite3_finalize(s->handle);
    s->handle = NULL;
    return !s->failed;
}

bool statement_once(struct catalogue *catalogue, struct error *error, const char *sql, const char *types, ...)
{
    struct statement s;
    va_list values;

    if (!catalogue_is_there(catalogue, error))
        return false;
    va_start(values, types);
    if (statement_prepare(&s, catalogue, sql, error)) {
        for (; *types; types++) {
            if (*types == 't')
                statement_text(&s, va_arg(values, const char *));
            else
                statement_integer(&s, va_arg(values, int64_t));
        }
        statement_run(&s, error);
    }
    va_end(values);
    return statement_end(&s);
}

const char *column_known_text(struct statement *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s->handle, column);

    return text ? text : "";
}

const char *column_text(struct statement *s, int column, struct arena *arena)
{
    return arena_string(arena, (const char *)sqlite3_column_text(s->handle, column));
}
