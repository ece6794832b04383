/*
 * Clips that are stretches of one recording, which stay together.
 *
 * A single split makes seeded choices of recordings, as a split by speaker does.  Folds are dealt as
 * scikit-learn's StratifiedGroupKFold deals groups: in a seeded order, those first whose labels are least
 * even, each to the fold where the labels' shares then differ least from fold to fold.
 */
#include "audio/audio.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/random.h"
#include "corpus/split/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether any two are the same. */
static bool any_twice(char *const *files, size_t count)
{
    char **sorted = mem_zero(count, sizeof *sorted);
    bool twice = false;

    memcpy(sorted, files, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_text);
    for (size_t i = 1; i < count && !twice; i++)
        twice = strcmp(sorted[i - 1], sorted[i]) == 0;
    free(sorted);
    return twice;
}

char **split_recordings(const struct clip_list *clips, const char *root)
{
    bool stretches = false;

    for (size_t i = 0; i < clips->count && !stretches; i++)
        stretches = strstr(clips->clips[i].path, "#t=") != NULL;
    if (!stretches)
        return NULL;
    char **files = mem_zero(clips->count, sizeof *files);
    for (size_t i = 0; i < clips->count; i++) {
        double start, end;
        files[i] = audio_file_of(clips->clips[i].path, &start, &end);
        if (root && files[i][0] != '/') { /* further corpora have whole paths */
            char *whole = path_join(root, files[i]);
            free(files[i]);
            files[i] = whole;
        }
    }
    if (any_twice(files, clips->count))
        return files;
    split_recordings_free(files, clips->count);
    return NULL;
}

void split_recordings_free(char **recordings, size_t count)
{
    for (size_t i = 0; recordings && i < count; i++)
        free(recordings[i]);
    free(recordings);
}

static int by_recording(const void *a, const void *b)
{
    const char *const *const x = *(const char *const *const *)a, *const *const y =
                                                                     *(const char *const *const *)b;
    int order = strcmp(*x, *y);

    return order ? order : (x > y) - (x < y);
}

size_t *split_first_of_recordings(char *const *recordings, size_t count)
{
    size_t *first = mem_zero(count, sizeof *first);
    char *const **order = mem_zero(count, sizeof *order);

    for (size_t i = 0; i < count; i++)
        order[i] = &recordings[i];
    qsort(order, count, sizeof *order, by_recording);
    for (size_t i = 0; i < count; i++) {
        bool same = i > 0 && strcmp(*order[i], *order[i - 1]) == 0;
        first[order[i] - recordings] =
            same ? first[order[i - 1] - recordings] : (size_t)(order[i] - recordings);
    }
    free(order);
    return first;
}

/* ---- folds ---- */

/* Recordings of a pool, with how many clips of each label they have. */
struct recordings {
    struct recording {
        const char *name;
        size_t fold;
        double unevenness; /* standard deviation of its counts */
        size_t order;      /* by chance */
        double *counts;    /* (labels) */
        size_t clips;
    } * items;
    size_t count, labels;
    double *counts, *totals; /* of all recordings; totals: (labels) of the whole */
};

static double deviation_of(const double *values, size_t count)
{
    double mean = 0, sum = 0;

    for (size_t k = 0; k < count; k++)
        mean += values[k] / (double)count;
    for (size_t k = 0; k < count; k++)
        sum += (values[k] - mean) * (values[k] - mean);
    return sqrt(sum / (double)count);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct recording *)a)->name, ((const struct recording *)b)->name);
}

