/* Runs and their metrics in the catalogue: see runs.h. */
#include "store/runs.h"

#include "base/json.h"
#include "store/statement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool insert_run(struct catalogue *catalogue, const char *name, const char *directory,
                       const char *config, enum task task, int64_t *id, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue,
                          "INSERT INTO runs (name, directory, state, started, config, task)"
                          " VALUES (?, ?, 'running', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?)"
                          " ON CONFLICT (directory) DO UPDATE SET state = 'running', finished = NULL,"
                          " name = excluded.name, config = excluded.config, task = excluded.task"
                          " RETURNING id",
                          error)) {
        statement_text(&s, name);
        statement_text(&s, directory);
        statement_text(&s, config);
        statement_text(&s, TASKS[task].name);
        if (statement_row(&s, error))
            *id = sqlite3_column_int64(s.handle, 0);
        statement_run(&s, error);
    }
    return statement_end(&s);
}

bool run_begin(struct catalogue *catalogue, const char *name, const char *directory, const char *config,
               enum task task, bool resumed, int64_t *id, struct error *error)
{
    return (resumed ||
            statement_once(catalogue, error, "DELETE FROM runs WHERE directory = ?", "t", directory)) &&
           insert_run(catalogue, name, directory, config, task, id, error);
}

bool run_set_state(struct catalogue *catalogue, int64_t run, const char *state, struct error *error)
{
    return statement_once(
        catalogue, error,
        "UPDATE runs SET state = ?, finished = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?", "ti",
        state, run);
}

bool run_set_info(struct catalogue *catalogue, int64_t run, const char *info, struct error *error)
{
    return statement_once(catalogue, error, "UPDATE runs SET info = ? WHERE id = ?", "ti", info, run);
}

#define RUN_COLUMNS "id, name, directory, state, started, finished, config, info"

static void read_run(struct statement *s, struct run_row *row, struct arena *arena)
{
    const char **texts[] = {&row->name,     &row->directory, &row->state, &row->started,
                            &row->finished, &row->config,    &row->info};

    row->id = sqlite3_column_int64(s->handle, 0);
    for (int i = 0; i < 7; i++)
        *texts[i] = column_text(s, i + 1, arena);
}

bool run_find(struct catalogue *catalogue, const char *directory, struct run_row *row, struct arena *arena,
              struct error *error)
{
    struct statement s;

    *row = (struct run_row){0};
    if (statement_prepare(&s, catalogue, "SELECT " RUN_COLUMNS " FROM runs WHERE directory = ?", error)) {
        statement_text(&s, directory);
        if (statement_row(&s, error))
            read_run(&s, row, arena);
    }
    return statement_end(&s);
}

bool runs_read(struct catalogue *catalogue, struct run_list *list, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue, "SELECT " RUN_COLUMNS " FROM runs ORDER BY started DESC, id DESC",
                          error)) {
        while (statement_row(&s, error)) {
            list->rows = mem_grow(list->rows, &list->capacity, list->count + 1, sizeof *list->rows);
            read_run(&s, &list->rows[list->count++], &list->arena);
        }
    }
    return statement_end(&s);
}

void run_list_free(struct run_list *list)
{
    free(list->rows);
    arena_free(&list->arena);
    *list = (struct run_list){0};
}

bool run_remove(struct catalogue *catalogue, int64_t run, struct error *error)
{
    return statement_once(catalogue, error, "DELETE FROM runs WHERE id = ?", "i", run);
}

void metric_list_add(struct metric_list *list, int64_t step, double epoch, const char *name, double value)
{
    list->items = mem_grow(list->items, &list->capacity, list->count + 1, sizeof *list->items);
    list->items[list->count++] = (struct metric_point){step, epoch, arena_string(&list->arena, name), value};
}

void metric_list_free(struct metric_list *list)
{
    free(list->items);
    arena_free(&list->arena);
    *list = (struct metric_list){0};
}

static bool write_metrics(struct catalogue *catalogue, int64_t run, const struct metric_list *list,
                          struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue, "INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?, ?)", error)) {
        for (size_t i = 0; i < list->count && !s.failed; i++) {
            statement_integer(&s, run);
            statement_integer(&s, list->items[i].step);
            statement_number(&s, list->items[i].epoch);
            statement_text(&s, list->items[i].name);
            statement_number(&s, list->items[i].value); /* SQLite stores NaN as NULL */
            statement_run(&s, error);
        }
    }
    return statement_end(&s);
}

bool metrics_write(struct catalogue *catalogue, int64_t run, const struct metric_list *list,
                   struct error *error)
{
    if (!catalogue_begin(catalogue, error))
        return false;
    if (write_metrics(catalogue, run, list, error) && catalogue_commit(catalogue, error))
        return true;
    catalogue_rollback(catalogue);
    return false;
}

bool metrics_remove(struct catalogue *catalogue, int64_t run, struct error *error)
{
    return statement_once(catalogue, error, "DELETE FROM metrics WHERE run_id = ?", "i", run);
}

bool metrics_read(struct catalogue *catalogue, int64_t run, struct metric_list *list, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue,
                          "SELECT step, epoch, name, value FROM metrics WHERE run_id = ? ORDER BY step, name",
                          error)) {
        statement_integer(&s, run);
        while (statement_row(&s, error)) {
            bool null = sqlite3_column_type(s.handle, 3) == SQLITE_NULL;
            metric_list_add(list, sqlite3_column_int64(s.handle, 0), sqlite3_column_double(s.handle, 1),
                            (const char *)sqlite3_column_text(s.handle, 2),
                            null ? (double)NAN : sqlite3_column_double(s.handle, 3));
        }
    }
    return statement_end(&s);
}
