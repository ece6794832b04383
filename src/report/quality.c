/* A corpus' recordings as data: see quality.h. */
#include "report/quality.h"

#include "base/memory.h"
#include "base/strings.h"
#include "store/splits.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const struct quality_measure QUALITY_MEASURES[] = {
    {"duration", "duration", "s", offsetof(struct clip, duration), 2, 0.2},
    {"level", "level (RMS)", "dBFS", offsetof(struct clip, level), 1, 6},
    {"peak", "peak", "dBFS", offsetof(struct clip, peak), 1, 6},
    {"snr", "signal to noise, estimated", "dB", offsetof(struct clip, snr), 1, 6},
    {"silence", "silence, share of the time", "", offsetof(struct clip, silence), 2, 0.2},
};
enum { QUALITY_MEASURE_COUNT = sizeof QUALITY_MEASURES / sizeof QUALITY_MEASURES[0] };

const struct quality_measure *quality_measure_find(const char *name)
{
    size_t m = 0;

    while (m + 1 < QUALITY_MEASURE_COUNT && strcmp(QUALITY_MEASURES[m].name, name) != 0)
        m++;
    return &QUALITY_MEASURES[m];
}

enum { BINS = 24, MOST_NAMED = 10, MOST_MEDIANS = 64 /* labels */ };

/* Share of the samples at full scale from which a clip counts as clipped. */
static const double CLIPPED = 1e-4;

/* ---- words ---- */

/* A name or path as a string of JSON, which is UTF-8. */
static cJSON *words(const char *text)
{
    struct text printable = {0};

    text_add_bytes(&printable, "", 0);
    text_add_printable(&printable, text);
    cJSON *string = cJSON_CreateString(printable.text);
    text_free(&printable);
    return string;
}

static void add_words(cJSON *object, const char *name, const char *text)
{
    cJSON_AddItemToObject(object, name, words(text));
}

/* ---- numbers ---- */

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of sorted values, with a straight line between neighbours. */
static double quantile(const double *sorted, size_t count, double share)
{
    double at = share * (double)(count - 1);
    size_t low = (size_t)at;

    return low + 1 < count ? sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]) : sorted[low];
}

static double value_of(const struct clip *clip, const struct quality_measure *measure)
{
    /* cppcheck-suppress invalidPointerCast ; the offset of a double */
    return *(const double *)((const char *)clip + measure->offset);
}

/* The measure of each clip that was opened, sorted; caller frees. */
static double *sorted_values(const struct clip_list *clips, const struct quality_measure *measure,
                             const char *label, size_t *count)
{
    double *values = mem_zero(clips->count, sizeof *values);

    *count = 0;
    for (size_t i = 0; i < clips->count; i++)
        if (clips->clips[i].sha256 && (!label || strcmp(clips->clips[i].label, label) == 0))
            values[(*count)++] = value_of(&clips->clips[i], measure);
    if (*count)
        qsort(values, *count, sizeof *values, by_size);
    return values;
}

/* ---- outliers ---- */

struct outlier {
    double distance;
    const struct clip *clip;
};

static int by_distance(const void *a, const void *b)
{
    const struct outlier *x = a, *y = b;

    if (x->distance != y->distance)
        return x->distance > y->distance ? -1 : 1;
    return strcmp(x->clip->path, y->clip->path);
}

/* Durations are compared by their logarithms. */
static double scale_of(const struct quality_measure *measure, double value)
{
    return measure->offset == offsetof(struct clip, duration) ? log(value) : value;
}

/* Clips whose modified z-score (Iglewicz and Hoaglin, 1993: distance to the median over the median of such
 * distances) is above 3.5, the farthest first. */
