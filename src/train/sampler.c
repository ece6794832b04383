/* Epochs, batches and steps: see sampler.h. */
#include "train/sampler.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

/* ---- by length ---- */

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

void longest_first_order(const struct dataset *dataset, size_t *order)
{
    for (size_t i = 0; i < dataset->count; i++)
        order[i] = i;
    sort_by_length(dataset, order, dataset->count);
}

/* ---- an epoch ---- */

enum { GROUPED_BATCHES = 50 }; /* batches among which clips of like length are put together */

/* Clips of a batch: with train.batch_seconds, as are there on average. */
static size_t mean_batch_size(const struct dataset *dataset)
{
    double budget = dataset->source.settings->train.batch_seconds, seconds = 0;

    for (size_t i = 0; i < dataset->count; i++)
        seconds += dataset->items[i].seconds;
    if (budget == 0 || seconds == 0)
        return (size_t)dataset->source.settings->train.batch_size;
    double clips = budget * (double)dataset->count / seconds;
    return clips < 1 ? 1 : clips > (double)dataset->count ? dataset->count : (size_t)clips;
}

/* Cuts the order into batches: train.batch_size clips each, or as many as make up train.batch_seconds with
 * their padding, one at least. */
static void split_batches(struct epoch *epoch, const struct dataset *dataset)
{
    size_t size = (size_t)dataset->source.settings->train.batch_size, count = 0;
    double budget = dataset->source.settings->train.batch_seconds, longest = 0;

    epoch->batches = 0;
    for (size_t i = 0; i < dataset->count; i++) {
        double seconds = dataset->items[epoch->order[i]].seconds;
        double wide = seconds > longest ? seconds : longest;
        bool full = budget > 0 ? (double)(count + 1) * wide > budget : count == size;
        if (count == 0 || full) {
            epoch->starts[epoch->batches++] = i;
            count = 0;
            wide = seconds;
        }
        longest = wide;
        count++;
    }
    epoch->starts[epoch->batches] = dataset->count;
}

/* Shuffles whole batches, so that lengths vary from step to step; a last one that is not full stays last. */
static void shuffle_batches(struct epoch *epoch, const struct dataset *dataset, struct random_stream *stream)
{
    size_t batches = (size_t)epoch->batches, to = 0;
    size_t size = (size_t)dataset->source.settings->train.batch_size;
    bool budgeted = dataset->source.settings->train.batch_seconds > 0;
    size_t moved = !budgeted && dataset->count % size ? batches - 1 : batches;
    size_t *places = mem_zero(batches, sizeof *places), *order = mem_zero(dataset->count, sizeof *order),
           *starts = mem_zero(batches + 1, sizeof *starts);

    for (size_t b = 0; b < batches; b++)
        places[b] = b;
    random_shuffle(stream, places, moved);
    for (size_t b = 0; b < batches; b++) {
        size_t first = epoch->starts[places[b]], count = epoch->starts[places[b] + 1] - first;
        starts[b] = to;
        memcpy(order + to, epoch->order + first, count * sizeof *order);
        to += count;
    }
    starts[batches] = to;
    free(places);
    free(epoch->order);
    free(epoch->starts);
    epoch->order = order;
    epoch->starts = starts;
}

/* Deals a step's clips, longest first, each to the batch of least length that has room. */
static void balance_step(const struct epoch *epoch, const struct dataset *dataset, int64_t first,
                         int64_t last)
{
    const size_t *starts = epoch->starts + first;
    size_t batches = (size_t)(last - first), count = starts[batches] - starts[0];
    size_t *clips = mem_zero(count, sizeof *clips), *dealt = mem_zero(batches, sizeof *dealt);
    double *seconds = mem_zero(batches, sizeof *seconds);

    memcpy(clips, epoch->order + starts[0], count * sizeof *clips);
    sort_by_length(dataset, clips, count);
    for (size_t i = 0; i < count; i++) {
        size_t least = batches;
        for (size_t b = 0; b < batches; b++) {
            bool room = dealt[b] < starts[b + 1] - starts[b];
            if (room && (least == batches || seconds[b] < seconds[least]))
                least = b;
        }
        epoch->order[starts[least] + dealt[least]++] = clips[i];
        seconds[least] += dataset->items[clips[i]].seconds;
    }
    free(clips);
    free(dealt);
    free(seconds);
}

