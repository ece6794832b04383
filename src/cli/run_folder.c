/* Finding runs. */
#include "base/memory.h"
#include "cli/command.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static char *run_at(const char *folder)
{
    char *config = path_join(folder, "config.ini");
    char *absolute = path_exists(config) ? realpath(folder, NULL) : NULL;

    free(config);
    return absolute;
}

char *run_folder_find(const char *run, const char *directory, bool required, struct error *error)
{
    char *folder = run_at(run);

    if (!folder && !strchr(run, '/')) {
        char *named = path_join(directory, run);
        folder = run_at(named);
        free(named);
    }
    if (!folder && required)
        error_usage(error, "no run \"%s\": neither a run's folder nor a name in %s", run, directory);
    return folder;
}

struct config *run_folder_config(const char *folder, struct error *error)
{
    struct config *config = config_new();
    char *path = path_join(folder, "config.ini");
    bool done = config_read(config, path, error);

    free(path);
    if (done)
        return config;
    config_free(config);
    return NULL;
}
