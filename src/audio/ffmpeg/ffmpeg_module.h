/*
 * Inside audio/: decoding by FFmpeg's libraries, in a module of its own (emotrain-ffmpeg.so), which is loaded
 * only for files that libsndfile does not read: its libraries are many, and not everywhere.  The module knows
 * nothing of this program; memory is malloc's.
 */
#ifndef EMOTRAIN_AUDIO_FFMPEG_MODULE_H
#define EMOTRAIN_AUDIO_FFMPEG_MODULE_H

#include <stddef.h>

struct ffmpeg_sound {
    float *samples; /* (frames, channels) of the first audio stream; caller frees */
    size_t frames;
    int rate, channels;
    char reason[256]; /* why it could not be decoded */
};

/* Decodes a local file, at most `most` frames of it.  Returns 0 with a reason where it cannot. */
typedef int ffmpeg_decode_function(const char *path, size_t most, struct ffmpeg_sound *sound);

ffmpeg_decode_function emotrain_ffmpeg_decode;

#endif
