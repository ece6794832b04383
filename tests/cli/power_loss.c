/*
 * A disk that loses power, as far as a program can see it.
 *
 * As a library to preload, it notes what is on the disk for good: the content of a file as of its last fsync,
 * the names in a folder as of the folder's last fsync.  Built as a program, with POWER_RESTORE, it puts a
 * folder back to what the power left:
 *
 *     POWER_ROOT=/abs/folder POWER_DISK=/abs/disk LD_PRELOAD=power_loss.so PROGRAM ...
 *     POWER_ROOT=/abs/folder POWER_DISK=/abs/disk power_restore strict|journal
 *
 * strict: names and contents that were synced, and no others.  journal: the names as they last were, as a
 * file system with a journal may have them, but only contents that were synced: a file renamed without that
 * is empty.
 *
 * DISK/data/KEY is a file's content, DISK/names/KEY the names in a folder, each with a tab and what it stands
 * for: F:KEY a file, D:KEY a folder, L:TARGET a link.  A KEY is an inode and its time of birth; DISK/root is
 * the folder's own.  What stands in the folder at the beginning is synced.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LONG = 2 * PATH_MAX, LONGER = LONG + PATH_MAX };

static const char *root, *disk;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "power_loss: %s: %s\n", what, strerror(errno));
    abort();
}

/* A file's key; false if there is no file (any more). */
static bool key_of(const char *path, char key[64])
{
    struct statx facts;

    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &facts) != 0)
        return false;
    snprintf(key, 64, "%llu-%lld.%u", (unsigned long long)facts.stx_ino, (long long)facts.stx_btime.tv_sec,
             facts.stx_btime.tv_nsec);
    return true;
}

/* Copies a content so that a kill leaves the old or the new one. */
static void copy(const char *from, const char *to)
{
    char temporary[LONGER + 32], block[1 << 16];
    ssize_t got;

    snprintf(temporary, sizeof temporary, "%s.%ld", to, (long)syscall(SYS_gettid));
    int in = open(from, O_RDONLY | O_CLOEXEC),
        out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (in < 0 || out < 0)
        give_up(from);
    while ((got = read(in, block, sizeof block)) > 0)
        if (write(out, block, (size_t)got) != got)
            give_up(temporary);
    close(in);
    close(out);
    if (rename(temporary, to) != 0)
        give_up(to);
}

/* What stands for a name; false if there is no such name (any more). */
static bool describe(const char *path, char text[LONG])
{
    struct stat facts;
    char key[64];

    if (lstat(path, &facts) != 0)
        return false;
    if (S_ISLNK(facts.st_mode)) {
        ssize_t length = readlink(path, text + 2, LONG - 3);
        memcpy(text, "L:", 2);
        text[2 + (length > 0 ? length : 0)] = '\0';
        return length > 0;
    }
    if (!key_of(path, key))
        return false;
    snprintf(text, LONG, "%c:%s", S_ISDIR(facts.st_mode) ? 'D' : 'F', key);
    return true;
}

/* Writes a folder's names, as they are now. */
static void list_names(const char *folder, FILE *out)
{
    char path[LONGER], text[LONG];
    DIR *names = opendir(folder);

    for (struct dirent *entry; names && (entry = readdir(names));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && describe(path, text))
            fprintf(out, "%s\t%s\n", entry->d_name, text);
    }
    if (names)
        closedir(names);
}

static void start(void)
{
    root = getenv("POWER_ROOT");
    disk = getenv("POWER_DISK");
}

#ifndef POWER_RESTORE

static void note_folder(const char *path)
{
    char key[64], kept[LONG], temporary[LONGER];

    if (!key_of(path, key))
        return;
    snprintf(kept, sizeof kept, "%s/names/%s", disk, key);
    snprintf(temporary, sizeof temporary, "%s.%ld", kept, (long)syscall(SYS_gettid));
    FILE *out = fopen(temporary, "w");
    if (!out)
        give_up(temporary);
    list_names(path, out);
    if (fclose(out) != 0 || rename(temporary, kept) != 0)
        give_up(kept);
}

static void note_content(const char *path)
{
    char key[64], kept[LONG];

    if (!key_of(path, key))
        return;
    snprintf(kept, sizeof kept, "%s/data/%s", disk, key);
    copy(path, kept);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* All that stands in a folder, as synced. */
static void note_all(const char *folder)
{
    DIR *names = opendir(folder);
    struct stat facts;
    char path[LONGER];

    note_folder(folder);
    for (struct dirent *entry; names && (entry = readdir(names));) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || lstat(path, &facts) != 0)
            continue;
        if (S_ISDIR(facts.st_mode))
            note_all(path);
        else if (S_ISREG(facts.st_mode))
            note_content(path);
    }
    if (names)
        closedir(names);
}

