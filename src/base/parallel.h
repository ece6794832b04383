/* Processors and a parallel loop over independent items. */
#ifndef EMOTRAIN_BASE_PARALLEL_H
#define EMOTRAIN_BASE_PARALLEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Processors this process may use: its affinity mask, cut by the control group's CPU quota. */
int processor_count(void);

/* Threads to use where `wanted` are asked for: 0 means every processor; more than there are would only get in
 * each other's way. */
int thread_count(int64_t wanted);

/* Whether this processor multiplies bfloat16 itself. */
bool processor_has_bfloat16(void);

/* Begins a thread that leaves signals to the others; false where the system gives none. */
bool thread_begin(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* Calls work(context, i) for i in 0..count-1 on `threads` threads (the caller's is one of them), each item
 * once, in no set order.  A false return stops handing out items.  Returns whether all returned true. */
bool parallel_for(size_t count, int threads, bool (*work)(void *context, size_t item), void *context);

#ifdef __cplusplus
}
#endif

#endif
