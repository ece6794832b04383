/* Batches made ahead by a thread: see loader.h. */
#include "train/loader.h"

#include "base/parallel.h"
#include "train/dataset.h"

#include <pthread.h>
#include <stdlib.h>

enum { AHEAD = 4 }; /* batches that wait to be taken */

struct slot {
    struct batch batch;
    struct error error;
};

struct loader {
    loader_make *make;
    void *context;
    struct slot slots[AHEAD];
    int64_t next_made, next_taken, last; /* index % AHEAD is a batch's slot */
    bool threaded, stopping;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
};

static void *loader_main(void *argument)
{
    struct loader *loader = argument;

    pthread_mutex_lock(&loader->mutex);
    while (!loader->stopping && loader->next_made < loader->last) {
        if (loader->next_made - loader->next_taken == AHEAD) {
            pthread_cond_wait(&loader->changed, &loader->mutex);
            continue;
        }
        struct slot *slot = &loader->slots[loader->next_made % AHEAD];
        pthread_mutex_unlock(&loader->mutex);
        slot->error = (struct error){0};
        bool made = loader->make(loader->context, loader->next_made, &slot->batch, &slot->error);
        pthread_mutex_lock(&loader->mutex);
        loader->next_made++;
        if (!made)
            loader->last = loader->next_made;
        pthread_cond_broadcast(&loader->changed);
    }
    pthread_mutex_unlock(&loader->mutex);
    return NULL;
}

struct loader *loader_start(loader_make *make, void *context, int64_t first, int64_t last)
{
    struct loader *loader = mem_zero(1, sizeof *loader);

    *loader = (struct loader){
        .make = make, .context = context, .next_made = first, .next_taken = first, .last = last};
    pthread_mutex_init(&loader->mutex, NULL);
    pthread_cond_init(&loader->changed, NULL);
    loader->threaded = thread_begin(&loader->thread, loader_main, loader);
    return loader;
}

void loader_stop(struct loader *loader)
{
    if (!loader)
        return;
    pthread_mutex_lock(&loader->mutex);
    loader->stopping = true;
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    if (loader->threaded)
        pthread_join(loader->thread, NULL);
    for (; loader->next_taken < loader->next_made; loader->next_taken++)
        batch_free(&loader->slots[loader->next_taken % AHEAD].batch);
    pthread_mutex_destroy(&loader->mutex);
    pthread_cond_destroy(&loader->changed);
    free(loader);
}

bool loader_next(struct loader *loader, struct batch *batch, struct error *error)
{
    *batch = (struct batch){0};
    if (!loader->threaded) /* the system gave no thread: here and now */
        return loader->make(loader->context, loader->next_taken++, batch, error);
    pthread_mutex_lock(&loader->mutex);
    while (loader->next_taken == loader->next_made && loader->next_made < loader->last)
        pthread_cond_wait(&loader->changed, &loader->mutex);
    bool there = loader->next_taken < loader->next_made;
    if (there) {
        struct slot *slot = &loader->slots[loader->next_taken++ % AHEAD];
        *batch = slot->batch;
        slot->batch = (struct batch){0};
        if (slot->error.kind)
            *error = slot->error;
    }
    pthread_cond_broadcast(&loader->changed);
    pthread_mutex_unlock(&loader->mutex);
    return there ? !error->kind : error_set(error, "no more batches");
}
