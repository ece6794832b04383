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
    if (et_cuda_count() == 0)
        printf("%-22s this libtorch sees no card: computing on the CPU; for CUDA build against PyTorch's "
               "libtorch "
               "(cmake -DCMAKE_PREFIX_PATH=...)\n",
               "CUDA");
    cJSON_Delete(json);
    return true;
}
