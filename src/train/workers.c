/* Threads that run batches at the same time: see workers.h. */
#include "train/workers.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "torch/torch.h"

#include <pthread.h>
#include <stdlib.h>

/* A worker beside the calling thread's. */
struct worker_thread {
    struct workers *workers;
    int worker;
    pthread_t handle;
};

struct workers {
    int count, threads; /* threads: of all together */
    struct worker_thread *threads_beside;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    long long rounds; /* begun so far */
    int active;       /* workers of the present round */
    int running;      /* of those beside the calling thread, how many are not done */
    bool stopping;
    void (*work)(void *context, int worker);
    void *context;
};

static void *worker_main(void *argument)
{
    const struct worker_thread *thread = argument;
    struct workers *workers = thread->workers;
    long long rounds = 0;

    pthread_mutex_lock(&workers->mutex);
    for (;;) {
        while (workers->rounds == rounds && !workers->stopping)
            pthread_cond_wait(&workers->changed, &workers->mutex);
        if (workers->stopping)
            break;
        rounds = workers->rounds;
        if (thread->worker >= workers->active)
            continue;
        int threads = workers->threads / workers->active;
        pthread_mutex_unlock(&workers->mutex);
        et_use_worker(thread->worker, threads);
        workers->work(workers->context, thread->worker);
        pthread_mutex_lock(&workers->mutex);
        if (--workers->running == 0)
            pthread_cond_broadcast(&workers->changed);
    }
    pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

struct workers *workers_start(int count)
{
    struct workers *workers = mem_zero(1, sizeof *workers);

    *workers = (struct workers){.count = 1,
                                .threads = et_get_threads(),
                                .threads_beside = mem_zero((size_t)count, sizeof *workers->threads_beside)};
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->changed, NULL);
    while (workers->count < count) {
        struct worker_thread *thread = &workers->threads_beside[workers->count];
        *thread = (struct worker_thread){workers, workers->count, 0};
        if (!thread_begin(&thread->handle, worker_main, thread))
            break;
        workers->count++;
    }
    return workers;
}

void workers_stop(struct workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->mutex);
    for (int i = 1; i < workers->count; i++)
        pthread_join(workers->threads_beside[i].handle, NULL);
    pthread_mutex_destroy(&workers->mutex);
    pthread_cond_destroy(&workers->changed);
    free(workers->threads_beside);
    free(workers);
}

int workers_count(const struct workers *workers)
{
    return workers->count;
}

void workers_run(struct workers *workers, int count, void (*work)(void *context, int worker), void *context)
{
    if (count <= 1) {
        work(context, 0);
        return;
    }
    et_workers_begin();
    pthread_mutex_lock(&workers->mutex);
    workers->work = work;
    workers->context = context;
    workers->active = count;
    workers->running = count - 1;
    workers->rounds++;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->mutex);
    et_use_worker(0, workers->threads / count);
    work(context, 0);
    et_use_worker(0, workers->threads);
    pthread_mutex_lock(&workers->mutex);
    while (workers->running > 0)
        pthread_cond_wait(&workers->changed, &workers->mutex);
    pthread_mutex_unlock(&workers->mutex);
    et_workers_end();
}
