/* What is known of a run's clips: see clips.h. */
#include "report/clips.h"

#include "corpus/corpus.h"

#include <stdlib.h>
#include <string.h>

/* Clips of another corpus go by their whole path: fills those of them that lie in it. */
static bool look_up_elsewhere(struct clip_facts *facts, struct catalogue *catalogue,
                              const struct run_corpus *corpus, struct error *error)
{
    size_t length = strlen(corpus->root);
    bool done = true;

    for (size_t i = 0; done && i < facts->count; i++) {
        struct clip *clip = &facts->clips[i];
        const char *path = clip->path;
        if (clip->id || strncmp(path, corpus->root, length) != 0 || path[length] != '/')
            continue;
        clip->path = path + length + 1;
        done = clips_look_up(catalogue, corpus->kind, corpus->root, clip, 1, &facts->arena, error);
        clip->path = path;
        clip->speaker = corpus_speaker(corpus->name, clip->speaker, &facts->arena);
    }
    return done;
}

/* What the run recorded with its predictions; false where it did not: runs of earlier versions. */
static bool take_recorded(struct clip_facts *facts, const struct prediction_list *predictions)
{
    for (size_t i = 0; i < predictions->count; i++) {
        const struct prediction *p = &predictions->items[i];
        if (!p->has_facts)
            return false;
        facts->clips[i].speaker = facts->speakers[i] = arena_string(&facts->arena, p->speaker);
        facts->clips[i].sex = arena_string(&facts->arena, p->sex);
        facts->clips[i].intensity = arena_string(&facts->arena, p->intensity);
        facts->clips[i].text = arena_string(&facts->arena, p->text);
    }
    return predictions->count > 0;
}

bool clip_facts_read(struct clip_facts *facts, struct catalogue *catalogue, const struct run_info *info,
                     const struct prediction_list *predictions, struct error *error)
{
    const char *kind = info->corpus.kind, *root = info->corpus.root;

    *facts = (struct clip_facts){.count = predictions->count};
    facts->clips = mem_zero(predictions->count, sizeof *facts->clips);
    facts->speakers = mem_zero(predictions->count, sizeof *facts->speakers);
    facts->root = *root ? arena_string(&facts->arena, root) : NULL;
    for (size_t i = 0; i < predictions->count; i++)
        facts->clips[i].path = predictions->items[i].path;
    if (take_recorded(facts, predictions))
        return true;
    bool done = clips_look_up(catalogue, kind, root, facts->clips, facts->count, &facts->arena, error);
    for (size_t c = 0; done && c < info->corpus.more_count; c++)
        done = look_up_elsewhere(facts, catalogue, &info->corpus.more[c], error);
    for (size_t i = 0; i < facts->count; i++)
        facts->speakers[i] = facts->clips[i].speaker;
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

static const char *intensity_of(const struct clip *clip)
{
    return clip->intensity;
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
