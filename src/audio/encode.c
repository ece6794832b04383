/* Sound files in memory, by libsndfile: see encode.h. */
#include "audio/encode.h"

#include "audio/memory_file.h"

#include <stdlib.h>

unsigned char *encode_signal(const struct signal *signal, const struct codec *codec, size_t *size,
                             struct error *error)
{
    SF_INFO info = {.samplerate = signal->rate, .channels = 1, .format = codec->format};
    struct memory_file file = {0};
    SNDFILE *sound = sf_open_virtual(&MEMORY_FILE_IO, SFM_WRITE, &info, &file);
    double level = codec->level;

    if (!sound) {
        error_usage(error, "libsndfile %s cannot encode %s at %d Hz: %s", sf_version_string(), codec->name,
                    signal->rate, sf_strerror(NULL));
        return NULL;
    }
    sf_command(sound, SFC_SET_CLIPPING, NULL, SF_TRUE);
    if (level >= 0)
        sf_command(sound, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level);
    sf_count_t written = sf_writef_float(sound, signal->samples, (sf_count_t)signal->count);
    if (sf_close(sound) != 0 || written != (sf_count_t)signal->count) {
        error_set(error, "cannot encode %s", codec->name);
        free(file.bytes);
        return NULL;
    }
    *size = file.size;
    return file.bytes;
}

void *audio_encode(const struct signal *signal, size_t *size, struct error *error)
{
    const struct codec flac = {"FLAC", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, -1};

    return encode_signal(signal, &flac, size, error);
}
