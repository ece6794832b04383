/* emotrain runs list: which runs there are, filtered and sorted. */
#include "base/csv.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/runs.h"
#include "report/report.h"
#include "report/runs_html.h"
#include "run/run_folder.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    const struct run_row *row;
    const char *state; /* the row's; "killed" for a run that no process is running any more */
    size_t order;      /* as the catalogue has them: the newest first */
    bool has_namesake;
    bool scored, tested; /* scored: the catalogue has its metrics */
    size_t clips;
    enum task task;
    double metrics[METRIC_COUNT];
};

static bool has_metric(const struct line *line, enum metric metric)
{
    return line->tested && METRICS[metric].titles[line->task] && isfinite(line->metrics[metric]);
}

/* ---- filters ---- */

/* Whether the run's configuration has every "section.key=value" of --where. */
static bool has_settings(const struct run_row *row, const struct strings *where)
{
    struct config *config = config_new();
    struct error unread = {0};
    bool has = config_read_text(config, row->name, row->directory, row->config, &unread);

    for (size_t i = 0; has && i < where->count; i++) {
        const char *equals = strchr(where->items[i], '=');
        char *name = mem_format("%.*s", (int)(equals - where->items[i]), where->items[i]);
        const char *value = config_text(config, name);
        has = value && setting_same_value(setting_find(name), value, equals + 1);
        free(name);
    }
    config_free(config);
    return has;
}

/* --where must name settings, with values that they can have. */
static bool check_where(const struct strings *where, struct error *error)
{
    struct config *config = config_new();
    bool good = true;

    for (size_t i = 0; good && i < where->count; i++)
        good = config_set(config, "--where", where->items[i], error);
    config_free(config);
    return good;
}

static bool check_state(const char *state, struct error *error)
{
    static const char *const states[] = {"running", "interrupted", "killed", "failed", "finished"};

    for (size_t i = 0; state && i < sizeof states / sizeof states[0]; i++)
        if (strcmp(states[i], state) == 0)
            return true;
    return !state ||
           error_usage(error, "--state must be running, interrupted, killed, failed or finished, not \"%s\"",
                       state);
}

static const char *state_of(const struct run_row *row)
{
    bool gone = strcmp(row->state, "running") == 0 && !run_folder_is_busy(row->directory);

    return gone ? "killed" : row->state;
}

static bool wanted(const struct run_row *row, const char *state, const struct options *options)
{
    const struct strings *patterns = &options->arguments; /* after "list" */
    bool named = patterns->count < 2;

    for (size_t i = 1; i < patterns->count; i++)
        named = named || fnmatch(patterns->items[i], row->name, 0) == 0;
    return named && (!options->state || strcmp(options->state, state) == 0) &&
           (options->where.count == 0 || has_settings(row, &options->where));
}

/* ---- order ---- */

static const char LOSS_TITLE[] = "loss"; /* the table's */

/* What --sort names: qsort takes no argument of ours. */
static enum { BY_STARTED, BY_NAME, BY_STATE, BY_CLIPS, BY_METRIC } sort_by;
static enum metric sort_metric;

static bool choose_order(const char *column, struct error *error)
{
    static const char *const names[] = {"started", "name", "state", "clips"};

    sort_by = BY_STARTED;
    for (size_t i = 0; column && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(column, names[i]) == 0) {
            sort_by = i;
            return true;
        }
    }
    if (!column)
        return true;
    sort_by = BY_METRIC;
    sort_metric = strcmp(column, LOSS_TITLE) == 0 ? METRIC_LOSS : metric_find(column);
    return sort_metric < METRIC_COUNT ||
           error_usage(
               error,
               "--sort: no column \"%s\": started, name, state, clips or a metric as report.json names it",
               column);
}

static int by_name(const void *a, const void *b)
{
    const struct line *x = *(struct line *const *)a, *y = *(struct line *const *)b;

    return strcmp(x->row->name, y->row->name);
}

