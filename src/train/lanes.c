#include "train/lanes.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "torch/torch.h"

#include <pthread.h>
#include <stdlib.h>

/* A lane beside the calling thread's. */
struct helper {
    struct lanes *lanes;
    int lane;
    pthread_t thread;
};

struct lanes {
    int count, threads; /* threads: of all together */
    struct helper *helpers;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    long long rounds; /* begun so far */
    int active;       /* lanes of the present round */
    int running;      /* helpers of it that are not done */
    bool stopping;
    void (*work)(void *context, int lane);
    void *context;
};

static void *help(void *argument)
{
    const struct helper *helper = argument;
    struct lanes *lanes = helper->lanes;
    long long rounds = 0;

    pthread_mutex_lock(&lanes->mutex);
    for (;;) {
        while (lanes->rounds == rounds && !lanes->stopping)
            pthread_cond_wait(&lanes->changed, &lanes->mutex);
        if (lanes->stopping)
            break;
        rounds = lanes->rounds;
        if (helper->lane >= lanes->active)
            continue;
        int threads = lanes->threads / lanes->active;
        pthread_mutex_unlock(&lanes->mutex);
        et_enter_lane(helper->lane, threads);
        lanes->work(lanes->context, helper->lane);
        pthread_mutex_lock(&lanes->mutex);
        if (--lanes->running == 0)
            pthread_cond_broadcast(&lanes->changed);
    }
    pthread_mutex_unlock(&lanes->mutex);
    return NULL;
}

struct lanes *lanes_start(int count)
{
    struct lanes *lanes = mem_zero(1, sizeof *lanes);

    *lanes = (struct lanes){
        .count = 1, .threads = et_get_threads(), .helpers = mem_zero((size_t)count, sizeof *lanes->helpers)};
    pthread_mutex_init(&lanes->mutex, NULL);
    pthread_cond_init(&lanes->changed, NULL);
    while (lanes->count < count) {
        struct helper *helper = &lanes->helpers[lanes->count];
        *helper = (struct helper){lanes, lanes->count, 0};
        if (!thread_begin(&helper->thread, help, helper))
            break;
        lanes->count++;
    }
    return lanes;
}

void lanes_stop(struct lanes *lanes)
{
    if (!lanes)
        return;
    pthread_mutex_lock(&lanes->mutex);
    lanes->stopping = true;
    pthread_cond_broadcast(&lanes->changed);
    pthread_mutex_unlock(&lanes->mutex);
    for (int i = 1; i < lanes->count; i++)
        pthread_join(lanes->helpers[i].thread, NULL);
    pthread_mutex_destroy(&lanes->mutex);
    pthread_cond_destroy(&lanes->changed);
    free(lanes->helpers);
    free(lanes);
}

int lanes_count(const struct lanes *lanes)
{
    return lanes->count;
}

void lanes_run(struct lanes *lanes, int count, void (*work)(void *context, int lane), void *context)
{
    if (count <= 1) {
        work(context, 0);
        return;
    }
    et_lanes_begin();
    pthread_mutex_lock(&lanes->mutex);
    lanes->work = work;
    lanes->context = context;
    lanes->active = count;
    lanes->running = count - 1;
    lanes->rounds++;
    pthread_cond_broadcast(&lanes->changed);
    pthread_mutex_unlock(&lanes->mutex);
    et_enter_lane(0, lanes->threads / count);
    work(context, 0);
    et_enter_lane(0, lanes->threads);
    pthread_mutex_lock(&lanes->mutex);
    while (lanes->running > 0)
        pthread_cond_wait(&lanes->changed, &lanes->mutex);
    pthread_mutex_unlock(&lanes->mutex);
    et_lanes_end();
}
