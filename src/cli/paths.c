#include "cli/paths.h"

#include "base/files.h"

#include "audio/audio.h"

#include <stdlib.h>
#include <string.h>

bool paths_collect(struct strings *paths, const char *path, struct error *error)
{
    struct strings names = {0};
    bool done = true;

    if (!path_is_folder(path)) {
        if (strcmp(path, "-") == 0 && strings_index(paths, path) >= 0)
            return error_usage(error, "-: standard input can be read only once");
        double start, end;
        char *file = audio_file_of(path, &start, &end);
        bool there = strcmp(path, "-") == 0 || path_exists(file);
        strings_add(paths, path);
        free(file);
        return there || error_usage(error, "%s: no such file or folder", path);
    }
    done = folder_list(&names, path, error);
    for (size_t i = 0; done && i < names.count; i++) {
        char *entry = path_join(path, names.items[i]);
        if (path_is_folder(entry) || audio_is_sound_name(names.items[i]))
            done = paths_collect(paths, entry, error);
        free(entry);
    }
    strings_free(&names);
    return done;
}
