/* Runs' folders: finding, naming, locking; see run_folder.h. */
#include "run/run_folder.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "report/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

bool run_folder_is_run(const char *folder)
{
    char *config = path_join(folder, "config.ini");
    bool there = path_exists(config) && !path_is_folder(config);

    free(config);
    return there;
}

static char *run_at(const char *folder)
{
    return run_folder_is_run(folder) ? realpath(folder, NULL) : NULL;
}

bool run_folder_clean_up(const char *folder, struct error *error)
{
    char *charts = path_join(folder, "charts");
    bool done =
        folder_clean_up(folder, 0, error) && (!path_exists(charts) || folder_clean_up(charts, 0, error));

    free(charts);
    return done;
}

/* Whether the folder, which need not exist, lies inside a run below `directory`. */
static bool lies_in_run(const char *folder, const char *directory)
{
    char *above = path_folder(folder);
    bool inside =
        strlen(above) > strlen(directory) && (run_folder_is_run(above) || lies_in_run(above, directory));

    free(above);
    return inside;
}

char *run_folder_find(const char *run, const char *directory, bool required, struct error *error)
{
    char *named = path_join(directory, run), *folder = run[0] != '/' ? run_at(named) : NULL;

    free(named);
    folder = folder ? folder : run_at(run);
    char *sweep = folder || !required ? NULL : sweep_folder_find(run, directory);
    if (sweep)
        error_usage(error, "%s is a sweep: name one of its runs (emotrain runs list '%s/*')", run, run);
    free(sweep);
    if (!folder && required)
        error_usage(error, "no run \"%s\": neither a run's folder nor a name in %s", run, directory);
    return folder;
}

char *run_folder_find_counterpart(const char *other, const char *run, const char *directory,
                                  struct error *error)
{
    char *folder = run_folder_find(other, directory, false, error),
         *sweep = folder ? NULL : sweep_folder_find(other, directory);

    if (sweep) {
        char *alike = path_join(sweep, path_base(run));
        folder = run_at(alike);
        free(alike);
        free(sweep);
        if (!folder && strchr(run, '/')) { /* of a sweep itself: it can only mean that */
            error_usage(error, "%s has no run %s, as this one is called", other, path_base(run));
            return NULL;
        }
    }
    return folder ? folder : run_folder_find(other, directory, true, error);
}

char *sweep_folder_find(const char *sweep, const char *directory)
{
    char *below = path_join(directory, sweep);
    const char *folder = sweep[0] != '/' && sweep_is(below) ? below : sweep_is(sweep) ? sweep : NULL;
    char *absolute = folder ? realpath(folder, NULL) : NULL;

    free(below);
    return absolute;
}

struct config *run_folder_config(const char *folder, struct error *error)
{
    struct config *config = config_new();
    char *path = path_join(folder, "config.ini");
    bool done = config_read_back(config, path, error);

    free(path);
    if (done)
        return config;
    config_free(config);
    return NULL;
}

int run_folder_lock(const char *folder, struct error *error)
{
    char *path = path_join(folder, ".lock");
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (lock < 0) {
        error_set(error, "%s: cannot write: %s", path, strerror(errno));
    } else if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        error_usage(error, "%s is being written by another process", folder);
        close(lock);
        lock = -1;
    }
    free(path);
    return lock;
}

bool run_folder_is_busy(const char *folder)
{
    char *path = path_join(folder, ".lock");
    int lock = open(path, O_RDONLY | O_CLOEXEC);
    bool busy = lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) != 0;

    if (lock >= 0)
        close(lock);
    free(path);
    return busy;
}

bool run_folder_is_free(const char *folder)
{
    struct strings names = {0};
    struct error unread = {0};
    bool nothing = true;

    folder_list(&names, folder, &unread);
    for (size_t i = 0; i < names.count; i++)
        nothing = nothing &&
                  (strcmp(names.items[i], ".lock") == 0 || text_starts(names.items[i], "environment.json") ||
                   text_starts(names.items[i], "config.ini.tmp-"));
    strings_free(&names);
    return nothing && (!unread.kind || !path_exists(folder));
}

/* It must be what a configuration can hold. */
static bool check_as_setting(const char *name, struct error *error)
{
    struct config *config = config_new();
    char *assignment = mem_format("run.name=%s", name);
    bool good = config_set(config, "--set", assignment, error);

    free(assignment);
    config_free(config);
    return good;
}

bool run_name_check(const char *name, const char *directory, struct error *error)
{
    if (!check_as_setting(name, error))
        return false;
    char *folder = path_join(directory, name);
    bool inside = lies_in_run(folder, directory);

    free(folder);
    if (inside)
        return error_usage(error, "run.name \"%s\" lies inside a run", name);
    bool good = *name != '\0' && name[strlen(name) - 1] != '/';

    for (const char *part = name; good && part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL)
        good = part[0] != '.' && part[0] != '/';
    return good || error_usage(error, "run.name \"%s\": a name, or folder/name below run.directory", name);
}

char *run_folder_default_name(const char *config_path)
{
    char stamp[32];
    time_t now = time(NULL);
    struct tm parts;

    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&now, &parts));
    const char *base = config_path ? path_base(config_path) : "run";
    const char *dot = strrchr(base, '.');
    return mem_format("%.*s-%s", dot && dot != base ? (int)(dot - base) : (int)strlen(base), base, stamp);
}
