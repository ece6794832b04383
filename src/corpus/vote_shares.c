/* Votes as text: see vote_shares.h. */
#include "corpus/vote_shares.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void add_votes(cJSON *json, const char *label, double number)
{
    cJSON *item = cJSON_GetObjectItemCaseSensitive(json, label);

    if (item)
        cJSON_SetNumberValue(item, item->valuedouble + number);
    else
        cJSON_AddNumberToObject(json, label, number);
}

/* The object as text, NULL where it is empty; deletes it; caller cJSON_frees. */
static char *print(cJSON *json)
{
    char *text = json->child ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);
    return text;
}

char *votes_print(const char *const *labels, const double *numbers, size_t count)
{
    cJSON *json = cJSON_CreateObject();

    for (size_t k = 0; k < count; k++)
        if (numbers[k] > 0 && isfinite(numbers[k]))
            add_votes(json, labels[k], numbers[k]);
    char *text = print(json), *copy = mem_string(text);
    cJSON_free(text);
    return copy;
}

void votes_visit(const char *votes, void (*visit)(void *context, const char *label, double number),
                 void *context)
{
    cJSON *json = cJSON_Parse(votes);
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, json)
    {
        if (cJSON_IsNumber(item))
            visit(context, item->string, item->valuedouble);
    }
    cJSON_Delete(json);
}

const char *votes_rename(const char *votes, const char *(*rename)(void *context, const char *name),
                         void *context, struct arena *arena)
{
    cJSON *json = votes ? cJSON_Parse(votes) : NULL, *renamed = cJSON_CreateObject();
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, json)
    {
        const char *name = rename(context, item->string);
        if (name && cJSON_IsNumber(item))
            add_votes(renamed, name, item->valuedouble);
    }
    char *text = print(renamed);
    const char *kept = arena_string(arena, text);
    cJSON_free(text);
    cJSON_Delete(json);
    return kept;
}

bool votes_shares(const char *votes, const struct strings *labels, double *shares)
{
    cJSON *json = votes ? cJSON_Parse(votes) : NULL;
    double sum = 0;

    for (size_t k = 0; k < labels->count; k++) {
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, labels->items[k]);
        shares[k] = cJSON_IsNumber(item) && item->valuedouble > 0 ? item->valuedouble : 0;
        sum += shares[k];
    }
    for (size_t k = 0; sum > 0 && k < labels->count; k++)
        shares[k] /= sum;
    cJSON_Delete(json);
    return sum > 0;
}
