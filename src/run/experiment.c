/* From a configuration to datasets and a model: see experiment.h. */
#include "run/experiment.h"

#include "audio/egemaps/egemaps.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/hub.h"
#include "model/head/layer_mix.h"
#include "run/run_folder.h"
#include "run/training_clips.h"
#include "train/auxiliary.h"
#include "train/checkpoint.h"
#include "train/speaker_scale.h"
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool experiment_choose_compute(struct config *config, const struct dist_env *env, struct compute *compute,
                               struct error *error)
{
    char device[COMPUTE_NAME_SIZE], threads[24];

    if (!compute_choose(&config_settings(config)->run, env, compute, error))
        return false;
    et_set_threads(compute->threads);
    config_choose(config, "run.device", compute_device_name(compute, device));
    config_choose(config, "run.precision", compute_precision_name(compute));
    snprintf(threads, sizeof threads, "%d", compute->threads);
    if (!env ||
        env->world_size == 1) /* a part of the processors means nothing to another number of processes */
        config_choose(config, "run.threads", threads);
    return true;
}

void experiment_suit_compute(struct config *config, struct compute *compute, const struct model *model)
{
    compute_suit(compute, model);
    config_choose(config, "run.precision", compute_precision_name(compute));
}

struct dataset_source dataset_source_of(const struct settings *settings, const struct indexed_corpus *corpus,
                                        const struct strings *labels, const struct features *features)
{
    return (struct dataset_source){.settings = settings,
                                   .cache = corpus->cache,
                                   .root = corpus->root,
                                   .clips = &corpus->clips,
                                   .split = &corpus->split,
                                   .labels = labels,
                                   .features = features};
}

bool experiment_read_corpus(struct experiment *e, struct error *error)
{
    const struct settings *settings = config_settings(e->config);
    struct indexed_corpus *corpus = &e->corpus;

    if (!corpora_index(corpus, settings, error) || !corpora_split(corpus, settings, error) ||
        !split_trains(&settings->split, &corpus->split, error) ||
        !corpus_labels(&settings->corpora, &corpus->clips, &e->labels, error))
        return false;
    struct dataset *const datasets[] = {&e->train, &e->selection, &e->test};
    const enum part parts[] = {PART_TRAIN, split_selection_part(&corpus->split), PART_TEST};
    e->features = dataset_features(&settings->linear, error);
    const struct dataset_source from = dataset_source_of(settings, corpus, &e->labels, e->features);
    for (int i = 0; !error->kind && i < 3; i++)
        dataset_start(datasets[i], &from, parts[i], error);
    if (error->kind || !auxiliary_start(&e->train, error) ||
        !dataset_distort(&e->train, settings->augment.distort, settings->augment.distort_probability, error))
        return false;
    const size_t *counts = corpus->split.counts;
    log_info("corpus: %zu clips, %.0f s of audio; train %zu, validation %zu, test %zu", corpus->clips.count,
             corpus->seconds, counts[PART_TRAIN], counts[PART_VALIDATION], counts[PART_TEST]);
    if (*settings->corpora.note)
        log_warn("%s", settings->corpora.note);
    return true;
}

bool experiment_find_model(struct experiment *e, struct error *error)
{
    const struct model_settings *settings = &config_settings(e->config)->model;
    char *commit = NULL;

    if (e->pretrained || !hub_is_name(settings->pretrained))
        return true;
    e->pretrained = hub_model(settings->pretrained, settings->revision, false, &commit, error);
    if (!e->pretrained)
        return error_prefix(error, "model.pretrained: no \"%s\" here, and from the hub",
                            settings->pretrained);
    log_info("model.pretrained: %s at commit %s, %s", settings->pretrained, commit, e->pretrained);
    config_choose(e->config, "model.revision", commit); /* for the next time, exactly this one */
    free(commit);
    return true;
}

static void log_model(const struct experiment *e)
{
    const struct model *model = e->model;
    char device[COMPUTE_NAME_SIZE];

    if (model->kind->input == INPUT_FEATURES) { /* it has no products of matrices on a device */
        log_info("model: %s, %zu features, %d threads", model->kind->name, model->features.count,
                 e->compute.threads);
        return;
    }
    log_info("model: %s, %.1f M parameters, %.1f M trained; %s, %s, %d threads", model->kind->name,
             1e-6 * (double)parameters_elements(&model->parameters, false),
             1e-6 * (double)parameters_elements(&model->parameters, true),
             compute_device_name(&e->compute, device), compute_precision_name(&e->compute),
             e->compute.threads);
}

static bool open_model(struct experiment *e, const char *checkpoint, const char *head, struct error *error)
{
    const struct settings *settings = config_settings(e->config);
    const char *pretrained = e->pretrained ? e->pretrained : settings->model.pretrained;
    struct model_source source = {.path = checkpoint ? checkpoint : pretrained,
                                  .settings = settings,
                                  .labels = &e->labels,
                                  .device = e->compute.device,
                                  .seed = (uint64_t)settings->run.seed,
                                  .auxiliary_classes = (int64_t)e->train.auxiliary.count};
    struct strings egemaps_names = {0};

    for (int k = 0; !e->features && k < EGEMAPS_COUNT; k++)
        strings_add(&egemaps_names, EGEMAPS_NAMES[k]);
    source.features = e->features ? features_names(e->features) : &egemaps_names;
    source.features_from_table = e->features != NULL;
    e->model = model_open(&source, error);
    strings_free(&egemaps_names);
    if (!e->model)
        return false;
    if (!checkpoint) /* another corpus' scale is not this one's */
        model_forget_scale(e->model);
    if (head && !model_take_head(e->model, head, error))
        return false;
    config_choose(e->config, "audio.normalize", e->model->sound.normalize ? "yes" : "no");
    experiment_suit_compute(e->config, &e->compute, e->model);
    log_model(e);
    return true;
}

