/* The processors of this machine: see processor.h. */
#include "base/processor.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

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

bool processor_has_bfloat16(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") > 0;
#else
    return false;
#endif
}
