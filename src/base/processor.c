/* The processors of this machine: see processor.h. */
#include "base/processor.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* CPUs granted by cgroup v2's cpu.max ("quota period" or "max period"); 0 if unlimited or unknown. */
static int quota_processors(void)
{
    FILE *stream = fopen("/sys/fs/cgroup/cpu.max", "r");
    char line[64], *end = line;
    int processors = 0;

    if (!stream)
        return 0;
    if (fgets(line, sizeof line, stream)) { /* "QUOTA PERIOD", or "max PERIOD" */
        long quota = strtol(line, &end, 10), period = strtol(end, NULL, 10);
        if (quota > 0 && period > 0)
            processors = (int)ceil((double)quota / (double)period);
    }
    fclose(stream);
    return processors;
}

int processor_count(void)
{
    cpu_set_t set;
    int count = 1;

    if (sched_getaffinity(0, sizeof set, &set) == 0)
        count = CPU_COUNT(&set);
    int quota = quota_processors();
    return quota > 0 && quota < count ? quota : count;
}

#if defined(__x86_64__)
/* Whether the environment keeps oneDNN, which does the products, from what this processor has of bfloat16. */
static bool is_held_back(const char *variable)
{
    static const char *const without[] = {"SSE41",     "AVX",         "AVX2",
                                          "AVX2_VNNI", "AVX512_CORE", "AVX512_CORE_VNNI"};
    const char *limit = getenv(variable);

    for (size_t i = 0; limit && i < sizeof without / sizeof without[0]; i++)
        if (strcasecmp(limit, without[i]) == 0)
            return true;
    return false;
}
#endif

bool processor_has_bfloat16(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return !is_held_back("ONEDNN_MAX_CPU_ISA") && !is_held_back("DNNL_MAX_CPU_ISA") &&
           __builtin_cpu_supports("avx512bf16") > 0;
#else
    return false;
#endif
}
