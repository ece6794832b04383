/*
 * Inside audio/: a sound file, or a stretch of it, read as one channel, block by block, whatever its format.
 *
 *     if (reader_open(&reader, path, CHANNEL_MEAN, &error)) {
 *         do {
 *             signal.count = 0;
 *             reader_read(&reader, (size_t)reader.info.frames, &signal, &capacity);
 *         } while (reader_again(&reader));          it turned out that another channel must be taken
 *         good = reader_check(&reader, &error);
 *     }
 *     reader_close(&reader);
 */
#ifndef EMOTRAIN_AUDIO_READER_H
#define EMOTRAIN_AUDIO_READER_H

#include "audio/audio.h"
#include "audio/memory_file.h"

#include <sndfile.h>
#include <stdio.h>

enum { MAX_CHANNELS = 1024 }; /* libsndfile's own limit */

struct reader {
    SNDFILE *file;
    SF_INFO info;              /* frames: of the stretch */
    struct memory_file memory; /* bytes: freed with the reader where they are its own */
    bool owns_memory;
    FILE *decoded;    /* what FFmpeg made of it */
    int channel;      /* as asked for */
    int only;         /* the one channel that is taken, from 0; -1: the mean */
    sf_count_t first; /* of the stretch */
    sf_count_t done;  /* frames read */
    bool is_stretch, length_is_guess;
    double energies[MAX_CHANNELS], mean_energy; /* of each channel, and of what was taken */
    bool constant, not_sound;                   /* of the samples so far */
    float sample, unsound;                      /* the first; the first that is no sample of a sound */
    sf_count_t where;                           /* of that */
    float *block;
    struct audio_facts facts;
};

/* A path as audio_decode takes it.  Close the reader, opened or not. */
bool reader_open(struct reader *reader, const char *path, int channel, struct error *error);
/* A whole file in memory, which must outlive the reader. */
bool reader_open_bytes(struct reader *reader, const void *bytes, size_t size, int channel,
                       struct error *error);
void reader_close(struct reader *reader);

/* Appends up to `frames` samples to the signal, with room for `capacity`; returns how many, 0 at the end. */
size_t reader_read(struct reader *reader, size_t frames, struct signal *signal, size_t *capacity);

/* At the end: whether all must be read once more, since the mean has lost the sound. */
bool reader_again(struct reader *reader);

/* After that: whether what was read is whole, finite and no silence; fills reader->facts. */
bool reader_check(struct reader *reader, struct error *error);

#endif
