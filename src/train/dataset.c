#include "train/dataset.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

void dataset_start(struct dataset *dataset, const struct config *config, struct audio_cache *cache,
                   const char *root, const struct clip_list *clips, const struct split *split, enum part part,
                   const struct strings *labels)
{
    double longest = config_number(config, "audio.max_seconds");

    *dataset = (struct dataset){.config = config, .cache = cache, .root = root, .count = split->counts[part]};
    dataset->items = mem_zero(dataset->count, sizeof *dataset->items);
    for (size_t i = 0; i < dataset->count; i++) {
        const struct clip *clip = &clips->clips[split->clips[part][i]];
        double seconds = longest > 0 && clip->duration > longest ? longest : clip->duration;
        dataset->items[i] =
            (struct dataset_item){clip->path, clip->sha256, seconds, strings_index(labels, clip->label)};
    }
}

void dataset_free(struct dataset *dataset)
{
    free(dataset->items);
    *dataset = (struct dataset){0};
}

void batch_start(struct batch *batch, const struct signal *signals, const int *labels, size_t count,
                 const struct model *model)
{
    *batch = (struct batch){.count = (int64_t)count, .width = model->minimum_samples};
    batch->lengths = mem_zero(count, sizeof *batch->lengths);
    batch->labels = mem_zero(count, sizeof *batch->labels);
    for (size_t i = 0; i < count; i++) {
        int64_t length = (int64_t)signals[i].count;
        batch->lengths[i] = length > model->minimum_samples ? length : model->minimum_samples;
        batch->width = batch->lengths[i] > batch->width ? batch->lengths[i] : batch->width;
        batch->labels[i] = labels ? labels[i] : 0;
    }
    batch->samples = mem_zero(count, (size_t)batch->width * sizeof *batch->samples);
    for (size_t i = 0; i < count; i++)
        memcpy(batch->samples + i * (size_t)batch->width, signals[i].samples,
               signals[i].count * sizeof *batch->samples);
}

void batch_free(struct batch *batch)
{
    free(batch->samples);
    free(batch->lengths);
    free(batch->labels);
    *batch = (struct batch){0};
}

bool dataset_batch(const struct dataset *dataset, const size_t *items, size_t count,
                   const struct model *model, const struct augmentation *augmentation, uint64_t seed,
                   struct batch *batch, struct error *error)
{
    struct signal *signals = mem_zero(count, sizeof *signals);
    int *labels = mem_zero(count, sizeof *labels);
    bool done = true;

    for (size_t i = 0; done && i < count; i++) {
        const struct dataset_item *item = &dataset->items[items[i]];
        char *path = path_join(dataset->root, item->path);
        labels[i] = item->label;
        done = corpus_signal(dataset->config, dataset->cache, path, item->sha256, &signals[i], error);
        if (done && augmentation)
            augment_signal(augmentation, &signals[i], seed, i);
        free(path);
    }
    if (done)
        batch_start(batch, signals, labels, count, model);
    for (size_t i = 0; i < count; i++)
        signal_free(&signals[i]);
    free(signals);
    free(labels);
    return done;
}

/* For sorting: indices with what they are sorted by. */
struct keyed {
    double key;
    size_t index, rank;
};

static int longest_first(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? 1 : -1;
    return (x->rank > y->rank) - (x->rank < y->rank);
}

static void sort_by_length(const struct dataset *dataset, size_t *order, size_t count)
{
    struct keyed *keyed = mem_zero(count, sizeof *keyed);

    for (size_t i = 0; i < count; i++)
        keyed[i] = (struct keyed){dataset->items[order[i]].seconds, order[i], i};
    if (count)
        qsort(keyed, count, sizeof *keyed, longest_first);
    for (size_t i = 0; i < count; i++)
        order[i] = keyed[i].index;
    free(keyed);
}

void dataset_longest_first(const struct dataset *dataset, size_t *order)
{
    for (size_t i = 0; i < dataset->count; i++)
        order[i] = i;
    sort_by_length(dataset, order, dataset->count);
}

enum { GROUPED_BATCHES = 50 }; /* batches among which clips of like length are put together */

/* Sorts runs of the shuffled order by length, then shuffles whole batches, so that lengths still vary from
 * step to step. */
static void group(const struct dataset *dataset, size_t batch_size, struct random_stream *stream,
                  size_t *order)
{
    size_t run = GROUPED_BATCHES * batch_size, batches = dataset->count / batch_size;
    size_t *batch_order = mem_zero(batches, sizeof *batch_order);
    size_t *grouped = mem_zero(dataset->count, sizeof *grouped);

    for (size_t first = 0; first < dataset->count; first += run)
        sort_by_length(dataset, order + first, first + run < dataset->count ? run : dataset->count - first);
    for (size_t b = 0; b < batches; b++)
        batch_order[b] = b;
    random_shuffle(stream, batch_order, batches);
    memcpy(grouped, order, dataset->count * sizeof *grouped);
    for (size_t b = 0; b < batches; b++)
        memcpy(order + b * batch_size, grouped + batch_order[b] * batch_size, batch_size * sizeof *order);
    free(batch_order);
    free(grouped);
}

void dataset_order(const struct dataset *dataset, uint64_t seed, int64_t epoch, size_t *order)
{
    struct random_stream stream = random_stream(seed, RANDOM_ORDER, (uint64_t)epoch);

    for (size_t i = 0; i < dataset->count; i++)
        order[i] = i;
    if (config_bool(dataset->config, "train.shuffle"))
        random_shuffle(&stream, order, dataset->count);
    if (config_bool(dataset->config, "train.group_by_length"))
        group(dataset, (size_t)config_integer(dataset->config, "train.batch_size"), &stream, order);
}
