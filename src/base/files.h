/*
 * Files and folders.  What is written is written whole or not at all: a temporary file beside the target,
 * fsync, rename, fsync of the folder.  Errors name the path and the system's reason.
 */
#ifndef EMOTRAIN_BASE_FILES_H
#define EMOTRAIN_BASE_FILES_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct stat;
struct strings; /* base/strings.h */

char *path_join(const char *folder, const char *name); /* caller frees; an absolute name stands alone */
const char *path_base(const char *path);               /* last component, pointing into path */
char *path_folder(const char *path); /* all before the last component, "." if none; caller frees */
char *path_stem(const char *path);   /* without the last component's ending; caller frees */
bool path_exists(const char *path);
bool path_is_folder(const char *path);
bool path_is_hidden(const char *relative); /* it, or a folder of the path, begins with a dot */

/* Opens a file for reading: a descriptor to close, or -1 with an error, also where it is a pipe, which would
 * be waited for, a device or a folder.  Everything that reads a file goes through here. */
int file_open(const char *path, struct error *error);
FILE *file_stream(const char *path, struct error *error); /* the same as a stream; NULL on error */

/* The whole file, NUL-terminated; caller frees.  `size` may be NULL.  NULL on error. */
char *file_read(const char *path, size_t *size, struct error *error);

/* Atomic replacement of `path`. */
bool file_write(const char *path, const void *bytes, size_t size, struct error *error);

/* A file being written: put bytes, then commit or discard.  Exactly one of both must be called after a
 * successful open.  A put that fails is reported by commit. */
struct file_writer {
    FILE *stream;
    char *path, *temporary;
    bool durable;
    int reason; /* errno of the first failure */
};

/* `durable` asks for fsync before the rename; without it the file is still whole or absent to other
 * processes, but may be lost with the machine. */
bool file_writer_open(struct file_writer *writer, const char *path, bool durable, struct error *error);
void file_writer_put(struct file_writer *writer, const void *bytes, size_t size);
void file_writer_seek(struct file_writer *writer, size_t position); /* where the next bytes go */
bool file_writer_commit(struct file_writer *writer, struct error *error);
void file_writer_discard(struct file_writer *writer);

/* A read-only mapping of a whole file.  An empty file maps to size 0. */
struct file_map {
    const unsigned char *bytes;
    size_t size;
};

bool file_map_open(struct file_map *map, const char *path, struct error *error);
void file_map_close(struct file_map *map);

bool folder_make(const char *path, struct error *error);   /* with its parents; existing is fine */
bool folder_sync(const char *path, struct error *error);   /* fsync of the folder itself */
bool folder_remove(const char *path, struct error *error); /* with all it holds; absent is fine */

/* Fails where `path` is more than an empty folder. */
bool folder_check_free(const char *path, struct error *error);

/* A folder that is whole or not there: begun under another name, which must be in the same folder, and
 * renamed to `path`, absent or an empty folder; removed where it is not `done`.  Returns whether it is at
 * `path`. */
bool folder_begin(const char *temporary, struct error *error);
bool folder_finish(const char *temporary, const char *path, bool done, struct error *error);

bool link_replace(const char *target, const char *path, struct error *error); /* atomic symbolic link */

/* The path with an ending, beside it also where it ends in a slash; caller frees. */
char *path_with_ending(const char *path, const char *ending);

/* Whether a file's name is that of one that is being written, or was when its writer was killed. */
bool path_is_temporary(const char *name);

/* Removes what killed writes left in a folder, those that were last written to so many seconds ago: temporary
 * files of file_writer_open and link_replace. */
bool folder_clean_up(const char *path, double seconds, struct error *error);

/* Entries of a folder, sorted by name, without "." and ".."; caller frees with strings_free. */
bool folder_list(struct strings *names, const char *path, struct error *error);

/* Calls visit(context, ...) for each file at any depth below a folder, by name within each, with its path
 * below that folder and its facts, NULL if it has none (a link to nothing).  Links are followed, but for
 * those back to a folder above, of which a warning tells.  Ends at the first false, which sets the error. */
bool folder_walk(const char *root,
                 bool (*visit)(void *context, const char *relative, const struct stat *facts,
                               struct error *error),
                 void *context, struct error *error);

#endif
