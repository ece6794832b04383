/* Inside audio/ only: a signal as a sound file in memory, in any format of libsndfile's. */
#ifndef EMOTRAIN_AUDIO_ENCODE_H
#define EMOTRAIN_AUDIO_ENCODE_H

#include "audio/audio.h"

struct codec {
    const char *name;
    int format;   /* SF_FORMAT_... */
    double level; /* libsndfile's: 0 the best, 1 the smallest; negative: it has none */
};

/* Caller frees; NULL on error. */
unsigned char *encode_signal(const struct signal *signal, const struct codec *codec, size_t *size,
                             struct error *error);

#endif
