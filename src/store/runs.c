#include "store/runs.h"

#include "base/json.h"
#include "store/statement.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool insert_run(struct catalogue *catalogue, const char *name, const char *directory,
                       const char *config, enum problem problem, int64_t *id, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue,
                          "INSERT INTO runs (name, directory, state, started, config, problem)"
                          " VALUES (?, ?, 'running', strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?, ?)"
                          " ON CONFLICT (directory) DO UPDATE SET state = 'running', finished = NULL,"
                          " name = excluded.name, config = excluded.config, problem = excluded.problem"
                          " RETURNING id",
                          error)) {
        statement_text(&s, name);
        statement_text(&s, directory);
        statement_text(&s, config);
        statement_text(&s, PROBLEMS[problem].name);
        if (statement_row(&s, error))
            *id = sqlite3_column_int64(s.handle, 0);
        statement_run(&s, error);
    }
    return statement_end(&s);
}

bool run_begin(struct catalogue *catalogue, const char *name, const char *directory, const char *config,
               enum problem problem, bool resumed, int64_t *id, struct error *error)
{
    return (resumed ||
            statement_once(catalogue, error, "DELETE FROM runs WHERE directory = ?", "t", directory)) &&
           insert_run(catalogue, name, directory, config, problem, id, error);
}

bool run_set_state(struct catalogue *catalogue, int64_t run, const char *state, struct error *error)
{
    return statement_once(
        catalogue, error,
        "UPDATE runs SET state = ?, finished = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?", "ti",
        state, run);
}

bool run_set_facts(struct catalogue *catalogue, int64_t run, const char *facts, struct error *error)
{
    return statement_once(catalogue, error, "UPDATE runs SET facts = ? WHERE id = ?", "ti", facts, run);
}

#define RUN_COLUMNS "id, name, directory, state, started, finished, config, facts"

