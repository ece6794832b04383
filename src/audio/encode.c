/* Samples to FLAC in memory, by libsndfile. */
#include "audio/audio.h"

#include "audio/memory_file.h"
#include "base/memory.h"

#include <stdlib.h>

void *audio_encode(const struct signal *signal, size_t *size, struct error *error)
{
    SF_INFO info = {.samplerate = signal->rate, .channels = 1, .format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16};
    struct memory_file file = {0};
    SNDFILE *sound = sf_open_virtual(&MEMORY_FILE_IO, SFM_WRITE, &info, &file);

    if (!sound) {
        error_set(error, "cannot write FLAC: %s", sf_strerror(NULL));
        return NULL;
    }
    sf_command(sound, SFC_SET_CLIPPING, NULL, SF_TRUE);
    sf_count_t written = sf_writef_float(sound, signal->samples, (sf_count_t)signal->count);
    if (sf_close(sound) != 0 || written != (sf_count_t)signal->count) {
        error_set(error, "cannot write FLAC");
        free(file.bytes);
        return NULL;
    }
    *size = file.size;
    return file.bytes;
}
