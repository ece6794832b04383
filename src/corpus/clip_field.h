/* What is known of a clip, by name: what corpus.filter chooses by and train.auxiliary_task learns. */
#ifndef EMOTRAIN_CORPUS_CLIP_FIELD_H
#define EMOTRAIN_CORPUS_CLIP_FIELD_H

#include "store/clips.h"

struct clip_field {
    const char *name; /* "channel", "intensity", "sex", "speaker", "text", "label" */
    size_t offset;    /* into struct clip */
};

/* NULL where there is none of that name. */
const struct clip_field *clip_field_find(const char *name);

/* NULL where it is not known of the clip. */
const char *clip_field_of(const struct clip *clip, const struct clip_field *field);

#endif
