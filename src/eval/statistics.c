/* Bootstrap intervals and paired tests: see statistics.h. */
#include "eval/statistics.h"

#include "audio/audio.h"
#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- clusters ---- */

struct owned {
    const char *owner; /* a speaker, or the path of a recording */
    size_t item;
};

static int by_owner(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    int order = strcmp(x->owner, y->owner);

    return order ? order : (x->item > y->item) - (x->item < y->item);
}

/* Whether labelled clips are of two speakers or more. */
static bool speakers_differ(const struct prediction_list *predictions, const char *const *speakers)
{
    const char *first = NULL;
    bool several = false;

    for (size_t i = 0; speakers && i < predictions->count; i++) {
        if (!prediction_is_known(&predictions->items[i]) || !speakers[i])
            continue;
        first = first ? first : speakers[i];
        several = several || strcmp(first, speakers[i]) != 0;
    }
    return several;
}

/* Of each labelled clip the speaker, where speakers are given and this one is known, or else its recording;
 * NULL of the others; owners_free frees them. */
static char **owners_of(const struct prediction_list *predictions, const char *const *speakers)
{
    char **owners = mem_zero(predictions->count, sizeof *owners);
    double start, end;

    for (size_t i = 0; i < predictions->count; i++)
        if (prediction_is_known(&predictions->items[i]))
            owners[i] = speakers && speakers[i] ? mem_string(speakers[i])
                                                : audio_file_of(predictions->items[i].path, &start, &end);
    return owners;
}

static void owners_free(char **owners, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(owners[i]);
    free(owners);
}

/* The labelled clips, ordered by owner, an owner's to a cluster; returns how many clips those are. */
static size_t order_by_owner(struct clusters *clusters, const struct prediction_list *predictions,
                             char *const *owners)
{
    struct owned *owned = mem_zero(predictions->count, sizeof *owned);
    size_t count = 0;

    clusters->count = 0;
    for (size_t i = 0; i < predictions->count; i++)
        if (prediction_is_known(&predictions->items[i]))
            owned[count++] = (struct owned){owners[i], i};
    if (count)
        qsort(owned, count, sizeof *owned, by_owner);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || strcmp(owned[i].owner, owned[i - 1].owner) != 0)
            clusters->starts[clusters->count++] = i;
        clusters->items[i] = owned[i].item;
    }
    clusters->starts[clusters->count] = count;
    free(owned);
    return count;
}

/* Each labelled clip by itself, in the order of the predictions. */
static void keep_single(struct clusters *clusters, const struct prediction_list *predictions)
{
    clusters->unit = "clip";
    clusters->count = 0;
    for (size_t i = 0; i < predictions->count; i++)
        if (prediction_is_known(&predictions->items[i])) {
            clusters->starts[clusters->count] = clusters->count;
            clusters->items[clusters->count++] = i;
        }
    clusters->starts[clusters->count] = clusters->count;
}

void clusters_make(struct clusters *clusters, const struct prediction_list *predictions,
                   const char *const *speakers)
{
    bool by_speaker = speakers_differ(predictions, speakers);
    char **owners = owners_of(predictions, by_speaker ? speakers : NULL);

    *clusters = (struct clusters){.unit = by_speaker ? "speaker" : "recording"};
    clusters->items = mem_zero(predictions->count, sizeof *clusters->items);
    clusters->starts = mem_zero(predictions->count + 1, sizeof *clusters->starts);
    size_t clips = order_by_owner(clusters, predictions, owners);
    clusters->of_one_recording = !by_speaker && clusters->count == 1 && clips > 1;
    if (!by_speaker && (clusters->count == clips || clusters->of_one_recording))
        keep_single(clusters, predictions);
    owners_free(owners, predictions->count);
}

void clusters_free(struct clusters *clusters)
{
    free(clusters->starts);
    free(clusters->items);
    *clusters = (struct clusters){0};
}

/* ---- bootstrap ---- */

/* One model's predictions made ready for resampling. */
struct scored {
    struct outcome **outcomes; /* per seed, per clip */
    size_t seeds;
    struct evaluation evaluation;
};

static void scored_fill(struct scored *scored, const struct outputs *outputs)
{
    *scored = (struct scored){.seeds = outputs->count};
    scored->outcomes = mem_zero(outputs->count, sizeof *scored->outcomes);
    for (size_t s = 0; s < outputs->count; s++) {
        const struct prediction_list *list = outputs->lists[s];
        scored->outcomes[s] = mem_zero(list->count, sizeof **scored->outcomes);
        for (size_t i = 0; i < list->count; i++) {
            const struct prediction *p = &list->items[i];
            if (prediction_is_known(p))
                scored->outcomes[s][i] = outcome_of(list, p);
        }
    }
    evaluation_start(&scored->evaluation, outputs->lists[0]);
}

