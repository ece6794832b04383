/* Threads, and a parallel loop over independent items. */
#ifndef EMOTRAIN_BASE_PARALLEL_H
#define EMOTRAIN_BASE_PARALLEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Threads to use where `wanted` are asked for: 0 means every processor; more than there are would only get in
 * each other's way. */
int thread_count(int64_t wanted);

/* Begins a thread that leaves signals to the others; false where the system gives none. */
bool thread_begin(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* Calls work(context, i) for i in 0..count-1 on `threads` threads (the caller's is one of them), each item
 * once, in no set order.  A false return stops handing out items.  Returns whether all returned true. */
bool parallel_for(size_t count, int threads, bool (*work)(void *context, size_t item), void *context);

#endif
