/* The candidates of a linear model as a table of the report: see describe_run.h. */
#include "run/describe_run.h"

#include "base/csv.h"
#include "base/files.h"
#include "train/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 20, MOST_COSTS = 64 };

/* One set of layers, with the score of each C. */
struct candidate_row {
    char *layer;
    double scores[MOST_COSTS], best;
};

struct candidates {
    struct strings costs;
    struct candidate_row *rows;
    size_t count, capacity, tried;
    size_t best_row, best_cost; /* the chosen one */
};

static struct candidate_row *row_of(struct candidates *c, const char *layer)
{
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->rows[i].layer, layer) == 0)
            return &c->rows[i];
    c->rows = mem_grow(c->rows, &c->capacity, c->count + 1, sizeof *c->rows);
    struct candidate_row *row = &c->rows[c->count++];
    *row = (struct candidate_row){.layer = mem_string(layer), .best = -INFINITY};
    for (size_t k = 0; k < MOST_COSTS; k++)
        row->scores[k] = (double)NAN;
    return row;
}

static bool read_candidates(struct candidates *c, const char *path, struct error *error)
{
    struct csv csv;
    double score;
    bool done = csv_open(&csv, path, error);

    while (done && csv_next(&csv, error)) {
        const char *cost = csv_field(&csv, csv_column(&csv, "C"));
        strings_add_new(&c->costs, cost);
        size_t k = (size_t)strings_index(&c->costs, cost);
        const char *layer = csv_field(&csv, csv_column(&csv, "layer")),
                   *pooling = csv_field(&csv, csv_column(&csv, "pooling"));
        char *name = strcmp(pooling, "mean") == 0 ? mem_string(layer) : mem_format("%s %s", layer, pooling);
        struct candidate_row *row = row_of(c, name);
        free(name);
        if (k >= MOST_COSTS || !text_to_number(csv_field(&csv, csv_column(&csv, "score")), &score))
            continue;
        c->tried++;
        row->scores[k] = score;
        if (c->tried == 1 || score > c->rows[c->best_row].scores[c->best_cost]) {
            c->best_row = (size_t)(row - c->rows);
            c->best_cost = k;
        }
        row->best = fmax(row->best, score);
    }
    csv_close(&csv);
    return !error->kind;
}

/* Whether fewer than MOST_ROWS rows are better. */
static bool is_shown(const struct candidates *c, size_t i)
{
    size_t better = 0;

    for (size_t j = 0; j < c->count; j++)
        better += c->rows[j].best > c->rows[i].best || (j < i && c->rows[j].best >= c->rows[i].best);
    return better < MOST_ROWS;
}

static void add_rows(const struct candidates *c, const char *features, cJSON *rows)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!is_shown(c, i))
            continue;
        cJSON *row = cJSON_CreateArray();
        cJSON_AddItemToArray(row, cJSON_CreateString(features ? features : c->rows[i].layer));
        for (size_t k = 0; k < c->costs.count; k++)
            cJSON_AddItemToArray(row, json_finite(c->rows[i].scores[k]));
        cJSON_AddItemToArray(rows, row);
    }
}

static const char *score_name(const struct settings *settings)
{
    if (settings->model.task == REGRESSION)
        return "minus the mean squared error";
    return settings->model.task == MULTI_LABEL || strcmp(settings->eval.best_metric, "uar") == 0 ? "UAR"
                                                                                                 : "accuracy";
}

static void add_table(const struct candidates *c, const struct settings *settings, struct run_info *info)
{
    bool encoder = strcmp(settings->linear.features, "encoder") == 0;
    const char *columns[MOST_COSTS + 1] = {encoder ? "layer" : "features"};
    char *headings[MOST_COSTS],
        *all = c->count > MOST_ROWS
                   ? mem_format("The best %d of %zu rows; %s has all. ", MOST_ROWS, c->count, FIT_TABLE)
                   : mem_string("");
    char *note = mem_format(
        "%sChosen: %s%s%sC=%s, of %zu candidates. Scores are %s over all clips of the "
        "training part, each predicted in cross-validation by a fit that did not see it; the test part "
        "was not looked at.",
        all, encoder ? "layer " : "", encoder ? c->rows[c->best_row].layer : "", encoder ? ", " : "",
        c->costs.items[c->best_cost], c->tried, score_name(settings));

    for (size_t k = 0; k < c->costs.count; k++)
        columns[k + 1] = headings[k] = mem_format("C=%s", c->costs.items[k]);
    add_rows(c, encoder ? NULL : settings->linear.features,
             run_info_add_table(info, "Candidates", note, columns, c->costs.count + 1));
    for (size_t k = 0; k < c->costs.count; k++)
        free(headings[k]);
    free(note);
    free(all);
}

bool describe_candidates(struct run_info *info, const char *folder, const struct settings *settings,
                         struct error *error)
{
    struct candidates c = {0};
    char *path = path_join(folder, FIT_TABLE);
    bool done = !path_exists(path) || read_candidates(&c, path, error);

    if (done && c.tried > 1 && c.costs.count <= MOST_COSTS)
        add_table(&c, settings, info);
    for (size_t i = 0; i < c.count; i++)
        free(c.rows[i].layer);
    free(c.rows);
    strings_free(&c.costs);
    free(path);
    return done;
}
