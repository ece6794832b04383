/* Predictions in memory, and to and from the catalogue's text: see predictions.h. */
#include "eval/predictions.h"

#include "base/json.h"
#include "eval/metrics.h"
#include "store/predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void prediction_list_start(struct prediction_list *list, enum task task, const char *const *labels,
                           size_t count)
{
    *list = (struct prediction_list){.task = task, .label_count = count};
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
    if (list->task == MULTI_LABEL)
        item->decisions = values_of(list);
    if (targets) {
        item->targets = values_of(list);
        memcpy(item->targets, targets, list->label_count * sizeof *targets);
    }
    return item;
}

void prediction_set_facts(struct prediction_list *list, struct prediction *prediction, const char *speaker,
                          const char *sex, const char *intensity, const char *text)
{
    prediction->has_facts = true;
    prediction->speaker = arena_string(&list->arena, speaker);
    prediction->sex = arena_string(&list->arena, sex);
    prediction->intensity = arena_string(&list->arena, intensity);
    prediction->text = arena_string(&list->arena, text);
}

static void decide(const struct prediction_list *list, struct prediction *prediction,
                   const double *thresholds)
{
    for (size_t k = 0; list->task == MULTI_LABEL && k < list->label_count; k++)
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
        prediction_list_start(list, other->task, other->labels, other->label_count);
    for (size_t i = 0; i < other->count && list->label_count == other->label_count; i++) {
        const struct prediction *from = &other->items[i];
        struct prediction *to = prediction_list_add(list, from->path, from->label, from->targets);
        to->predicted = from->predicted;
        memcpy(to->probabilities, from->probabilities, bytes);
        if (to->decisions)
            memcpy(to->decisions, from->decisions, bytes);
        if (from->has_facts)
            prediction_set_facts(list, to, from->speaker, from->sex, from->intensity, from->text);
    }
}

bool prediction_is_known(const struct prediction *prediction)
{
    return prediction->label >= 0 || prediction->targets;
}

bool prediction_is_right(const struct prediction_list *list, const struct prediction *p)
{
    if (list->task == SINGLE_LABEL)
        return p->label == p->predicted;
    for (size_t k = 0; list->task == MULTI_LABEL && k < list->label_count; k++)
        if ((p->targets[k] > 0.5) != (p->decisions[k] > 0.5))
            return false;
    return true;
}

void prediction_print_target(const struct prediction_list *list, const struct prediction *p, struct text *out)
{
    text_add_bytes(out, "", 0);
    if (p->targets)
        target_print(list->task, list->labels, list->label_count, p->targets, out);
    else if (p->label >= 0)
        text_add(out, "%s", list->labels[p->label]);
}

void prediction_print_predicted(const struct prediction_list *list, const struct prediction *p,
                                struct text *out)
{
    text_add_bytes(out, "", 0);
    if (list->task == SINGLE_LABEL)
        text_add(out, "%s", p->predicted < 0 ? "" : list->labels[p->predicted]);
    else
        target_print(list->task, list->labels, list->label_count,
                     p->decisions ? p->decisions : p->probabilities, out);
}

void prediction_list_free(struct prediction_list *list)
{
    free(list->items);
    arena_free(&list->arena);
    *list = (struct prediction_list){0};
}

/* ---- the catalogue ---- */

/* A list on its way into the catalogue, with the strings of the present row. */
struct row_maker {
    const struct prediction_list *list;
    struct text target, predicted;
    char *probabilities;
};

static char *probabilities_json(const struct prediction_list *list, const struct prediction *item)
{
    cJSON *object = cJSON_CreateObject();

    for (size_t k = 0; k < list->label_count; k++)
        cJSON_AddNumberToObject(object, list->labels[k], item->probabilities[k]);
    char *text = cJSON_PrintUnformatted(object);
    cJSON_Delete(object);
    return text;
}

static void row_free(struct row_maker *maker)
{
    text_free(&maker->target);
    text_free(&maker->predicted);
    cJSON_free(maker->probabilities);
    maker->probabilities = NULL;
}