static int in_order(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int order = 0;

    if (sort_by == BY_NAME)
        order = strcmp(x->row->name, y->row->name);
    else if (sort_by == BY_STATE)
        order = strcmp(x->state, y->state);
    else if (sort_by == BY_CLIPS)
        order = (x->clips < y->clips) - (x->clips > y->clips);
    else if (sort_by == BY_METRIC && has_metric(x, sort_metric) != has_metric(y, sort_metric))
        order = has_metric(x, sort_metric) ? -1 : 1; /* those without a metric last */
    else if (sort_by == BY_METRIC && x->metrics[sort_metric] != y->metrics[sort_metric])
        order = metric_is_better(sort_metric, x->metrics[sort_metric], y->metrics[sort_metric]) ? -1 : 1;
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* ---- output ---- */

/* Runs of one name in two folders go by their folders. */
static const char *shown_name(const struct line *line)
{
    return line->has_namesake ? line->row->directory : line->row->name;
}

/* Columns of metrics that some of the runs have; with none tested yet, those of single labels. */
static bool is_shown(const struct line *lines, size_t count, enum metric metric)
{
    bool tested = false;

    for (size_t i = 0; i < count; i++) {
        if (has_metric(&lines[i], metric))
            return true;
        tested = tested || lines[i].tested;
    }
    return !tested && METRICS[metric].titles[SINGLE_LABEL];
}

static int column_width(enum metric metric)
{
    return metric == METRIC_LOSS ? 8 : 11;
}

static void print_table(const struct line *lines, size_t count)
{
    int width = 24;
    bool shown[METRIC_COUNT];

    for (enum metric f = 0; f < METRIC_COUNT; f++)
        shown[f] = is_shown(lines, count, f);
    for (size_t i = 0; i < count; i++) {
        int length = (int)strlen(shown_name(&lines[i]));
        width = length > width ? length : width;
    }
    printf("%-*s %-12s %-21s %6s", width, "run", "state", "started", "clips");
    for (enum metric f = 0; f < METRIC_COUNT; f++)
        if (shown[f])
            printf(" %*s", column_width(f), f == METRIC_LOSS ? LOSS_TITLE : METRICS[f].name);
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        printf("%-*s %-12s %-21s", width, shown_name(&lines[i]), lines[i].state, lines[i].row->started);
        if (lines[i].tested)
            printf(" %6zu", lines[i].clips);
        else
            printf(" %6s", "-");
        for (enum metric f = 0; f < METRIC_COUNT; f++) {
            if (has_metric(&lines[i], f))
                printf(" %*.4f", column_width(f), lines[i].metrics[f]);
            else if (shown[f])
                printf(" %*s", column_width(f), "-");
        }
        printf("\n");
    }
}

static void print_csv(const struct line *lines, size_t count)
{
    struct text text = {0};
    char number[TEXT_NUMBER_SIZE];

    text_add(&text, "run,state,started,finished,folder,clips");
    for (enum metric f = 0; f < METRIC_COUNT; f++)
        text_add(&text, ",%s", METRICS[f].name);
    text_add(&text, "\n");
    for (size_t i = 0; i < count; i++) {
        const struct run_row *row = lines[i].row;
        csv_add_name(&text, row->name);
        text_add(&text, ",%s,%s,%s,", lines[i].state, row->started, row->finished ? row->finished : "");
        csv_add_name(&text, row->directory);
        text_add(&text, ",%zu", lines[i].clips);
        for (enum metric f = 0; f < METRIC_COUNT; f++)
            text_add(&text, ",%s",
                     has_metric(&lines[i], f) ? text_from_number(number, lines[i].metrics[f]) : "");
        text_add(&text, "\n");
    }
    printf("%s", text.text);
    text_free(&text);
}

/* One object per run and line. */
static void print_json(const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct run_row *row = lines[i].row;
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "run", row->name);
        cJSON_AddStringToObject(json, "state", lines[i].state);
        cJSON_AddStringToObject(json, "started", row->started);
        cJSON_AddStringToObject(json, "finished", row->finished ? row->finished : "");
        cJSON_AddStringToObject(json, "folder", row->directory);
        cJSON_AddNumberToObject(json, "clips", (double)lines[i].clips);
        for (enum metric f = 0; f < METRIC_COUNT; f++)
            if (has_metric(&lines[i], f))
                cJSON_AddNumberToObject(json, METRICS[f].name, lines[i].metrics[f]);
        char *text = cJSON_PrintUnformatted(json);
        printf("%s\n", text);
        cJSON_free(text);
        cJSON_Delete(json);
    }
}

/* The page of all runs, into --output or run.directory/index.html. */
static bool write_page(const struct options *options, const char *directory, struct catalogue *catalogue,
                       const struct line *lines, size_t count, struct error *error)
{
    char *path = options->output ? mem_string(options->output) : path_join(directory, "index.html"),
         *folder = path_folder(path), *absolute = folder_make(folder, error) ? realpath(folder, NULL) : NULL;
    struct listed_run *runs = mem_zero(count, sizeof *runs);
    struct text page = {0};

    for (size_t i = 0; i < count; i++) {
        runs[i] = (struct listed_run){lines[i].row, lines[i].state, lines[i].clips, {0}, {false}};
        memcpy(runs[i].metrics, lines[i].metrics, sizeof runs[i].metrics);
        for (enum metric f = 0; f < METRIC_COUNT; f++)
            runs[i].has[f] = has_metric(&lines[i], f);
    }
    bool done = absolute && runs_html(&page, catalogue, runs, count, absolute, error) &&
                file_write(path, page.text, page.length, error);
    if (done)
        printf("%s\n", path);
    text_free(&page);
    free(runs);
    free(absolute);
    free(folder);
    free(path);
    return done;
}

