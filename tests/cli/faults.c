/*
 * A disk that fails once: to preload.  The FAULT_AT-th call that changes or opens a file fails with
 * FAULT_ERRNO (a number; default ENOSPC); 0: none does, and how many there were is written to FAULT_COUNT
 * when the program ends.  Standard streams are left alone, and so are programs that this one starts.
 *
 * With FAULT_KIND=sql it is the FAULT_AT-th call that prepares or steps a statement of SQLite's instead.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long at = -1, reason = ENOSPC;
static bool of_sql;
static atomic_long calls;
static const char *count_path;

__attribute__((constructor)) static void begin(void)
{
    const char *number = getenv("FAULT_AT"), *error = getenv("FAULT_ERRNO"), *kind = getenv("FAULT_KIND");

    count_path = getenv("FAULT_COUNT");
    of_sql = kind && strcmp(kind, "sql") == 0;
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

static bool counts_down(void)
{
    return at >= 0 && atomic_fetch_add(&calls, 1) + 1 == at;
}

static bool fails(void)
{
    if (of_sql || !counts_down())
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

/* ---- SQLite ---- */

enum { SQLITE_IOERR = 10 };

static _Thread_local int inside; /* sqlite3_exec: its own calls may not fail without its knowing */

int sqlite3_step(void *statement)
{
    int (*real)(void *) = (int (*)(void *))dlsym(RTLD_NEXT, "sqlite3_step");

    return of_sql && !inside && counts_down() ? SQLITE_IOERR : real(statement);
}

int sqlite3_prepare_v2(void *database, const char *text, int size, void **statement, const char **rest)
{
    int (*real)(void *, const char *, int, void **, const char **) =
        (int (*)(void *, const char *, int, void **, const char **))dlsym(RTLD_NEXT, "sqlite3_prepare_v2");

    if (!of_sql || inside || !counts_down())
        return real(database, text, size, statement, rest);
    *statement = NULL;
    return SQLITE_IOERR;
}

int sqlite3_exec(void *database, const char *text, int (*row)(void *, int, char **, char **), void *context,
                 char **message)
{
    int (*real)(void *, const char *, int (*)(void *, int, char **, char **), void *, char **) =
        (int (*)(void *, const char *, int (*)(void *, int, char **, char **), void *, char **))dlsym(
            RTLD_NEXT, "sqlite3_exec");

    if (of_sql && counts_down()) {
        if (message)
            *message = NULL;
        return SQLITE_IOERR;
    }
    inside++;
    int result = real(database, text, row, context, message);
    inside--;
    return result;
}
