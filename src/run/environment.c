/* Versions and machine: see environment.h. */
#include "run/environment.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/processor.h"
#include "base/text.h"
#include "torch/torch.h"

#include <samplerate.h>
#include <sndfile.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifndef EMOTRAIN_COMMIT
#define EMOTRAIN_COMMIT "unknown"
#endif

double peak_memory(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

/* The value of a "name : value" or NAME="value" line of a file; empty if there is none. */
static void add_from_file(cJSON *json, const char *key, const char *path, const char *name)
{
    FILE *stream = fopen(path, "r");
    char line[512], *value = NULL;

    while (stream && !value && fgets(line, sizeof line, stream)) {
        if (strncmp(line, name, strlen(name)) == 0)
            value = line + strlen(name) + strspn(line + strlen(name), " \t:=\"");
    }
    if (value)
        value[strcspn(value, "\"\n")] = '\0';
    cJSON_AddStringToObject(json, key, value ? value : "");
    if (stream)
        fclose(stream);
}

void environment_warn(const char *folder)
{
    static const char *const names[] = {
        "emotrain",        "libtorch",           "processor",           "OPENBLAS_CORETYPE",
        "OMP_NUM_THREADS", "ONEDNN_MAX_CPU_ISA", "EMOTRAIN_PLAIN_TORCH"};
    struct error unread = {0};
    struct text changes = {0};
    char *path = path_join(folder, "environment.json");
    cJSON *before = path_exists(path) ? json_read(path, &unread) : NULL, *now = environment_describe();

    for (size_t i = 0; before && i < sizeof names / sizeof names[0]; i++) {
        const cJSON *was = cJSON_GetObjectItemCaseSensitive(before, names[i]),
                    *is = cJSON_GetObjectItemCaseSensitive(now, names[i]);
        if (cJSON_IsString(was) && cJSON_IsString(is) && strcmp(was->valuestring, is->valuestring) != 0)
            text_add(&changes, "%s%s \"%s\", now \"%s\"", changes.length ? ", " : "", names[i],
                     was->valuestring, is->valuestring);
    }
    if (changes.length)
        log_warn(
            "%s began with %s: it goes on, but its numbers may differ from an undisturbed run's in their "
            "last digits",
            folder, changes.text);
    cJSON_Delete(before);
    cJSON_Delete(now);
    text_free(&changes);
    free(path);
}

cJSON *environment_describe(void)
{
    cJSON *json = cJSON_CreateObject();
    struct utsname system;
    char moment[CLOCK_STAMP_SIZE];

    cJSON_AddStringToObject(json, "time", clock_stamp(moment));
    cJSON_AddStringToObject(json, "emotrain", EMOTRAIN_VERSION);
    cJSON_AddStringToObject(json, "commit", EMOTRAIN_COMMIT);
    cJSON_AddStringToObject(json, "compiler", __VERSION__);
    cJSON_AddStringToObject(json, "libtorch", et_version());
    cJSON_AddStringToObject(json, "libsndfile", sf_version_string());
    cJSON_AddStringToObject(json, "libsamplerate", src_get_version());
    cJSON_AddStringToObject(json, "sqlite", sqlite3_libversion());
    cJSON_AddStringToObject(json, "cjson", cJSON_Version());
    add_from_file(json, "distribution", "/etc/os-release", "PRETTY_NAME");
    if (uname(&system) == 0) {
        cJSON_AddStringToObject(json, "kernel", system.release);
        cJSON_AddStringToObject(json, "machine", system.machine);
        cJSON_AddStringToObject(json, "host", system.nodename);
    }
    add_from_file(json, "processor", "/proc/cpuinfo", "model name");
    cJSON_AddNumberToObject(json, "processors", processor_count());
    cJSON_AddNumberToObject(json, "memory_mib",
                            (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / (1 << 20));
    cJSON_AddNumberToObject(json, "cuda_cards", et_cuda_count());
    cJSON_AddBoolToObject(json, "bfloat16_native", et_bfloat16_is_native(et_cuda_count() ? 0 : ET_CPU));
    const char *const variables[] = {"OMP_NUM_THREADS",   "OMP_WAIT_POLICY",    "OPENBLAS_NUM_THREADS",
                                     "OPENBLAS_CORETYPE", "ONEDNN_MAX_CPU_ISA", "EMOTRAIN_PLAIN_TORCH"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        cJSON_AddStringToObject(json, variables[i], getenv(variables[i]) ? getenv(variables[i]) : "");
    return json;
}
