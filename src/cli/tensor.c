/*
 * The tensor module: everything that needs libtorch, loaded only for commands that do.
 *
 * The threads' environment is set here because libgomp and OpenBLAS read it once, when they are loaded.  GNU
 * OpenMP's waiting threads spin by default, which takes the cores from OpenBLAS's own threads: on two cores
 * that doubles the time of a training step.  What the user has set stays.
 */
#include "base/interrupt.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/command.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* run.threads of the run that goes on or answers, else of --config and --set.  A bad configuration is
 * reported by the command itself. */
static int64_t wanted_threads(const struct options *options)
{
    struct error ignored = {0};
    struct config *config = options_config(options, &ignored);
    const char *run = options->resume            ? options->run
                      : options->arguments.count ? options->arguments.items[0]
                                                 : NULL;

    if (config && options->resume && !run)
        run = config_text(config, "run.name");
    char *folder =
        config && run ? run_folder_find(run, config_text(config, "run.directory"), false, &ignored) : NULL;
    if (folder && (options->resume || !options->config)) {
        struct config *own = run_folder_config(folder, &ignored);
        config_free(config);
        config = own;
    }
    int64_t threads = config ? config_integer(config, "run.threads") : 0;
    config_free(config);
    free(folder);
    return threads;
}

static void set_threads(const struct options *options)
{
    char text[24];

    snprintf(text, sizeof text, "%lld", (long long)thread_count(wanted_threads(options)));
    setenv("OMP_NUM_THREADS", text, 0);
    setenv("OPENBLAS_NUM_THREADS", text, 0);
    setenv("OMP_WAIT_POLICY", "passive", 0);
}

/* Beside the program (a build folder), or where it is installed. */
static char *module_path(void)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    if (length > 0) {
        program[length] = '\0';
        char *folder = path_folder(program), *path = path_join(folder, "emotrain-tensor.so");
        free(folder);
        if (path_exists(path))
            return path;
        free(path);
    }
    return path_join(EMOTRAIN_MODULE_FOLDER, "emotrain-tensor.so");
}

bool tensor_run(const char *name, const struct options *options, struct error *error)
{
    char *path = module_path();

    set_threads(options);
    void *module = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
    free(path);
    if (!module)
        return error_set(error, "cannot load libtorch: %s", dlerror());
    interrupt_catch(); /* once more: UCX, which Debian 13's libtorch brings along, takes SIGHUP for itself */
    const struct tensor_command *command = dlsym(module, "TENSOR_COMMANDS");
    while (command && command->name && strcmp(command->name, name) != 0)
        command++;
    if (!command || !command->name)
        return error_set(error, "the tensor module has no command %s: it is of another version", name);
    return command->run(options, error);
}
