/* Inside audio/: files that libsndfile does not read, by FFmpeg where its module is there. */
#ifndef EMOTRAIN_AUDIO_FOREIGN_H
#define EMOTRAIN_AUDIO_FOREIGN_H

#include "audio/ffmpeg/ffmpeg_module.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>

bool foreign_is_there(void); /* whether this emotrain can use FFmpeg */

/* Decodes a file and writes its samples to `samples`, (frames, channels) floats. */
bool foreign_decode(const char *path, FILE *samples, struct ffmpeg_sound *sound, struct error *error);

#endif
