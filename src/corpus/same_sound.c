/* Clips that hold the same sound: see same_sound.h. */
#include "corpus/same_sound.h"

#include "audio/sound.h"
#include "base/parallel.h"

#include <stdlib.h>
#include <string.h>

/* Clips under comparison: which is the same as which, as a forest whose roots are the first of each. */
struct comparison {
    const struct clip_list *clips;
    size_t *first;
    struct print {
        struct fingerprint fingerprint;
        size_t clip;
    } * prints; /* by seconds */
    size_t count;
    pthread_mutex_t mutex; /* guards first */
};

static size_t root_of(const size_t *first, size_t i)
{
    while (first[i] != i)
        i = first[i];
    return i;
}

static void join(size_t *first, size_t a, size_t b)
{
    size_t x = root_of(first, a), y = root_of(first, b);

    if (x < y)
        first[y] = x;
    else
        first[x] = y;
}

static int by_seconds(const void *a, const void *b)
{
    const struct print *x = a, *y = b;

    if (x->fingerprint.seconds != y->fingerprint.seconds)
        return x->fingerprint.seconds < y->fingerprint.seconds ? -1 : 1;
    return (x->clip > y->clip) - (x->clip < y->clip);
}

static int by_content(const void *a, const void *b)
{
    const struct clip *x = *(const struct clip *const *)a, *y = *(const struct clip *const *)b;

    return strcmp(x->sha256, y->sha256);
}

static void join_contents(const struct comparison *comparison)
{
    const struct clip *clips = comparison->clips->clips;
    const struct clip **order = mem_zero(comparison->clips->count, sizeof *order);
    size_t count = 0;

    for (size_t i = 0; i < comparison->clips->count; i++)
        if (clips[i].sha256)
            order[count++] = &clips[i];
    if (count)
        qsort(order, count, sizeof *order, by_content);
    for (size_t i = 1; i < count; i++)
        if (by_content(&order[i - 1], &order[i]) == 0)
            join(comparison->first, (size_t)(order[i - 1] - clips), (size_t)(order[i] - clips));
    free(order);
}

/* Compares one fingerprint with those of a little longer sounds. */
static bool compare_print(void *context, size_t item)
{
    struct comparison *comparison = context;
    const struct print *one = &comparison->prints[item];
    const float last = one->fingerprint.seconds + fingerprint_slack(one->fingerprint.seconds);

    for (size_t i = item + 1; i < comparison->count && comparison->prints[i].fingerprint.seconds <= last;
         i++) {
        if (!fingerprint_same(&one->fingerprint, &comparison->prints[i].fingerprint))
            continue;
        pthread_mutex_lock(&comparison->mutex);
        join(comparison->first, one->clip, comparison->prints[i].clip);
        pthread_mutex_unlock(&comparison->mutex);
    }
    return true;
}

static void join_prints(struct comparison *comparison, int threads)
{
    for (size_t i = 0; i < comparison->clips->count; i++) {
        struct print print = {.clip = i};
        if (comparison->first[i] != i) /* of the same content as an earlier one */
            continue;
        fingerprint_read(&print.fingerprint, comparison->clips->clips[i].fingerprint);
        if (print.fingerprint.seconds > 0)
            comparison->prints[comparison->count++] = print;
    }
    if (comparison->count)
        qsort(comparison->prints, comparison->count, sizeof *comparison->prints, by_seconds);
    parallel_for(comparison->count, threads, compare_print, comparison);
}

void same_sound_find(const struct clip_list *clips, int threads, size_t *first)
{
    struct comparison comparison = {.clips = clips, .first = first, .mutex = PTHREAD_MUTEX_INITIALIZER};

    for (size_t i = 0; i < clips->count; i++)
        first[i] = i;
    size_t opened = 0;
    for (size_t i = 0; i < clips->count; i++)
        opened += clips->clips[i].sha256 != NULL;
    if (opened == 0)
        return;
    comparison.prints = mem_zero(clips->count, sizeof *comparison.prints);
    join_contents(&comparison);
    join_prints(&comparison, threads);
    for (size_t i = 0; i < clips->count; i++)
        first[i] = root_of(first, i);
    free(comparison.prints);
}

size_t same_sound_count(const struct clip_list *clips, const size_t *first)
{
    size_t count = 0;

    for (size_t i = 0; i < clips->count; i++)
        count += first[i] != i;
    return count;
}
