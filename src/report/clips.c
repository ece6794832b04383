#include "report/clips.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* Clips of another corpus go by their whole path: fills those of them that lie in it. */
static bool look_up_elsewhere(struct clip_facts *facts, struct catalogue *catalogue, const cJSON *corpus,
                              struct error *error)
{
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(corpus, "kind"),
                *root = cJSON_GetObjectItemCaseSensitive(corpus, "root");
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(corpus, "number");
    bool done = cJSON_IsString(kind) && cJSON_IsString(root) && cJSON_IsNumber(number);
    size_t length = done ? strlen(root->valuestring) : 0;

    for (size_t i = 0; done && i < facts->count; i++) {
        struct clip *clip = &facts->clips[i];
        const char *path = clip->path;
        if (clip->id || strncmp(path, root->valuestring, length) != 0 || path[length] != '/')
            continue;
        clip->path = path + length + 1;
        done = clips_look_up(catalogue, kind->valuestring, root->valuestring, clip, 1, &facts->arena, error);
        clip->path = path;
        if (clip->speaker) /* another one than the first corpus' speaker of that name */
            clip->speaker = clip_other_speaker((int)number->valuedouble, clip->speaker, &facts->arena);
    }
    return done || error->kind == ERROR_NONE;
}

bool clip_facts_read(struct clip_facts *facts, struct catalogue *catalogue, const struct run_row *run,
                     const struct prediction_list *predictions, struct error *error)
{
    cJSON *json = run->facts ? cJSON_Parse(run->facts) : NULL;
    const char *kind = json_text_at(json, "corpus", "kind"), *root = json_text_at(json, "corpus", "root");

    *facts = (struct clip_facts){.count = predictions->count};
    facts->clips = mem_zero(predictions->count, sizeof *facts->clips);
    facts->speakers = mem_zero(predictions->count, sizeof *facts->speakers);
    facts->root = *root ? arena_string(&facts->arena, root) : NULL;
    for (size_t i = 0; i < predictions->count; i++)
        facts->clips[i].path = predictions->items[i].path;
    bool done = clips_look_up(catalogue, kind, root, facts->clips, facts->count, &facts->arena, error);
    const cJSON *more = json_at(json, "corpus", "more"), *other = NULL;
    cJSON_ArrayForEach(other, more) done = done && look_up_elsewhere(facts, catalogue, other, error);
    for (size_t i = 0; i < facts->count; i++)
        facts->speakers[i] = facts->clips[i].speaker;
    cJSON_Delete(json);
    if (!done)
        clip_facts_free(facts);
    return done;
}

void clip_facts_free(struct clip_facts *facts)
{
    free(facts->clips);
    free(facts->speakers);
    arena_free(&facts->arena);
    *facts = (struct clip_facts){0};
}

static const char *sex_of(const struct clip *clip)
{
    return clip->sex;
}

static const char *intensity_of(const struct clip *clip) /* as RAVDESS numbers it */
{
    return clip->fields.intensity == 1 ? "normal" : clip->fields.intensity == 2 ? "strong" : NULL;
}

static const char *statement_of(const struct clip *clip)
{
    return clip->text;
}

static const char *speaker_of(const struct clip *clip)
{
    return clip->speaker;
}

const struct clip_attribute CLIP_ATTRIBUTES[CLIP_ATTRIBUTE_COUNT] = {
    {"sex", sex_of},
    {"intensity", intensity_of},
    {"statement", statement_of},
    {"speaker", speaker_of},
};
