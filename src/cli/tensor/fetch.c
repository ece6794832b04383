/* emotrain fetch: a corpus or a model from where it is published. */
#include "base/files.h"
#include "base/log.h"
#include "base/memory.h"
#include "cli/command.h"
#include "hub/hub.h"
#include "hub/zenodo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Corpora that are published as archives. */
static const struct {
    const char *name, *record, *archive, *folder, *licence;
} CORPORA[] = {
    {"ravdess", "1188976", "Audio_Speech_Actors_01-24.zip", "datasets/ravdess",
     "Livingstone and Russo, 2018, https://doi.org/10.1371/journal.pone.0196391; CC BY-NC-SA 4.0: not for "
     "commerce"},
};

static bool fetch_corpus(size_t i, const char *folder, struct error *error)
{
    folder = folder ? folder : CORPORA[i].folder;
    if (!zenodo_unpack(CORPORA[i].record, CORPORA[i].archive, folder, error))
        return false;
    log_info("%s: %s", CORPORA[i].name, CORPORA[i].licence);
    printf("%s\n", folder);
    return true;
}

/* Copies the files of a snapshot, which are links, into a folder. */
static bool copy_files(const char *snapshot, const char *folder, struct error *error)
{
    struct strings names = {0};
    bool done = folder_list(&names, snapshot, error);

    for (size_t i = 0; done && i < names.count; i++) {
        if (path_is_temporary(names.items[i])) /* another process is fetching, or was */
            continue;
        char *from = path_join(snapshot, names.items[i]), *to = path_join(folder, names.items[i]);
        struct file_map map;
        if (!path_is_folder(from) /* of other programs, or of another model */ &&
            (done = file_map_open(&map, from, error))) {
            done = file_write(to, map.bytes, map.size, error);
            file_map_close(&map);
        }
        free(from);
        free(to);
    }
    strings_free(&names);
    return done;
}

/* Copies a snapshot into a folder of the user's: a new one is whole or not there, in one that is there each
 * file is. */
static bool copy_model(const char *snapshot, const char *folder, struct error *error)
{
    if (path_exists(folder))
        return copy_files(snapshot, folder, error);
    char *temporary = path_with_ending(folder, ".fetching");
    bool done = folder_begin(temporary, error) && copy_files(snapshot, temporary, error) &&
                folder_sync(temporary, error);
    done = folder_finish(temporary, folder, done, error);
    free(temporary);
    return done;
}

static bool fetch_model(const char *name, const char *folder, struct error *error)
{
    const char *at = strchr(name, '@');
    char *plain = mem_format("%.*s", at ? (int)(at - name) : (int)strlen(name), name), *snapshot = NULL;

    if (!hub_is_name(plain))
        error_usage(error, "\"%s\": fetch takes ravdess, or OWNER/NAME[@REVISION] of a model of the hub",
                    name);
    else
        snapshot = hub_model(plain, at ? at + 1 : "main", true, NULL, error);
    bool done = snapshot && (!folder || copy_model(snapshot, folder, error));
    if (done)
        printf("%s\n", folder ? folder : snapshot);
    free(plain);
    free(snapshot);
    return done;
}

bool command_fetch(const struct options *options, struct error *error)
{
    const char *what = options->arguments.items[0],
               *folder = options->arguments.count > 1 ? options->arguments.items[1] : NULL;

    for (size_t i = 0; i < sizeof CORPORA / sizeof CORPORA[0]; i++)
        if (strcmp(what, CORPORA[i].name) == 0)
            return fetch_corpus(i, folder, error);
    return fetch_model(what, folder, error);
}
