#include "report/report.h"

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static double number_at(const cJSON *facts, const char *section, const char *name)
{
    const cJSON *item =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(facts, section), name);

    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *text_at(const cJSON *facts, const char *section, const char *name)
{
    const cJSON *item =
        cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(facts, section), name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static void add_remark(struct strings *remarks, char *text)
{
    strings_add(remarks, text);
    free(text);
}

/* What a reader of the figures must know. */
static void make_remarks(struct report *report)
{
    const cJSON *facts = report->facts;
    const char *note = text_at(facts, "corpus", "note");
    double shared = number_at(facts, "split", "shared_speakers"),
           speakers = number_at(facts, "split", "speakers");

    if (*note)
        strings_add(report->remarks, note);
    if (shared > 0)
        add_remark(
            report->remarks,
            mem_format(
                "Speakers shared: %.0f of %.0f speakers are in the train part and in the test part. The "
                "figures hold for known speakers; for new ones use split.protocol=speaker.",
                shared, speakers));
    if (strcmp(text_at(facts, "split", "selection_part"), "test") == 0)
        add_remark(
            report->remarks,
            mem_format("Chosen on the test part: there is no validation part, so the best checkpoint was "
                       "chosen by the very clips that this report is about; its figures are optimistic. "
                       "split.validation=0.1 makes a part for that."));
    if (number_at(facts, "corpus", "broken") > 0)
        add_remark(report->remarks,
                   mem_format("Left out: %.0f broken files of the corpus (emotrain index names them).",
                              number_at(facts, "corpus", "broken")));
    if (number_at(facts, "split", "left_out") > 0)
        add_remark(report->remarks, mem_format("Left out: %.0f clips that split.file does not name.",
                                               number_at(facts, "split", "left_out")));
}

bool report_read(struct report *report, struct catalogue *catalogue, const char *folder, struct error *error)
{
    *report = (struct report){.remarks = mem_zero(1, sizeof(struct strings))};
    report->folder = arena_string(&report->arena, folder);
    if (!run_find(catalogue, folder, &report->run, &report->arena, error)) {
        report_free(report);
        return false;
    }
    if (report->run.id == 0) {
        error_set(error, "%s: no run of that folder in %s", folder, catalogue_path(catalogue));
        report_free(report);
        return false;
    }
    report->facts = report->run.facts ? cJSON_Parse(report->run.facts) : NULL;
    if (!report->facts)
        report->facts = cJSON_CreateObject();
    if (!metrics_read(catalogue, report->run.id, &report->metrics, error) ||
        !predictions_read(catalogue, report->run.id, "test", &report->predictions, error)) {
        report_free(report);
        return false;
    }
    evaluation_make(&report->evaluation, &report->predictions);
    make_remarks(report);
    return true;
}

void report_free(struct report *report)
{
    evaluation_free(&report->evaluation);
    metric_list_free(&report->metrics);
    prediction_list_free(&report->predictions);
    cJSON_Delete(report->facts);
    strings_free(report->remarks);
    free(report->remarks);
    arena_free(&report->arena);
    *report = (struct report){0};
}

bool report_charts(const struct report *report, struct error *error)
{
    if (report->metrics.count == 0)
        return error_set(error, "%s: nothing was recorded yet, so there is nothing to draw", report->folder);
    char *title = mem_format("%s: loss", report->run.name);
    char *matrix = mem_format("%s: %zu test clips, accuracy %.3f", report->run.name, report->evaluation.clips,
                              report->evaluation.accuracy);
    bool done = chart_loss(report->folder, title, &report->metrics, error) &&
                (report->evaluation.clips == 0 ||
                 chart_confusion(report->folder, matrix, &report->evaluation, error));

    free(title);
    free(matrix);
    return done;
}

/* ---- files ---- */

static bool write_file(const struct report *report, const char *name, const struct text *content,
                       struct error *error)
{
    char *path = path_join(report->folder, name);
    bool done = file_write(path, content->text, content->length, error);

    free(path);
    return done;
}

static bool write_text_report(const struct report *report, struct error *error)
{
    struct text text = {0};

    evaluation_print(&report->evaluation, &text);
    for (size_t i = 0; i < report->remarks->count; i++)
        text_add(&text, "%s%s\n", i ? "" : "\n", report->remarks->items[i]);
    bool done = write_file(report, "classification_report.txt", &text, error);
    text_free(&text);
    return done;
}

static cJSON *scores_json(const struct scores *s)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddNumberToObject(json, "precision", s->precision);
    cJSON_AddNumberToObject(json, "recall", s->recall);
    cJSON_AddNumberToObject(json, "f1-score", s->f1);
    cJSON_AddNumberToObject(json, "support", (double)s->support);
    return json;
}

