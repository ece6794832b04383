/* Processors and a parallel loop over independent items. */
#ifndef EMOTRAIN_BASE_PARALLEL_H
#define EMOTRAIN_BASE_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

/* Processors this process may use: its affinity mask, cut by the control group's CPU quota. */
int processor_count(void);

/* Calls work(context, i) for i in 0..count-1 on `threads` threads (the caller's is one of them), each item
 * once, in no set order.  A false return stops handing out items.  Returns whether all returned true. */
bool parallel_for(size_t count, int threads, bool (*work)(void *context, size_t item), void *context);

#endif
