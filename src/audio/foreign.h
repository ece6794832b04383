/* Inside audio/: files that libsndfile does not read, by FFmpeg where its module is there. */
#ifndef EMOTRAIN_AUDIO_FOREIGN_H
#define EMOTRAIN_AUDIO_FOREIGN_H

#include "audio/ffmpeg/ffmpeg_module.h"
#include "base/error.h"

#include <stdbool.h>

bool foreign_is_there(void); /* whether this emotrain can use FFmpeg */

/* Decodes a file, at most `most` frames; the caller frees sound->samples. */
bool foreign_decode(const char *path, size_t most, struct ffmpeg_sound *sound, struct error *error);

#endif
