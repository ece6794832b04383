/* Paths on the command line to sound files: see paths.h. */
#include "cli/paths.h"

#include "base/files.h"

#include "audio/audio.h"

#include <stdlib.h>
#include <string.h>

static bool add_file(struct strings *paths, const char *path, struct error *error)
{
    double start, end;
    char *file = audio_file_of(path, &start, &end);
    bool there = strcmp(path, "-") == 0 || path_exists(file);

    strings_add(paths, path);
    free(file);
    return there || error_usage(error, "%s: no such file or folder", path);
}

struct collection {
    struct strings *paths;
    const char *folder;
};

static bool add_if_sound(void *context, const char *relative, const struct stat *facts, struct error *error)
{
    struct collection *collection = context;

    (void)facts;
    (void)error;
    if (!audio_is_sound_name(path_base(relative)) || path_is_hidden(relative))
        return true;
    char *path = path_join(collection->folder, relative);
    strings_add(collection->paths, path); /* one that cannot be read is named when its turn comes */
    free(path);
    return true;
}

bool paths_collect(struct strings *paths, const char *path, struct error *error)
{
    struct collection collection = {paths, path};

    if (path_is_folder(path))
        return folder_walk(path, add_if_sound, &collection, error);
    if (strcmp(path, "-") == 0 && strings_index(paths, path) >= 0)
        return error_usage(error, "-: standard input can be read only once");
    return add_file(paths, path, error);
}
