/* The table of protocols, and what is the same for all: strata, sizes, fixed parts; see split.h. */
#include "corpus/split/split.h"

#include "base/handlers.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "config/task.h"
#include "corpus/clip_words.h"
#include "corpus/corpus.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct split_protocol *const PROTOCOLS[] = {&SPLIT_STRATIFIED, &SPLIT_SPEAKER, &SPLIT_PREDEFINED,
                                                         &SPLIT_EMOBOX};

static const struct split_protocol *protocol_find(const char *name, struct error *error)
{
    return HANDLER_FIND(PROTOCOLS, name, "split.protocol", "protocol", error);
}

/* What a clip is stratified by: its label; of several labels their combination, the rare ones together; of
 * numbers which fifth of all clips theirs are in. */
enum { RARE = 10, FIFTHS = 5 };

struct ranked_clip {
    double value;
    size_t clip;
};

static int by_value(const void *a, const void *b)
{
    const struct ranked_clip *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return (x->clip > y->clip) - (x->clip < y->clip);
}

static void stratify_numbers(struct split_request *request)
{
    struct ranked_clip *ranked = mem_zero(request->clips->count, sizeof *ranked);

    for (size_t i = 0; i < request->clips->count; i++) /* of several numbers by the first */
        ranked[i] = (struct ranked_clip){strtod(request->clips->clips[i].label, NULL), i};
    qsort(ranked, request->clips->count, sizeof *ranked, by_value);
    for (size_t i = 0; i < request->clips->count; i++)
        request->classes[ranked[i].clip] = (int)(i * FIFTHS / request->clips->count);
    request->class_count = FIFTHS;
    free(ranked);
}

