/* emotrain eval: a trained model's report on a part of a corpus. */
#include "base/log.h"
#include "base/text.h"
#include "cli/command.h"
#include "eval/metrics.h"
#include "run/describe_run.h"
#include "run/indexed_corpus.h"
#include "run/label_match.h"
#include "run/trained_model.h"
#include "run/training_clips.h"
#include "train/evaluate.h"
#include "train/speaker_scale.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_report(const struct prediction_list *predictions)
{
    struct evaluation evaluation;
    struct text text = {0};

    evaluation_make(&evaluation, predictions);
    evaluation_print(&evaluation, &text);
    printf("%s\n", text.text);
    if (evaluation.task == SINGLE_LABEL)
        printf("mean cross-entropy %.4f, UAR %.4f\n", evaluation.loss, evaluation.uar);
    FOR_METRICS (f, evaluation.task)
        if (evaluation.task != SINGLE_LABEL)
            printf("%-24s %.4f\n", metric_title(f, evaluation.task), METRICS[f].of(&evaluation));
    if (evaluation.clips < predictions->count)
        log_warn("%zu clips have a label that the model does not know; they are not in the report",
                 predictions->count - evaluation.clips);
    text_free(&text);
    evaluation_free(&evaluation);
}

/* Clips that the model was trained on may stand in another split's test part: say so. */
static void warn_known_clips(const struct trained_model *trained, const struct indexed_corpus *corpus,
                             enum part part)
{
    const size_t known = part == PART_TEST ? training_clips_known(trained->model, corpus, part) : 0;
    const bool unknown =
        part != PART_TEST || trained->model->known_clips.count == 0; /* of an earlier version */
    struct error ignored = {0};
    struct run_row row = {0};
    struct run_info info;
    struct arena arena = {0};

    if (known)
        log_warn("%zu of the %zu test clips are among those that the model was trained on or chosen by",
                 known, corpus->split.counts[PART_TEST]);
    else if (unknown && trained->run && run_find(corpus->catalogue, trained->run, &row, &arena, &ignored) &&
             row.info) {
        run_info_read(&info, row.info);
        if (describes_other_split(&info, corpus))
            log_warn("this is not the split that the run was trained on: this part may hold clips that it "
                     "has learned");
        run_info_free(&info);
    }
    arena_free(&arena);
}

static void print_remarks(const struct trained_model *trained, const struct indexed_corpus *corpus)
{
    if (corpus->split.shared_speakers)
        printf("%zu of %zu speakers are in the train part and in the test part\n",
               corpus->split.shared_speakers, corpus->split.speakers);
    if (*config_settings(trained->config)->corpora.note)
        printf("%s\n", config_settings(trained->config)->corpora.note);
}

/* The speakers of all parts' clips, which are distorted as the dataset's are; NULL on error. */
static struct speaker_scale *measure_speakers(const struct trained_model *trained,
                                              const struct dataset *dataset, struct error *error)
{
    static const enum part order[] = {PART_TRAIN, PART_TEST, PART_VALIDATION}; /* as a run takes them */
    struct dataset parts[3], *const pointers[3] = {&parts[0], &parts[1], &parts[2]};
    struct speaker_scale *speakers = NULL;
    bool done = true;

    if (!speaker_scale_applies(trained->model)) {
        error_usage(
            error, "%s: layers of an encoder that are standardised by speaker predict in their own run alone",
            trained->model->path);
        return NULL;
    }
    memset(parts, 0, sizeof parts);
    for (size_t i = 0; done && i < 3; i++) {
        done = dataset_start(&parts[i], &dataset->source, order[i], error);
        parts[i].distortions = dataset->distortions; /* lent */
        parts[i].distortion_count = dataset->distortion_count;
        parts[i].distortion_probability = dataset->distortion_probability;
    }
    if (done)
        speakers = speaker_scale_make(pointers, 3, trained->model, error);
    for (size_t i = 0; i < 3; i++) {
        parts[i].distortions = NULL;
        parts[i].distortion_count = 0;
        dataset_free(&parts[i]);
    }
    return speakers;
}

