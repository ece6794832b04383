/* The tensor module: everything that needs libtorch, loaded only for commands that do (loading takes a third
 * of a second). */
#include "base/files.h"
#include "base/interrupt.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/process_setup.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside the program (a build folder), or where it is installed with it; caller frees. */
static char *module_path(void)
{
    char program[PATH_MAX] = "";
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    program[length > 0 ? length : 0] = '\0';
    char *folder = path_folder(program), *path = path_join(folder, "emotrain-tensor.so");
    if (!path_exists(path)) {
        free(path);
        path = mem_format("%s/" EMOTRAIN_MODULE_FOLDER "/emotrain-tensor.so", folder);
    }
    free(folder);
    return path;
}

static bool loaded;

void tensor_leave(int status)
{
    if (loaded)
        process_leave(status);
}

/* The module's function command_NAME. */
static command_function *find_function(void *module, const char *name)
{
    char *symbol = mem_format("command_%s", name);
    void *found = dlsym(module, symbol);
    command_function *function = NULL;

    memcpy(&function, &found, sizeof function); /* ISO C has no cast from data to function */
    free(symbol);
    return function;
}

bool tensor_run(const char *name, const struct options *options, struct error *error)
{
    char *path = module_path();

    process_set_up(name, options);
    void *module = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
    free(path);
    if (!module)
        return error_set(error, "cannot load libtorch: %s", dlerror());
    loaded = true;
    interrupt_catch(); /* once more: UCX, which Debian 13's libtorch brings along, takes SIGHUP for itself */
    command_function *run = find_function(module, name);
    if (!run)
        return error_set(error, "the tensor module has no command %s: it is of another version", name);
    return run(options, error);
}
