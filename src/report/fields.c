/* Reading report.json and sweep.json in memory, and writing them: see fields.h. */
#include "report/fields.h"

#include "base/files.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const cJSON *field(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

double field_number(const cJSON *object, const char *name)
{
    const cJSON *item = field(object, name);

    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

size_t field_count(const cJSON *object, const char *name)
{
    double number = field_number(object, name);

    return number > 0 ? (size_t)number : 0;
}

const char *field_text(const cJSON *object, const char *name)
{
    const cJSON *item = field(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static double item_number(const cJSON *array, int i)
{
    const cJSON *item = cJSON_GetArrayItem(array, i);

    return cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
}

struct interval field_interval(const cJSON *object, const char *name)
{
    const cJSON *ends = field(object, name);

    return (struct interval){item_number(ends, 0), item_number(ends, 1)};
}

enum task field_task(const cJSON *json)
{
    enum task task = task_find(field_text(json, "task"));

    return task == TASK_COUNT ? SINGLE_LABEL : task;
}

enum metric group_metric(enum task task, size_t i)
{
    enum metric metric = metric_after(METRIC_COUNT, task);

    while (i-- > 0)
        metric = metric_after(metric, task);
    return metric;
}

/* ---- scores ---- */

static struct scores scores_of(const cJSON *object)
{
    return (struct scores){.precision = field_number(object, "precision"),
                           .recall = field_number(object, "recall"),
                           .f1 = field_number(object, "f1-score"),
                           .support = field_count(object, "support"),
                           .predicted = field_count(object, "predicted"),
                           .auc = field_number(object, "auc"),
                           .average_precision = field_number(object, "average_precision")};
}

static struct agreement agreement_of(const cJSON *object)
{
    return (struct agreement){
        field_number(object, METRICS[METRIC_CCC].name), field_number(object, METRICS[METRIC_PEARSON].name),
        field_number(object, METRICS[METRIC_MAE].name), field_number(object, METRICS[METRIC_RMSE].name)};
}

void field_evaluation(struct evaluation *e, const cJSON *report, struct arena *arena)
{
    const cJSON *labels = field(report, "labels"), *label = NULL;
    size_t count = (size_t)cJSON_GetArraySize(labels), k = 0;
    const char **names = arena_zero(arena, count + 1, sizeof *names);

    *e = (struct evaluation){.task = field_task(report),
                             .labels = names,
                             .label_count = count,
                             .clips = field_count(report, "clips"),
                             .accuracy = field_number(report, METRICS[METRIC_ACCURACY].name),
                             .uar = field_number(report, METRICS[METRIC_UAR].name),
                             .loss = field_number(report, METRICS[METRIC_LOSS].name),
                             .macro = scores_of(field(report, "macro avg")),
                             .weighted = scores_of(field(report, "weighted avg")),
                             .micro = scores_of(field(report, "micro avg")),
                             .mean = agreement_of(report)};
    e->classes = arena_zero(arena, count + 1, sizeof *e->classes);
    e->targets = arena_zero(arena, count + 1, sizeof *e->targets);
    cJSON_ArrayForEach(label, labels)
    {
        names[k] = label->valuestring;
        e->classes[k] = scores_of(json_at(report, "classes", names[k]));
        e->targets[k] = agreement_of(json_at(report, "targets", names[k]));
        k++;
    }
}

const char *field_change(double value, char buffer[TEXT_NUMBER_SIZE])
{
    if (isfinite(value))
        snprintf(buffer, TEXT_NUMBER_SIZE, "%+.4f", value);
    else
        snprintf(buffer, TEXT_NUMBER_SIZE, "-");
    return buffer;
}

const char *p_text(char buffer[P_SIZE], double p)
{
    if (isnan(p))
        snprintf(buffer, P_SIZE, "-");
    else if (p < 0.001)
        snprintf(buffer, P_SIZE, "< 0.001");
    else
        snprintf(buffer, P_SIZE, "%.4f", p);
    return buffer;
}

const char *field_cell(const cJSON *cell, char buffer[TEXT_NUMBER_SIZE])
{
    if (cJSON_IsString(cell))
        return cell->valuestring;
    if (!cJSON_IsNumber(cell))
        return "-";
    snprintf(buffer, TEXT_NUMBER_SIZE, cell->valuedouble == floor(cell->valuedouble) ? "%.0f" : "%.4f",
             cell->valuedouble);
    return buffer;
}

/* ---- the file ---- */

/* cJSON prints 15 digits where it takes them for enough, which may lose the last bit.  Makes every number its
 * shortest exact text, which cJSON prints as it stands; what is no number, null. */
static void make_exact(cJSON *item)
{
    char number[TEXT_NUMBER_SIZE];

    for (cJSON *child = item->child; child; child = child->next) {
        if (cJSON_IsNumber(child) && !isfinite(child->valuedouble)) {
            child->type = cJSON_NULL;
        } else if (cJSON_IsNumber(child)) {
            child->type = cJSON_Raw;
            child->valuestring = mem_string(text_from_number(number, child->valuedouble));
        }
        make_exact(child);
    }
}

bool fields_write(const char *path, const cJSON *json, struct error *error)
{
    cJSON *exact = cJSON_Duplicate(json, true);

    make_exact(exact);
    bool done = json_write(path, exact, error);
    cJSON_Delete(exact);
    return done;
}

bool field_in_any(const cJSON *array, const char *name)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, array) if (field(item, name) && !cJSON_IsNull(field(item, name))) return true;
    return false;
}

int field_width(const cJSON *array, const char *name, const char *heading)
{
    int width = text_characters(heading);
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, array)
    {
        int length = text_characters(field_text(item, name));
        width = length > width ? length : width;
    }
    return width;
}
