/*
 * Inside train/: lanes, in which passes run at the same time, each on its share of the processors.  A pass is
 * hundreds of short operations: threads that divide each of them wait for one another after each, threads
 * that divide passes do not.
 */
#ifndef EMOTRAIN_TRAIN_LANES_H
#define EMOTRAIN_TRAIN_LANES_H

struct lanes;

enum { LANES_MOST = 64 }; /* as train.concurrent_batches allows */

/* `count` of them, from 1 to LANES_MOST, for this process's threads.  Fewer where the system gives no thread.
 */
struct lanes *lanes_start(int count);
void lanes_stop(struct lanes *lanes); /* NULL does nothing */

int lanes_count(const struct lanes *lanes);

/* work(context, lane) in lanes 0 .. count - 1 at once, 0 in the calling thread; returns when all are done. */
void lanes_run(struct lanes *lanes, int count, void (*work)(void *context, int lane), void *context);

#endif