/* The model directory of a run, of a sweep's run with this one's name, or of itself; caller frees.  NULL on
 * error. */
static char *find_head(const struct settings *settings, struct error *error)
{
    const char *name = settings->model.head_from;
    const char *where = settings->run.directory;
    char *run = run_folder_find(name, where, false, error),
         *directory = !run && model_is_directory(name) ? mem_string(name) : NULL;

    if (!run && !directory)
        run = run_folder_find_counterpart(name, settings->run.name, where, error);
    if (run && checkpoint_best(run, &directory, error) && !directory)
        error_set(error, "%s has no checkpoint", run);
    if (!directory)
        error_prefix(error, "model.head_from (a run, sweep or model directory)");
    free(run);
    return directory;
}

/* Pooling, layers and head as they were where the head comes from. */
static bool take_head_settings(struct config *config, const char *directory, struct error *error)
{
    static const char *const same[][2] = {{"emotrain_layers", "model.layer"},
                                          {"pooling_mode", "model.pooling"},
                                          {"emotrain_head", "model.head"},
                                          {"emotrain_head_scale", "model.head_scale"}};
    char *path = path_join(directory, "config.json");
    cJSON *json = json_read(path, error);

    if (json && cJSON_HasObjectItem(json, "emotrain_combine"))
        error_usage(error,
                    "model.head_from: %s averages several layers' classifiers, which is no head to train: "
                    "linear.combine=none or concat makes one",
                    directory);
    if (json && cJSON_HasObjectItem(json, "emotrain_scale"))
        error_usage(error,
                    "model.head_from: the features of %s are standardised by speaker: linear.scale=standard "
                    "makes a head to train",
                    directory);
    for (size_t i = 0; json && !error->kind && i < sizeof same / sizeof same[0]; i++) {
        const char *value = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, same[i][0]));
        if (value)
            config_choose(config, same[i][1], value);
    }
    cJSON_Delete(json);
    free(path);
    return !error->kind;
}

bool experiment_open_model(struct experiment *e, const char *checkpoint, struct error *error)
{
    const struct settings *settings = config_settings(e->config);
    char *head = !checkpoint && *settings->model.head_from ? find_head(settings, error) : NULL;
    bool done = !error->kind && (!head || take_head_settings(e->config, head, error)) &&
                open_model(e, checkpoint, head, error);

    if (done && !checkpoint) { /* that of the model it begins with was of other weights */
        e->model->temperature = 1;
        e->model->kept_count = 0;
        for (size_t k = 0; k < e->model->labels.count; k++)
            e->model->thresholds[k] = 0.5;
        e->known_test_clips = training_clips_known(e->model, &e->corpus, PART_TEST);
        if (e->known_test_clips)
            log_warn("%zu of the %zu test clips are among those that the model that training begins with was "
                     "trained on or chosen by: give both trainings the same split",
                     e->known_test_clips, e->corpus.split.counts[PART_TEST]);
    }
    if (done)
        training_clips_learn(e->model, &e->corpus, settings);
    free(head);
    return done;
}

/* The encoder's layers for all clips; `distinct` of the datasets have clips of their own. */
static bool fill_layers(struct experiment *e, struct dataset *const datasets[3], size_t distinct,
                        struct error *error)
{
    const struct settings *settings = config_settings(e->config);
    int64_t layers[LAYERS_MOST], count = 0, all = e->model->kind->hidden->count(e->model);

    if (strcmp(settings->linear.layer, "auto") != 0 &&
        !layers_read(settings->linear.layer, all, layers, &count))
        return error_usage(error,
                           "linear.layer=%s: this encoder has layers 0 to %lld; several go from low to high",
                           settings->linear.layer, (long long)all);
    int64_t highest = count > 0 ? layers[count - 1] : -1; /* any may be chosen */
    e->layers = layer_features_open(settings, e->corpus.cache, e->model, &e->compute, highest, error);
    if (!e->layers || !layer_features_fill(e->layers, datasets, distinct, e->model, &e->compute, error))
        return false;
    for (int i = 0; i < 3; i++)
        datasets[i]->layers = e->layers;
    return true;
}

bool experiment_fill_cache(struct experiment *e, struct error *error)
{
    struct dataset *const datasets[3] = {&e->train, &e->test, &e->selection};
    bool done = true;

    bool shared = split_selection_part(&e->corpus.split) == PART_TEST; /* selection is the test part */
    if (e->model->kind == &MODEL_PROBE && !fill_layers(e, datasets, shared ? 2 : 3, error))
        return false;
    if (e->model->by_speaker) {
        e->speakers = speaker_scale_make(datasets, shared ? 2 : 3, e->model, error);
        for (int i = 0; i < 3; i++)
            datasets[i]->speakers = e->speakers;
    }
    if (e->model->kind == &MODEL_PROBE || error->kind)
        return !error->kind;

    e->cache = feature_cache_open(config_settings(e->config), e->corpus.cache, e->model, error);
    for (int i = 0; e->cache && done && i < (shared ? 2 : 3); i++)
        done = feature_cache_fill(e->cache, datasets[i], e->model, &e->compute, error);
    for (int i = 0; done && i < 3; i++)
        datasets[i]->cache = e->cache;
    return done && !error->kind;
}

void experiment_close(struct experiment *e)
{
    feature_cache_close(e->cache);
    layer_features_close(e->layers);
    speaker_scale_free(e->speakers);
    model_close(e->model);
    dataset_free(&e->train);
    dataset_free(&e->selection);
    dataset_free(&e->test);
    features_close(e->features);
    strings_free(&e->labels);
    corpora_close(&e->corpus);
    free(e->pretrained);
    config_free(e->config);
}