static void scored_free(struct scored *scored)
{
    for (size_t s = 0; s < scored->seeds; s++)
        free(scored->outcomes[s]);
    free(scored->outcomes);
    evaluation_free(&scored->evaluation);
}

/* Clusters and seeds of one resample. */
static void resample(struct random_stream *stream, const struct clusters *clusters, size_t *chosen,
                     size_t seeds, size_t *chosen_seeds)
{
    for (size_t c = 0; c < clusters->count; c++)
        chosen[c] = random_below(stream, clusters->count);
    for (size_t s = 0; s < seeds; s++)
        chosen_seeds[s] = random_below(stream, seeds);
}

/* The metrics on the clusters and seeds of a resample. */
static void score_resample(struct scored *scored, const struct clusters *clusters, const size_t *chosen,
                           const size_t *chosen_seeds, double metrics[METRIC_COUNT])
{
    memset(metrics, 0, METRIC_COUNT * sizeof *metrics);
    for (size_t s = 0; s < scored->seeds; s++) {
        const struct outcome *outcomes = scored->outcomes[chosen_seeds[s]];
        evaluation_clear(&scored->evaluation);
        for (size_t c = 0; c < clusters->count; c++)
            for (size_t k = clusters->starts[chosen[c]]; k < clusters->starts[chosen[c] + 1]; k++)
                evaluation_add(&scored->evaluation, &outcomes[clusters->items[k]]);
        evaluation_finish(&scored->evaluation);
        FOR_METRICS (f, scored->evaluation.task)
            metrics[f] += METRICS[f].of(&scored->evaluation) / (double)scored->seeds;
    }
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Leaves out resamples in which a metric means nothing (NaN); returns how many are left. */
static size_t keep_numbers(double *values, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]))
            values[kept++] = values[i];
    return kept;
}

/* The 2.5th and 97.5th percentile, interpolated; sorts the values. */
static struct interval percentiles(double *values)
{
    size_t count = keep_numbers(values, BOOTSTRAP_RESAMPLES);
    const double positions[] = {0.025 * (double)(count - 1), 0.975 * (double)(count - 1)};
    double ends[2];

    if (count < 2)
        return (struct interval){(double)NAN, (double)NAN};
    qsort(values, count, sizeof *values, ascending);
    for (int i = 0; i < 2; i++) {
        size_t below = (size_t)positions[i];
        ends[i] = values[below] + (positions[i] - (double)below) * (values[below + 1] - values[below]);
    }
    return (struct interval){ends[0], ends[1]};
}

void bootstrap_intervals(const struct outputs *outputs, const struct clusters *clusters,
                         struct interval intervals[METRIC_COUNT])
{
    struct random_stream stream = random_stream(0, RANDOM_BOOTSTRAP, 0);
    size_t *chosen = mem_zero(clusters->count, sizeof *chosen);
    size_t *chosen_seeds = mem_zero(outputs->count, sizeof *chosen_seeds);
    enum task task = outputs->lists[0]->task;
    double *values = mem_zero((size_t)METRIC_COUNT * BOOTSTRAP_RESAMPLES, sizeof *values);
    struct scored scored;

    scored_fill(&scored, outputs);
    for (size_t r = 0; r < BOOTSTRAP_RESAMPLES; r++) {
        double metrics[METRIC_COUNT];
        resample(&stream, clusters, chosen, outputs->count, chosen_seeds);
        score_resample(&scored, clusters, chosen, chosen_seeds, metrics);
        FOR_METRICS (f, task)
            values[(size_t)f * BOOTSTRAP_RESAMPLES + r] = metrics[f];
    }
    memset(intervals, 0, METRIC_COUNT * sizeof *intervals);
    FOR_METRICS (f, task)
        intervals[f] = percentiles(values + (size_t)f * BOOTSTRAP_RESAMPLES);
    scored_free(&scored);
    free(values);
    free(chosen);
    free(chosen_seeds);
}

/* Two models, and the differences of their metrics in each resample: the second's less the first's. */
struct pair {
    struct scored both[2];
    const struct clusters *clusters;
    double *differences; /* (METRIC_COUNT, BOOTSTRAP_RESAMPLES) */
};

static void pair_start(struct pair *pair, const struct outputs *first, const struct outputs *second,
                       const struct clusters *clusters)
{
    pair->clusters = clusters;
    pair->differences = mem_zero((size_t)METRIC_COUNT * BOOTSTRAP_RESAMPLES, sizeof *pair->differences);
    scored_fill(&pair->both[0], first);
    scored_fill(&pair->both[1], second);
}

static void pair_free(struct pair *pair)
{
    scored_free(&pair->both[0]);
    scored_free(&pair->both[1]);
    free(pair->differences);
}