/* Predicts for a part, its recordings distorted; NULL: as they are.  Takes the distortion over. */
static bool predict_part(const struct trained_model *trained, const struct dataset_source *from,
                         enum part part, struct distortion *distortion, struct prediction_list *predictions,
                         struct error *error)
{
    const char *what = distortion ? distortion_words(distortion) : "evaluate";
    const struct model *model = trained->model;
    struct dataset dataset = {0};
    struct speaker_scale *speakers = NULL;

    prediction_list_start(predictions, model->task, (const char *const *)model->labels.items,
                          model->labels.count);
    bool done = dataset_start(&dataset, from, part, error);
    if (distortion)
        dataset_add_distortion(&dataset, distortion, 1);
    if (done && model->by_speaker) {
        dataset.speakers = speakers = measure_speakers(trained, &dataset, error);
        done = speakers != NULL;
    }
    done = done && evaluate(model, &dataset, &trained->compute, what, predictions, error);
    speaker_scale_free(speakers);
    dataset_free(&dataset);
    return done;
}

/* How often the predictions that are kept are right in this part. */
static void print_kept(const char *reject, const struct kept_share *kept, const struct prediction_list *list)
{
    size_t count = 0, right = 0, known = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct prediction *p = &list->items[i];
        bool stays = p->label >= 0 && p->probabilities[p->predicted] >= kept->threshold;
        known += p->label >= 0;
        count += stays;
        right += stays && p->label == p->predicted;
    }
    printf(
        "--reject %s: %zu of %zu predictions have a probability of at least %.3f, and %.4f of them are right "
        "(validation: %.4f of %.0f %%)\n",
        reject, count, known, kept->threshold, count ? (double)right / (double)count : 0, kept->accuracy,
        100 * kept->share);
}

/* What --reject asks for, before anything is predicted: NULL where it is not given, or on error. */
static const struct kept_share *find_kept(const char *reject, const struct model *model, struct error *error)
{
    double accuracy;

    return reject && reject_read(reject, &accuracy, error) ? model_reject(model, accuracy, error) : NULL;
}

/* ---- robustness ---- */

/* What --distort all stands for. */
static const char *const USUAL[] = {"noise:20dB", "noise:10dB", "noise:0dB", "telephone", "room:0.5s"};

/* What --distort asks for. */
struct robustness {
    struct strings words;
    struct distortion **distortions; /* one of each; NULL once it is used */
};

static bool robustness_open(struct robustness *r, const struct strings *asked, struct audio_cache *cache,
                            struct error *error)
{
    for (size_t i = 0; i < asked->count; i++) {
        bool all = strcmp(asked->items[i], "all") == 0;
        for (size_t k = 0; all && k < sizeof USUAL / sizeof USUAL[0]; k++)
            strings_add_new(&r->words, USUAL[k]);
        if (!all)
            strings_add_new(&r->words, asked->items[i]);
    }
    r->distortions = mem_zero(r->words.count + 1, sizeof(struct distortion *));
    for (size_t i = 0; !error->kind && i < r->words.count; i++)
        r->distortions[i] = distortion_open(r->words.items[i], cache, error);
    return !error->kind;
}

static void robustness_close(struct robustness *r)
{
    for (size_t i = 0; i < r->words.count; i++)
        distortion_close(r->distortions[i]);
    free(r->distortions);
    strings_free(&r->words);
}

static void print_robustness_head(enum task task)
{
    printf("\n%-24s", "distortion");
    FOR_METRICS (f, task)
        printf(" %11s", METRICS[f].name);
    if (task != REGRESSION)
        printf(" %11s", "as clean");
    printf("\n");
}

