/*
 * Stratified splits, clip for clip those of scikit-learn's train_test_split(stratify=...) and
 * StratifiedKFold(shuffle=True): the same random numbers from NumPy's RandomState in the same order.
 */
#include "base/memory.h"
#include "base/random.h"
#include "corpus/split/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x < y) - (x > y);
}

/* Adds one to `add` of the classes whose remainder is `value`; ties beyond `add` are broken by lot. */
static size_t top_up(const double *remainder, double value, size_t classes, size_t needed, size_t *counts,
                     struct numpy_random *random)
{
    size_t *tied = mem_zero(classes, sizeof *tied), *order = mem_zero(classes, sizeof *order), count = 0;

    for (size_t k = 0; k < classes; k++)
        if (remainder[k] == value)
            tied[count++] = k;
    size_t add = count < needed ? count : needed;
    numpy_random_permutation(random, order, count); /* RandomState.choice(tied, add, replace=False) */
    for (size_t i = 0; i < add; i++)
        counts[tied[order[i]]]++;
    free(tied);
    free(order);
    return add;
}

/* scikit-learn's _approximate_mode: how many of `draws` each class gets, by largest remainder. */
static void approximate_mode(const size_t *class_counts, size_t classes, size_t draws, size_t *counts,
                             struct numpy_random *random)
{
    double *remainder = mem_zero(classes, sizeof *remainder), *values = mem_zero(classes, sizeof *values);
    double total = 0;
    size_t needed = draws;

    for (size_t k = 0; k < classes; k++)
        total += (double)class_counts[k];
    for (size_t k = 0; k < classes; k++) {
        double continuous = (double)class_counts[k] / total * (double)draws;
        counts[k] = (size_t)floor(continuous);
        remainder[k] = values[k] = continuous - floor(continuous);
        needed -= counts[k];
    }
    qsort(values, classes, sizeof *values, descending);
    for (size_t i = 0; i < classes && needed > 0; i++)
        if (i == 0 || values[i] != values[i - 1])
            needed -= top_up(remainder, values[i], classes, needed, counts, random);
    free(remainder);
    free(values);
}

static size_t *count_classes(const struct split_request *request)
{
    size_t *counts = mem_zero(request->class_count, sizeof *counts);

    for (size_t i = 0; i < request->count; i++)
        counts[request->classes[request->pool[i]]]++;
    return counts;
}

/* Classes absent from the pool are no classes to scikit-learn: drop them.  Returns how many are left, and
 * per pool item its class among those left. */
static size_t compact(const struct split_request *request, size_t *counts, int *classes)
{
    int *renamed = mem_zero(request->class_count, sizeof *renamed);
    size_t left = 0;

    for (size_t k = 0; k < request->class_count; k++) {
        if (counts[k] == 0)
            continue;
        renamed[k] = (int)left;
        counts[left++] = counts[k];
    }
    for (size_t i = 0; i < request->count; i++)
        classes[i] = renamed[request->classes[request->pool[i]]];
    free(renamed);
    return left;
}

/* A label of the pool with a single clip must be left out. */
static bool refuse_single(const struct split_request *request, const int *classes, int k, struct error *error)
{
    const char *label = "";

    for (size_t i = 0; i < request->count; i++)
        if (classes[i] == k)
            label = request->clips->clips[request->pool[i]].label;
    const char *quote = label[strcspn(label, ",=")] ? "\"" : "";
    return error_usage(
        error,
        "stratified split: the label \"%s\" has only 1 clip left to divide and needs at least 2: "
        "leave it out with corpus.label_map=%s%s%s=-",
        label, quote, label, quote);
}

static bool check_sizes(const struct split_request *request, const int *compacted, const size_t *counts,
                        size_t classes, size_t train, size_t test, struct error *error)
{
    for (size_t k = 0; k < classes; k++)
        if (counts[k] < 2)
            return refuse_single(request, compacted, (int)k, error);
    if (train < classes)
        return error_usage(error,
                           "stratified split: the train part of %zu clips should hold at least one of each "
                           "of the %zu classes",
                           train, classes);
    if (test < classes)
        return error_usage(error,
                           "stratified split: a part of %zu clips should hold at least one of each of the "
                           "%zu classes",
                           test, classes);
    return true;
}