/* Evens out the batches of each step, which may run at the same time and then wait for the longest.  Which
 * clips a step takes stays as it was. */
static void balance_lengths(struct epoch *epoch, const struct dataset *dataset)
{
    int64_t accumulate = dataset->source.settings->train.gradient_accumulation_steps;

    for (int64_t first = 0; accumulate > 1 && first < epoch->batches; first += accumulate)
        balance_step(epoch, dataset, first,
                     first + accumulate < epoch->batches ? first + accumulate : epoch->batches);
}

/* ---- balanced sampling ---- */

/* Clips sorted by their label, and by speaker where that counts; groups[g] is the first clip of group g. */
struct grouped {
    size_t *clips, *groups, *labels; /* labels[l]: the first group of the l-th label that has clips */
    size_t group_count, label_count;
};

struct owned {
    int label;
    const char *speaker;
    size_t clip;
};

static int by_owner(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    int order =
        x->label != y->label ? (x->label > y->label) - (x->label < y->label) : strcmp(x->speaker, y->speaker);

    return order ? order : (x->clip > y->clip) - (x->clip < y->clip);
}

static void groups_make(struct grouped *grouped, const struct dataset *dataset, bool by_speaker)
{
    size_t count = dataset->count;
    struct owned *owned = mem_zero(count, sizeof *owned);

    *grouped = (struct grouped){.clips = mem_zero(count, sizeof *grouped->clips),
                                .groups = mem_zero(count + 1, sizeof *grouped->groups),
                                .labels = mem_zero(count + 1, sizeof *grouped->labels)};
    for (size_t i = 0; i < count; i++) {
        const char *speaker = dataset->items[i].clip->speaker;
        owned[i] = (struct owned){dataset->items[i].label, by_speaker && speaker ? speaker : "", i};
    }
    if (count)
        qsort(owned, count, sizeof *owned, by_owner);
    for (size_t i = 0; i < count; i++) {
        bool other_label = i == 0 || owned[i].label != owned[i - 1].label;
        if (other_label)
            grouped->labels[grouped->label_count++] = grouped->group_count;
        if (other_label || strcmp(owned[i].speaker, owned[i - 1].speaker) != 0)
            grouped->groups[grouped->group_count++] = i;
        grouped->clips[i] = owned[i].clip;
    }
    grouped->groups[grouped->group_count] = count;
    grouped->labels[grouped->label_count] = grouped->group_count;
    free(owned);
}

/* As many clips as there are, with replacement: a label, one of its groups, one of that's clips. */
static void order_balanced(const struct dataset *dataset, bool by_speaker, struct random_stream *stream,
                           size_t *order)
{
    struct grouped grouped;

    groups_make(&grouped, dataset, by_speaker);
    for (size_t i = 0; i < dataset->count; i++) {
        size_t label = random_below(stream, grouped.label_count), first = grouped.labels[label];
        size_t group = first + random_below(stream, grouped.labels[label + 1] - first);
        size_t clips = grouped.groups[group + 1] - grouped.groups[group];
        order[i] = grouped.clips[grouped.groups[group] + random_below(stream, clips)];
    }
    free(grouped.clips);
    free(grouped.groups);
    free(grouped.labels);
}

/* The clips of an epoch, in the order that they train in unless they are grouped by length. */
static void draw_clips(const struct dataset *dataset, bool balanced, struct random_stream *stream,
                       size_t *order)
{
    const struct train_settings *settings = &dataset->source.settings->train;

    if (balanced && strcmp(settings->sampler, "random") != 0) {
        order_balanced(dataset, strcmp(settings->sampler, "balanced_speakers") == 0, stream, order);
        return;
    }
    for (size_t i = 0; i < dataset->count; i++)
        order[i] = i;
    if (settings->shuffle)
        random_shuffle(stream, order, dataset->count);
}

