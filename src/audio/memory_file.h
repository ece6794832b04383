/* Inside audio/ only: a sound file in memory for libsndfile, read or written. */
#ifndef EMOTRAIN_AUDIO_MEMORY_FILE_H
#define EMOTRAIN_AUDIO_MEMORY_FILE_H

#include <sndfile.h>
#include <stddef.h>

struct memory_file {
    unsigned char *bytes; /* what is written grows on the heap; the caller frees it */
    size_t size, capacity, position;
};

extern SF_VIRTUAL_IO MEMORY_FILE_IO;

#endif
