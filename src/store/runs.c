/* Runs and their metrics in the catalogue: see runs.h. */
#include "store/runs.h"

#include "base/json.h"
#include "store/statement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the catalogue calls a run's folder: its path from the database's, where it lies below that. */
static const char *place_of(const struct catalogue *catalogue, const char *directory)
{
    size_t length = catalogue->folder ? strlen(catalogue->folder) : 0;
    bool below = length > 0 && strncmp(directory, catalogue->folder, length) == 0 && directory[length] == '/';

    return below ? directory + length + 1 : directory;
}

/* The folder of that name, as an absolute path. */
static const char *folder_of(const struct catalogue *catalogue, const char *place, struct arena *arena)
{
    return place[0] == '/' || !catalogue->folder ? arena_string(arena, place)
                                                 : arena_format(arena, "%s/%s", catalogue->folder, place);
}

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
        statement_text(&s, place_of(catalogue, directory));
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
    return (resumed || statement_once(catalogue, error, "DELETE FROM runs WHERE directory = ?", "t",
                                      place_of(catalogue, directory))) &&
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

#define RUN_COLUMNS "id, name, directory, state, started, finished, config, info, task"

static void read_run(struct statement *s, struct run_row *row, struct arena *arena)
{
    row->id = sqlite3_column_int64(s->handle, 0);
    row->name = arena_string(arena, column_known_text(s, 1));
    row->directory = folder_of(s->catalogue, column_known_text(s, 2), arena);
    row->state = arena_string(arena, column_known_text(s, 3));
    row->started = arena_string(arena, column_known_text(s, 4));
    row->finished = column_text(s, 5, arena);
    row->config = arena_string(arena, column_known_text(s, 6));
    row->info = column_text(s, 7, arena);
    row->task = task_find(column_known_text(s, 8));
    row->task = row->task < TASK_COUNT ? row->task : SINGLE_LABEL;
}

bool run_find(struct catalogue *catalogue, const char *directory, struct run_row *row, struct arena *arena,
              struct error *error)
{
    struct statement s;

    *row = (struct run_row){0};
    if (statement_prepare(&s, catalogue, "SELECT " RUN_COLUMNS " FROM runs WHERE directory = ?", error)) {
        statement_text(&s, place_of(catalogue, directory));
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

/* NaN, which SQLite stores as NULL, is read back as such. */
static double column_number(const struct statement *s, int column)
{
    return sqlite3_column_type(s->handle, column) == SQLITE_NULL ? (double)NAN
                                                                 : sqlite3_column_double(s->handle, column);
}

static bool write_scores(struct catalogue *catalogue, int64_t run, const char *part,
                         const struct metric_list *list, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue, "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?)", error)) {
        for (size_t i = 0; i < list->count && !s.failed; i++) {
            statement_integer(&s, run);
            statement_text(&s, part);
            statement_text(&s, list->items[i].name);
            statement_number(&s, list->items[i].value);
            statement_run(&s, error);
        }
    }
    return statement_end(&s);
}

bool scores_write(struct catalogue *catalogue, int64_t run, const char *part, const struct metric_list *list,
                  struct error *error)
{
    if (!catalogue_begin(catalogue, error))
        return false;
    if (write_scores(catalogue, run, part, list, error) && catalogue_commit(catalogue, error))
        return true;
    catalogue_rollback(catalogue);
    return false;
}

bool scores_read(struct catalogue *catalogue, const char *part, score_take *take, void *context,
                 struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue, "SELECT run_id, name, value FROM scores WHERE part = ?", error)) {
        statement_text(&s, part);
        while (statement_row(&s, error))
            take(context, sqlite3_column_int64(s.handle, 0), column_known_text(&s, 1), column_number(&s, 2));
    }
    return statement_end(&s);
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
            statement_number(&s, list->items[i].value);
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
        while (statement_row(&s, error))
            metric_list_add(list, sqlite3_column_int64(s.handle, 0), sqlite3_column_double(s.handle, 1),
                            column_known_text(&s, 2), column_number(&s, 3));
    }
    return statement_end(&s);
}
