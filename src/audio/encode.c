#include "audio/audio.h"

#include "base/memory.h"

#include <sndfile.h>
#include <stdlib.h>
#include <string.h>

/* A file in memory, as libsndfile writes it: it goes back to fill in the header. */
struct file {
    unsigned char *bytes;
    size_t size, capacity, position;
};

static sf_count_t file_length(void *user)
{
    return (sf_count_t)((struct file *)user)->size;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *user)
{
    struct file *file = user;
    sf_count_t base = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? (sf_count_t)file->position
                                           : (sf_count_t)file->size;

    if (base + offset < 0)
        return -1;
    file->position = (size_t)(base + offset);
    return (sf_count_t)file->position;
}

static sf_count_t file_tell(void *user)
{
    return (sf_count_t)((struct file *)user)->position;
}

static sf_count_t file_get(void *into, sf_count_t count, void *user)
{
    struct file *file = user;
    size_t left = file->position < file->size ? file->size - file->position : 0;
    size_t n = (size_t)count < left ? (size_t)count : left;

    memcpy(into, file->bytes + file->position, n);
    file->position += n;
    return (sf_count_t)n;
}

static sf_count_t file_put(const void *from, sf_count_t count, void *user)
{
    struct file *file = user;
    size_t end = file->position + (size_t)count;

    file->bytes = mem_grow(file->bytes, &file->capacity, end, 1);
    if (file->position > file->size)
        memset(file->bytes + file->size, 0, file->position - file->size);
    memcpy(file->bytes + file->position, from, (size_t)count);
    file->position = end;
    file->size = end > file->size ? end : file->size;
    return count;
}

void *audio_encode(const struct signal *signal, size_t *size, struct error *error)
{
    SF_VIRTUAL_IO io = {file_length, file_seek, file_get, file_put, file_tell};
    SF_INFO info = {.samplerate = signal->rate, .channels = 1, .format = SF_FORMAT_FLAC | SF_FORMAT_PCM_16};
    struct file file = {0};
    SNDFILE *sound = sf_open_virtual(&io, SFM_WRITE, &info, &file);

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
