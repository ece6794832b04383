/*
 * Inside train/: workers, threads that run batches at the same time, each on its part of the processors.  A
 * batch is hundreds of short operations: threads that divide each of them wait for one another after each,
 * threads that take whole batches do not.
 */
#ifndef EMOTRAIN_TRAIN_WORKERS_H
#define EMOTRAIN_TRAIN_WORKERS_H

struct workers;

enum { WORKERS_MAX = 64 }; /* as train.concurrent_batches allows */

/* `count` of them, from 1 to WORKERS_MAX, for this process's threads.  Fewer where the system gives no
 * thread.
 */
struct workers *workers_start(int count);
void workers_stop(struct workers *workers); /* NULL does nothing */

int workers_count(const struct workers *workers);

/* work(context, worker) in workers 0 .. count - 1 at once, 0 in the calling thread; returns when all are
 * done. */
void workers_run(struct workers *workers, int count, void (*work)(void *context, int worker), void *context);

#endif
