/*
 * Speaker splits: a speaker's clips are all in one part, so that the metrics are of speakers whom the model
 * does not know.
 *
 * A single split makes many seeded choices of speakers and keeps the one nearest to the wanted size with
 * labels and sexes in the proportions of the whole.  Folds are runs of consecutive speakers in sorted order
 * (RAVDESS, 6 folds: actors 1 to 4, 5 to 8, ...), without chance; split.folds=speakers leaves one out each.
 */
#include "base/memory.h"
#include "base/random.h"
#include "base/strings.h"
#include "base/text.h"
#include "corpus/split/split.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES = 2000 };

static const char RECORDINGS[] =
    "recordings, whose clips stay together (split.recordings_together=no divides clip by clip)";

/* Speakers of a pool, and per pool item its speaker. */
struct speakers {
    struct strings names;
    size_t *of_item, *clips; /* clips: per speaker */
};

/* Who speaks in a clip, or which recording it is of, where those are kept together. */
static const char *name_of(const struct split_request *request, size_t clip)
{
    return request->by_recording ? request->recordings[clip] : request->clips->clips[clip].speaker;
}

static bool speakers_start(struct speakers *speakers, const struct split_request *request,
                           struct error *error)
{
    *speakers = (struct speakers){.of_item = mem_zero(request->count, sizeof *speakers->of_item)};
    for (size_t i = 0; i < request->count; i++) {
        const char *name = name_of(request, request->pool[i]);
        if (!name)
            return error_set(error, "split.protocol=%s: %s has no speaker", request->settings->protocol,
                             request->clips->clips[request->pool[i]].path);
        strings_add(&speakers->names, name);
    }
    strings_sort_distinct(&speakers->names);
    speakers->clips = mem_zero(speakers->names.count, sizeof *speakers->clips);
    for (size_t i = 0; i < request->count; i++) {
        speakers->of_item[i] = (size_t)strings_find(&speakers->names, name_of(request, request->pool[i]));
        speakers->clips[speakers->of_item[i]]++;
    }
    return true;
}

static void speakers_free(struct speakers *speakers)
{
    strings_free(&speakers->names);
    free(speakers->of_item);
    free(speakers->clips);
}

/* The clips of chosen speakers go to `part`, the others to `rest`, each in a seeded order. */
static void deal_speakers(const struct split_request *request, const struct speakers *speakers,
                          const bool *chosen, size_t *rest, size_t *rest_count, size_t *part,
                          size_t *part_count)
{
    struct random_stream stream = random_stream(request->seed, RANDOM_SPEAKERS, CANDIDATES);

    *rest_count = *part_count = 0;
    for (size_t i = 0; i < request->count; i++) {
        if (chosen[speakers->of_item[i]])
            part[(*part_count)++] = request->pool[i];
        else
            rest[(*rest_count)++] = request->pool[i];
    }
    random_shuffle(&stream, rest, *rest_count);
    random_shuffle(&stream, part, *part_count);
}

/* Takes speakers in the given order while that brings the number of clips nearer to `size`; at least one is
 * taken and one left. */
static void choose_speakers(const struct speakers *speakers, const size_t *order, size_t size, bool *chosen)
{
    size_t clips = 0;

    memset(chosen, 0, speakers->names.count * sizeof *chosen);
    for (size_t i = 0; i + 1 < speakers->names.count; i++) {
        size_t with = clips + speakers->clips[order[i]];
        if (i > 0 && fabs((double)with - (double)size) >= fabs((double)clips - (double)size))
            break;
        chosen[order[i]] = true;
        clips = with;
    }
}

/* How far a choice is from the wanted size and from the proportions of labels and sexes of the whole. */
static double division_cost(const struct split_request *request, const struct speakers *speakers,
                            const bool *chosen, size_t size, double *inside, double *whole)
{
    size_t kinds = request->class_count + 2, clips = 0;
    double sum = 0;

    memset(inside, 0, kinds * sizeof *inside);
    memset(whole, 0, kinds * sizeof *whole);
    for (size_t i = 0; i < request->count; i++) {
        const struct clip *clip = &request->clips->clips[request->pool[i]];
        double in = chosen[speakers->of_item[i]] ? 1 : 0;
        size_t kind[2] = {(size_t)request->classes[request->pool[i]],
                          request->class_count + (size_t)text_equal(clip->sex, "female")};
        clips += chosen[speakers->of_item[i]];
        for (int k = 0; k < (clip->sex ? 2 : 1); k++) {
            inside[kind[k]] += in;
            whole[kind[k]] += 1;
        }
    }
    for (size_t k = 0; k < kinds; k++)
        sum += fabs(inside[k] / (double)clips - whole[k] / (double)request->count);
    return sum + fabs((double)clips - (double)size) / (double)request->count;
}

