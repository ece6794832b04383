/* Files and folders, written whole or not at all: see files.h. */
#include "base/files.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/strings.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEMPORARY ".tmp-" /* then the process and a number: what is being written */

char *path_join(const char *folder, const char *name)
{
    if (name[0] == '/' || !folder[0])
        return mem_string(name);
    return mem_format("%s%s%s", folder, text_ends(folder, "/") ? "" : "/", name);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

char *path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return mem_string(".");
    if (slash == path)
        return mem_string("/");
    return mem_format("%.*s", (int)(slash - path), path);
}

char *path_stem(const char *path)
{
    const char *base = path_base(path), *dot = strrchr(base, '.');

    return mem_format("%.*s", (int)(dot && dot != base ? (size_t)(dot - path) : strlen(path)), path);
}

bool path_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool path_is_hidden(const char *relative)
{
    return relative[0] == '.' || strstr(relative, "/.");
}

bool path_is_folder(const char *path)
{
    struct stat facts;

    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

int file_open(const char *path, struct error *error)
{
    struct stat facts;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for */

    if (descriptor < 0)
        error_set(error, "%s: %s", path, strerror(errno));
    else if (fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))
        error_set(error, "%s: not a regular file", path);
    if (descriptor >= 0 && error->kind) {
        close(descriptor);
        descriptor = -1;
    }
    return descriptor;
}

FILE *file_stream(const char *path, struct error *error)
{
    int descriptor = file_open(path, error);
    FILE *stream = descriptor >= 0 ? fdopen(descriptor, "rb") : NULL;

    if (descriptor >= 0 && !stream) {
        error_set(error, "%s: %s", path, strerror(errno));
        close(descriptor);
    }
    return stream;
}

char *file_read(const char *path, size_t *size, struct error *error)
{
    FILE *stream = file_stream(path, error);
    struct text content = {0};
    char block[65536];
    size_t got;

    if (!stream)
        return NULL;
    text_add_bytes(&content, "", 0);
    while ((got = fread(block, 1, sizeof block, stream)) > 0)
        text_add_bytes(&content, block, got);
    if (ferror(stream)) {
        error_set(error, "%s: %s", path, strerror(errno));
        text_free(&content);
    }
    fclose(stream);
    if (size)
        *size = content.length;
    return content.text;
}

/* A name beside `path` to write under until it is whole.  Another host, or a container, may have the same
 * one: who makes the file tries the next name where it is there already. */
static char *temporary_beside(const char *path)
{
    static _Atomic unsigned counter;

    return mem_format("%s" TEMPORARY "%ld-%u", path, (long)getpid(), counter++);
}

/* Opens a file of a name that nobody has. */
static void open_temporary(struct file_writer *writer)
{
    do {
        free(writer->temporary);
        writer->temporary = temporary_beside(writer->path);
        writer->stream = fopen(writer->temporary, "wbx"); /* x: not one that is there */
    } while (!writer->stream && errno == EEXIST);
}

/* Follows links; whether the file is written to directly: a device, a pipe, a link to a file that is not
 * there yet. */
static bool find_target(struct file_writer *writer)
{
    struct stat facts;
    char *target = realpath(writer->path, NULL);

    if (target) {
        free(writer->path);
        writer->path = target;
    }
    return lstat(writer->path, &facts) == 0 && !S_ISREG(facts.st_mode) && !S_ISDIR(facts.st_mode);
}

bool file_writer_open(struct file_writer *writer, const char *path, bool durable, struct error *error)
{
    *writer = (struct file_writer){.path = mem_string(path)};
    bool direct = find_target(writer);

    writer->durable = durable && !direct;
    if (direct)
        writer->stream = fopen(writer->path, "wb");
    else
        open_temporary(writer);
    if (writer->stream)
        return true;
    error_set(error, "%s: cannot write: %s", path, strerror(errno));
    free(writer->path);
    free(writer->temporary);
    return false;
}

void file_writer_discard(struct file_writer *writer)
{
    if (writer->stream)
        fclose(writer->stream);
    if (writer->temporary)
        unlink(writer->temporary);
    free(writer->path);
    free(writer->temporary);
    *writer = (struct file_writer){0};
}

void file_writer_put(struct file_writer *writer, const void *bytes, size_t size)
{
    errno = 0;
    if (!writer->reason && fwrite(bytes, 1, size, writer->stream) != size)
        writer->reason = errno ? errno : EIO;
}

void file_writer_seek(struct file_writer *writer, size_t position)
{
    if (!writer->reason && fseeko(writer->stream, (off_t)position, SEEK_SET) != 0)
        writer->reason = errno;
}