static void add_outliers(cJSON *json, const struct clip_list *clips, const struct quality_measure *measure,
                         const double *sorted, size_t count)
{
    const double median = scale_of(measure, quantile(sorted, count, 0.5));
    double *distances = mem_zero(count, sizeof *distances);
    struct outlier *outliers = mem_zero(count, sizeof *outliers);
    size_t found = 0;

    for (size_t i = 0; i < count; i++)
        distances[i] = fabs(scale_of(measure, sorted[i]) - median);
    qsort(distances, count, sizeof *distances, by_size);
    const double spread = quantile(distances, count, 0.5) / 0.6745;
    for (size_t i = 0; i < clips->count; i++) {
        const struct clip *clip = &clips->clips[i];
        double distance = clip->sha256 ? fabs(scale_of(measure, value_of(clip, measure)) - median) : 0;
        if (distance >= measure->least && distance > 3.5 * spread)
            outliers[found++] = (struct outlier){distance, clip};
    }
    if (found)
        qsort(outliers, found, sizeof *outliers, by_distance);
    cJSON_AddNumberToObject(json, "outliers", (double)found);
    cJSON *named = cJSON_AddArrayToObject(json, "farthest");
    for (size_t i = 0; i < found && i < MOST_NAMED; i++) {
        cJSON *one = cJSON_CreateObject();
        add_words(one, "path", outliers[i].clip->path);
        json_add_finite(one, "value", value_of(outliers[i].clip, measure));
        cJSON_AddItemToArray(named, one);
    }
    free(distances);
    free(outliers);
}

/* ---- measures ---- */

/* How many values lie in each of BINS equal ranges from low to high. */
static void add_histogram(cJSON *json, const double *sorted, size_t count)
{
    const double low = sorted[0], high = sorted[count - 1], width = (high - low) / BINS;
    int bins[BINS] = {0};

    for (size_t i = 0; i < count; i++) {
        int bin = width > 0 ? (int)((sorted[i] - low) / width) : 0;
        bins[bin < BINS ? bin : BINS - 1]++;
    }
    json_add_finite(json, "bin_width", width);
    cJSON_AddItemToObject(json, "bins", cJSON_CreateIntArray(bins, BINS));
}

static void add_measures(cJSON *json, const struct clip_list *clips)
{
    cJSON *measures = cJSON_AddArrayToObject(json, "measures");

    for (size_t m = 0; m < QUALITY_MEASURE_COUNT; m++) {
        const struct quality_measure *measure = &QUALITY_MEASURES[m];
        size_t count;
        double *sorted = sorted_values(clips, measure, NULL, &count);
        if (count > 0) {
            cJSON *one = cJSON_CreateObject();
            cJSON_AddStringToObject(one, "name", measure->name);
            cJSON_AddStringToObject(one, "unit", measure->unit);
            json_add_finite(one, "min", sorted[0]);
            json_add_finite(one, "p5", quantile(sorted, count, 0.05));
            json_add_finite(one, "median", quantile(sorted, count, 0.5));
            json_add_finite(one, "p95", quantile(sorted, count, 0.95));
            json_add_finite(one, "max", sorted[count - 1]);
            add_histogram(one, sorted, count);
            add_outliers(one, clips, measure, sorted, count);
            cJSON_AddItemToArray(measures, one);
        }
        free(sorted);
    }
}

/* ---- labels, speakers, rates ---- */

/* The labels of a clip: one, or several with ";" between them. */
static bool next_label(enum task task, const char **rest, struct text *label)
{
    if (task == MULTI_LABEL)
        return target_next_label(rest, label);
    bool more = **rest != '\0';
    text_free(label);
    text_add(label, "%s", *rest);
    *rest = "";
    return more;
}

/* What is counted of one label. */
struct label_count {
    size_t clips, parts[PART_COUNT];
    double seconds;
    size_t speakers;
    const char *speaker; /* counted last */
};

static void count_clip(struct label_count *count, const struct clip *clip)
{
    count->clips++;
    count->seconds += clip->duration;
    for (int part = 0; part < PART_COUNT; part++)
        count->parts[part] += clip->part && strcmp(clip->part, PART_NAMES[part]) == 0;
    if (clip->speaker && !text_equal(clip->speaker, count->speaker))
        count->speakers++;
    count->speaker = clip->speaker ? clip->speaker : count->speaker;
}

