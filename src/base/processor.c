/* The processors of this machine: see processor.h. */
#include "base/processor.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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
/* oneDNN's names of what it may use of a processor, without bfloat16's products, and then without tiles. */
static const char *const WITHOUT_BFLOAT16[] = {
    "SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI", NULL};
static const char *const WITHOUT_TILES[] = {"AVX512_CORE_BF16", "AVX512_CORE_FP16", "AVX10_1_512", NULL};

/* Whether the environment keeps oneDNN, which does the products, to one of these. */
static bool is_held_to(const char *const *names)
{
    static const char *const variables[] = {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"};

    for (int v = 0; v < 2; v++) {
        const char *limit = getenv(variables[v]);
        for (size_t i = 0; limit && names[i]; i++)
            if (strcasecmp(limit, names[i]) == 0)
                return true;
    }
    return false;
}

/* Whether there are tiles of bfloat16 (AMX) and the system saves their registers. */
static bool has_tiles(void)
{
    enum { XSAVE_IN_USE = 1 << 27, AMX_BF16 = 1 << 22, AMX_TILE = 1 << 24, TILE_REGISTERS = 3 << 17 };
    unsigned a, b, c, d, high, low;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & XSAVE_IN_USE) || !__get_cpuid_count(7, 0, &a, &b, &c, &d) ||
        !(d & AMX_BF16) || !(d & AMX_TILE))
        return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & TILE_REGISTERS) == TILE_REGISTERS;
}

bool processor_has_bfloat16(void)
{
    __builtin_cpu_init();
    return !is_held_to(WITHOUT_BFLOAT16) && __builtin_cpu_supports("avx512bf16") > 0;
}

bool processor_gains_by_bfloat16(void)
{
    return processor_has_bfloat16() &&
           (!__builtin_cpu_is("intel") || (has_tiles() && !is_held_to(WITHOUT_TILES)));
}
#else
bool processor_has_bfloat16(void)
{
    return false;
}

bool processor_gains_by_bfloat16(void)
{
    return false;
}
#endif