__attribute__((constructor)) static void begin(void)
{
    char path[LONG], key[64];

    start();
    snprintf(path, sizeof path, "%s/data", disk ? disk : "");
    if (!root || !disk || mkdir(path, 0777) != 0)
        return; /* not meant, or noted by an earlier process */
    snprintf(path, sizeof path, "%s/names", disk);
    mkdir(path, 0777);
    note_all(root);
    snprintf(path, sizeof path, "%s/root", disk);
    if (!key_of(root, key) || symlink(key, path) != 0)
        give_up(path);
}

static int note(int descriptor)
{
    char link[64], path[LONG];
    struct stat facts;

    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = root && disk ? readlink(link, path, sizeof path - 1) : -1;
    if (length < 0)
        return 0;
    path[length] = '\0';
    size_t prefix = strlen(root);
    if (strncmp(path, root, prefix) != 0 || (path[prefix] && path[prefix] != '/') ||
        fstat(descriptor, &facts) != 0)
        return 0;
    pthread_mutex_lock(&mutex);
    if (S_ISDIR(facts.st_mode))
        note_folder(path);
    else if (S_ISREG(facts.st_mode))
        note_content(path);
    pthread_mutex_unlock(&mutex);
    return 0;
}

int fsync(int descriptor)
{
    return note(descriptor);
}

int fdatasync(int descriptor)
{
    return note(descriptor);
}

#else

static void remove_tree(const char *path)
{
    struct stat facts;
    DIR *folder;

    if (lstat(path, &facts) != 0)
        return;
    if (S_ISDIR(facts.st_mode) && (folder = opendir(path))) {
        for (struct dirent *entry; (entry = readdir(folder));) {
            char below[LONG];
            snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
            if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                remove_tree(below);
        }
        closedir(folder);
    }
    if (remove(path) != 0)
        give_up(path);
}

static void restore(const char *key, const char *now, const char *target, bool journal);

/* One name of a folder: from the line that the listing has of it. */
static void restore_name(const char *line, const char *now, const char *target, bool journal)
{
    char name[PATH_MAX], text[LONG], path[LONGER], before[LONGER], kept[LONGER];

    if (sscanf(line, "%4095[^\t]\t%8191[^\n]", name, text) != 2)
        return;
    snprintf(path, sizeof path, "%s/%s", target, name);
    snprintf(before, sizeof before, "%s/%s", now, name);
    snprintf(kept, sizeof kept, "%s/data/%s", disk, text + 2);
    if (text[0] == 'D')
        restore(text + 2, before, path, journal);
    else if (text[0] == 'F')
        copy(access(kept, F_OK) == 0 ? kept : "/dev/null", path);
    else if (symlink(text + 2, path) != 0)
        give_up(path);
}

/* Builds a folder, which is `now` as the program left it, from the names that were synced, or in a journal's
 * way from the names that it has now. */
static void restore(const char *key, const char *now, const char *target, bool journal)
{
    char kept[LONG], *line = NULL;
    size_t capacity = 0;
    FILE *names;

    snprintf(kept, sizeof kept, "%s/names/%s", disk, key);
    if (mkdir(target, 0777) != 0)
        give_up(target);
    if (journal) {
        names = tmpfile();
        list_names(now, names);
        rewind(names);
    } else {
        names = fopen(kept, "r"); /* a folder that was never synced is empty */
    }
    while (names && getline(&line, &capacity, names) > 0)
        restore_name(line, now, target, journal);
    free(line);
    if (names)
        fclose(names);
}

int main(int argc, char **argv)
{
    char target[LONG], path[LONG], key[64];

    start();
    if (argc != 2 || !root || !disk) {
        fprintf(stderr, "usage: POWER_ROOT=FOLDER POWER_DISK=FOLDER power_restore strict|journal\n");
        return 2;
    }
    snprintf(path, sizeof path, "%s/root", disk);
    snprintf(target, sizeof target, "%s.restored", root);
    ssize_t length = readlink(path, key, sizeof key - 1);
    if (length < 0)
        return 0; /* the program had not begun */
    key[length] = '\0';
    remove_tree(target);
    restore(key, root, target, strcmp(argv[1], "journal") == 0);
    remove_tree(root);
    remove_tree(disk); /* the next process notes anew what is there */
    return rename(target, root) == 0 && mkdir(disk, 0777) == 0 ? 0 : 1;
}

#endif