static bool print_lines(const struct options *options, const char *directory, struct catalogue *catalogue,
                        const struct line *lines, size_t count, struct error *error)
{
    if (options->format && strcmp(options->format, "html") == 0)
        return write_page(options, directory, catalogue, lines, count, error);
    if (options->output)
        return error_usage(error, "runs list: -o is for --format html");
    if (options->format && strcmp(options->format, "csv") == 0)
        print_csv(lines, count);
    else if (options->format && strcmp(options->format, "json") == 0)
        print_json(lines, count);
    else if (!options->format || strcmp(options->format, "table") == 0)
        print_table(lines, count);
    else
        return error_usage(error, "--format must be table, csv, json or html, not \"%s\"", options->format);
    return true;
}

/* Works out the metrics of a run that an earlier version of the program tested. */
static bool fill(struct line *line, struct catalogue *catalogue, struct error *error)
{
    struct prediction_list predictions;
    struct evaluation evaluation;
    bool done = predictions_read(catalogue, line->row->id, "test", &predictions, error);

    if (!done) {
        prediction_list_free(&predictions);
        return false;
    }
    evaluation_make(&evaluation, &predictions);
    line->clips = evaluation.clips;
    line->tested = evaluation.clips > 0;
    line->task = evaluation.task;
    FOR_METRICS (f, evaluation.task)
        line->metrics[f] = METRICS[f].of(&evaluation);
    evaluation_free(&evaluation);
    prediction_list_free(&predictions);
    return true;
}

/* The lines in the order of their runs' numbers, for look-ups. */
struct index {
    struct line **lines;
    size_t count;
};

static int by_number(const void *a, const void *b)
{
    int64_t x = (*(struct line *const *)a)->row->id, y = (*(struct line *const *)b)->row->id;

    return (x > y) - (x < y);
}

static void take_score(void *context, int64_t run, const char *name, double value)
{
    const struct index *index = context;
    const struct run_row row = {.id = run};
    struct line key = {.row = &row}, *wanted_line = &key;
    struct line **found = bsearch(&wanted_line, index->lines, index->count, sizeof *index->lines, by_number);
    enum metric metric = metric_find(name);

    if (found && strcmp(name, SCORE_CLIPS) == 0) {
        (*found)->clips = (size_t)value;
        (*found)->tested = value > 0;
        (*found)->scored = true;
    } else if (found && metric < METRIC_COUNT) {
        (*found)->metrics[metric] = value;
    }
}

/* What the lines show of the runs' tests. */
static bool fill_lines(struct line *lines, size_t count, struct catalogue *catalogue, struct error *error)
{
    struct index index = {mem_zero(count, sizeof *index.lines), count};

    for (size_t i = 0; i < count; i++)
        index.lines[i] = &lines[i];
    if (count)
        qsort(index.lines, count, sizeof *index.lines, by_number);
    bool done = scores_read(catalogue, "test", take_score, &index, error);
    for (size_t i = 0; done && i < count; i++)
        done = lines[i].scored || fill(&lines[i], catalogue, error);
    free(index.lines);
    return done;
}

/* Says which runs have another one's name. */
static void find_namesakes(struct line *lines, size_t count)
{
    struct line **sorted = mem_zero(count, sizeof *sorted);

    for (size_t i = 0; i < count; i++)
        sorted[i] = &lines[i];
    if (count)
        qsort(sorted, count, sizeof *sorted, by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(sorted[i - 1]->row->name, sorted[i]->row->name) == 0)
            sorted[i - 1]->has_namesake = sorted[i]->has_namesake = true;
    free(sorted);
}

bool runs_list(const struct options *options, const struct config *config, struct error *error)
{
    if (!choose_order(options->sort, error) || !check_where(&options->where, error) ||
        !check_state(options->state, error))
        return false;
    struct catalogue *catalogue = catalogue_open_read(config_settings(config)->run.database, error);
    struct run_list runs = {0};
    bool done = catalogue && runs_read(catalogue, &runs, error);
    struct line *lines = mem_zero(runs.count, sizeof *lines);
    size_t count = 0;

    for (size_t i = 0; done && i < runs.count; i++) {
        const char *state = state_of(&runs.rows[i]);
        if (!wanted(&runs.rows[i], state, options))
            continue;
        lines[count++] =
            (struct line){.row = &runs.rows[i], .state = state, .task = runs.rows[i].task, .order = i};
    }
    done = done && fill_lines(lines, count, catalogue, error);
    find_namesakes(lines, count);
    if (done && count)
        qsort(lines, count, sizeof *lines, in_order);
    done =
        done && print_lines(options, config_settings(config)->run.directory, catalogue, lines, count, error);
    free(lines);
    run_list_free(&runs);
    catalogue_close(catalogue);
    return done;
}