/* Flushes and closes; returns errno of the first failure, 0 if there was none. */
static int finish_stream(struct file_writer *writer)
{
    int reason = writer->reason;

    if (!reason && (fflush(writer->stream) != 0 || (writer->durable && fsync(fileno(writer->stream)) != 0)))
        reason = errno;
    if (fclose(writer->stream) != 0 && !reason)
        reason = errno;
    writer->stream = NULL;
    return reason;
}

bool file_writer_commit(struct file_writer *writer, struct error *error)
{
    int reason = finish_stream(writer);

    if (!reason && writer->temporary && rename(writer->temporary, writer->path) != 0)
        reason = errno;
    if (reason) {
        error_set(error, "%s: cannot write: %s", writer->path, strerror(reason));
        file_writer_discard(writer);
        return false;
    }
    bool done = true;
    if (writer->durable) {
        char *folder = path_folder(writer->path);
        done = folder_sync(folder, error);
        free(folder);
    }
    free(writer->path);
    free(writer->temporary);
    *writer = (struct file_writer){0};
    return done;
}

bool file_write(const char *path, const void *bytes, size_t size, struct error *error)
{
    struct file_writer writer;

    if (!file_writer_open(&writer, path, true, error))
        return false;
    file_writer_put(&writer, bytes, size);
    return file_writer_commit(&writer, error);
}

bool file_map_open(struct file_map *map, const char *path, struct error *error)
{
    struct stat facts;
    int descriptor = file_open(path, error);

    *map = (struct file_map){0};
    if (descriptor < 0)
        return false;
    if (fstat(descriptor, &facts) != 0) {
        close(descriptor);
        return error_set(error, "%s: %s", path, strerror(errno));
    }
    map->size = (size_t)facts.st_size;
    if (map->size) {
        void *bytes = mmap(NULL, map->size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (bytes == MAP_FAILED) {
            close(descriptor);
            return error_set(error, "%s: %s", path, strerror(errno));
        }
        map->bytes = bytes;
    }
    close(descriptor);
    return true;
}

void file_map_close(struct file_map *map)
{
    if (map->bytes)
        munmap((void *)(uintptr_t)map->bytes, map->size); /* NOLINT(performance-no-int-to-ptr): sheds const */
    *map = (struct file_map){0};
}

/* One that is there already is as good, whatever mkdir says of it. */
static bool make_one_folder(const char *path, struct error *error)
{
    if (mkdir(path, 0777) == 0)
        return true;
    int reason = errno;
    return path_is_folder(path) || error_set(error, "%s: cannot make the folder: %s", path, strerror(reason));
}

bool folder_make(const char *path, struct error *error)
{
    char *copy = mem_string(path);
    bool done = true;

    for (char *at = copy + 1; done && copy[0] && *at; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        done = make_one_folder(copy, error);
        *at = '/';
    }
    free(copy);
    return done && make_one_folder(path, error);
}

bool folder_sync(const char *path, struct error *error)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (descriptor < 0)
        return error_set(error, "%s: %s", path, strerror(errno));
    int failed = fsync(descriptor);
    int reason = errno;
    close(descriptor);
    if (failed && reason != EINVAL) /* EINVAL: a file system that has no fsync for folders */
        return error_set(error, "%s: %s", path, strerror(reason));
    return true;
}

static bool remove_entry(const FTSENT *entry, struct error *error)
{
    int reason = entry->fts_errno;

    switch (entry->fts_info) {
    case FTS_D: /* what it holds comes first, then FTS_DP */
        return true;
    case FTS_NS:  /* has no facts */
    case FTS_DNR: /* cannot be read */
    case FTS_ERR:
        return reason == ENOENT || error_set(error, "%s: %s", entry->fts_path, strerror(reason));
    default:
        return (entry->fts_info == FTS_DP ? rmdir : unlink)(entry->fts_accpath) == 0 ||
               error_set(error, "%s: cannot remove: %s", entry->fts_path, strerror(errno));
    }
}