static double *differences_of(const struct pair *pair, int metric)
{
    return pair->differences + (size_t)metric * BOOTSTRAP_RESAMPLES;
}

static void paired_bootstrap(struct pair *pair, struct comparison results[METRIC_COUNT])
{
    struct random_stream stream = random_stream(0, RANDOM_BOOTSTRAP, 1);
    size_t seeds = pair->both[0].seeds, *chosen = mem_zero(pair->clusters->count, sizeof *chosen),
           *chosen_seeds = mem_zero(seeds, sizeof *chosen_seeds);
    enum task task = pair->both[0].evaluation.task;

    for (size_t r = 0; r < BOOTSTRAP_RESAMPLES; r++) {
        double metrics[2][METRIC_COUNT];
        resample(&stream, pair->clusters, chosen, seeds, chosen_seeds);
        for (int u = 0; u < 2; u++)
            score_resample(&pair->both[u], pair->clusters, chosen, chosen_seeds, metrics[u]);
        FOR_METRICS (f, task)
            differences_of(pair, f)[r] = metrics[1][f] - metrics[0][f];
    }
    FOR_METRICS (f, task)
        results[f].interval = percentiles(differences_of(pair, f));
    free(chosen);
    free(chosen_seeds);
}

/* ---- permutation test ---- */

/* Both models' metrics, where the predictions for the clusters that are swapped are each other's. */
static void score_swapped(struct pair *pair, const bool *swapped, double metrics[2][METRIC_COUNT])
{
    const struct clusters *clusters = pair->clusters;

    memset(metrics, 0, 2 * sizeof *metrics);
    for (size_t s = 0; s < pair->both[0].seeds; s++) {
        for (int u = 0; u < 2; u++) {
            struct evaluation *evaluation = &pair->both[u].evaluation;
            evaluation_clear(evaluation);
            for (size_t c = 0; c < clusters->count; c++) {
                const struct outcome *outcomes = pair->both[swapped[c] ? 1 - u : u].outcomes[s];
                for (size_t k = clusters->starts[c]; k < clusters->starts[c + 1]; k++)
                    evaluation_add(evaluation, &outcomes[clusters->items[k]]);
            }
            evaluation_finish(evaluation);
            FOR_METRICS (f, evaluation->task)
                metrics[u][f] += METRICS[f].of(evaluation) / (double)pair->both[0].seeds;
        }
    }
}

/* How many ways to swap clusters there are, a way and its reverse being one: all are tried where they are
 * no more than resamples would be, and 0 says that they are more. */
static size_t count_swaps(size_t clusters)
{
    size_t ways = 1;

    for (size_t c = 1; c < clusters; c++)
        if ((ways *= 2) > BOOTSTRAP_RESAMPLES)
            return 0;
    return ways;
}

/* p of differences of which the first is the observed one; of random ones, that is one more, so
 * that p is never 0 (Davison and Hinkley, 1997). */
static double share_as_far(const double *differences, size_t count, double observed, bool sampled)
{
    size_t far = sampled, all = sampled;

    for (size_t r = 0; r < count; r++) {
        all += isfinite(differences[r]);
        far += fabs(differences[r]) >= fabs(observed) - 1e-12;
    }
    return isfinite(observed) && all ? (double)far / (double)all : (double)NAN;
}

static void permutation_test(struct pair *pair, struct comparison results[METRIC_COUNT])
{
    struct random_stream stream = random_stream(0, RANDOM_BOOTSTRAP, 2);
    size_t clusters = pair->clusters->count, ways = count_swaps(clusters),
           count = ways ? ways : BOOTSTRAP_RESAMPLES;
    bool *swapped = mem_zero(clusters, sizeof *swapped);
    enum task task = pair->both[0].evaluation.task;
    double metrics[2][METRIC_COUNT];

    score_swapped(pair, swapped, metrics);
    FOR_METRICS (f, task)
        results[f].difference = metrics[1][f] - metrics[0][f];
    for (size_t r = 0; r < count; r++) {
        for (size_t c = 0; c < clusters; c++)
            swapped[c] = ways ? r >> c & 1 : random_below(&stream, 2) == 1;
        score_swapped(pair, swapped, metrics);
        FOR_METRICS (f, task)
            differences_of(pair, f)[r] = metrics[1][f] - metrics[0][f];
    }
    FOR_METRICS (f, task)
        results[f].permutation_p = share_as_far(differences_of(pair, f), count, results[f].difference, !ways);
    free(swapped);
}

/* ---- McNemar ---- */

