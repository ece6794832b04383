/* What is known of a clip: see clip_field.h. */
#include "corpus/clip_field.h"

#include <stddef.h>
#include <string.h>

static const struct clip_field FIELDS[] = {
    {"channel", offsetof(struct clip, channel)}, {"intensity", offsetof(struct clip, intensity)},
    {"sex", offsetof(struct clip, sex)},         {"speaker", offsetof(struct clip, speaker)},
    {"text", offsetof(struct clip, text)},       {"label", offsetof(struct clip, label)},
    {"sentence", offsetof(struct clip, text)}}; /* as corpus.filter called it */

const struct clip_field *clip_field_find(const char *name)
{
    for (size_t f = 0; f < sizeof FIELDS / sizeof FIELDS[0]; f++)
        if (strcmp(FIELDS[f].name, name) == 0)
            return &FIELDS[f];
    return NULL;
}

const char *clip_field_of(const struct clip *clip, const struct clip_field *field)
{
    return *(const char *const *)((const char *)clip + field->offset);
}