bool folder_remove(const char *path, struct error *error)
{
    char *root = mem_string(path);
    FTS *tree = fts_open((char *[]){root, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool done = tree || error_set(error, "%s: %s", path, strerror(errno));

    while (done) {
        errno = 0;
        FTSENT *entry = fts_read(tree);
        if (!entry) {
            done = errno == 0 || error_set(error, "%s: %s", path, strerror(errno));
            break;
        }
        done = remove_entry(entry, error);
    }
    if (tree)
        fts_close(tree);
    free(root);
    return done;
}

/* Whether it was last written to so many seconds ago; 0: whatever another clock says. */
static bool is_older(const char *path, double seconds)
{
    struct stat facts;

    return seconds <= 0 || (lstat(path, &facts) == 0 && difftime(time(NULL), facts.st_mtime) >= seconds);
}

char *path_with_ending(const char *path, const char *ending)
{
    size_t length = strlen(path);

    while (length > 1 && path[length - 1] == '/')
        length--;
    return mem_format("%.*s%s", (int)length, path, ending);
}

bool path_is_temporary(const char *name)
{
    const char *mark = strstr(name, TEMPORARY);

    return mark && !mark[strlen(TEMPORARY) + strspn(mark + strlen(TEMPORARY), "0123456789-")];
}

bool folder_clean_up(const char *path, double seconds, struct error *error)
{
    struct strings names = {0};
    bool done = folder_list(&names, path, error);

    for (size_t i = 0; done && i < names.count; i++) {
        if (!path_is_temporary(names.items[i]))
            continue;
        char *entry = path_join(path, names.items[i]);
        done = !is_older(entry, seconds) || folder_remove(entry, error);
        free(entry);
    }
    strings_free(&names);
    return done;
}

bool folder_check_free(const char *path, struct error *error)
{
    struct strings names = {0};
    struct error unread = {0};

    folder_list(&names, path, &unread);
    bool used = names.count > 0 || (unread.kind && path_exists(path));
    strings_free(&names);
    return !used || error_usage(error, "%s is there already, and not empty", path);
}

bool folder_begin(const char *temporary, struct error *error)
{
    return folder_remove(temporary, error) && folder_make(temporary, error);
}

bool folder_finish(const char *temporary, const char *path, bool done, struct error *error)
{
    struct error ignored = {0};

    if (done && rename(temporary, path) != 0)
        done = error_set(error, "%s: cannot write: %s", path, strerror(errno));
    if (!done)
        folder_remove(temporary, &ignored);
    return done;
}

bool link_replace(const char *target, const char *path, struct error *error)
{
    char *temporary = temporary_beside(path);
    bool made;

    while (!(made = symlink(target, temporary) == 0) && errno == EEXIST) {
        free(temporary);
        temporary = temporary_beside(path);
    }
    bool done = made && rename(temporary, path) == 0;
    if (!done) {
        error_set(error, "%s: cannot link to %s: %s", path, target, strerror(errno));
        if (made)
            unlink(temporary);
    }
    free(temporary);
    return done;
}

bool folder_list(struct strings *names, const char *path, struct error *error)
{
    DIR *folder = opendir(path);

    if (!folder)
        return error_set(error, "%s: %s", path, strerror(errno));
    errno = 0;
    for (struct dirent *entry; (entry = readdir(folder)); errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            strings_add(names, entry->d_name);
    int reason = errno;
    closedir(folder);
    strings_sort(names);
    return reason == 0 || error_set(error, "%s: %s", path, strerror(reason));
}

/* A walk under way.  Not by fts or nftw, which take an error of readdir for the end of a folder: after a
 * disk's fault, files would seem to be gone. */
struct walk {
    bool (*visit)(void *context, const char *relative, const struct stat *facts, struct error *error);
    void *context;
    struct error *error;
};

/* The folders above the one being read: a symbolic link back to one of them would never end. */
struct ancestor {
    dev_t device;
    ino_t inode;
    const struct ancestor *above;
};

static bool walk_names(const struct walk *walk, const char *folder, const char *relative,
                       const struct ancestor *above);

static bool walk_folder(const struct walk *walk, const char *path, const char *relative,
                        const struct stat *facts, const struct ancestor *above)
{
    const struct ancestor here = {facts->st_dev, facts->st_ino, above};

    for (const struct ancestor *a = above; a; a = a->above) {
        if (a->device == here.device && a->inode == here.inode) {
            log_warn("%s: leads back to a folder above it: not followed", relative);
            return true;
        }
    }
    return walk_names(walk, path, relative, &here);
}

static bool walk_names(const struct walk *walk, const char *folder, const char *relative,
                       const struct ancestor *above)
{
    struct strings names = {0};
    bool done = folder_list(&names, folder, walk->error);

    for (size_t i = 0; done && i < names.count; i++) {
        char *path = path_join(folder, names.items[i]), *below = path_join(relative, names.items[i]);
        struct stat facts;
        bool there = stat(path, &facts) == 0;
        done = there && S_ISDIR(facts.st_mode)
                   ? walk_folder(walk, path, below, &facts, above)
                   : walk->visit(walk->context, below, there ? &facts : NULL, walk->error);
        free(path);
        free(below);
    }
    strings_free(&names);
    return done;
}

bool folder_walk(const char *root,
                 bool (*visit)(void *context, const char *relative, const struct stat *facts,
                               struct error *error),
                 void *context, struct error *error)
{
    const struct walk walk = {visit, context, error};
    struct stat facts;

    if (stat(root, &facts) != 0)
        return error_set(error, "%s: %s", root, strerror(errno));
    return walk_folder(&walk, root, "", &facts, NULL);
}
