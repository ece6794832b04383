/*
 * Inside audio/: decoding by FFmpeg's libraries, in a module of its own (emotrain-ffmpeg.so), which is loaded
 * only for files that libsndfile does not read: its libraries are many, and not everywhere.  The module knows
 * nothing of this program.
 */
#ifndef EMOTRAIN_AUDIO_FFMPEG_MODULE_H
#define EMOTRAIN_AUDIO_FFMPEG_MODULE_H

#include <stddef.h>

/* What the first audio stream of a file is, once it is decoded. */
struct ffmpeg_sound {
    size_t frames;
    int rate, channels;
    char reason[256]; /* why it could not be decoded */
};

/* Takes `count` samples, (frames, channels) of them; returns 0 where it cannot. */
typedef int ffmpeg_take_function(void *context, const float *samples, size_t count);

/* Decodes a local file, block by block.  Returns 0 with a reason where it cannot. */
typedef int ffmpeg_decode_function(const char *path, ffmpeg_take_function *take, void *context,
                                   struct ffmpeg_sound *sound);

ffmpeg_decode_function emotrain_ffmpeg_decode;

#endif
