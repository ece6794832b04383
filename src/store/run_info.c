/* The one reader and writer of a run's information: see run_info.h. */
#include "store/run_info.h"

#include <stddef.h>
#include <stdlib.h>

enum field_type { FIELD_TEXT, FIELD_INTEGER, FIELD_NUMBER };

static const struct field {
    const char *part, *name;
    enum field_type type;
    size_t offset; /* into struct run_info */
} FIELDS[] = {
#define FIELD(part, name, type)                                                                              \
    {                                                                                                        \
#part, #name, type, offsetof(struct run_info, part.name)                                             \
    }
    FIELD(corpus, kind, FIELD_TEXT),
    FIELD(corpus, root, FIELD_TEXT),
    FIELD(corpus, clips, FIELD_INTEGER),
    FIELD(corpus, seconds, FIELD_NUMBER),
    FIELD(corpus, copies, FIELD_INTEGER),
    FIELD(corpus, broken, FIELD_INTEGER),
    FIELD(corpus, same_content, FIELD_INTEGER),
    FIELD(corpus, leaks, FIELD_INTEGER),
    FIELD(corpus, digest, FIELD_TEXT),
    FIELD(corpus, licence, FIELD_TEXT),
    FIELD(corpus, note, FIELD_TEXT),
    FIELD(split, settings, FIELD_TEXT),
    FIELD(split, train, FIELD_INTEGER),
    FIELD(split, validation, FIELD_INTEGER),
    FIELD(split, test, FIELD_INTEGER),
    FIELD(split, left_out, FIELD_INTEGER),
    FIELD(split, copies, FIELD_INTEGER),
    FIELD(split, speakers, FIELD_INTEGER),
    FIELD(split, shared_speakers, FIELD_INTEGER),
    FIELD(split, shared_recordings, FIELD_INTEGER),
    FIELD(split, known, FIELD_INTEGER),
    FIELD(split, selection_part, FIELD_TEXT),
    FIELD(split, digest, FIELD_TEXT),
    FIELD(model, kind, FIELD_TEXT),
    FIELD(model, pretrained, FIELD_TEXT),
    FIELD(model, input, FIELD_TEXT),
    FIELD(model, task, FIELD_TEXT),
    FIELD(model, pooling, FIELD_TEXT),
    FIELD(model, scale, FIELD_TEXT),
    FIELD(model, parameters, FIELD_INTEGER),
    FIELD(model, trainable, FIELD_INTEGER),
    FIELD(model, untrained, FIELD_INTEGER),
    FIELD(model, members, FIELD_INTEGER),
    FIELD(model, weights, FIELD_TEXT),
    FIELD(training, steps, FIELD_INTEGER),
    FIELD(training, best_step, FIELD_INTEGER),
    FIELD(training, best_metric, FIELD_TEXT),
    FIELD(training, device, FIELD_TEXT),
    FIELD(training, precision, FIELD_TEXT),
    FIELD(training, threads, FIELD_INTEGER),
    FIELD(training, processes, FIELD_INTEGER),
    FIELD(training, seconds, FIELD_NUMBER),
    FIELD(training, session_steps, FIELD_INTEGER),
    FIELD(training, clips_per_second, FIELD_NUMBER),
    FIELD(training, peak_memory_mib, FIELD_NUMBER),
    FIELD(training, temperature, FIELD_NUMBER),
    FIELD(testing, seconds, FIELD_NUMBER),
    FIELD(testing, clips_per_second, FIELD_NUMBER),
    FIELD(testing, peak_memory_mib, FIELD_NUMBER),
#undef FIELD
};

enum { FIELD_COUNT = sizeof FIELDS / sizeof FIELDS[0] };

