/* emotrain doctor: versions, devices, threads, what is missing and how to get it. */
#include "base/files.h"
#include "base/text.h"
#include "cli/command.h"
#include "run/environment.h"
#include "torch/torch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool on_path(const char *program)
{
    const char *path = getenv("PATH");
    bool found = false;

    for (const char *at = path; at && *at && !found;) {
        size_t length = strcspn(at, ":");
        char folder[4096];
        snprintf(folder, sizeof folder, "%.*s/%s", (int)length, at, program);
        found = path_exists(folder);
        at += length + (at[length] == ':');
    }
    return found;
}

/* Where the libtorch that runs lies: the folder of libtorch_cpu.so among what this process has mapped. */
static void print_libtorch(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4352], *path = NULL;

    while (maps && !path && fgets(line, sizeof line, maps)) {
        if (strstr(line, "/libtorch_cpu.so"))
            path = strchr(line, '/');
    }
    if (path) {
        *strrchr(path, '/') = '\0';
        printf("%-22s %s\n", "libtorch from", path);
    }
    if (maps)
        fclose(maps);
}

/* What another libtorch would bring. */
static void print_advice(void)
{
    bool old = strtol(et_version(), NULL, 10) < 2;

    if (old)
        printf("%-22s of 2022; PyPI's is newer and computes on CUDA GPUs (docs/results.md, "
               "\"Today's libtorch\"): "
               "scripts/run.sh --torch pypi\n",
               "this libtorch is");
    if (et_cuda_count() == 0)
        printf("%-22s no GPU is seen: computing on the CPU%s\n", "CUDA",
               old ? ""
                   : "; a GPU needs NVIDIA's driver, and a libtorch with CUDA (scripts/run.sh --torch pypi)");
}

bool command_doctor(const struct options *options, struct error *error)
{
    static const struct {
        const char *program, *what, *package;
    } helpers[] = {{"gnuplot", "charts", "gnuplot-nox"}, {"espeak-ng", "the demo corpus", "espeak-ng"}};
    cJSON *json = environment_describe();
    const cJSON *item = NULL;

    (void)options;
    (void)error;
    cJSON_ArrayForEach(item, json)
    {
        char *value = cJSON_IsString(item) ? NULL : cJSON_PrintUnformatted(item);
        printf("%-22s %s\n", item->string, value ? value : item->valuestring);
        cJSON_free(value);
    }
    for (size_t i = 0; i < sizeof helpers / sizeof helpers[0]; i++) {
        if (on_path(helpers[i].program))
            printf("%-22s there\n", helpers[i].program);
        else
            printf("%-22s missing (for %s): apt-get install %s\n", helpers[i].program, helpers[i].what,
                   helpers[i].package);
    }
    print_libtorch();
    print_advice();
    cJSON_Delete(json);
    return true;
}