bool sampler_check(const struct dataset *dataset, struct error *error)
{
    const struct train_settings *settings = &dataset->source.settings->train;

    if (!settings->shuffle && settings->group_by_length)
        return error_usage(error, "train.group_by_length=yes sorts and shuffles: leave out train.shuffle=no");
    if (strcmp(settings->sampler, "random") == 0)
        return true;
    if (dataset->task != SINGLE_LABEL)
        return error_usage(error, "train.sampler=%s is for model.task=single_label", settings->sampler);
    if (!settings->shuffle)
        return error_usage(error, "train.sampler=%s chooses at random: leave out train.shuffle=no",
                           settings->sampler);
    for (size_t i = 0; strcmp(settings->sampler, "balanced_speakers") == 0 && i < dataset->count; i++)
        if (!dataset->items[i].clip->speaker)
            return error_usage(error, "train.sampler=balanced_speakers: the speaker of %s is not known",
                               dataset->items[i].clip->path);
    return true;
}

/* ---- an epoch's layout ---- */

/* Epoch `number`, without the count of batches before it; `balanced`: as train.sampler says. */
static void lay_out(struct epoch *epoch, const struct dataset *dataset, bool balanced, int64_t number)
{
    const struct settings *settings = dataset->source.settings;
    struct random_stream stream = random_stream((uint64_t)settings->run.seed, RANDOM_ORDER, (uint64_t)number);
    bool grouped = settings->train.group_by_length;
    size_t run = GROUPED_BATCHES * (grouped ? mean_batch_size(dataset) : 1);

    free(epoch->order);
    free(epoch->starts);
    epoch->number = number;
    epoch->order = mem_zero(dataset->count, sizeof *epoch->order);
    epoch->starts = mem_zero(dataset->count + 1, sizeof *epoch->starts);
    draw_clips(dataset, balanced, &stream, epoch->order);
    for (size_t first = 0; grouped && first < dataset->count; first += run)
        sort_by_length(dataset, epoch->order + first,
                       first + run < dataset->count ? run : dataset->count - first);
    split_batches(epoch, dataset);
    if (grouped)
        shuffle_batches(epoch, dataset, &stream);
    else if (settings->train.shuffle && settings->train.batch_seconds == 0)
        balance_lengths(epoch, dataset);
}

void epoch_plan(struct epoch *epoch, const struct dataset *dataset, int64_t number)
{
    int64_t earlier = 0, known = 0; /* batches of the first `known` epochs */

    if (epoch->order && epoch->number < number) {
        earlier = epoch->earlier + epoch->batches;
        known = epoch->number + 1;
    }
    if (dataset->source.settings->train.batch_seconds == 0) {
        lay_out(epoch, dataset, true, number);
        epoch->earlier = number * epoch->batches;
        return;
    }
    for (; known < number; known++) {
        lay_out(epoch, dataset, true, known);
        earlier += epoch->batches;
    }
    lay_out(epoch, dataset, true, number);
    epoch->earlier = earlier;
}

void epoch_plan_whole(struct epoch *epoch, const struct dataset *dataset)
{
    lay_out(epoch, dataset, false, 0);
    epoch->earlier = 0;
}

void epoch_free(struct epoch *epoch)
{
    free(epoch->order);
    free(epoch->starts);
    *epoch = (struct epoch){0};
}

/* ---- steps ---- */

static int64_t divide_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

int64_t train_epoch_steps(const struct train_settings *settings, int64_t batches)
{
    return divide_up(batches, settings->gradient_accumulation_steps);
}

/* The steps of `epochs` epochs, or `most` if they are more. */
static int64_t count_budgeted_steps(const struct dataset *dataset, int64_t epochs, int64_t most)
{
    struct epoch epoch = {0};
    int64_t steps = 0;

    for (int64_t e = 0; e < epochs && steps < most; e++) {
        epoch_plan(&epoch, dataset, e);
        steps += train_epoch_steps(&dataset->source.settings->train, epoch.batches);
    }
    epoch_free(&epoch);
    return steps < most ? steps : most;
}

int64_t train_total_steps(const struct dataset *dataset)
{
    const struct settings *settings = dataset->source.settings;
    int64_t most = settings->train.max_steps, epochs = settings->train.epochs;

    if (epochs == 0)
        return most;
    most = most > 0 ? most : INT64_MAX;
    if (settings->train.batch_seconds > 0)
        return count_budgeted_steps(dataset, epochs, most);
    int64_t batches = divide_up((int64_t)dataset->count, settings->train.batch_size);
    int64_t steps = epochs * train_epoch_steps(&settings->train, batches);
    return steps < most ? steps : most;
}