/* Two-sided exact binomial test of `few` among `all` at 1/2. */
static double binomial_p(size_t few, size_t all)
{
    double sum = 0;

    if (2 * few > all)
        few = all - few;
    for (size_t i = 0; i <= few; i++)
        sum += exp(lgamma((double)all + 1) - lgamma((double)i + 1) - lgamma((double)(all - i) + 1) -
                   (double)all * log(2));
    return fmin(1, 2 * sum);
}

/* How many more predictions for a clip `second` has right, over seeds; counts those that only one has. */
static double gain_of(const struct outputs *first, const struct outputs *second, size_t clip,
                      struct comparison *result)
{
    double gain = 0;

    for (size_t s = 0; s < first->count; s++) {
        const struct prediction *a = &first->lists[s]->items[clip], *b = &second->lists[s]->items[clip];
        bool a_right = prediction_is_right(first->lists[s], a),
             b_right = prediction_is_right(second->lists[s], b);
        result->only_first += a_right && !b_right;
        result->only_second += b_right && !a_right;
        gain += (double)b_right - (double)a_right;
    }
    return gain;
}

static void mcnemar(const struct outputs *first, const struct outputs *second,
                    const struct clusters *clusters, struct comparison *result)
{
    bool independent = first->count == 1 && strcmp(clusters->unit, "clip") == 0;
    double sum = 0, squares = 0;

    result->only_first = result->only_second = 0;
    for (size_t c = 0; c < clusters->count; c++) {
        size_t size = clusters->starts[c + 1] - clusters->starts[c];
        double gain = 0;
        for (size_t k = clusters->starts[c]; k < clusters->starts[c + 1]; k++)
            gain += gain_of(first, second, clusters->items[k], result);
        gain /= (double)(size * first->count);
        sum += gain;
        squares += gain * gain;
    }
    if (first->lists[0]->task == REGRESSION) /* no prediction is right or wrong */
        result->mcnemar_p = (double)NAN;
    else if (independent)
        result->mcnemar_p = binomial_p(result->only_first, result->only_first + result->only_second);
    else /* chi-squared of one degree of freedom */
        result->mcnemar_p = squares > 0 ? erfc(sqrt(sum * sum / squares / 2)) : 1;
}

/* ---- comparisons ---- */

void compare_predictions(const struct outputs *first, const struct outputs *second,
                         const struct clusters *clusters, struct comparison comparisons[METRIC_COUNT])
{
    struct comparison outputs = {0};
    struct pair pair;

    memset(comparisons, 0, METRIC_COUNT * sizeof *comparisons);
    pair_start(&pair, first, second, clusters);
    paired_bootstrap(&pair, comparisons);
    permutation_test(&pair, comparisons);
    pair_free(&pair);
    mcnemar(first, second, clusters, &outputs);
    FOR_METRICS (f, first->lists[0]->task) {
        comparisons[f].only_first = outputs.only_first; /* of the predictions, so the same for all metrics */
        comparisons[f].only_second = outputs.only_second;
        comparisons[f].mcnemar_p = outputs.mcnemar_p;
    }
}

static bool same_targets(const struct prediction_list *list, const struct prediction *a,
                         const struct prediction *b)
{
    if (!a->targets || !b->targets)
        return !a->targets == !b->targets && a->label == b->label;
    return memcmp(a->targets, b->targets, list->label_count * sizeof *a->targets) == 0;
}

bool same_clips(const struct prediction_list *a, const struct prediction_list *b)
{
    bool same = a->count == b->count && a->label_count == b->label_count && a->task == b->task;

    for (size_t k = 0; same && k < a->label_count; k++)
        same = strcmp(a->labels[k], b->labels[k]) == 0;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->items[i].path, b->items[i].path) == 0 && same_targets(a, &a->items[i], &b->items[i]);
    return same;
}

/* A p-value and whose it is. */
struct test {
    double p;
    size_t index;
};

static int smallest_first(const void *a, const void *b)
{
    return ascending(&((const struct test *)a)->p, &((const struct test *)b)->p);
}

void adjust_holm(double *p, size_t count)
{
    struct test *tests = mem_zero(count, sizeof *tests);
    double least = 0;

    for (size_t i = 0; i < count; i++)
        tests[i] = (struct test){p[i], i};
    if (count)
        qsort(tests, count, sizeof *tests, smallest_first);
    for (size_t i = 0; i < count; i++) {
        if (isnan(tests[i].p)) /* no test: it stays none */
            continue;
        least = fmax(least, fmin(1, tests[i].p * (double)(count - i)));
        p[tests[i].index] = least;
    }
    free(tests);
}

double mean_of(const double *values, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / (double)count : (double)NAN;
}

double deviation_of(const double *values, size_t count)
{
    double mean = mean_of(values, count), sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return count > 1 ? sqrt(sum / (double)(count - 1)) : (double)NAN;
}
