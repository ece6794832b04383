/*
 * A disk that fails once: to preload.  The FAULT_AT-th call that changes or opens a file fails with
 * FAULT_ERRNO (a number; default ENOSPC); 0: none does, and how many there were is written to FAULT_COUNT
 * when the program ends.  Standard streams are left alone, and so are programs that this one starts.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

static long at = -1, reason = ENOSPC;
static atomic_long calls;
static const char *count_path;

__attribute__((constructor)) static void begin(void)
{
    const char *number = getenv("FAULT_AT"), *error = getenv("FAULT_ERRNO");

    count_path = getenv("FAULT_COUNT");
    if (number)
        at = strtol(number, NULL, 10);
    if (error)
        reason = strtol(error, NULL, 10);
    unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void end(void)
{
    FILE *(*open_stream)(const char *, const char *) =
        (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
    FILE *out = at == 0 && count_path ? open_stream(count_path, "w") : NULL;

    if (!out)
        return;
    fprintf(out, "%ld\n", atomic_load(&calls));
    fflush(out);
}

static bool fails(void)
{
    if (at < 0 || atomic_fetch_add(&calls, 1) + 1 != at)
        return false;
    errno = (int)reason;
    return true;
}

#define FAILING(name, parameters, arguments, stays_out)                                                      \
    int name parameters                                                                                      \
    {                                                                                                        \
        int(*real) parameters = (int(*) parameters)dlsym(RTLD_NEXT, #name);                                  \
        return !(stays_out) && fails() ? -1 : real arguments;                                                \
    }

FAILING(fsync, (int file), (file), false)
FAILING(fdatasync, (int file), (file), false)
FAILING(ftruncate, (int file, off_t size), (file, size), false)
FAILING(rename, (const char *from, const char *to), (from, to), false)
FAILING(mkdir, (const char *path, mode_t mode), (path, mode), false)
FAILING(unlink, (const char *path), (path), false)
FAILING(rmdir, (const char *path), (path), false)
FAILING(symlink, (const char *target, const char *path), (target, path), false)
FAILING(fclose, (FILE * stream), (stream), stream == stdout || stream == stderr || stream == stdin)
FAILING(fflush, (FILE * stream), (stream), stream == NULL || stream == stdout || stream == stderr)

ssize_t write(int file, const void *bytes, size_t size)
{
    ssize_t (*real)(int, const void *, size_t) =
        (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");

    return file > 2 && fails() ? -1 : real(file, bytes, size);
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t(*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite64");

    return fails() ? -1 : real(file, bytes, size, offset);
}

static int open_real(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);

    return fails() ? -1 : real(path, flags, mode);
}

#define OPENING(name)                                                                                        \
    int name(const char *path, int flags, ...)                                                               \
    {                                                                                                        \
        va_list rest;                                                                                        \
        va_start(rest, flags);                                                                               \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                                            \
        va_end(rest);                                                                                        \
        return open_real(#name, path, flags, mode);                                                          \
    }

OPENING(open)
OPENING(open64)

FILE *fopen(const char *path, const char *mode)
{
    FILE *(*real)(const char *, const char *) =
        (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");

    return fails() ? NULL : real(path, mode);
}
