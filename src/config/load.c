/* Loading a command's configuration: see load.h. */
#include "config/load.h"

#include "base/files.h"
#include "base/memory.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool config_apply(struct config *config, const struct strings *sets, struct error *error)
{
    bool done = true;

    for (size_t i = 0; done && i < sets->count; i++)
        done = config_set(config, "--set", sets->items[i], error);
    return done;
}

/* The nearest folder at or above the current one in which PATH exists, as "", "../", "../../" ...; NULL:
 * none. */
static char *find_above(const char *path)
{
    char here[PATH_MAX], *up = mem_string("");

    if (!getcwd(here, sizeof here))
        here[0] = '\0';
    for (;;) {
        char *there = mem_format("%s%s", up, path);
        bool found = path_exists(there);
        free(there);
        if (found)
            return up;
        char *slash = strrchr(here, '/');
        if (!slash || !here[1])
            break;
        slash[slash == here] = '\0';
        char *next = mem_format("../%s", up);
        free(up);
        up = next;
    }
    free(up);
    return NULL;
}

/* run.directory and run.database, where neither is given, are found from the folders below them too. */
static void find_runs(struct config *config)
{
    const struct run_settings *defaults = &settings_default()->run, *run = &config_settings(config)->run;
    bool given =
        strcmp(run->directory, defaults->directory) != 0 || strcmp(run->database, defaults->database) != 0;
    char *up = given || path_exists(defaults->directory) ? NULL : find_above(defaults->database);

    if (up && *up) {
        char *directory = mem_format("%s%s", up, defaults->directory),
             *database = mem_format("%s%s", up, defaults->database);
        config_choose(config, "run.directory", directory);
        config_choose(config, "run.database", database);
        free(directory);
        free(database);
    }
    free(up);
}

struct config *config_load(const char *file, const struct strings *sets, struct error *error)
{
    struct config *config = config_new();

    if ((!file || config_read(config, file, error)) && config_apply(config, sets, error)) {
        find_runs(config);
        return config;
    }
    config_free(config);
    return NULL;
}
