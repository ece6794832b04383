/* The allocator: that memory stays with the process. */
#include "cli/allocator.h"

#ifndef EMOTRAIN_JEMALLOC
#include <malloc.h>
#include <stdlib.h>
#endif

/*
 * Memory that a step frees and the next one asks for again stays with the process: given back to the system
 * and fetched anew, page by page, it takes a third of a training step's time.
 *
 * jemalloc reads this string when the program starts, and after it the user's MALLOC_CONF, which wins: keep
 * what is freed (decay), of any size (oversize), cut small blocks out of large free ones (fit) and share them
 * among threads (arenas), so that memory does not grow; pages of 2 MiB.
 */
#ifdef EMOTRAIN_JEMALLOC
extern const char *malloc_conf;
const char *malloc_conf = "dirty_decay_ms:-1,muzzy_decay_ms:-1,oversize_threshold:0,"
                          "lg_extent_max_active_fit:30,narenas:1,thp:always";

void keep_memory(void)
{
}
#else
/* The same of glibc's allocator, as far as it goes; what the user set in the environment stands. */
void keep_memory(void)
{
    if (getenv("MALLOC_MMAP_THRESHOLD_") || getenv("MALLOC_TRIM_THRESHOLD_") || getenv("GLIBC_TUNABLES"))
        return;
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, -1);
    mallopt(M_TOP_PAD, 32 << 20);
}
#endif
