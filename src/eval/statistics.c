/* Bootstrap intervals and paired tests: see statistics.h. */
#include "eval/statistics.h"

#include "base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- clusters ---- */

struct owned {
    const char *owner;
    size_t item;
};

static int by_owner(const void *a, const void *b)
{
    const struct owned *x = a, *y = b;
    int order = strcmp(x->owner, y->owner);

    return order ? order : (x->item > y->item) - (x->item < y->item);
}

static bool speakers_known(const struct prediction_list *predictions, const char *const *speakers)
{
    const char *first = NULL;
    bool several = false;

    for (size_t i = 0; speakers && i < predictions->count; i++) {
        if (!prediction_is_known(&predictions->items[i]))
            continue;
        if (!speakers[i])
            return false;
        first = first ? first : speakers[i];
        several = several || strcmp(first, speakers[i]) != 0;
    }
    return several;
}

void clusters_make(struct clusters *clusters, const struct prediction_list *predictions,
                   const char *const *speakers)
{
    bool by_speaker = speakers_known(predictions, speakers);
    struct owned *owned = mem_zero(predictions->count, sizeof *owned);
    size_t count = 0;

    *clusters = (struct clusters){.unit = by_speaker ? "speaker" : "clip"};
    clusters->items = mem_zero(predictions->count, sizeof *clusters->items);
    clusters->starts = mem_zero(predictions->count + 1, sizeof *clusters->starts);
    for (size_t i = 0; i < predictions->count; i++)
        if (prediction_is_known(&predictions->items[i]))
            owned[count++] = (struct owned){by_speaker ? speakers[i] : "", i};
    if (count)
        qsort(owned, count, sizeof *owned, by_owner);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !by_speaker || strcmp(owned[i].owner, owned[i - 1].owner) != 0)
            clusters->starts[clusters->count++] = i;
        clusters->items[i] = owned[i].item;
    }
    clusters->starts[clusters->count] = count;
    free(owned);
}

void clusters_free(struct clusters *clusters)
{
    free(clusters->starts);
    free(clusters->items);
    *clusters = (struct clusters){0};
}

/* ---- bootstrap ---- */

/* One model's predictions made ready to be drawn from. */
struct urn {
    struct outcome **outcomes; /* per seed, per clip */
    size_t seeds;
    struct evaluation evaluation;
};

static void urn_fill(struct urn *urn, const struct outputs *outputs)
{
    *urn = (struct urn){.seeds = outputs->count};
    urn->outcomes = mem_zero(outputs->count, sizeof *urn->outcomes);
    for (size_t s = 0; s < outputs->count; s++) {
        const struct prediction_list *list = outputs->lists[s];
        urn->outcomes[s] = mem_zero(list->count, sizeof **urn->outcomes);
        for (size_t i = 0; i < list->count; i++) {
            const struct prediction *p = &list->items[i];
            if (prediction_is_known(p))
                urn->outcomes[s][i] = outcome_of(list, p);
        }
    }
    evaluation_start(&urn->evaluation, outputs->lists[0]);
}

static void urn_free(struct urn *urn)
{
    for (size_t s = 0; s < urn->seeds; s++)
        free(urn->outcomes[s]);
    free(urn->outcomes);
    evaluation_free(&urn->evaluation);
}

/* Draws clusters and seeds for one resample. */
static void draw(struct random_stream *stream, const struct clusters *clusters, size_t *drawn, size_t seeds,
                 size_t *drawn_seeds)
{
    for (size_t c = 0; c < clusters->count; c++)
        drawn[c] = random_below(stream, clusters->count);
    for (size_t s = 0; s < seeds; s++)
        drawn_seeds[s] = random_below(stream, seeds);
}