static int by_unevenness(const void *a, const void *b)
{
    const struct recording *x = a, *y = b;

    if (x->unevenness != y->unevenness)
        return x->unevenness > y->unevenness ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static struct recording *find_recording(const struct recordings *r, const char *name)
{
    const struct recording key = {.name = name};

    return bsearch(&key, r->items, r->count, sizeof key, by_name);
}

static void recordings_start(struct recordings *r, const struct split_request *request)
{
    *r = (struct recordings){.items = mem_zero(request->count, sizeof *r->items),
                             .labels = request->class_count,
                             .totals = mem_zero(request->class_count, sizeof *r->totals)};
    char **names = mem_zero(request->count, sizeof *names);
    for (size_t i = 0; i < request->count; i++)
        names[i] = request->recordings[request->pool[i]];
    qsort(names, request->count, sizeof *names, by_text);
    for (size_t i = 0; i < request->count; i++)
        if (i == 0 || strcmp(names[i], names[i - 1]) != 0)
            r->items[r->count++].name = names[i];
    free(names);
    r->counts = mem_zero(r->count * r->labels, sizeof *r->counts);
    for (size_t g = 0; g < r->count; g++)
        r->items[g].counts = r->counts + g * r->labels;
    for (size_t i = 0; i < request->count; i++) {
        struct recording *recording = find_recording(r, request->recordings[request->pool[i]]);
        int label = request->classes[request->pool[i]];
        recording->counts[label]++;
        recording->clips++;
        r->totals[label]++;
    }
}

static void recordings_free(struct recordings *r)
{
    free(r->items);
    free(r->counts);
    free(r->totals);
}

/* How uneven the folds' shares of the labels are if the recording goes to `fold`. */
static double cost_of(const struct recordings *r, double *folds, size_t fold_count, size_t fold,
                      const struct recording *recording, double *shares)
{
    double sum = 0;

    for (size_t k = 0; k < r->labels; k++) {
        if (r->totals[k] == 0) /* a label of other corpora alone */
            continue;
        for (size_t f = 0; f < fold_count; f++)
            shares[f] = (folds[f * r->labels + k] + (f == fold ? recording->counts[k] : 0)) / r->totals[k];
        sum += deviation_of(shares, fold_count);
    }
    return sum / (double)r->labels;
}

static void deal_recordings(struct recordings *r, size_t fold_count)
{
    double *folds = mem_zero(fold_count * r->labels, sizeof *folds),
           *shares = mem_zero(fold_count, sizeof *shares);
    size_t *clips = mem_zero(fold_count, sizeof *clips);

    for (size_t g = 0; g < r->count; g++) {
        struct recording *recording = &r->items[g];
        double lowest = INFINITY;
        for (size_t f = 0; f < fold_count; f++) {
            double cost = cost_of(r, folds, fold_count, f, recording, shares);
            if (cost < lowest - 1e-12 || (cost < lowest + 1e-12 && clips[f] < clips[recording->fold])) {
                lowest = cost;
                recording->fold = f;
            }
        }
        clips[recording->fold] += recording->clips;
        for (size_t k = 0; k < r->labels; k++)
            folds[recording->fold * r->labels + k] += recording->counts[k];
    }
    free(folds);
    free(shares);
    free(clips);
}

static bool fold_recordings(const struct split_request *request, size_t folds, size_t chosen, size_t *rest,
                            size_t *rest_count, size_t *part, size_t *part_count, struct error *error)
{
    struct random_stream stream = random_stream(request->seed, RANDOM_SPEAKERS, 0);
    struct recordings r;

    recordings_start(&r, request);
    if (folds > r.count) {
        error_usage(error, "split.folds=%zu is more than the %zu recordings, whose clips stay together",
                    folds, r.count);
        recordings_free(&r);
        return false;
    }
    size_t *order = mem_zero(r.count, sizeof *order);
    for (size_t g = 0; g < r.count; g++)
        order[g] = g;
    random_shuffle(&stream, order, r.count);
    for (size_t g = 0; g < r.count; g++) {
        r.items[g].order = order[g];
        r.items[g].unevenness = deviation_of(r.items[g].counts, r.labels);
    }
    free(order);
    qsort(r.items, r.count, sizeof *r.items, by_unevenness);
    deal_recordings(&r, folds);
    qsort(r.items, r.count, sizeof *r.items, by_name);
    *rest_count = *part_count = 0;
    for (size_t i = 0; i < request->count; i++) {
        if (find_recording(&r, request->recordings[request->pool[i]])->fold == chosen)
            part[(*part_count)++] = request->pool[i];
        else
            rest[(*rest_count)++] = request->pool[i];
    }
    recordings_free(&r);
    return true;
}

const struct split_protocol SPLIT_RECORDINGS = {
    .name = "stratified",
    .summary = "whole recordings per part, labels as even as it goes",
    .divide = split_divide_groups,
    .fold = fold_recordings,
};