static void stratify_labels(struct split_request *request, size_t least)
{
    struct strings labels = {0};
    size_t count = request->clips->count, kept = 0, rare = 0;

    for (size_t i = 0; i < count; i++)
        strings_add_new(&labels, request->clips->clips[i].label);
    strings_sort(&labels);
    size_t *sizes = mem_zero(labels.count, sizeof *sizes);
    int *numbers = mem_zero(labels.count, sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        sizes[request->classes[i] = strings_index(&labels, request->clips->clips[i].label)]++;
    for (size_t k = 0; k < labels.count; k++) {
        bool common = sizes[k] >= least;
        numbers[k] = common ? (int)kept++ : -1;
        rare += common ? 0 : sizes[k];
    }
    if ((rare > 0 && rare >= least) ||
        kept == 0) /* those in no class of their own make one; too few of them go with the first */
        kept++;
    for (size_t i = 0; i < count; i++) {
        int number = numbers[request->classes[i]];
        request->classes[i] = number >= 0 ? number : rare >= least ? (int)kept - 1 : 0;
    }
    request->class_count = kept;
    strings_free(&labels);
    free(numbers);
    free(sizes);
}

static void request_start(struct split_request *request, const struct split_settings *settings,
                          enum task task, const struct clip_list *clips)
{
    *request = (struct split_request){.settings = settings, .clips = clips, .seed = (uint32_t)settings->seed};
    request->pool = mem_zero(clips->count, sizeof *request->pool);
    request->classes = mem_zero(clips->count, sizeof *request->classes);
    if (task == REGRESSION)
        stratify_numbers(request);
    else
        stratify_labels(request, task == MULTI_LABEL ? RARE : 0);
    for (size_t i = 0; i < clips->count; i++)
        if (!clips->clips[i].part_is_fixed)
            request->pool[request->count++] = i;
}

/* Puts the clips of corpora that belong to one part there. */
static void add_fixed(const struct clip_list *clips, struct split *split)
{
    struct error known = {0};

    for (size_t i = 0; i < clips->count; i++) {
        if (clips->clips[i].part_is_fixed) {
            enum part part = part_find(clips->clips[i].part, &known);
            split->clips[part][split->counts[part]++] = i;
        }
    }
}

/* A size given as a fraction of the whole (rounded up, as scikit-learn does for test sizes) or a count. */
static bool part_size(const char *key, double value, size_t whole, size_t *size, struct error *error)
{
    if (value >= 1 && value != floor(value))
        return error_usage(error, "%s must be a fraction below 1 or a whole number of clips", key);
    *size = (size_t)(value < 1 ? ceil(value * (double)whole) : value);
    if (*size > 0 && *size >= whole)
        return error_usage(error, "%s: %zu of %zu clips would leave the train part empty", key, *size, whole);
    return true;
}

/* The clips of the speakers that a setting names go to `part`, the others to `rest`. */
static bool take_named_speakers(const char *key, const char *setting, const struct split_request *request,
                                size_t *rest, size_t *rest_count, size_t *part, size_t *part_count,
                                struct error *error)
{
    struct strings names = {0};
    char *composed = clip_words_composed(setting);
    const char *cursor = composed;

    for (char *name; !error->kind && (name = list_next(&cursor, ',')); free(name)) {
        bool known = false;
        for (size_t i = 0; i < request->count && !known; i++)
            known = text_equal(request->clips->clips[request->pool[i]].speaker, name);
        if (known)
            strings_add_new(&names, name);
        else
            error_usage(error, "%s: no clip that is left for it is of speaker \"%s\"", key, name);
    }
    bool done =
        !error->kind && split_take_speakers(request, &names, rest, rest_count, part, part_count, error);
    strings_free(&names);
    free(composed);
    return done;
}

static bool divide_test(const struct split_protocol *protocol, const struct split_request *request,
                        struct split *split, struct error *error)
{
    size_t folds = split->folds;
    size_t fold = (size_t)request->settings->fold;
    size_t size = 0;
    const char *named = request->settings->test_speakers;

    if (folds == 1 || (folds > 1 && fold >= folds))
        return error_usage(error, folds == 1 ? "split.folds must be 0 (no folds) or at least 2"
                                             : "split.fold must be below split.folds");
    if (*named)
        return folds > 0 ? error_usage(error, "split.test_speakers and split.folds exclude each other")
                         : take_named_speakers("split.test_speakers", named, request,
                                               split->clips[PART_TRAIN], &split->counts[PART_TRAIN],
                                               split->clips[PART_TEST], &split->counts[PART_TEST], error);
    if (folds > 1)
        return protocol->fold(request, folds, fold, split->clips[PART_TRAIN], &split->counts[PART_TRAIN],
                              split->clips[PART_TEST], &split->counts[PART_TEST], error);
    if (!part_size("split.test", request->settings->test, request->count, &size, error))
        return false;
    if (size == 0) {
        memcpy(split->clips[PART_TRAIN], request->pool, request->count * sizeof *request->pool);
        split->counts[PART_TRAIN] = request->count;
        return true;
    }
    return protocol->divide(request, size, split->clips[PART_TRAIN], &split->counts[PART_TRAIN],
                            split->clips[PART_TEST], &split->counts[PART_TEST], error);
}

/* A speaker of a clip, and the clip's part; PART_COUNT: in none. */
struct appearance {
    const char *speaker;
    enum part part;
};

static int by_speaker(const void *a, const void *b)
{
    return strcmp(((const struct appearance *)a)->speaker, ((const struct appearance *)b)->speaker);
}

/* Counts the speakers, and those in both the train and the test part, in appearances sorted by speaker. */
static void count_appearances(struct split *split, const struct appearance *list, size_t count)
{
    bool in[PART_COUNT + 1] = {false};

    for (size_t i = 0; i < count; i++) {
        in[list[i].part] = true;
        if (i + 1 < count && by_speaker(&list[i], &list[i + 1]) == 0)
            continue;
        split->speakers++;
        split->shared_speakers += in[PART_TRAIN] && in[PART_TEST];
        memset(in, 0, sizeof in);
    }
}

static void count_speakers(struct split *split, const struct clip_list *clips)
{
    struct appearance *list = mem_zero(clips->count, sizeof *list);
    enum part *parts = mem_zero(clips->count, sizeof *parts);
    size_t count = 0;

    for (size_t i = 0; i < clips->count; i++)
        parts[i] = PART_COUNT;
    for (int part = 0; part < PART_COUNT; part++)
        for (size_t i = 0; i < split->counts[part]; i++)
            parts[split->clips[part][i]] = (enum part)part;
    for (size_t i = 0; i < clips->count; i++)
        if (clips->clips[i].speaker)
            list[count++] = (struct appearance){clips->clips[i].speaker, parts[i]};
    if (count)
        qsort(list, count, sizeof *list, by_speaker);
    count_appearances(split, list, count);
    free(list);
    free(parts);
}

/* Where clips are stretches of recordings, those are divided as speakers are. */
static const struct split_protocol *keep_recordings(const struct split_protocol *protocol,
                                                    const struct split_request *request)
{
    if (!request->recordings || protocol != &SPLIT_STRATIFIED || !request->settings->recordings_together)
        return protocol;
    log_info("several clips are of one recording: the split keeps each recording's together "
             "(split.recordings_together=no divides clip by clip)");
    return &SPLIT_RECORDINGS;
}

/* Whether all clips of the train part have a speaker, none of whom is in the test part. */
static bool tests_new_speakers(const struct clip_list *clips, const struct split *split)
{
    struct split counted = *split;

    for (size_t i = 0; i < split->counts[PART_TRAIN]; i++)
        if (!clips->clips[split->clips[PART_TRAIN][i]].speaker)
            return false;
    counted.speakers = counted.shared_speakers = 0;
    count_speakers(&counted, clips);
    return counted.shared_speakers == 0;
}

/* What cuts the validation part out: the protocol itself; where it gave the parts, as those seem to be made.
 */
static const struct split_protocol *validation_protocol(const struct split_protocol *protocol,
                                                        const struct split_request *request,
                                                        const struct split *split)
{
    if (protocol->divide)
        return protocol;
    return tests_new_speakers(request->clips, split) ? &SPLIT_SPEAKER
                                                     : keep_recordings(&SPLIT_STRATIFIED, request);
}

/* Cuts the validation part out of the train part, by the same protocol. */
static bool divide_validation(const struct split_protocol *protocol, const struct split_request *request,
                              struct split *split, struct error *error)
{
    struct split_request again = *request;
    size_t size = 0, rest_count, whole = request->count; /* of other corpora, those to train on count too */

    for (size_t i = 0; i < request->clips->count; i++)
        whole += request->clips->clips[i].part_is_fixed &&
                 strcmp(request->clips->clips[i].part, PART_NAMES[PART_TRAIN]) == 0;
    if (!part_size("split.validation", request->settings->validation, whole, &size, error))
        return false;
    const char *named = request->settings->validation_speakers;
    if (size == 0 && !*named)
        return true;
    if (split->counts[PART_VALIDATION] > 0)
        return error_usage(error,
                           "split.validation: there is a validation part of %zu clips already: leave it out",
                           split->counts[PART_VALIDATION]);
    if (size >= split->counts[PART_TRAIN])
        return error_usage(error, "split.validation: %zu clips would leave the train part of %zu empty", size,
                           split->counts[PART_TRAIN]);
    protocol = validation_protocol(protocol, request, split);
    again.by_recording = protocol == &SPLIT_RECORDINGS;
    again.pool = split->clips[PART_TRAIN];
    again.count = split->counts[PART_TRAIN];
    size_t *rest = mem_zero(again.count, sizeof *rest);
    bool done =
        *named ? take_named_speakers("split.validation_speakers", named, &again, rest, &rest_count,
                                     split->clips[PART_VALIDATION], &split->counts[PART_VALIDATION], error)
               : protocol->divide(&again, size, rest, &rest_count, split->clips[PART_VALIDATION],
                                  &split->counts[PART_VALIDATION], error);
    if (done) {
        memcpy(split->clips[PART_TRAIN], rest, rest_count * sizeof *rest);
        split->counts[PART_TRAIN] = rest_count;
    }
    free(rest);
    return done;
}

static bool assign_parts(const struct split_protocol *protocol, const struct split_request *request,
                         struct split *split, struct error *error)
{
    enum part *parts = mem_zero(request->clips->count, sizeof *parts);
    bool done = protocol->assign(request, parts, error);

    for (size_t i = 0; done && i < request->count; i++) {
        enum part part = parts[request->pool[i]];
        if (part == PART_COUNT)
            split->left_out++;
        else
            split->clips[part][split->counts[part]++] = request->pool[i];
    }
    free(parts);
    return done;
}

/* Counts the folds.  They test every clip once; parts that are given do not. */
static bool find_folds(const struct split_protocol *protocol, const struct split_request *request,
                       struct split *split, struct error *error)
{
    bool fixed = protocol->assign != NULL;
    int64_t wanted = request->settings->folds;

    if (wanted == SETTING_WORD && protocol != &SPLIT_SPEAKER)
        return error_usage(error, "split.folds=speakers needs split.protocol=speaker");
    split->folds = protocol->fold_count ? protocol->fold_count(request) : (size_t)wanted;
    if (wanted > 0 && (size_t)wanted != split->folds)
        return error_usage(error, "split.folds: split.protocol=%s has %zu folds", protocol->name,
                           split->folds);

    for (size_t i = 0; i < request->clips->count; i++)
        fixed = fixed || (request->clips->clips[i].part_is_fixed &&
                          strcmp(request->clips->clips[i].part, PART_NAMES[PART_TEST]) == 0);
    return !fixed || split->folds == 0 ||
           error_usage(error,
                       protocol->fold_count && protocol != &SPLIT_SPEAKER
                           ? "split.protocol=%s: the test part is given, so there are no folds"
                           : "split.folds: the test part is given, so there are no folds: 0",
                       protocol->name);
}

/* Warns of labels that the train or the test part has no clip of: what is not there is not learned, or not
 * tested. */
static void warn_of_missing_labels(const struct split_request *request, const struct split *split)
{
    static const struct {
        enum part part;
        const char *so;
    } checks[] = {{PART_TRAIN, "the model cannot learn them"},
                  {PART_TEST, "no metric tells how they are predicted"}};

    for (int k = split->counts[PART_TRAIN] > 0 ? 0 : 1; k < 2; k++) {
        enum part part = checks[k].part;
        const char **missing = mem_zero(request->class_count + 1, sizeof *missing);
        struct text line = {0};
        for (size_t i = 0; i < request->clips->count; i++)
            missing[request->classes[i]] = request->clips->clips[i].label;
        for (size_t i = 0; i < split->counts[part]; i++)
            missing[request->classes[split->clips[part][i]]] = NULL;
        size_t named = 0;
        for (size_t c = 0; c < request->class_count; c++)
            if (missing[c] && named++ < 10)
                text_add(&line, "%s%s", line.length ? ", " : "", missing[c]);
        if (line.length)
            log_warn("the %s part has no clip of: %s%s: %s", PART_NAMES[part], line.text,
                     named > 10 ? ", ..." : "", checks[k].so);
        text_free(&line);
        free(missing);
    }
}

static bool check_parts(const struct split_settings *settings, const struct split *split, struct error *error)
{
    const char *file = settings->file;
    bool listed = strcmp(settings->protocol, "predefined") == 0;

    if (split->counts[PART_TEST] == 0 && split->folds > 0)
        return error_usage(error, "split.fold=%lld: no clip is of its speakers", (long long)settings->fold);
    if (split->counts[PART_TEST] == 0 && !listed)
        return error_usage(error,
                           "split.test must be above 0: without a test part there is nothing to report");
    return split->counts[PART_TEST] > 0 ||
           error_set(error, "%s: gives no clip to the test part", *file ? file : "the split");
}

bool split_trains(const struct split_settings *settings, const struct split *split, struct error *error)
{
    return split->counts[PART_TRAIN] > 0 || error_set(error, "%s: gives no clip to the train part",
                                                      *settings->file ? settings->file : "the split");
}

/* Clips of one recording that the parts of other corpora or the protocol put into two parts. */
static void part_recordings(const struct split_protocol *protocol, const struct split_request *request,
                            struct split *split)
{
    const size_t count = request->clips->count;
    size_t *first, example = 0;

    if (!request->recordings)
        return;
    first = split_first_of_recordings(request->recordings, count);
    if (protocol == &SPLIT_RECORDINGS)
        split->of_recordings = split_drop_shared(split, first, count, &example);
    split->shared_recordings = split_count_shared(split, first, count, &example);
    if (split->of_recordings)
        log_warn(
            "%zu clip%s left out of the train or validation part: the test or validation part has clips of "
            "the same recordings (%s; split.recordings_together=no keeps them)",
            split->of_recordings, split->of_recordings == 1 ? " is" : "s are", request->recordings[example]);
    if (split->shared_recordings)
        log_warn("%zu clip%s of the test part %s of a recording that the train part has clips of, too (%s)",
                 split->shared_recordings, split->shared_recordings == 1 ? "" : "s",
                 split->shared_recordings == 1 ? "is" : "are", request->recordings[example]);
    free(first);
}

/* What becomes of clips that sound like one of another part. */
static bool part_copies(const struct split_settings *settings, const struct clip_list *clips,
                        const size_t *first, struct split *split, struct error *error)
{
    const size_t train = split->counts[PART_TRAIN], validation = split->counts[PART_VALIDATION];

    if (!first)
        return true;
    if (strcmp(settings->copies, "keep") == 0) {
        split->leaks = split_count_shared(split, first, clips->count, &split->leak);
        return true;
    }
    split->copies = split_drop_shared(split, first, clips->count, &split->copy);
    bool no_train = train > 0 && split->counts[PART_TRAIN] == 0;
    if (!no_train && (validation == 0 || split->counts[PART_VALIDATION] > 0))
        return true;
    return error_set(
        error,
        "split.copies: every clip of the %s part sounds like one of the %s part (split.copies=keep "
        "keeps them)",
        PART_NAMES[no_train ? PART_TRAIN : PART_VALIDATION], no_train ? "test or validation" : "test");
}

bool split_make(const struct split_settings *settings, enum task task, const struct clip_list *clips,
                const char *root, const size_t *first, struct split *split, struct error *error)
{
    const struct split_protocol *protocol = protocol_find(settings->protocol, error);
    struct split_request request;

    *split = (struct split){0};
    if (!protocol)
        return false;
    if ((*settings->test_speakers || *settings->validation_speakers) && protocol != &SPLIT_SPEAKER)
        return error_usage(error, "split.%s_speakers needs split.protocol=speaker",
                           *settings->test_speakers ? "test" : "validation");
    for (int part = 0; part < PART_COUNT; part++)
        split->clips[part] = mem_zero(clips->count, sizeof *split->clips[part]);
    request_start(&request, settings, task, clips);
    request.recordings = split_recordings(clips, root);
    bool done = find_folds(protocol, &request, split, error);
    if (done)
        protocol = keep_recordings(protocol, &request);
    request.by_recording = protocol == &SPLIT_RECORDINGS;
    done = !done                ? false
           : request.count == 0 ? true
           : protocol->assign   ? assign_parts(protocol, &request, split, error)
                                : divide_test(protocol, &request, split, error);
    if (done)
        add_fixed(clips, split);
    done = done && divide_validation(protocol, &request, split, error);
    if (done)
        part_recordings(protocol, &request, split);
    done = done && check_parts(settings, split, error) && part_copies(settings, clips, first, split, error);
    if (done && task == SINGLE_LABEL)
        warn_of_missing_labels(&request, split);
    if (done)
        count_speakers(split, clips);
    else
        split_free(split);
    split_recordings_free(request.recordings, clips->count);
    free(request.pool);
    free(request.classes);
    return done;
}

void split_free(struct split *split)
{
    for (int part = 0; part < PART_COUNT; part++)
        free(split->clips[part]);
    *split = (struct split){0};
}

char *split_describe(const struct split_settings *settings, const struct corpora_settings *corpora)
{
    const struct corpus_settings *first = &corpora->items[0];
    char test[TEXT_NUMBER_SIZE], validation[TEXT_NUMBER_SIZE], folds[24];
    struct text text = {0};

    snprintf(folds, sizeof folds, "%lld", (long long)settings->folds);

    text_add(&text,
             "protocol=%s test=%s validation=%s seed=%lld folds=%s fold=%lld file=%s labels=%s "
             "label_map=%s part=%s",
             settings->protocol, text_from_number(test, settings->test),
             text_from_number(validation, settings->validation), (long long)settings->seed,
             settings->folds == SETTING_WORD ? "speakers" : folds, (long long)settings->fold, settings->file,
             corpora->labels, first->label_map, first->part);
    if (*settings->test_speakers)
        text_add(&text, " test_speakers=%s", settings->test_speakers);
    if (*settings->validation_speakers)
        text_add(&text, " validation_speakers=%s", settings->validation_speakers);
    if (*first->part_map)
        text_add(&text, " part_map=%s", first->part_map);
    if (*first->filter)
        text_add(&text, " filter=%s", first->filter);
    text_add(&text, " copies=%s recordings_together=%d min_seconds=%g", settings->copies,
             settings->recordings_together, corpora->min_seconds);
    for (size_t c = 1; c < corpora->count; c++) {
        const struct corpus_settings *corpus = &corpora->items[c];
        char *key = corpus_key(corpus, corpora);
        text_add(&text, " corpus.%s: %s %s part=%s label_map=%s", corpus->name, key, corpus->root,
                 corpus->part, corpus->label_map);
        if (*corpus->part_map)
            text_add(&text, " part_map=%s", corpus->part_map);
        if (*corpus->filter)
            text_add(&text, " filter=%s", corpus->filter);
        free(key);
    }
    return text.text;
}

bool split_store(const char *description, struct catalogue *catalogue, int64_t corpus,
                 const struct clip_list *clips, const struct split *split, struct error *error)
{
    int64_t *ids[PART_COUNT];

    for (int part = 0; part < PART_COUNT; part++) {
        ids[part] = mem_zero(split->counts[part], sizeof *ids[part]);
        for (size_t i = 0; i < split->counts[part]; i++)
            ids[part][i] = clips->clips[split->clips[part][i]].id;
    }
    bool done = split_write(catalogue, corpus, description, ids, split->counts, error);
    for (int part = 0; part < PART_COUNT; part++)
        free(ids[part]);
    return done;
}

enum part split_selection_part(const struct split *split)
{
    return split->counts[PART_VALIDATION] ? PART_VALIDATION : PART_TEST;
}