/* The metrics of an urn on drawn clusters and seeds. */
static void score_resample(struct urn *urn, const struct clusters *clusters, const size_t *drawn,
                           const size_t *drawn_seeds, double metrics[METRIC_COUNT])
{
    memset(metrics, 0, METRIC_COUNT * sizeof *metrics);
    for (size_t s = 0; s < urn->seeds; s++) {
        const struct outcome *outcomes = urn->outcomes[drawn_seeds[s]];
        evaluation_clear(&urn->evaluation);
        for (size_t c = 0; c < clusters->count; c++)
            for (size_t k = clusters->starts[drawn[c]]; k < clusters->starts[drawn[c] + 1]; k++)
                evaluation_add(&urn->evaluation, &outcomes[clusters->items[k]]);
        evaluation_finish(&urn->evaluation);
        FOR_METRICS (f, urn->evaluation.task)
            metrics[f] += METRICS[f].of(&urn->evaluation) / (double)urn->seeds;
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
    size_t *drawn = mem_zero(clusters->count, sizeof *drawn);
    size_t *drawn_seeds = mem_zero(outputs->count, sizeof *drawn_seeds);
    enum task task = outputs->lists[0]->task;
    double *values = mem_zero((size_t)METRIC_COUNT * BOOTSTRAP_RESAMPLES, sizeof *values);
    struct urn urn;

    urn_fill(&urn, outputs);
    for (size_t r = 0; r < BOOTSTRAP_RESAMPLES; r++) {
        double metrics[METRIC_COUNT];
        draw(&stream, clusters, drawn, outputs->count, drawn_seeds);
        score_resample(&urn, clusters, drawn, drawn_seeds, metrics);
        FOR_METRICS (f, task)
            values[(size_t)f * BOOTSTRAP_RESAMPLES + r] = metrics[f];
    }
    memset(intervals, 0, METRIC_COUNT * sizeof *intervals);
    FOR_METRICS (f, task)
        intervals[f] = percentiles(values + (size_t)f * BOOTSTRAP_RESAMPLES);
    urn_free(&urn);
    free(values);
    free(drawn);
    free(drawn_seeds);
}

/* Interval and p-value of a metric's resampled differences; sorts them. */
static void judge_differences(double *differences, struct comparison *result)
{
    size_t count = keep_numbers(differences, BOOTSTRAP_RESAMPLES), below = 0, above = 0;

    for (size_t r = 0; r < count; r++) {
        below += differences[r] <= 0;
        above += differences[r] >= 0;
    }
    for (size_t r = count; r < BOOTSTRAP_RESAMPLES; r++)
        differences[r] = (double)NAN;
    result->interval = percentiles(differences);
    /* The observed difference counts as one draw more, so that p is never 0 (Davison and Hinkley, 1997). */
    result->bootstrap_p =
        count ? fmin(1, 2 * ((double)(below < above ? below : above) + 1) / ((double)count + 1))
              : (double)NAN;
}

static void paired_bootstrap(const struct outputs *first, const struct outputs *second,
                             const struct clusters *clusters, struct comparison results[METRIC_COUNT])
{
    struct random_stream stream = random_stream(0, RANDOM_BOOTSTRAP, 1);
    size_t *drawn = mem_zero(clusters->count, sizeof *drawn);
    size_t *drawn_seeds = mem_zero(first->count, sizeof *drawn_seeds);
    double *differences = mem_zero((size_t)METRIC_COUNT * BOOTSTRAP_RESAMPLES, sizeof *differences);
    enum task task = first->lists[0]->task;
    struct urn urns[2];

    urn_fill(&urns[0], first);
    urn_fill(&urns[1], second);
    for (size_t r = 0; r < BOOTSTRAP_RESAMPLES; r++) {
        double metrics[2][METRIC_COUNT];
        draw(&stream, clusters, drawn, first->count, drawn_seeds);
        for (int u = 0; u < 2; u++)
            score_resample(&urns[u], clusters, drawn, drawn_seeds, metrics[u]);
        FOR_METRICS (f, task)
            differences[(size_t)f * BOOTSTRAP_RESAMPLES + r] = metrics[1][f] - metrics[0][f];
    }
    memset(results, 0, METRIC_COUNT * sizeof *results);
    FOR_METRICS (f, task)
        judge_differences(differences + (size_t)f * BOOTSTRAP_RESAMPLES, &results[f]);
    urn_free(&urns[0]);
    urn_free(&urns[1]);
    free(differences);
    free(drawn);
    free(drawn_seeds);
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

static double mean_metric(const struct outputs *outputs, enum metric metric)
{
    double sum = 0;

    for (size_t s = 0; s < outputs->count; s++) {
        struct evaluation evaluation;
        evaluation_make(&evaluation, outputs->lists[s]);
        sum += METRICS[metric].of(&evaluation);
        evaluation_free(&evaluation);
    }
    return sum / (double)outputs->count;
}

void compare_predictions(const struct outputs *first, const struct outputs *second,
                         const struct clusters *clusters, struct comparison comparisons[METRIC_COUNT])
{
    paired_bootstrap(first, second, clusters, comparisons);
    struct comparison outputs = {0};
    mcnemar(first, second, clusters, &outputs);
    FOR_METRICS (f, first->lists[0]->task) {
        comparisons[f].difference = mean_metric(second, f) - mean_metric(first, f);
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
