#include "base/log.h"
#include "cli/facts.h"
#include "cli/source.h"
#include "cli/trained.h"
#include "report/metrics.h"
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
static void warn_other_split(const struct trained *trained, const struct source *source)
{
    struct error ignored = {0};
    struct run_row row = {0};
    struct arena arena = {0};

    if (trained->run && run_find(source->catalogue, trained->run, &row, &arena, &ignored) && row.facts) {
        cJSON *facts = cJSON_Parse(row.facts);
        if (facts_other_split(facts, source))
            log_warn("this is not the split that the run was trained on: this part may hold clips that it "
                     "has learned");
        cJSON_Delete(facts);
    }
    arena_free(&arena);
}

static void print_remarks(const struct trained *trained, const struct source *source)
{
    if (source->split.shared_speakers)
        printf("%zu of %zu speakers are in the train part and in the test part\n",
               source->split.shared_speakers, source->split.speakers);
    if (!config_is_empty(trained->config, "corpus.note"))
        printf("%s\n", config_text(trained->config, "corpus.note"));
}

static bool evaluate_part(const struct trained *trained, const struct source *source, enum part part,
                          struct error *error)
{
    struct prediction_list predictions;
    struct dataset dataset = {0};

    if (source->split.counts[part] == 0)
        return error_usage(error, "the %s part is empty", PART_NAMES[part]);
    struct features *features = dataset_features(trained->config, error);
    const struct dataset_source from = {.config = trained->config,
                                        .cache = source->cache,
                                        .root = source->root,
                                        .clips = &source->clips,
                                        .split = &source->split,
                                        .labels = &trained->model->labels,
                                        .features = features};
    prediction_list_start(&predictions, trained->model->problem,
                          (const char *const *)trained->model->labels.items, trained->model->labels.count);
    bool done = !error->kind && dataset_start(&dataset, &from, part, error) &&
                evaluate(trained->model, &dataset, &trained->compute, "evaluate", &predictions, error);
    if (done) {
        print_report(&predictions);
        print_remarks(trained, source);
        warn_other_split(trained, source);
    }
    prediction_list_free(&predictions);
    dataset_free(&dataset);
    features_close(features);
    return done;
}

bool command_eval(const struct options *options, struct error *error)
{
    enum part part = part_find(options->part ? options->part : "test", error);
    struct trained trained = {0};
    struct source source = {0};
    bool done = !error->kind && trained_open(&trained, options->arguments.items[0], options, error) &&
                source_index(&source, trained.config, error) &&
                source_split(&source, trained.config, error) && evaluate_part(&trained, &source, part, error);

    source_close(&source);
    trained_close(&trained);
    return done;
}
