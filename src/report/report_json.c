/* report.json: the report once, as data.  Its text, page and card are made from this object. */
#include "report/report.h"

static cJSON *scores_json(const struct scores *s, bool ranked)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddNumberToObject(json, "precision", s->precision);
    cJSON_AddNumberToObject(json, "recall", s->recall);
    cJSON_AddNumberToObject(json, "f1-score", s->f1);
    cJSON_AddNumberToObject(json, "support", (double)s->support);
    cJSON_AddNumberToObject(json, "predicted", (double)s->predicted);
    if (ranked) {
        json_add_finite(json, "auc", s->auc);
        json_add_finite(json, "average_precision", s->average_precision);
    }
    return json;
}

static cJSON *interval_json(const struct interval *interval)
{
    cJSON *ends = cJSON_CreateArray();

    cJSON_AddItemToArray(ends, json_finite(interval->low));
    cJSON_AddItemToArray(ends, json_finite(interval->high));
    return ends;
}

static void add_metrics(cJSON *json, const struct evaluation *e)
{
    FOR_METRICS (f, e->task)
        json_add_finite(json, METRICS[f].name, METRICS[f].of(e));
}

static void add_intervals(cJSON *json, const struct report *report)
{
    cJSON *intervals = cJSON_AddObjectToObject(json, "intervals");

    cJSON_AddNumberToObject(intervals, "level", 0.95);
    cJSON_AddNumberToObject(intervals, "resamples", BOOTSTRAP_RESAMPLES);
    cJSON_AddStringToObject(intervals, "unit", report->clusters.unit);
    cJSON_AddNumberToObject(intervals, "units", (double)report->clusters.count);
    FOR_METRICS (f, report->evaluation.task)
        cJSON_AddItemToObject(intervals, METRICS[f].name, interval_json(&report->intervals[f]));
}

/* Accuracy where only the surest predictions are kept. */
static void add_coverage(cJSON *json, const struct coverage *coverage)
{
    cJSON *object = cJSON_AddObjectToObject(json, "coverage");
    cJSON_AddNumberToObject(object, "aurc", coverage->aurc);
    cJSON *points = cJSON_AddArrayToObject(object, "points");

    for (int p = 0; p < COVERAGE_POINTS; p++) {
        cJSON *point = cJSON_CreateObject();
        cJSON_AddNumberToObject(point, "coverage", coverage->points[p].share);
        cJSON_AddNumberToObject(point, "clips", (double)coverage->points[p].clips);
        cJSON_AddNumberToObject(point, "threshold", coverage->points[p].threshold);
        cJSON_AddNumberToObject(point, "accuracy", coverage->points[p].accuracy);
        cJSON_AddItemToArray(points, point);
    }
}

static void add_calibration(cJSON *json, const struct report *report)
{
    const struct calibration *calibration = &report->calibration;
    double temperature = report->info.training.temperature;
    cJSON *object = cJSON_AddObjectToObject(json, "calibration");
    cJSON_AddNumberToObject(object, "expected_calibration_error", calibration->error);
    if (temperature > 0) {
        cJSON *before = cJSON_AddObjectToObject(object, "before_temperature_scaling");
        cJSON_AddNumberToObject(object, "temperature", temperature);
        cJSON_AddNumberToObject(before, "expected_calibration_error", report->uncalibrated.error);
        cJSON_AddNumberToObject(before, METRICS[METRIC_LOSS].name, report->uncalibrated.loss);
    }
    cJSON *bins = cJSON_AddArrayToObject(object, "bins");

    for (size_t b = 0; b < CALIBRATION_BINS; b++) {
        cJSON *bin = cJSON_CreateObject();
        cJSON_AddNumberToObject(bin, "clips", (double)calibration->bins[b].clips);
        cJSON_AddNumberToObject(bin, "confidence", calibration->bins[b].confidence);
        cJSON_AddNumberToObject(bin, "accuracy", calibration->bins[b].accuracy);
        cJSON_AddItemToArray(bins, bin);
    }
}

static void add_confusion(cJSON *json, const struct evaluation *e)
{
    cJSON *confusion = cJSON_AddArrayToObject(json, "confusion");

    for (size_t i = 0; i < e->label_count; i++) {
        cJSON *row = cJSON_CreateArray();
        for (size_t j = 0; j < e->label_count; j++)
            cJSON_AddItemToArray(row, cJSON_CreateNumber((double)e->confusion[i * e->label_count + j]));
        cJSON_AddItemToArray(confusion, row);
    }
}

static void add_classes(cJSON *json, const struct evaluation *e)
{
    bool ranked = e->task == MULTI_LABEL;

    if (e->confusion)
        add_confusion(json, e);
    cJSON *classes = cJSON_AddObjectToObject(json, "classes");
    for (size_t k = 0; k < e->label_count; k++)
        cJSON_AddItemToObject(classes, e->labels[k], scores_json(&e->classes[k], ranked));
    if (ranked)
        cJSON_AddItemToObject(json, "micro avg", scores_json(&e->micro, false));
    cJSON_AddItemToObject(json, "macro avg", scores_json(&e->macro, ranked));
    cJSON_AddItemToObject(json, "weighted avg", scores_json(&e->weighted, false));
}

static void add_agreements(cJSON *json, const struct evaluation *e)
{
    cJSON *targets = cJSON_AddObjectToObject(json, "targets");

    for (size_t k = 0; k < e->label_count; k++) {
        cJSON *target = cJSON_AddObjectToObject(targets, e->labels[k]);
        json_add_finite(target, "ccc", e->targets[k].ccc);
        json_add_finite(target, "pearson", e->targets[k].pearson);
        json_add_finite(target, "mae", e->targets[k].mae);
        json_add_finite(target, "rmse", e->targets[k].rmse);
    }
}