/* `medians`: of the measures, too. */
static cJSON *label_json(const char *name, const struct label_count *count, const struct clip_list *clips,
                         bool medians)
{
    cJSON *json = cJSON_CreateObject();

    add_words(json, "label", name);
    cJSON_AddNumberToObject(json, "clips", (double)count->clips);
    cJSON_AddNumberToObject(json, "hours", count->seconds / 3600);
    if (count->speakers)
        cJSON_AddNumberToObject(json, "speakers", (double)count->speakers);
    for (int part = 0; part < PART_COUNT; part++)
        if (count->parts[part])
            cJSON_AddNumberToObject(json, PART_NAMES[part], (double)count->parts[part]);
    for (size_t m = 0; m < QUALITY_MEASURE_COUNT && medians; m++) {
        size_t values;
        double *sorted = sorted_values(clips, &QUALITY_MEASURES[m], name, &values);
        if (values)
            json_add_finite(json, QUALITY_MEASURES[m].name, quantile(sorted, values, 0.5));
        free(sorted);
    }
    return json;
}

/* `order`: the clips by speaker. */
static void add_labels(cJSON *json, enum task task, const struct clip_list *clips,
                       const struct clip *const *order)
{
    struct strings names = {0};
    struct text label = {0};

    for (size_t i = 0; i < clips->count; i++)
        for (const char *rest = clips->clips[i].label; next_label(task, &rest, &label);)
            strings_add_new(&names, label.text);
    strings_sort(&names);
    struct label_count *counts = mem_zero(names.count, sizeof *counts);
    for (size_t i = 0; i < clips->count; i++)
        for (const char *rest = order[i]->label; next_label(task, &rest, &label);)
            count_clip(&counts[strings_index(&names, label.text)], order[i]);
    cJSON *labels = cJSON_AddArrayToObject(json, "labels");
    const bool medians = task == SINGLE_LABEL && names.count <= MOST_MEDIANS;
    for (size_t k = 0; k < names.count; k++) {
        cJSON_AddItemToArray(labels, label_json(names.items[k], &counts[k], clips, medians));
    }
    free(counts);
    text_free(&label);
    strings_free(&names);
}

/* Clips without a speaker first. */
static int by_speaker(const void *a, const void *b)
{
    const struct clip *x = *(const struct clip *const *)a, *y = *(const struct clip *const *)b;

    return strcmp(x->speaker ? x->speaker : "", y->speaker ? y->speaker : "");
}

/* Speakers: how many clips each has, in clips ordered by speaker. */
static void add_speakers(cJSON *json, const struct clip *const *order, size_t count)
{
    double *clips = mem_zero(count, sizeof *clips);
    size_t speakers = 0, unknown = 0;

    while (unknown < count && !order[unknown]->speaker)
        unknown++;
    for (size_t i = unknown; i < count; i++) {
        speakers += i == unknown || strcmp(order[i]->speaker, order[i - 1]->speaker) != 0;
        clips[speakers - 1]++;
    }
    cJSON *object = cJSON_AddObjectToObject(json, "speakers");
    cJSON_AddNumberToObject(object, "count", (double)speakers);
    cJSON_AddNumberToObject(object, "clips_without", (double)unknown);
    if (speakers) {
        qsort(clips, speakers, sizeof *clips, by_size);
        cJSON_AddNumberToObject(object, "fewest_clips", clips[0]);
        cJSON_AddNumberToObject(object, "median_clips", quantile(clips, speakers, 0.5));
        cJSON_AddNumberToObject(object, "most_clips", clips[speakers - 1]);
    }
    free(clips);
}

/* Counts of a whole number that clips have, as [{"rate": 16000, "clips": 7}, ...], the most frequent first.
 */