/* One row: the metrics, and the share of clips for which the same is predicted as of the clean recording. */
static void print_robustness(const char *name, const struct prediction_list *clean,
                             const struct prediction_list *distorted)
{
    struct evaluation evaluation;
    size_t same = 0;

    evaluation_make(&evaluation, distorted);
    struct text row = {0};
    text_add_column(&row, name, -24);
    FOR_METRICS (f, evaluation.task) {
        text_add(&row, " ");
        text_add_number(&row, METRICS[f].of(&evaluation), 11, 4);
    }
    fputs(row.text, stdout);
    text_free(&row);
    for (size_t i = 0; i < clean->count; i++)
        same += prediction_is_the_same(clean, &clean->items[i], &distorted->items[i]);
    if (evaluation.task != REGRESSION)
        printf(" %10.1f%%", 100 * (double)same / (double)clean->count);
    printf("\n");
    evaluation_free(&evaluation);
}

static bool evaluate_distorted(const struct trained_model *trained, const struct dataset_source *from,
                               enum part part, struct robustness *robustness,
                               const struct prediction_list *clean, struct error *error)
{
    bool done = true;

    print_robustness_head(clean->task);
    print_robustness("clean", clean, clean);
    for (size_t i = 0; done && i < robustness->words.count; i++) {
        struct prediction_list distorted;
        done = predict_part(trained, from, part, robustness->distortions[i], &distorted, error);
        robustness->distortions[i] = NULL;
        if (done)
            print_robustness(robustness->words.items[i], clean, &distorted);
        prediction_list_free(&distorted);
    }
    return done;
}

/* ---- the command ---- */

static bool evaluate_part(const struct trained_model *trained, const struct indexed_corpus *corpus,
                          enum part part, const struct options *options, struct error *error)
{
    struct prediction_list predictions = {0};
    struct robustness robustness = {0};
    const struct kept_share *kept = find_kept(options->reject, trained->model, error);

    if (error->kind)
        return false;
    if (corpus->split.counts[part] == 0)
        return error_usage(error, "the %s part is empty", PART_NAMES[part]);
    struct features *features = dataset_features(&config_settings(trained->config)->linear, error);
    const struct dataset_source from =
        dataset_source_of(config_settings(trained->config), corpus, &trained->model->labels, features);
    bool done = !error->kind && robustness_open(&robustness, &options->distort, corpus->cache, error) &&
                predict_part(trained, &from, part, NULL, &predictions, error);
    if (done) {
        print_report(&predictions);
        print_remarks(trained, corpus);
        warn_known_clips(trained, corpus, part);
        if (kept)
            print_kept(options->reject, kept, &predictions);
        done = robustness.words.count == 0 ||
               evaluate_distorted(trained, &from, part, &robustness, &predictions, error);
    }
    prediction_list_free(&predictions);
    robustness_close(&robustness);
    features_close(features);
    return done;
}

/* A model that was trained elsewhere may call the corpus' labels otherwise. */
static bool take_model_labels(const struct trained_model *trained, struct indexed_corpus *corpus,
                              enum part part, struct error *error)
{
    return trained->model->task != SINGLE_LABEL || corpus->split.counts[part] == 0 ||
           match_labels(corpus, part, &trained->model->labels, error);
}

bool command_eval(const struct options *options, struct error *error)
{
    enum part part = part_find(options->part ? options->part : "test", error);
    const struct trained_model_request request = {
        .name = options->arguments.items[0], .config = options->config, .sets = &options->sets};
    struct trained_model trained = {0};
    struct indexed_corpus corpus = {0};
    bool done = !error->kind && trained_model_open(&trained, &request, error) &&
                corpora_index(&corpus, config_settings(trained.config), error) &&
                corpora_split(&corpus, config_settings(trained.config), error) &&
                take_model_labels(&trained, &corpus, part, error) &&
                evaluate_part(&trained, &corpus, part, options, error);

    corpora_close(&corpus);
    trained_model_close(&trained);
    return done;
}