static void read_run(struct statement *s, struct run_row *row, struct arena *arena)
{
    const char **texts[] = {&row->name,     &row->directory, &row->state, &row->started,
                            &row->finished, &row->config,    &row->facts};

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
    list->items[list->count++] = (struct metric){step, epoch, arena_string(&list->arena, name), value};
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

void prediction_list_start(struct prediction_list *list, enum problem problem, const char *const *labels,
                           size_t count)
{
    *list = (struct prediction_list){.problem = problem, .label_count = count};
    list->labels = arena_zero(&list->arena, count, sizeof *list->labels);
    for (size_t i = 0; i < count; i++)
        list->labels[i] = arena_string(&list->arena, labels[i]);
}

static double *values_of(struct prediction_list *list)
{
    return arena_zero(&list->arena, list->label_count, sizeof(double));
}

struct prediction *prediction_list_add(struct prediction_list *list, const char *path, int label,
                                       const double *targets)
{
    list->items = mem_grow(list->items, &list->capacity, list->count + 1, sizeof *list->items);
    struct prediction *item = &list->items[list->count++];
    *item = (struct prediction){.path = arena_string(&list->arena, path), .label = label, .predicted = -1};
    item->probabilities = values_of(list);
    if (list->problem == MULTI_LABEL)
        item->decisions = values_of(list);
    if (targets) {
        item->targets = values_of(list);
        memcpy(item->targets, targets, list->label_count * sizeof *targets);
    }
    return item;
}

static void decide(const struct prediction_list *list, struct prediction *prediction,
                   const double *thresholds)
{
    for (size_t k = 0; list->problem == MULTI_LABEL && k < list->label_count; k++)
        prediction->decisions[k] = prediction->probabilities[k] > thresholds[k];
}

void predictions_decide(struct prediction_list *list, const double *thresholds)
{
    for (size_t i = 0; i < list->count; i++)
        decide(list, &list->items[i], thresholds);
}

void prediction_fill(const struct prediction_list *list, struct prediction *prediction, const float *row,
                     const double *thresholds)
{
    size_t best = 0;

    for (size_t k = 0; k < list->label_count; k++) {
        prediction->probabilities[k] = (double)row[k];
        if (row[k] > row[best])
            best = k;
    }
    prediction->predicted = (int)best;
    decide(list, prediction, thresholds);
}

void prediction_list_append(struct prediction_list *list, const struct prediction_list *other)
{
    size_t bytes = other->label_count * sizeof(double);

    if (other->count == 0)
        return;
    if (list->label_count == 0)
        prediction_list_start(list, other->problem, other->labels, other->label_count);
    for (size_t i = 0; i < other->count && list->label_count == other->label_count; i++) {
        const struct prediction *from = &other->items[i];
        struct prediction *to = prediction_list_add(list, from->path, from->label, from->targets);
        to->predicted = from->predicted;
        memcpy(to->probabilities, from->probabilities, bytes);
        if (to->decisions)
            memcpy(to->decisions, from->decisions, bytes);
    }
}

bool prediction_is_known(const struct prediction *prediction)
{
    return prediction->label >= 0 || prediction->targets;
}

bool prediction_is_right(const struct prediction_list *list, const struct prediction *p)
{
    if (list->problem == SINGLE_LABEL)
        return p->label == p->predicted;
    for (size_t k = 0; list->problem == MULTI_LABEL && k < list->label_count; k++)
        if ((p->targets[k] > 0.5) != (p->decisions[k] > 0.5))
            return false;
    return true;
}

void prediction_print_target(const struct prediction_list *list, const struct prediction *p, struct text *out)
{
    text_add_bytes(out, "", 0);
    if (p->targets)
        problem_print(list->problem, list->labels, list->label_count, p->targets, out);
    else if (p->label >= 0)
        text_add(out, "%s", list->labels[p->label]);
}

void prediction_print_answer(const struct prediction_list *list, const struct prediction *p, struct text *out)
{
    if (list->problem == SINGLE_LABEL)
        text_add(out, "%s", list->labels[p->predicted]);
    else
        problem_print(list->problem, list->labels, list->label_count,
                      p->decisions ? p->decisions : p->probabilities, out);
}

void prediction_list_free(struct prediction_list *list)
{
    free(list->items);
    arena_free(&list->arena);
    *list = (struct prediction_list){0};
}

static char *probabilities_json(const struct prediction_list *list, const struct prediction *item)
{
    cJSON *object = cJSON_CreateObject();

    for (size_t k = 0; k < list->label_count; k++)
        cJSON_AddNumberToObject(object, list->labels[k], item->probabilities[k]);
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

static bool insert_predictions(struct catalogue *catalogue, int64_t run, const char *part,
                               const struct prediction_list *list, struct error *error)
{
    struct statement s;

    if (statement_prepare(&s, catalogue, "INSERT INTO predictions VALUES (?, ?, ?, ?, ?, ?, ?)", error)) {
        for (size_t i = 0; i < list->count && !s.failed; i++) {
            const struct prediction *item = &list->items[i];
            char *probabilities = probabilities_json(list, item);
            struct text target = {0}, answer = {0};
            prediction_print_target(list, item, &target);
            prediction_print_answer(list, item, &answer);
            statement_integer(&s, run);
            statement_text(&s, part);
            statement_integer(&s, (int64_t)i);
            statement_text(&s, item->path);
            statement_text(&s, prediction_is_known(item) ? target.text : NULL);
            statement_text(&s, answer.text);
            statement_text(&s, probabilities);
            statement_run(&s, error);
            cJSON_free(probabilities);
            text_free(&target);
            text_free(&answer);
        }
    }
    return statement_end(&s);
}

bool predictions_write(struct catalogue *catalogue, int64_t run, const char *part,
                       const struct prediction_list *list, struct error *error)
{
    if (!catalogue_begin(catalogue, error))
        return false;
    if (statement_once(catalogue, error, "DELETE FROM predictions WHERE run_id = ? AND part = ?", "it", run,
                       part) &&
        insert_predictions(catalogue, run, part, list, error) && catalogue_commit(catalogue, error))
        return true;
    catalogue_rollback(catalogue);
    return false;
}

static int label_index(const struct prediction_list *list, const char *label)
{
    for (size_t k = 0; k < list->label_count; k++)
        if (strcmp(list->labels[k], label) == 0)
            return (int)k;
    return -1;
}

/* The labels of a list are the names in its first row's probabilities. */
static void labels_from(struct prediction_list *list, const cJSON *object)
{
    size_t count = (size_t)cJSON_GetArraySize(object);
    const cJSON *item = NULL;

    list->labels = arena_zero(&list->arena, count, sizeof *list->labels);
    cJSON_ArrayForEach(item, object) list->labels[list->label_count++] =
        arena_string(&list->arena, item->string);
}

/* Takes a stored row's words for what they are in the list's problem; false where they are none of its
 * labels. */
static bool parse_row(struct prediction_list *list, struct prediction *item, const char *target,
                      const char *answer)
{
    struct error damaged = {0};

    if (list->problem == SINGLE_LABEL) {
        item->label = target ? label_index(list, target) : -1;
        item->predicted = label_index(list, answer);
        return item->predicted >= 0;
    }
    if (target) {
        item->targets = values_of(list);
        if (!problem_parse(list->problem, list->labels, list->label_count, target, item->targets, &damaged))
            return false;
    }
    return !item->decisions ||
           problem_parse(list->problem, list->labels, list->label_count, answer, item->decisions, &damaged);
}

static void read_prediction(struct statement *s, struct prediction_list *list, struct error *error)
{
    cJSON *object = cJSON_Parse((const char *)sqlite3_column_text(s->handle, 3));

    if (list->count == 0) {
        const char *problem = (const char *)sqlite3_column_text(s->handle, 4);
        list->problem = problem_find(problem ? problem : "");
        labels_from(list, object);
    }
    const char *path = (const char *)sqlite3_column_text(s->handle, 0);
    struct prediction *item = prediction_list_add(list, path, -1, NULL);
    if (list->problem == PROBLEM_COUNT ||
        !parse_row(list, item, (const char *)sqlite3_column_text(s->handle, 1),
                   (const char *)sqlite3_column_text(s->handle, 2))) {
        s->failed = true;
        error_set(error, "%s: a damaged prediction for %s", s->catalogue->path, path);
        list->count--;
    }
    for (size_t k = 0; k < list->label_count; k++) {
        const cJSON *p = cJSON_GetArrayItem(object, (int)k);
        item->probabilities[k] = cJSON_IsNumber(p) ? p->valuedouble : (double)NAN;
    }
    cJSON_Delete(object);
}

bool predictions_read(struct catalogue *catalogue, int64_t run, const char *part,
                      struct prediction_list *list, struct error *error)
{
    struct statement s;

    *list = (struct prediction_list){0};
    if (statement_prepare(&s, catalogue,
                          "SELECT path, label, predicted, probabilities, problem FROM predictions"
                          " JOIN runs ON runs.id = run_id WHERE run_id = ? AND part = ? ORDER BY position",
                          error)) {
        statement_integer(&s, run);
        statement_text(&s, part);
        while (statement_row(&s, error))
            read_prediction(&s, list, error);
    }
    return statement_end(&s);
}
