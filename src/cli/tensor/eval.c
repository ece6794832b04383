/* emotrain eval: a trained model's report on a part of a corpus. */
#include "base/log.h"
#include "cli/command.h"
#include "eval/metrics.h"
#include "run/describe_run.h"
#include "run/indexed_corpus.h"
#include "run/label_match.h"
#include "run/trained_model.h"
#include "train/evaluate.h"

#include <stdio.h>

static void print_report(const struct prediction_list *predictions)
{
    struct evaluation evaluation;
    struct text text = {0};

    evaluation_make(&evaluation, predictions);
    evaluation_print(&evaluation, &text);
    printf("%s\nmean cross-entropy %.4f, UAR %.4f\n", text.text, evaluation.loss, evaluation.uar);
    if (evaluation.clips < predictions->count)
        log_warn("%zu clips have a label that the model does not know; they are not in the report",
                 predictions->count - evaluation.clips);
    text_free(&text);
    evaluation_free(&evaluation);
}

/* A run's own clips may stand in another split's test part: say so. */
static void warn_other_split(const struct trained_model *trained, const struct indexed_corpus *corpus)
{
    struct error ignored = {0};
    struct run_row row = {0};
    struct run_info info;
    struct arena arena = {0};

    if (trained->run && run_find(corpus->catalogue, trained->run, &row, &arena, &ignored) && row.info) {
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

static bool evaluate_part(const struct trained_model *trained, const struct indexed_corpus *corpus,
                          enum part part, struct error *error)
{
    struct prediction_list predictions;
    struct dataset dataset = {0};

    if (corpus->split.counts[part] == 0)
        return error_usage(error, "the %s part is empty", PART_NAMES[part]);
    struct features *features = dataset_features(&config_settings(trained->config)->linear, error);
    const struct dataset_source from =
        dataset_source_of(config_settings(trained->config), corpus, &trained->model->labels, features);
    prediction_list_start(&predictions, trained->model->task,
                          (const char *const *)trained->model->labels.items, trained->model->labels.count);
    bool done = !error->kind && dataset_start(&dataset, &from, part, error) &&
                evaluate(trained->model, &dataset, &trained->compute, "evaluate", &predictions, error);
    if (done) {
        print_report(&predictions);
        print_remarks(trained, corpus);
        warn_other_split(trained, corpus);
    }
    prediction_list_free(&predictions);
    dataset_free(&dataset);
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
                evaluate_part(&trained, &corpus, part, error);

    corpora_close(&corpus);
    trained_model_close(&trained);
    return done;
}
