#include "cli/experiment.h"

#include "audio/egemaps/egemaps.h"
#include "base/log.h"
#include "hub/hub.h"

#include <stdlib.h>

bool experiment_read_corpus(struct experiment *experiment, struct error *error)
{
    const struct config *config = experiment->config;
    struct source *source = &experiment->source;

    if (!source_index(source, config, error) || !source_split(source, config, error) ||
        !corpus_labels(config, &source->clips, &experiment->labels, error))
        return false;
    struct dataset *const datasets[] = {&experiment->train, &experiment->selection, &experiment->test};
    const enum part parts[] = {PART_TRAIN, split_selection_part(&source->split), PART_TEST};
    experiment->features = dataset_features(config, error);
    const struct dataset_source from = {.config = config,
                                        .cache = source->cache,
                                        .root = source->root,
                                        .clips = &source->clips,
                                        .split = &source->split,
                                        .labels = &experiment->labels,
                                        .features = experiment->features};
    for (int i = 0; !error->kind && i < 3; i++)
        dataset_start(datasets[i], &from, parts[i], error);
    if (error->kind)
        return false;
    const size_t *counts = source->split.counts;
    log_info("corpus: %zu clips, %.0f s of audio; train %zu, validation %zu, test %zu", source->clips.count,
             source->scan.seconds_of_audio, counts[PART_TRAIN], counts[PART_VALIDATION], counts[PART_TEST]);
    if (!config_is_empty(config, "corpus.note"))
        log_warn("%s", config_text(config, "corpus.note"));
    return true;
}

bool experiment_find_model(struct experiment *experiment, struct error *error)
{
    struct config *config = experiment->config;
    const char *name = config_text(config, "model.pretrained");
    char *commit = NULL;

    if (experiment->pretrained || !hub_is_name(name))
        return true;
    experiment->pretrained = hub_model(name, config_text(config, "model.revision"), false, &commit, error);
    if (!experiment->pretrained)
        return error_prefix(error, "model.pretrained: no \"%s\" here, and from the hub", name);
    log_info("model.pretrained: %s at commit %s, %s", name, commit, experiment->pretrained);
    config_choose(config, "model.revision", commit); /* for the next time, exactly this one */
    free(commit);
    return true;
}

bool experiment_open_model(struct experiment *experiment, const char *checkpoint, struct error *error)
{
    struct config *config = experiment->config;
    const char *pretrained =
        experiment->pretrained ? experiment->pretrained : config_text(config, "model.pretrained");
    struct model_source source = {.path = checkpoint ? checkpoint : pretrained,
                                  .config = config,
                                  .labels = &experiment->labels,
                                  .device = experiment->compute.device,
                                  .seed = (uint64_t)config_integer(config, "run.seed")};
    struct strings egemaps_names = {0};

    for (int k = 0; !experiment->features && k < EGEMAPS_COUNT; k++)
        strings_add(&egemaps_names, EGEMAPS_NAMES[k]);
    source.features = experiment->features ? features_names(experiment->features) : &egemaps_names;
    const struct model *model = experiment->model = model_open(&source, error);
    strings_free(&egemaps_names);
    if (!model)
        return false;
    config_choose(config, "audio.normalize", model->normalize ? "yes" : "no");
    log_info("model: %s, %.1f M parameters, %.1f M trained; %s, %s, %s threads", model->kind->name,
             1e-6 * (double)parameters_elements(&model->parameters, false),
             1e-6 * (double)parameters_elements(&model->parameters, true), config_text(config, "run.device"),
             config_text(config, "run.precision"), config_text(config, "run.threads"));
    return true;
}

bool experiment_fill_store(struct experiment *experiment, struct error *error)
{
    struct dataset *const datasets[] = {&experiment->train, &experiment->selection, &experiment->test};
    bool done = true;

    experiment->store =
        feature_store_open(experiment->config, experiment->source.cache, experiment->model, error);
    bool shared =
        split_selection_part(&experiment->source.split) == PART_TEST; /* selection is the test part */
    for (int i = 0; experiment->store && done && i < (shared ? 2 : 3); i++)
        done = feature_store_fill(experiment->store, datasets[i], experiment->model, &experiment->compute,
                                  error);
    for (int i = 0; done && i < 3; i++)
        datasets[i]->store = experiment->store;
    return done && !error->kind;
}

void experiment_close(struct experiment *experiment)
{
    feature_store_close(experiment->store);
    model_close(experiment->model);
    dataset_free(&experiment->train);
    dataset_free(&experiment->selection);
    dataset_free(&experiment->test);
    features_close(experiment->features);
    strings_free(&experiment->labels);
    source_close(&experiment->source);
    free(experiment->pretrained);
    config_free(experiment->config);
}
