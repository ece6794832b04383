/* Trained models by name: see trained_model.h. */
#include "run/trained_model.h"

#include "base/memory.h"
#include "base/text.h"
#include "hub/hub.h"
#include "model/ensemble.h"
#include "run/experiment.h"
#include "run/run_folder.h"
#include "train/checkpoint.h"

#include <stdlib.h>

/* The configuration to work with: --config if given, else the run's own; --set over it. */
static struct config *choose_config(const char *run, const struct trained_model_request *request,
                                    struct error *error)
{
    if (!run || request->config)
        return config_load(request->config, request->sets, error);
    struct config *config = run_folder_config(run, error);
    if (config && !config_apply(config, request->sets, error)) {
        config_free(config);
        config = NULL;
    }
    return config;
}

static bool no_checkpoint(const char *run, struct error *error)
{
    struct error unread = {0};
    struct config *config = run_folder_config(run, &unread);
    bool pooled = config && config_settings(config)->sweep.folds;

    config_free(config);
    return pooled ? error_usage(error, "%s is the report of all folds: each fold has a model, name one", run)
                  : error_set(error, "%s: this run has no checkpoint yet", run);
}

static bool is_sweep(const char *name, const char *directory)
{
    char *folder = sweep_folder_find(name, directory);

    free(folder);
    return folder != NULL;
}

/* The model's folder for what the user named: a run's best checkpoint, a model directory, or a model of the
 * hub, which is fetched where the cache lacks it.  Sets the run's folder too, where it is one.  Caller frees
 * both. */
static bool find_model(const char *name, const char *directory, const char *revision, char **run,
                       char **model, struct error *error)
{
    *run = run_folder_find(name, directory, false, error);
    *model = NULL;
    if (*run && !checkpoint_best(*run, model, error))
        return false;
    if (*model && !ensemble_is(*model) && !checkpoint_check(*model, true, error))
        return false;
    if (*run && !*model)
        return no_checkpoint(*run, error);
    if (!*run && model_is_directory(name))
        *model = mem_string(name);
    else if (!*run && is_sweep(name, directory))
        return run_folder_find(name, directory, true, error) != NULL; /* it says so */
    else if (!*run && hub_is_name(name))
        return (*model = hub_model(name, revision, false, NULL, error)) != NULL;
    return *model || error_usage(error,
                                 "no run or model \"%s\": neither a run's folder or name nor a model "
                                 "directory nor OWNER/NAME of the hub",
                                 name);
}

static void choose_unless_given(struct config *config, const char *name, const char *value)
{
    if (value && !config_is_given(config, name))
        config_choose(config, name, value);
}

void trained_model_take_sound(struct config *config, const struct preprocessing *sound, bool settled)
{
    void (*choose)(struct config *, const char *, const char *) =
        settled ? config_choose : choose_unless_given;
    char *rate = sound->sample_rate ? mem_format("%d", sound->sample_rate) : mem_string("native"),
         *seconds = mem_format("%.17g", sound->max_seconds);

    choose(config, "audio.sample_rate", rate);
    choose(config, "audio.normalize", sound->normalize ? "yes" : "no");
    choose_unless_given(config, "audio.channel", sound->channel);
    choose_unless_given(config, "audio.resampler", sound->resampler);
    choose_unless_given(config, "audio.max_seconds", seconds);
    free(rate);
    free(seconds);
}

/* Fails for the first of `sets` that begins with one of `names`, which NULL ends; `why` says why not. */
static bool refuse_sets(const struct strings *sets, const char *const *names, const char *why,
                        struct error *error)
{
    for (size_t i = 0; i < sets->count; i++)
        for (size_t k = 0; names[k]; k++)
            if (text_starts(sets->items[i], names[k]) && !text_starts(sets->items[i], "model.revision="))
                return error_usage(error, "--set %s: %s", sets->items[i], why);
    return true;
}

/* What was settled by training cannot be set any more; of an encoder alone, options say what is wanted. */
static bool check_sets(const struct trained_model_request *request, struct error *error)
{
    static const char *const settled[] = {"model.",
                                          "linear.",
                                          "train.",
                                          "checkpoint.",
                                          "sweep.",
                                          "augment.",
                                          "audio.sample_rate=",
                                          "audio.normalize=",
                                          "audio.crop_seconds=",
                                          "eval.best_metric=",
                                          "eval.temperature_scaling=",
                                          NULL},
                             *const layers[] = {"model.layer=", "linear.layer=", NULL},
                             *const poolings[] = {"model.pooling=", "linear.pooling=", NULL};

    if (!request->encoder_only)
        return refuse_sets(request->sets, settled, "the model is trained, this is settled", error);
    return refuse_sets(request->sets, layers, "--layer says which", error) &&
           refuse_sets(request->sets, poolings, "--pooling says how", error);
}

bool trained_model_find(struct trained_model *trained, const struct trained_model_request *request,
                        char **folder, struct error *error)
{
    struct config *given = config_load(request->config, request->sets, error); /* where runs are */

    *trained = (struct trained_model){0};
    *folder = NULL;
    bool found = given && check_sets(request, error) &&
                 find_model(request->name, config_settings(given)->run.directory,
                            config_settings(given)->model.revision, &trained->run, folder, error) &&
                 (trained->config = choose_config(trained->run, request, error));
    config_free(given);
    return found;
}

bool trained_model_open(struct trained_model *trained, const struct trained_model_request *request,
                        struct error *error)
{
    char *folder;

    if (trained_model_find(trained, request, &folder, error) &&
        experiment_choose_compute(trained->config, NULL, &trained->compute, error)) {
        struct model_source source = {.path = folder, .device = trained->compute.device};
        trained->model = model_open(&source, error);
    }
    free(folder);
    if (trained->model) {
        experiment_suit_compute(trained->config, &trained->compute, trained->model);
        if (trained->run) /* of an older emotrain, whose models did not say it */
            preprocessing_complete(&trained->model->sound, &config_settings(trained->config)->audio);
        trained_model_take_sound(trained->config, &trained->model->sound, true);
        config_choose(trained->config, "model.task", TASKS[trained->model->task].name);
    } else {
        trained_model_close(trained);
    }
    return trained->model != NULL;
}

void trained_model_close(struct trained_model *trained)
{
    model_close(trained->model);
    config_free(trained->config);
    free(trained->run);
    *trained = (struct trained_model){0};
}
