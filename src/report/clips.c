#include "report/clips.h"

#include "base/json.h"

#include <stdlib.h>

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