static bool write_json_report(const struct report *report, struct error *error)
{
    const struct evaluation *e = &report->evaluation;
    cJSON *json = cJSON_CreateObject();
    char *path = path_join(report->folder, "report.json");

    cJSON_AddStringToObject(json, "run", report->run.name);
    cJSON_AddNumberToObject(json, "clips", (double)e->clips);
    cJSON_AddNumberToObject(json, "accuracy", e->accuracy);
    cJSON_AddNumberToObject(json, "uar", e->uar);
    cJSON_AddNumberToObject(json, "macro_f1", e->macro.f1);
    cJSON_AddNumberToObject(json, "weighted_f1", e->weighted.f1);
    cJSON_AddItemToObject(json, "labels", cJSON_CreateStringArray(e->labels, (int)e->label_count));
    cJSON *confusion = cJSON_AddArrayToObject(json, "confusion");
    for (size_t i = 0; i < e->label_count; i++) {
        cJSON *row = cJSON_CreateArray();
        for (size_t j = 0; j < e->label_count; j++)
            cJSON_AddItemToArray(row, cJSON_CreateNumber((double)e->confusion[i * e->label_count + j]));
        cJSON_AddItemToArray(confusion, row);
    }
    cJSON *classes = cJSON_AddObjectToObject(json, "classes");
    for (size_t k = 0; k < e->label_count; k++)
        cJSON_AddItemToObject(classes, e->labels[k], scores_json(&e->classes[k]));
    cJSON_AddItemToObject(json, "macro avg", scores_json(&e->macro));
    cJSON_AddItemToObject(json, "weighted avg", scores_json(&e->weighted));
    cJSON *remarks = cJSON_AddArrayToObject(json, "remarks");
    for (size_t i = 0; i < report->remarks->count; i++)
        cJSON_AddItemToArray(remarks, cJSON_CreateString(report->remarks->items[i]));
    cJSON_AddItemToObject(json, "facts", cJSON_Duplicate(report->facts, true));
    bool done = json_write(path, json, error);
    cJSON_Delete(json);
    free(path);
    return done;
}

void report_predictions(const struct prediction_list *predictions, struct text *out)
{
    char number[TEXT_NUMBER_SIZE];

    text_add(out, "path,label,predicted");
    for (size_t k = 0; k < predictions->label_count; k++) {
        text_add(out, ",");
        text_add_csv(out, predictions->labels[k]);
    }
    text_add(out, "\n");
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        text_add_csv(out, p->path);
        text_add(out, ",");
        text_add_csv(out, p->label < 0 ? "" : predictions->labels[p->label]);
        text_add(out, ",");
        text_add_csv(out, predictions->labels[p->predicted]);
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

bool report_write(const struct report *report, struct error *error)
{
    struct error no_charts = {0};

    if (report->evaluation.clips == 0)
        return error_set(error, "%s: not tested yet (the run is %s), so there is nothing to report",
                         report->folder, report->run.state);
    if (!report_charts(report, &no_charts)) /* a report without charts is still a report */
        log_warn("%s", no_charts.message);
    return write_text_report(report, error) && write_json_report(report, error) &&
           write_predictions(report, error) && report_html(report, error);
}
