/* Files that libsndfile does not read: see foreign.h. */
#include "audio/foreign.h"

#include "base/files.h"
#include "base/memory.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static ffmpeg_decode_function *decode_function; /* NULL: the module is not there */

/* The module lies beside what this code is in, program or library, or where they are installed with it. */
static void *open_module(void)
{
    static const char *const places[] = {"", "../", EMOTRAIN_MODULE_FOLDER "/", "emotrain/"};
    Dl_info self;
    void *module = NULL;

    if (!dladdr(&once, &self) || !self.dli_fname)
        return NULL;
    char *file = realpath(self.dli_fname, NULL);
    if (!file) /* the program, called by a name that is looked up, or from another folder */
        file = realpath("/proc/self/exe", NULL);
    if (!file)
        return NULL;
    char *folder = path_folder(file);
    for (size_t i = 0; !module && i < sizeof places / sizeof places[0]; i++) {
        char *path = mem_format("%s/%semotrain-ffmpeg.so", folder, places[i]);
        if (path_exists(path))
            module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        free(path);
    }
    free(folder);
    free(file);
    return module;
}

static void find_function(void)
{
    void *module = open_module(), *symbol = module ? dlsym(module, "emotrain_ffmpeg_decode") : NULL;

    memcpy(&decode_function, &symbol, sizeof symbol); /* ISO C has no cast from data to function */
}

bool foreign_is_there(void)
{
    pthread_once(&once, find_function);
    return decode_function != NULL;
}

static int write_samples(void *context, const float *samples, size_t count)
{
    return fwrite(samples, sizeof *samples, count, context) == count;
}

bool foreign_decode(const char *path, FILE *samples, struct ffmpeg_sound *sound, struct error *error)
{
    if (!foreign_is_there())
        return error_set(error, "not audio that libsndfile reads, and FFmpeg's libraries are not here");
    if (!decode_function(path, write_samples, samples, sound))
        return error_set(error, "%s", sound->reason);
    return fflush(samples) == 0 || error_set(error, "no room to decode it into: %s", strerror(errno));
}
