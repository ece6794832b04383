/* libsndfile's virtual files over memory: see memory_file.h. */
#include "audio/memory_file.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

static sf_count_t file_length(void *user)
{
    return (sf_count_t)((struct memory_file *)user)->size;
}

static sf_count_t file_seek(sf_count_t offset, int whence, void *user)
{
    struct memory_file *file = user;
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
    return (sf_count_t)((struct memory_file *)user)->position;
}

static sf_count_t file_get(void *into, sf_count_t count, void *user)
{
    struct memory_file *file = user;
    size_t left = file->position < file->size ? file->size - file->position : 0;
    size_t n = (size_t)count < left ? (size_t)count : left;

    memcpy(into, file->bytes + file->position, n);
    file->position += n;
    return (sf_count_t)n;
}

static sf_count_t file_put(const void *from, sf_count_t count, void *user)
{
    struct memory_file *file = user;
    size_t end = file->position + (size_t)count;

    file->bytes = mem_grow(file->bytes, &file->capacity, end, 1);
    if (file->position > file->size)
        memset(file->bytes + file->size, 0, file->position - file->size);
    memcpy(file->bytes + file->position, from, (size_t)count);
    file->position = end;
    file->size = end > file->size ? end : file->size;
    return count;
}

SF_VIRTUAL_IO MEMORY_FILE_IO = {file_length, file_seek, file_get, file_put, file_tell};
