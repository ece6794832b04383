/* Threads and parallel loops: see parallel.h. */
#include "base/parallel.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/processor.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

int thread_count(int64_t wanted)
{
    int processors = processor_count();

    return wanted > 0 && wanted < processors ? (int)wanted : processors;
}

bool thread_begin(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool begun = pthread_create(thread, NULL, run, argument) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return begun;
}

struct loop {
    size_t count;
    atomic_size_t next;
    atomic_bool failed;
    bool (*work)(void *context, size_t item);
    void *context;
    bool hushed; /* the caller's thread is: so are its helpers */
};

static void *loop_run(void *argument)
{
    struct loop *loop = argument;
    bool before = log_hush(loop->hushed);

    for (;;) {
        size_t item = atomic_fetch_add(&loop->next, 1);
        if (item >= loop->count || atomic_load(&loop->failed))
            break;
        if (!loop->work(loop->context, item))
            atomic_store(&loop->failed, true);
    }
    log_hush(before);
    return NULL;
}

bool parallel_for(size_t count, int threads, bool (*work)(void *context, size_t item), void *context)
{
    struct loop loop = {.count = count, .work = work, .context = context};
    pthread_t *helpers = mem_zero((size_t)(threads > 1 ? threads : 1), sizeof *helpers);
    int started = 0;

    loop.hushed = log_hush(true);
    log_hush(loop.hushed);
    while (started + 1 < threads && thread_begin(&helpers[started], loop_run, &loop))
        started++;
    loop_run(&loop);
    while (started-- > 0)
        pthread_join(helpers[started], NULL);
    free(helpers);
    return !atomic_load(&loop.failed);
}
