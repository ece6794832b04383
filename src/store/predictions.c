/* The table of predictions: see predictions.h. */
#include "store/predictions.h"

#include "store/statement.h"

static bool insert_rows(struct catalogue *catalogue, int64_t run, const char *part, size_t count,
                        prediction_row_make *make, void *context, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue, "INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?, ?)", error)) {
        for (size_t i = 0; i < count && !s.failed; i++) {
            struct prediction_row row;
            make(context, i, &row);
            statement_integer(&s, run);
            statement_text(&s, part);
            statement_integer(&s, (int64_t)i);
            statement_text(&s, row.path);
            statement_text(&s, row.target);
            statement_text(&s, row.predicted);
            statement_text(&s, row.probabilities);
            statement_run(&s, error);
        }
    }
    return statement_end(&s);
}

bool prediction_rows_write(struct catalogue *catalogue, int64_t run, const char *part, size_t count,
                           prediction_row_make *make, void *context, struct error *error)
{
    if (!catalogue_begin(catalogue, error))
        return false;
    if (statement_once(catalogue, error, "DELETE FROM predictions WHERE run_id = ? AND part = ?", "it", run,
                       part) &&
        insert_rows(catalogue, run, part, count, make, context, error) && catalogue_commit(catalogue, error))
        return true;
    catalogue_rollback(catalogue);
    return false;
}

static const char *column(const struct statement *s, int i)
{
    return (const char *)sqlite3_column_text(s->handle, i);
}

bool prediction_rows_read(struct catalogue *catalogue, int64_t run, const char *part,
                          prediction_row_take *take, void *context, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue,
                          "SELECT path, label, predicted, probabilities, task FROM predictions"
                          " JOIN runs ON runs.id = run_id WHERE run_id = ? AND part = ? ORDER BY position",
                          error)) {
        statement_integer(&s, run);
        statement_text(&s, part);
        while (statement_row(&s, error)) {
            const struct prediction_row row = {column(&s, 0), column(&s, 1), column(&s, 2), column(&s, 3)};
            if (!take(context, column(&s, 4), &row)) {
                s.failed = true;
                error_set(error, "%s: a damaged prediction for %s", catalogue->path,
                          row.path ? row.path : "?");
            }
        }
    }
    return statement_end(&s);
}