bool split_divide_groups(const struct split_request *request, size_t size, size_t *rest, size_t *rest_count,
                         size_t *part, size_t *part_count, struct error *error)
{
    struct speakers speakers;
    bool done = speakers_start(&speakers, request, error);
    size_t count = speakers.names.count, kinds = request->class_count + 2;

    if (done && count < 2)
        done = error_set(error, "split.protocol=%s: needs at least 2 %s, here is %zu",
                         request->settings->protocol, request->by_recording ? RECORDINGS : "speakers", count);
    if (done) {
        bool *chosen = mem_zero(count, sizeof *chosen), *best = mem_zero(count, sizeof *best);
        size_t *order = mem_zero(count, sizeof *order);
        double *inside = mem_zero(kinds, sizeof *inside), *whole = mem_zero(kinds, sizeof *whole);
        double lowest = INFINITY;
        for (uint64_t c = 0; c < CANDIDATES; c++) {
            struct random_stream stream = random_stream(request->seed, RANDOM_SPEAKERS, c);
            for (size_t i = 0; i < count; i++)
                order[i] = i;
            random_shuffle(&stream, order, count);
            choose_speakers(&speakers, order, size, chosen);
            double now = division_cost(request, &speakers, chosen, size, inside, whole);
            if (now < lowest - 1e-12) {
                lowest = now;
                memcpy(best, chosen, count * sizeof *best);
            }
        }
        deal_speakers(request, &speakers, best, rest, rest_count, part, part_count);
        free(chosen);
        free(best);
        free(order);
        free(inside);
        free(whole);
    }
    speakers_free(&speakers);
    return done;
}

static bool fold_by_speaker(const struct split_request *request, size_t folds, size_t chosen, size_t *rest,
                            size_t *rest_count, size_t *part, size_t *part_count, struct error *error)
{
    struct speakers speakers;
    bool done = speakers_start(&speakers, request, error);
    size_t count = speakers.names.count;

    if (done && folds > count)
        done = error_usage(error, "split.folds=%zu is more than the %zu speakers", folds, count);
    if (done && folds > 0) {
        bool *in_fold = mem_zero(count, sizeof *in_fold);
        for (size_t i = chosen * count / folds; i < (chosen + 1) * count / folds; i++)
            in_fold[i] = true;
        deal_speakers(request, &speakers, in_fold, rest, rest_count, part, part_count);
        free(in_fold);
    }
    speakers_free(&speakers);
    return done;
}

static size_t count_folds(const struct split_request *request)
{
    struct strings names = {0};
    size_t count;

    if (request->settings->folds != SETTING_WORD)
        return (size_t)request->settings->folds;
    for (size_t i = 0; i < request->count; i++)
        if (request->clips->clips[request->pool[i]].speaker)
            strings_add_new(&names, request->clips->clips[request->pool[i]].speaker);
    count = names.count;
    strings_free(&names);
    return count;
}

bool split_take_speakers(const struct split_request *request, const struct strings *names, size_t *rest,
                         size_t *rest_count, size_t *part, size_t *part_count, struct error *error)
{
    struct speakers speakers;
    bool done = speakers_start(&speakers, request, error);

    if (done) {
        bool *chosen = mem_zero(speakers.names.count + 1, sizeof *chosen);
        for (size_t i = 0; i < speakers.names.count; i++)
            chosen[i] = strings_index(names, speakers.names.items[i]) >= 0;
        deal_speakers(request, &speakers, chosen, rest, rest_count, part, part_count);
        free(chosen);
    }
    speakers_free(&speakers);
    return done;
}

const struct split_protocol SPLIT_SPEAKER = {
    .name = "speaker",
    .summary = "whole speakers per part, labels and sexes as even as it goes; folds of consecutive speakers",
    .divide = split_divide_groups,
    .fold = fold_by_speaker,
    .fold_count = count_folds,
};