/* One class's share: a permutation of its items, the first to train, the next to test. */
static void deal_class(const struct split_request *request, const int *classes, int k, size_t members,
                       size_t train, size_t test, size_t *rest, size_t *rest_count, size_t *part,
                       size_t *part_count, struct numpy_random *random)
{
    size_t *items = mem_zero(members, sizeof *items), *order = mem_zero(members, sizeof *order), n = 0;

    for (size_t i = 0; i < request->count; i++)
        if (classes[i] == k)
            items[n++] = request->pool[i];
    numpy_random_permutation(random, order, members);
    for (size_t i = 0; i < train; i++)
        rest[(*rest_count)++] = items[order[i]];
    for (size_t i = train; i < train + test; i++)
        part[(*part_count)++] = items[order[i]];
    free(items);
    free(order);
}

static bool divide_stratified(const struct split_request *request, size_t size, size_t *rest,
                              size_t *rest_count, size_t *part, size_t *part_count, struct error *error)
{
    struct numpy_random random;
    size_t train = request->count - size, *counts = count_classes(request);
    int *classes = mem_zero(request->count, sizeof *classes);
    size_t k_count = compact(request, counts, classes);
    size_t *to_train = mem_zero(k_count, sizeof *to_train), *to_test = mem_zero(k_count, sizeof *to_test);
    size_t *remaining = mem_zero(k_count, sizeof *remaining);

    *rest_count = *part_count = 0;
    bool done = check_sizes(request, classes, counts, k_count, train, size, error);
    if (done) {
        numpy_random_seed(&random, request->seed);
        approximate_mode(counts, k_count, train, to_train, &random);
        for (size_t k = 0; k < k_count; k++)
            remaining[k] = counts[k] - to_train[k];
        approximate_mode(remaining, k_count, size, to_test, &random);
        for (size_t k = 0; k < k_count; k++)
            deal_class(request, classes, (int)k, counts[k], to_train[k], to_test[k], rest, rest_count, part,
                       part_count, &random);
        numpy_random_shuffle(&random, rest, *rest_count);
        numpy_random_shuffle(&random, part, *part_count);
    }
    free(counts);
    free(classes);
    free(to_train);
    free(to_test);
    free(remaining);
    return done;
}

/* Renames classes by their first appearance in the pool, as StratifiedKFold encodes them. */
static void encode_by_appearance(const struct split_request *request, int *codes)
{
    int *code_of = mem_zero(request->class_count, sizeof *code_of), next = 0;

    for (size_t k = 0; k < request->class_count; k++)
        code_of[k] = -1;
    for (size_t i = 0; i < request->count; i++) {
        int k = request->classes[request->pool[i]];
        if (code_of[k] < 0)
            code_of[k] = next++;
        codes[i] = code_of[k];
    }
    free(code_of);
}

/* The folds of one class's members: as many of each fold as a round of dealing over all sorted items gives
 * it (`first` is where the class begins in that order), shuffled. */
static void folds_of_class(size_t *folds_out, size_t first, size_t members, size_t folds,
                           struct numpy_random *random)
{
    size_t n = 0;

    for (size_t f = 0; f < folds; f++)
        for (size_t i = first; i < first + members; i++)
            if (i % folds == f)
                folds_out[n++] = f;
    numpy_random_shuffle(random, folds_out, members);
}

static bool fold_stratified(const struct split_request *request, size_t folds, size_t chosen, size_t *rest,
                            size_t *rest_count, size_t *part, size_t *part_count, struct error *error)
{
    struct numpy_random random;
    int *codes = mem_zero(request->count, sizeof *codes);
    size_t *fold_of = mem_zero(request->count, sizeof *fold_of),
           *dealt = mem_zero(request->count, sizeof *dealt);
    size_t first = 0, largest = 0;

    encode_by_appearance(request, codes);
    numpy_random_seed(&random, request->seed);
    for (size_t k = 0; first < request->count; k++) {
        size_t members = 0, n = 0;
        for (size_t i = 0; i < request->count; i++)
            members += codes[i] == (int)k;
        folds_of_class(dealt, first, members, folds, &random);
        for (size_t i = 0; i < request->count; i++)
            if (codes[i] == (int)k)
                fold_of[i] = dealt[n++];
        first += members;
        largest = members > largest ? members : largest;
    }
    *rest_count = *part_count = 0;
    for (size_t i = 0; i < request->count; i++) {
        if (fold_of[i] == chosen)
            part[(*part_count)++] = request->pool[i];
        else
            rest[(*rest_count)++] = request->pool[i];
    }
    free(codes);
    free(fold_of);
    free(dealt);
    if (folds > largest)
        return error_usage(error, "split.folds=%zu cannot be greater than the number of clips in each class",
                           folds);
    return true;
}

const struct split_protocol SPLIT_STRATIFIED = {
    .name = "stratified",
    .summary = "by label, as scikit-learn's train_test_split and StratifiedKFold",
    .divide = divide_stratified,
    .fold = fold_stratified,
};