static void make_row(void *context, size_t i, struct prediction_row *row)
{
    struct row_maker *maker = context;
    const struct prediction *item = &maker->list->items[i];

    row_free(maker);
    prediction_print_target(maker->list, item, &maker->target);
    prediction_print_predicted(maker->list, item, &maker->predicted);
    maker->probabilities = probabilities_json(maker->list, item);
    *row = (struct prediction_row){.path = item->path,
                                   .target = prediction_is_known(item) ? maker->target.text : NULL,
                                   .predicted = maker->predicted.text,
                                   .probabilities = maker->probabilities,
                                   .has_facts = item->has_facts,
                                   .speaker = item->speaker,
                                   .sex = item->sex,
                                   .intensity = item->intensity,
                                   .text = item->text};
}

bool prediction_is_the_same(const struct prediction_list *list, const struct prediction *a,
                            const struct prediction *b)
{
    for (size_t k = 0; list->task == MULTI_LABEL && k < list->label_count; k++)
        if (a->decisions[k] != b->decisions[k])
            return false;
    return list->task != SINGLE_LABEL || a->predicted == b->predicted;
}

static bool write_scores(struct catalogue *catalogue, int64_t run, const char *part,
                         const struct prediction_list *list, struct error *error)
{
    struct evaluation evaluation;
    struct metric_list scores = {0};

    evaluation_make(&evaluation, list);
    metric_list_add(&scores, 0, 0, SCORE_CLIPS, (double)evaluation.clips);
    FOR_METRICS (f, evaluation.task)
        metric_list_add(&scores, 0, 0, METRICS[f].name, METRICS[f].of(&evaluation));
    bool done = scores_write(catalogue, run, part, &scores, error);
    metric_list_free(&scores);
    evaluation_free(&evaluation);
    return done;
}

bool predictions_write(struct catalogue *catalogue, int64_t run, const char *part,
                       const struct prediction_list *list, struct error *error)
{
    struct row_maker maker = {.list = list};
    bool done = prediction_rows_write(catalogue, run, part, list->count, make_row, &maker, error) &&
                write_scores(catalogue, run, part, list, error);

    row_free(&maker);
    return done;
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

/* Reads a stored row's words in the list's task; false where they are none of its labels. */
static bool parse_row(struct prediction_list *list, struct prediction *item, const struct prediction_row *row)
{
    struct error damaged = {0};

    if (list->task == SINGLE_LABEL) {
        item->label = row->target ? label_index(list, row->target) : -1;
        item->predicted = label_index(list, row->predicted);
        return item->predicted >= 0;
    }
    if (row->target) {
        item->targets = values_of(list);
        if (!target_parse(list->task, list->labels, list->label_count, row->target, item->targets, &damaged))
            return false;
    }
    return !item->decisions || target_parse(list->task, list->labels, list->label_count, row->predicted,
                                            item->decisions, &damaged);
}

static bool take_row(void *context, const char *task, const struct prediction_row *row)
{
    struct prediction_list *list = context;
    cJSON *object = row->probabilities ? cJSON_Parse(row->probabilities) : NULL;

    if (list->count == 0) {
        list->task = task_find(task ? task : "");
        labels_from(list, object);
    }
    struct prediction *item = prediction_list_add(list, row->path, -1, NULL);
    if (row->has_facts)
        prediction_set_facts(list, item, row->speaker, row->sex, row->intensity, row->text);
    bool whole = list->task != TASK_COUNT && row->predicted && parse_row(list, item, row);
    const cJSON *p = object ? object->child : NULL;
    for (size_t k = 0; k < list->label_count; k++, p = p ? p->next : NULL)
        item->probabilities[k] = cJSON_IsNumber(p) ? p->valuedouble : (double)NAN;
    list->count -= !whole;
    cJSON_Delete(object);
    return whole;
}

bool predictions_read(struct catalogue *catalogue, int64_t run, const char *part,
                      struct prediction_list *list, struct error *error)
{
    *list = (struct prediction_list){0};
    return prediction_rows_read(catalogue, run, part, take_row, list, error);
}
