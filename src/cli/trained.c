#include "cli/trained.h"

#include "base/memory.h"
#include "train/checkpoint.h"

#include <stdlib.h>

/* The configuration to work with: --config if given, else the run's own; --set over it. */
static struct config *choose_config(const char *run, const struct options *options, struct error *error)
{
    if (!run || options->config)
        return options_config(options, error);
    struct config *config = run_folder_config(run, error);
    for (size_t i = 0; config && i < options->sets.count; i++) {
        if (!config_set(config, options->sets.items[i], error)) {
            config_free(config);
            config = NULL;
        }
    }
    return config;
}

static bool is_model_directory(const char *path)
{
    char *config = path_join(path, "config.json");
    bool there = path_exists(config);

    free(config);
    return there;
}

bool trained_open(struct trained *trained, const char *name, const struct options *options,
                  struct error *error)
{
    struct config *defaults = config_new();
    char *run = run_folder_find(name, config_text(defaults, "run.directory"), false, error);
    char *best = run ? checkpoint_find(run, "best") : is_model_directory(name) ? mem_string(name) : NULL;
    struct model_source source = {.path = best};

    *trained = (struct trained){0};
    if (!best && run)
        error_set(error, "%s: this run has no checkpoint yet", run);
    else if (!best)
        error_usage(error, "no run or model \"%s\": neither a run's folder or name nor a model directory",
                    name);
    else if ((trained->config = choose_config(run, options, error)) &&
             compute_choose(trained->config, &trained->compute, error)) {
        source.device = trained->compute.device;
        trained->model = model_open(&source, error);
    }
    config_free(defaults);
    free(run);
    free(best);
    if (!trained->model)
        trained_close(trained);
    return trained->model != NULL;
}

void trained_close(struct trained *trained)
{
    model_close(trained->model);
    config_free(trained->config);
    *trained = (struct trained){0};
}
