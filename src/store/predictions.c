/* The table of predictions: see predictions.h. */
#include "store/predictions.h"

#include "store/statement.h"

static bool insert_rows(struct catalogue *catalogue, int64_t run, const char *part, size_t count,
                        prediction_row_make *make, void *context, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue,
                          "INSERT INTO predictions (run_id, part, position, path, label, predicted, "
                          "probabilities, speaker, sex, intensity, text, has_facts) "
                          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          error)) {
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
            statement_text(&s, row.speaker);
            statement_text(&s, row.sex);
            statement_text(&s, row.intensity);
            statement_text(&s, row.text);
            statement_integer(&s, row.has_facts);
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
        statement_once(catalogue, error, "DELETE FROM scores WHERE run_id = ? AND part = ?", "it", run,
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

    if (statement_prepare(
            &s, catalogue,
            "SELECT path, label, predicted, probabilities, task, speaker, sex, intensity, text, "
            "has_facts FROM predictions"
            " JOIN runs ON runs.id = run_id WHERE run_id = ? AND part = ? ORDER BY position",
            error)) {
        statement_integer(&s, run);
        statement_text(&s, part);
        while (statement_row(&s, error)) {
            const struct prediction_row row = {.path = column_known_text(&s, 0),
                                               .target = column(&s, 1),
                                               .predicted = column(&s, 2),
                                               .probabilities = column(&s, 3),
                                               .speaker = column(&s, 5),
                                               .sex = column(&s, 6),
                                               .intensity = column(&s, 7),
                                               .text = column(&s, 8),
                                               .has_facts = sqlite3_column_int(s.handle, 9) != 0};
            if (!take(context, column(&s, 4), &row)) {
                s.failed = true;
                error_set(error, "%s: a damaged prediction for %s", catalogue->path,
                          row.path ? row.path : "?");
            }
        }
    }
    return statement_end(&s);
}
