/* Paths in configurations: see paths.h. */
#include "config/paths.h"

#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/config.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_link(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

/* Takes "." and "folder/.." out of a path, but for a link's "..", which leads elsewhere; caller frees. */
static char *simplify(const char *path)
{
    char *result = mem_zero(strlen(path) + 2, 1), *floor; /* floor: what ".." cannot take away */
    char *end = result;

    if (*path == '/')
        *end++ = '/';
    floor = end;
    for (const char *part = path; *part;) {
        size_t length = strcspn(part, "/");
        bool up = length == 2 && strncmp(part, "..", 2) == 0;
        if (up && end > floor && !is_link(result)) {
            while (end > floor && end[-1] != '/')
                end--;
            if (end > floor)
                end--;
            *end = '\0';
        } else if (length && !(length == 1 && *part == '.')) {
            if (end > result && end[-1] != '/')
                *end++ = '/';
            memcpy(end, part, length);
            end += length;
            *end = '\0';
            if (up)
                floor = end;
        }
        part += length + (part[length] == '/');
    }
    if (end == result)
        memcpy(result, ".", 2);
    return result;
}

static char *absolute_path(const char *path)
{
    char here[PATH_MAX];

    if (*path == '/' || !getcwd(here, sizeof here))
        return simplify(path);
    char *joined = path_join(here, path), *result = simplify(joined);
    free(joined);
    return result;
}

char *path_relative(const char *path, const char *folder)
{
    size_t common = 0;
    struct text text = {0};

    for (size_t i = 0;; i++) { /* what both begin with, up to a whole name */
        bool ends = !path[i] || path[i] == '/', folder_ends = !folder[i] || folder[i] == '/';
        if (ends && folder_ends)
            common = i;
        if (!path[i] || !folder[i] || path[i] != folder[i])
            break;
    }
    for (const char *rest = folder + common; (rest = strchr(rest, '/')) && rest[1]; rest++)
        text_add(&text, "../");
    const char *rest = path + common + (path[common] == '/');
    text_add(&text, "%s", rest);
    if (text.length > 1 && text.text[text.length - 1] == '/') /* the folder itself, or one above it */
        text.text[--text.length] = '\0';
    if (text.length == 0)
        text_add(&text, ".");
    return text.text;
}

/* Where in an item of a list its path begins; at the end where it has none. */
static const char *path_in(const struct setting *setting, const char *item)
{
    for (int i = 0; i < setting->colons; i++) {
        item += strcspn(item, ":");
        item += *item == ':';
    }
    return item;
}

/* Each item of a list of paths, or the one path, through `change`; caller frees. */
static char *change_paths(const struct setting *setting, const char *value, const char *folder,
                          char *(*change)(const struct setting *setting, const char *path,
                                          const char *folder))
{
    struct text text = {0};

    if (setting->type != SETTING_PATHS)
        return change(setting, value, folder);
    for (char *item; (item = list_next(&value, setting->separator));) {
        const char *from = path_in(setting, item);
        char *path = *from ? change(setting, from, folder) : mem_string("");
        const char *quote = strchr(path, setting->separator) ? "\"" : "";
        text_add(&text, "%s%s%.*s%s%s", text.length ? " " : "", quote, (int)(from - item), item, path, quote);
        free(path);
        free(item);
    }
    return text.text ? text.text : mem_string("");
}

static bool is_path(const struct setting *setting, const char *value)
{
    return *value && (setting->type == SETTING_PATH || setting->type == SETTING_PATHS ||
                      setting->type == SETTING_MODEL);
}

static char *resolve_one(const struct setting *setting, const char *path, const char *folder)
{
    if (*path == '/' || strcmp(folder, ".") == 0)
        return mem_string(path);
    char *joined = path_join(folder, path), *simple = simplify(joined);
    free(joined);
    if (setting->type == SETTING_MODEL && *path != '.' && !path_exists(simple)) { /* a name */
        free(simple);
        return mem_string(path);
    }
    return simple;
}

char *setting_resolve(const struct setting *setting, const char *value, const char *folder)
{
    return folder && is_path(setting, value) ? change_paths(setting, value, folder, resolve_one)
                                             : mem_string(value);
}

static char *place_one(const struct setting *setting, const char *path, const char *folder)
{
    if (setting->type == SETTING_MODEL && *path != '.' && !path_exists(path))
        return mem_string(path);
    char *absolute = absolute_path(path), *here = absolute_path("."), *below = path_join(here, "");
    if (folder && text_starts(absolute, below)) {
        char *from = absolute_path(folder);
        if (text_starts(from, below)) {
            char *relative = path_relative(absolute, from);
            free(absolute);
            absolute = relative;
        }
        free(from);
    }
    free(below);
    free(here);
    return absolute;
}

char *setting_place(const struct setting *setting, const char *value, const char *folder)
{
    return is_path(setting, value) ? change_paths(setting, value, folder, place_one) : mem_string(value);
}
