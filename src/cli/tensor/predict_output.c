/* The formats of emotrain predict: table, csv, json. */
#include "base/csv.h"
#include "cli/tensor/predict.h"
#include "report/report.h"

#include <cjson/cJSON.h>
#include <string.h>

/* What a row says: a whole recording, or one window of it. */
struct row {
    const char *path;
    const struct prediction *prediction;
    const struct window *span; /* NULL for a whole recording */
    int width;                 /* of the longest path */
};

static int longest(const char *const *names, size_t count, int least)
{
    for (size_t i = 0; i < count; i++)
        least = text_characters(names[i]) > least ? text_characters(names[i]) : least;
    return least;
}

/* Of the table's first column. */
static int path_width(const struct replies *replies)
{
    int width = 4;

    for (size_t i = 0; i < replies->whole.count; i++) {
        int length = text_characters(replies->whole.items[i].path);
        width = length > width ? length : width;
    }
    return width;
}

/* Calls `print` for every recording, or for every window. */
static void for_rows(const struct replies *replies, bool windows,
                     void (*print)(const struct row *row, const struct replies *replies, struct text *out),
                     struct text *out)
{
    size_t count = windows ? replies->windows.count : replies->whole.count;
    int width = path_width(replies);

    for (size_t i = 0; i < count; i++) {
        struct row row = {NULL, windows ? &replies->windows.items[i] : &replies->whole.items[i],
                          windows ? &replies->spans[i] : NULL, width};
        row.path = windows ? replies->whole.items[row.span->recording].path : row.prediction->path;
        print(&row, replies, out);
    }
}

static void table_row(const struct row *row, const struct replies *replies, struct text *out)
{
    const char *const *labels = replies->whole.labels;
    size_t count = replies->whole.label_count;

    text_add_column(out, row->path, -row->width);
    if (row->span)
        text_add(out, " %9.2f %9.2f", row->span->start, row->span->end);
    struct text predicted = {0};
    if (replies->whole.task != REGRESSION) {
        prediction_print_predicted(&replies->whole, row->prediction, &predicted);
        bool withheld = replies->whole.task == SINGLE_LABEL && row->prediction->predicted < 0;
        text_add(out, "  ");
        text_add_column(out, withheld ? "(unsure)" : predicted.text, -longest(labels, count, 9));
    }
    for (size_t k = 0; k < count; k++) {
        if (replies->whole.task == REGRESSION)
            text_add(out, " %*.3f", longest(&labels[k], 1, 8), row->prediction->probabilities[k]);
        else
            text_add(out, " %*.1f%%", longest(&labels[k], 1, 6) - 1, 100 * row->prediction->probabilities[k]);
    }
    text_free(&predicted);
    text_add(out, "\n");
}

/* A heading over each column, in the columns' order. */
static void print_table(const struct replies *replies, bool windows, struct text *out)
{
    const char *const *labels = replies->whole.labels;
    size_t count = replies->whole.label_count;

    text_add(out, "%-*s", path_width(replies), "path");
    if (windows)
        text_add(out, " %9s %9s", "from (s)", "to (s)");
    bool numbers = replies->whole.task == REGRESSION;
    if (!numbers)
        text_add(out, "  %-*s", longest(labels, count, 9), "predicted");
    for (size_t k = 0; k < count; k++) {
        text_add(out, " ");
        text_add_column(out, labels[k], longest(&labels[k], 1, numbers ? 8 : 6));
    }
    text_add(out, "\n");
    for_rows(replies, windows, table_row, out);
}

static void csv_row(const struct row *row, const struct replies *replies, struct text *out)
{
    char number[TEXT_NUMBER_SIZE];

    csv_add_path(out, row->path);
    text_add(out, ",%s", text_from_number(number, row->span->start));
    text_add(out, ",%s,", text_from_number(number, row->span->end));
    struct text predicted = {0};
    prediction_print_predicted(&replies->whole, row->prediction, &predicted);
    csv_add_name(out, predicted.text);
    text_free(&predicted);
    for (size_t k = 0; k < replies->whole.label_count; k++)
        text_add(out, ",%s", text_from_number(number, row->prediction->probabilities[k]));
    text_add(out, "\n");
}

static void print_csv(const struct replies *replies, bool windows, struct text *out)
{
    if (!windows) { /* as a run's predictions.csv */
        report_predictions(&replies->whole, out);
        return;
    }
    text_add(out, "path,start,end,predicted");
    for (size_t k = 0; k < replies->whole.label_count; k++) {
        text_add(out, ",");
        csv_add_name(out, replies->whole.labels[k]);
    }
    text_add(out, "\n");
    for_rows(replies, windows, csv_row, out);
}

static void add_prediction(cJSON *json, const struct prediction *prediction,
                           const struct prediction_list *list)
{
    bool numbers = list->task == REGRESSION;
    struct text predicted = {0};

    prediction_print_predicted(list, prediction, &predicted);
    if (list->task == SINGLE_LABEL && prediction->predicted < 0)
        cJSON_AddNullToObject(json, "predicted"); /* withheld */
    else if (!numbers) /* as the columns of the CSV: the label itself is not known here */
        cJSON_AddStringToObject(json, "predicted", predicted.text);
    text_free(&predicted);
    cJSON *probabilities = cJSON_AddObjectToObject(json, numbers ? "values" : "probabilities");
    for (size_t k = 0; k < list->label_count; k++)
        cJSON_AddNumberToObject(probabilities, list->labels[k], prediction->probabilities[k]);
}

/* One object per recording and line; a recording of several windows holds them all. */
static void print_json(const struct replies *replies, bool windows, struct text *out)
{
    size_t next = 0;

    for (size_t i = 0; i < replies->whole.count; i++) {
        size_t first = next;
        while (next < replies->windows.count && replies->spans[next].recording == i)
            next++;
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "path", replies->whole.items[i].path);
        add_prediction(json, &replies->whole.items[i], &replies->whole);
        cJSON *array = next - first > 1 || windows ? cJSON_AddArrayToObject(json, "windows") : NULL;
        for (size_t w = first; array && w < next; w++) {
            cJSON *window = cJSON_CreateObject();
            cJSON_AddNumberToObject(window, "start", replies->spans[w].start);
            cJSON_AddNumberToObject(window, "end", replies->spans[w].end);
            add_prediction(window, &replies->windows.items[w], &replies->whole);
            cJSON_AddItemToArray(array, window);
        }
        char *line = cJSON_PrintUnformatted(json);
        text_add_printable(out, line); /* a file's name may be no UTF-8 */
        text_add(out, "\n");
        cJSON_free(line);
        cJSON_Delete(json);
    }
}

static const struct predict_format FORMATS[] = {
    {"table", print_table}, {"csv", print_csv}, {"json", print_json}};

const struct predict_format *predict_format_find(const char *name, struct error *error)
{
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++)
        if (strcmp(FORMATS[i].name, name) == 0)
            return &FORMATS[i];
    error_usage(error, "--format must be table, csv or json, not \"%s\"", name);
    return NULL;
}
