/* The files of a report: see report.h. */
#include "report/report.h"

#include "base/csv.h"
#include "base/files.h"
#include "base/log.h"
#include "report/chart.h"
#include "report/fields.h"

#include <stdlib.h>

bool report_charts(const struct report *report, struct error *error)
{
    return charts_plot(report->output, &report, 1, error);
}

static bool write_file(const struct report *report, const char *name, const struct text *content,
                       struct error *error)
{
    char *path = path_join(report->output, name);
    bool done = file_write(path, content->text, content->length, error);

    free(path);
    return done;
}

static bool write_text(const struct report *report, const cJSON *json, struct error *error)
{
    struct text text = {0};

    report_text(json, &text);
    bool done = write_file(report, "classification_report.txt", &text, error);
    text_free(&text);
    return done;
}

static bool write_json(const struct report *report, const cJSON *json, struct error *error)
{
    char *path = path_join(report->output, "report.json");
    bool done = fields_write(path, json, error);

    free(path);
    return done;
}

/* A field of CSV, as `print` prints it of the prediction. */
static void add_csv_field(struct text *out, const struct prediction_list *list, const struct prediction *p,
                          void (*print)(const struct prediction_list *list, const struct prediction *p,
                                        struct text *out))
{
    struct text words = {0};

    print(list, p, &words);
    text_add(out, ",");
    csv_add_name(out, words.text);
    text_free(&words);
}

void report_predictions(const struct prediction_list *predictions, struct text *out)
{
    char number[TEXT_NUMBER_SIZE];

    text_add(out, "path,label,predicted");
    for (size_t k = 0; k < predictions->label_count; k++) {
        text_add(out, ",");
        csv_add_name(out, predictions->labels[k]);
    }
    text_add(out, "\n");
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        csv_add_path(out, p->path);
        add_csv_field(out, predictions, p, prediction_print_target);
        add_csv_field(out, predictions, p, prediction_print_predicted);
        for (size_t k = 0; k < predictions->label_count; k++)
            text_add(out, ",%s", text_from_number(number, p->probabilities[k]));
        text_add(out, "\n");
    }
}

static bool write_predictions(const struct report *report, struct error *error)
{
    struct text text = {0};

    report_predictions(&report->predictions, &text);
    bool done = write_file(report, "predictions.csv", &text, error);
    text_free(&text);
    return done;
}

bool report_write(const struct report *report, bool audio, struct error *error)
{
    struct error no_charts = {0};

    if (report->evaluation.clips == 0)
        return error_set(error, "%s: not tested yet (the run is %s), so there is nothing to report",
                         report->folder, report->run.state);
    if (!report_charts(report, &no_charts)) /* a report without charts is still a report */
        log_warn("%s", no_charts.message);
    cJSON *json = report_json(report);
    bool done = write_json(report, json, error) && write_text(report, json, error) &&
                write_predictions(report, error) && report_html(report, json, audio, error) &&
                charts_events(report, error);
    cJSON_Delete(json);
    return done;
}

static void print_json(const struct report *report, void (*print)(const cJSON *json, struct text *out),
                       struct text *out)
{
    cJSON *json = report_json(report);

    print(json, out);
    cJSON_Delete(json);
}

void report_print(const struct report *report, struct text *out)
{
    print_json(report, report_text, out);
}

void report_print_summary(const struct report *report, struct text *out)
{
    print_json(report, report_summary, out);
}
