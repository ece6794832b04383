/* The clips that a model learns from or knows: see training_clips.h. */
#include "run/training_clips.h"

#include "base/text.h"
#include "run/describe_run.h"

#include <stdlib.h>
#include <string.h>

/* A clip by what is in it (a stretch of a file has a hash of its own: audio_digest); what has no file by its
 * name. */
static uint64_t key_of(const struct clip *clip)
{
    const char *text = clip->sha256 && *clip->sha256 ? clip->sha256 : clip->name;
    char hex[SHA256_HEX_SIZE];

    digest_bytes(text, strlen(text), hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

/* Caller frees. */
static uint64_t *keys_of(const struct indexed_corpus *corpus, enum part part)
{
    uint64_t *keys = mem_zero(corpus->split.counts[part], sizeof *keys);

    for (size_t i = 0; i < corpus->split.counts[part]; i++)
        keys[i] = key_of(&corpus->clips.clips[corpus->split.clips[part][i]]);
    return keys;
}

size_t training_clips_known(const struct model *model, const struct indexed_corpus *corpus, enum part part)
{
    uint64_t *keys = keys_of(corpus, part);
    size_t known = 0;

    for (size_t i = 0; i < corpus->split.counts[part]; i++)
        known += known_clips_have(&model->known_clips, keys[i]);
    free(keys);
    return known;
}

void training_clips_learn(struct model *model, const struct indexed_corpus *corpus,
                          const struct settings *settings)
{
    for (int part = 0; part < PART_COUNT; part++) {
        if (part == PART_TEST &&
            !text_equal(selection_part_name(settings, &corpus->split), PART_NAMES[PART_TEST]))
            continue;
        uint64_t *keys = keys_of(corpus, part);
        known_clips_add(&model->known_clips, keys, corpus->split.counts[part]);
        free(keys);
    }
}