static void add_numbers(cJSON *json, const char *list, const char *name, const struct clip_list *clips,
                        size_t offset)
{
    struct {
        int value;
        size_t clips;
    } found[64];
    size_t count = 0;

    for (size_t i = 0; i < clips->count; i++) {
        const int value = *(const int *)((const char *)&clips->clips[i] + offset);
        size_t k = 0;
        while (k < count && found[k].value != value)
            k++;
        if (k == count && clips->clips[i].sha256 && count < sizeof found / sizeof found[0]) {
            found[count].value = value;
            found[count++].clips = 0;
        }
        if (k < count)
            found[k].clips++;
    }
    cJSON *array = cJSON_AddArrayToObject(json, list);
    while (count > 0) {
        size_t most = 0;
        for (size_t k = 1; k < count; k++)
            most = found[k].clips > found[most].clips ? k : most;
        cJSON *one = cJSON_CreateObject();
        cJSON_AddNumberToObject(one, name, found[most].value);
        cJSON_AddNumberToObject(one, "clips", (double)found[most].clips);
        cJSON_AddItemToArray(array, one);
        found[most] = found[--count];
    }
}

/* ---- copies, notes ---- */

static bool differs(const char *a, const char *b)
{
    return a && b && strcmp(a, b) != 0;
}

static void add_copies(cJSON *json, const struct clip_list *clips, const size_t *first)
{
    size_t copies = 0, labels = 0, speakers = 0, parts = 0;
    cJSON *object = cJSON_AddObjectToObject(json, "same_sound"), *pairs = cJSON_CreateArray();

    for (size_t i = 0; i < clips->count; i++) {
        const struct clip *clip = &clips->clips[i], *other = &clips->clips[first[i]];
        if (first[i] == i)
            continue;
        labels += differs(clip->label, other->label);
        speakers += differs(clip->speaker, other->speaker);
        parts += differs(clip->part, other->part);
        if (copies++ < MOST_NAMED) {
            cJSON *pair = cJSON_CreateArray();
            cJSON_AddItemToArray(pair, words(other->path));
            cJSON_AddItemToArray(pair, words(clip->path));
            cJSON_AddItemToArray(pairs, pair);
        }
    }
    cJSON_AddNumberToObject(object, "clips", (double)copies);
    cJSON_AddNumberToObject(object, "of_other_label", (double)labels);
    cJSON_AddNumberToObject(object, "of_other_speaker", (double)speakers);
    cJSON_AddNumberToObject(object, "in_other_part", (double)parts);
    cJSON_AddItemToObject(object, "pairs", pairs);
}

static void add_clipped(cJSON *json, const struct clip_list *clips)
{
    size_t clipped = 0;
    cJSON *paths = cJSON_CreateArray();

    for (size_t i = 0; i < clips->count; i++)
        if (clips->clips[i].clipped >= CLIPPED && clipped++ < MOST_NAMED)
            cJSON_AddItemToArray(paths, words(clips->clips[i].path));
    cJSON_AddNumberToObject(json, "clipped", (double)clipped);
    cJSON_AddItemToObject(json, "clipped_paths", paths);
}

cJSON *quality_json(const char *corpus, enum task task, const struct clip_list *clips, const size_t *first)
{
    cJSON *json = cJSON_CreateObject();
    const struct clip **order = mem_zero(clips->count, sizeof *order);
    double seconds = 0;
    size_t opened = 0;

    for (size_t i = 0; i < clips->count; i++) {
        order[i] = &clips->clips[i];
        seconds += clips->clips[i].duration;
        opened += clips->clips[i].sha256 != NULL;
    }
    add_words(json, "corpus", corpus);
    cJSON_AddNumberToObject(json, "clips", (double)clips->count);
    cJSON_AddNumberToObject(json, "opened", (double)opened);
    cJSON_AddNumberToObject(json, "hours", seconds / 3600);
    if (clips->count)
        qsort(order, clips->count, sizeof *order, by_speaker);
    if (task != REGRESSION)
        add_labels(json, task, clips, order);
    add_speakers(json, order, clips->count);
    free(order);
    add_numbers(json, "sample_rates", "rate", clips, offsetof(struct clip, rate));
    add_numbers(json, "channels", "channels", clips, offsetof(struct clip, channels));
    add_measures(json, clips);
    add_clipped(json, clips);
    add_copies(json, clips, first);
    return json;
}