static void *field_of(const struct run_info *info, const struct field *field)
{
    return (char *)info + field->offset;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

static void read_more(struct run_info *info, const cJSON *list)
{
    const cJSON *item = NULL;

    info->corpus.more =
        arena_zero(&info->arena, (size_t)cJSON_GetArraySize(list) + 1, sizeof *info->corpus.more);
    cJSON_ArrayForEach(item, list)
    {
        info->corpus.more[info->corpus.more_count++] =
            (struct run_corpus){arena_string(&info->arena, text_of(item, "name")),
                                arena_string(&info->arena, text_of(item, "kind")),
                                arena_string(&info->arena, text_of(item, "root"))};
    }
}

void run_info_read(struct run_info *info, const char *text)
{
    cJSON *json = text ? cJSON_Parse(text) : NULL;

    *info = (struct run_info){0};
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &FIELDS[i];
        double number = json_number_at(json, f->part, f->name);
        if (f->type == FIELD_TEXT)
            *(const char **)field_of(info, f) =
                arena_string(&info->arena, json_text_at(json, f->part, f->name));
        else if (f->type == FIELD_NUMBER)
            *(double *)field_of(info, f) = number;
        else if (number > -1e15 && number < 1e15)
            *(int64_t *)field_of(info, f) = (int64_t)number;
    }
    read_more(info, json_at(json, "corpus", "more"));
    info->tables = cJSON_DetachItemFromObjectCaseSensitive(json, "tables");
    if (info->tables && !cJSON_IsArray(info->tables)) {
        cJSON_Delete(info->tables);
        info->tables = NULL;
    }
    cJSON_Delete(json);
}

cJSON *run_info_add_table(struct run_info *info, const char *title, const char *note,
                          const char *const *columns, size_t count)
{
    cJSON *table = cJSON_CreateObject();

    if (!info->tables)
        info->tables = cJSON_CreateArray();
    cJSON_AddItemToArray(info->tables, table);
    cJSON_AddStringToObject(table, "title", title);
    cJSON_AddStringToObject(table, "note", note);
    cJSON_AddItemToObject(table, "columns", cJSON_CreateStringArray(columns, (int)count));
    return cJSON_AddArrayToObject(table, "rows");
}

void run_info_free(struct run_info *info)
{
    cJSON_Delete(info->tables);
    arena_free(&info->arena);
    *info = (struct run_info){0};
}

/* Whether a part has been filled in: training and testing come last. */
static bool is_known(const struct run_info *info, const char *part)
{
    return part[0] != 't' || (part[1] == 'r' ? info->training.steps > 0 : info->testing.seconds > 0);
}

cJSON *run_info_json(const struct run_info *info)
{
    cJSON *json = cJSON_CreateObject();

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *f = &FIELDS[i];
        cJSON *part = cJSON_GetObjectItemCaseSensitive(json, f->part);
        if (!is_known(info, f->part))
            continue;
        if (!part)
            part = cJSON_AddObjectToObject(json, f->part);
        const char *text = f->type == FIELD_TEXT ? *(const char **)field_of(info, f) : NULL;
        if (f->type == FIELD_TEXT && text && *text)
            cJSON_AddStringToObject(part, f->name, text);
        else if (f->type == FIELD_INTEGER)
            cJSON_AddNumberToObject(part, f->name, (double)*(int64_t *)field_of(info, f));
        else if (f->type == FIELD_NUMBER)
            json_add_finite(part, f->name, *(double *)field_of(info, f));
    }
    cJSON *corpus = cJSON_GetObjectItemCaseSensitive(json, "corpus"),
          *more = info->corpus.more_count ? cJSON_AddArrayToObject(corpus, "more") : NULL;
    for (size_t c = 0; c < info->corpus.more_count; c++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "name", info->corpus.more[c].name);
        cJSON_AddStringToObject(item, "kind", info->corpus.more[c].kind);
        cJSON_AddStringToObject(item, "root", info->corpus.more[c].root);
        cJSON_AddItemToArray(more, item);
    }
    if (info->tables)
        cJSON_AddItemToObject(json, "tables", cJSON_Duplicate(info->tables, true));
    return json;
}

char *run_info_print(const struct run_info *info)
{
    cJSON *json = run_info_json(info);
    char *text = cJSON_PrintUnformatted(json);

    cJSON_Delete(json);
    return text;
}