static void add_groups(cJSON *json, const struct report *report)
{
    cJSON *groups = cJSON_AddObjectToObject(json, "groups");

    for (size_t g = 0; g < report->group_count; g++) {
        const struct group *group = &report->groups[g];
        cJSON *attribute = cJSON_GetObjectItemCaseSensitive(groups, group->attribute);
        if (!attribute)
            attribute = cJSON_AddObjectToObject(groups, group->attribute);
        cJSON *value = cJSON_AddObjectToObject(attribute, group->value);
        cJSON_AddNumberToObject(value, "clips", (double)group->evaluation.clips);
        add_metrics(value, &group->evaluation);
    }
}

static cJSON *strings_json(const struct strings *strings)
{
    return cJSON_CreateStringArray((const char *const *)strings->items, (int)strings->count);
}

static void add_baseline(cJSON *json, const struct report *report)
{
    const struct baseline *b = report->baseline;
    cJSON *object = cJSON_AddObjectToObject(json, "baseline");

    cJSON_AddStringToObject(object, "run", b->name);
    FOR_METRICS (f, report->evaluation.task) {
        cJSON *metric = cJSON_AddObjectToObject(object, METRICS[f].name);
        json_add_finite(metric, "before", b->metrics[f]);
        json_add_finite(metric, "change", METRICS[f].of(&report->evaluation) - b->metrics[f]);
        if (b->compared) {
            cJSON_AddItemToObject(metric, "interval", interval_json(&b->comparisons[f].interval));
            cJSON_AddNumberToObject(metric, "permutation_p", b->comparisons[f].permutation_p);
        }
    }
    if (b->compared && report->evaluation.task != REGRESSION) {
        cJSON_AddNumberToObject(object, "fixed", (double)b->fixed);
        cJSON_AddNumberToObject(object, "broken", (double)b->broken);
        cJSON_AddNumberToObject(object, "mcnemar_p", b->comparisons[b->first_metric].mcnemar_p);
    }
    cJSON_AddBoolToObject(object, "compared", b->compared);
    cJSON_AddItemToObject(object, "settings_changed", strings_json(&b->differences));
}

/* name -> [[step, epoch, value], ...], as metrics.jsonl has them. */
static void add_history(cJSON *json, const struct metric_list *metrics)
{
    cJSON *history = cJSON_AddObjectToObject(json, "history");

    for (size_t i = 0; i < metrics->count; i++) {
        const struct metric_point *m = &metrics->items[i];
        cJSON *series = cJSON_GetObjectItemCaseSensitive(history, m->name), *point = cJSON_CreateArray();
        if (!series)
            series = cJSON_AddArrayToObject(history, m->name);
        cJSON_AddItemToArray(point, cJSON_CreateNumber((double)m->step));
        cJSON_AddItemToArray(point, cJSON_CreateNumber(m->epoch));
        cJSON_AddItemToArray(point, json_finite(m->value));
        cJSON_AddItemToArray(series, point);
    }
}

/* What the run recorded of itself.  The licence is the corpus format's: where the configuration has a note on
 * its data, these may be other data, and nothing is said of their licence. */
static cJSON *info_json(const struct run_info *info)
{
    cJSON *json = run_info_json(info);

    if (info->corpus.note && *info->corpus.note)
        cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "corpus"), "licence");
    return json;
}

static void add_run(cJSON *json, const struct run_row *run)
{
    cJSON_AddStringToObject(json, "run", run->name);
    cJSON_AddStringToObject(json, "state", run->state ? run->state : "");
    cJSON_AddStringToObject(json, "started", run->started ? run->started : "");
    cJSON_AddStringToObject(json, "finished", run->finished ? run->finished : "");
}

/* Everything that is worked out from the predictions. */
static void add_results(cJSON *json, const struct report *report)
{
    const struct evaluation *e = &report->evaluation;

    cJSON_AddStringToObject(json, "task", TASKS[e->task].name);
    cJSON_AddNumberToObject(json, "clips", (double)e->clips);
    add_metrics(json, e);
    add_intervals(json, report);
    cJSON_AddItemToObject(json, "labels", cJSON_CreateStringArray(e->labels, (int)e->label_count));
    if (e->task == REGRESSION) {
        add_agreements(json, e);
    } else {
        add_calibration(json, report);
        if (e->task == SINGLE_LABEL)
            add_coverage(json, &report->coverage);
        add_classes(json, e);
    }
    add_groups(json, report);
    if (report->baseline)
        add_baseline(json, report);
}

cJSON *report_json(const struct report *report)
{
    cJSON *json = cJSON_CreateObject();

    add_run(json, &report->run);
    add_results(json, report);
    cJSON_AddItemToObject(json, "remarks", strings_json(&report->remarks));
    struct text protocol = {0};
    report_protocol(report, &protocol);
    cJSON_AddStringToObject(json, "protocol", protocol.text ? protocol.text : "");
    text_free(&protocol);
    cJSON *info = info_json(&report->info), *tables = cJSON_DetachItemFromObjectCaseSensitive(info, "tables");
    if (tables)
        cJSON_AddItemToObject(json, "tables", tables);
    cJSON_AddItemToObject(json, "info", info);
    if (report->environment)
        cJSON_AddItemToObject(json, "environment", cJSON_Duplicate(report->environment, true));
    add_history(json, &report->metrics);
    return json;
}
