/*
 * What the fuzz targets share.  Each target hands libFuzzer's bytes to one reader of files or text that
 * others may have made.  It may refuse them, with a message; it may not crash, leak, or overstep what it has.
 */
#ifndef EMOTRAIN_TESTS_FUZZ_H
#define EMOTRAIN_TESTS_FUZZ_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory with those bytes, and its path. */
struct fuzz_file {
    int descriptor;
    char path[32];
};

static inline struct fuzz_file fuzz_file_open(const uint8_t *data, size_t size)
{
    struct fuzz_file file = {.descriptor = memfd_create("fuzz", 0)};

    if (file.descriptor < 0 || write(file.descriptor, data, size) != (ssize_t)size)
        abort();
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.descriptor);
    return file;
}

static inline void fuzz_file_close(struct fuzz_file *file)
{
    close(file->descriptor);
}

/* A folder of this process's own, in memory. */
static inline const char *fuzz_folder(void)
{
    static char folder[] = "/dev/shm/emotrain-fuzz-XXXXXX";
    static bool made;

    if (!made && !mkdtemp(folder))
        abort();
    made = true;
    return folder;
}

/* Writes a file: `head`, which may be NULL, then the bytes. */
static inline void fuzz_write(const char *path, const void *head, size_t head_size, const uint8_t *data,
                              size_t size)
{
    FILE *file = fopen(path, "wb");

    if (!file || (head && fwrite(head, 1, head_size, file) != head_size) ||
        fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

/* A failure must say why. */
static inline void fuzz_check(bool done, const struct error *error)
{
    if (!done && (!error->kind || !error->message[0]))
        abort();
}

#endif
