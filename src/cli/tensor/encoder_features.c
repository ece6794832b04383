/* emotrain features MODEL PATH...: an encoder's layers of recordings, pooled over time or frame by frame, as
 * CSV or NumPy archive. */
#include "base/interrupt.h"
#include "base/log.h"
#include "base/parallel.h"
#include "cli/command.h"
#include "cli/tensor/features_output.h"
#include "model/head/layer_mix.h"
#include "run/experiment.h"
#include "run/trained_model.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct features_job {
    const struct options *options;
    struct trained_model trained; /* its configuration and device */
    struct model *model;
    struct layer_table table; /* which layers, and how they are pooled */
    int64_t depth;            /* the highest layer asked for */
    struct strings paths, labels;
    struct audio_cache *cache;
    struct clip_list clips; /* those that could be read, in the order of the paths */
    struct split split;
    struct dataset dataset;
    struct layer_features *layers; /* pooled ones */
};

/* ---- the model, and what is asked of it ---- */

/* A model that emotrain trained says what recordings become before it takes them in; of another program's,
 * config.json says enough. */
static bool take_sound(struct config *config, const char *folder, struct error *error)
{
    struct preprocessing sound = {.sample_rate = 16000};
    struct error unread = {0};
    bool read = preprocessing_read(&sound, folder, false, true, &unread);

    if (sound.channel && read)
        trained_model_take_sound(config, &sound, false);
    else if (sound.channel)
        *error = unread;
    preprocessing_free(&sound);
    return !error->kind;
}

/* The encoder alone, as a linear model takes it. */
static bool open_encoder(struct features_job *job, struct error *error)
{
    const struct trained_model_request request = {.name = job->options->arguments.items[0],
                                                  .config = job->options->config,
                                                  .sets = &job->options->sets,
                                                  .encoder_only = true};
    char *folder = NULL, rate[24];
    bool done = trained_model_find(&job->trained, &request, &folder, error);
    struct config *config = job->trained.config;

    if (done) {
        config_choose(config, "model.kind", "linear");
        config_choose(config, "model.task", TASKS[SINGLE_LABEL].name);
        config_choose(config, "model.pooling", "mean");
        config_choose(config, "linear.features", "encoder");
        config_choose(config, "linear.classifier", "logistic_regression");
        done = take_sound(config, folder, error) &&
               experiment_choose_compute(config, NULL, &job->trained.compute, error);
    }
    strings_add(&job->labels, "none"); /* a head has labels, and this one is not used */
    strings_add(&job->labels, "other");
    const struct model_source source = {.path = folder,
                                        .settings = done ? config_settings(config) : NULL,
                                        .labels = &job->labels,
                                        .device = job->trained.compute.device};
    done = done && (job->model = model_open(&source, error));
    if (done) {
        experiment_suit_compute(config, &job->trained.compute, job->model);
        snprintf(rate, sizeof rate, "%d", job->model->sound.sample_rate);
        config_choose(config, "audio.sample_rate", rate);
    }
    free(folder);
    return done;
}

static bool choose_layers(struct features_job *job, struct error *error)
{
    const char *layer = job->options->layer ? job->options->layer : "last",
               *pooling = job->options->pooling ? job->options->pooling : "mean";
    struct layer_table *t = &job->table;
    struct layer_mix mix;
    struct error unread = {0};
    int64_t layers = job->model->kind->hidden->count(job->model);

    t->pooling = strcmp(pooling, "mean") == 0       ? FEATURES_MEAN
                 : strcmp(pooling, "mean+std") == 0 ? FEATURES_MEAN_STD
                                                    : FEATURES_FRAMES;
    if (t->pooling == FEATURES_FRAMES && strcmp(pooling, "none") != 0)
        return error_usage(error, "--pooling must be mean, mean+std or none, not \"%s\"", pooling);
    if (strcmp(layer, "all") == 0 && layers < LAYERS_MOST) {
        for (int64_t i = 0; i <= layers; i++)
            t->layers[t->count++] = i;
    } else {
        if (strcmp(layer, "weighted") == 0 || !layer_mix_start(&mix, layer, layers, NULL, &unread))
            return error_usage(
                error, "--layer must be all, last, a number from 0 to %lld, or several as 2,3,4, not \"%s\"",
                (long long)layers, layer);
        memcpy(t->layers, mix.chosen, sizeof mix.chosen);
        t->count = (size_t)mix.count;
    }
    job->depth = t->layers[t->count - 1];
    return true;
}

/* ---- recordings ---- */

/* Recordings being hashed and decoded. */
struct reading {
    const struct strings *paths;
    struct audio_cache *cache;
    struct clip *clips; /* (paths); sha256 NULL: it could not be read */
    struct arena arena;
    struct progress progress;
    size_t done;
    struct error failure;
    pthread_mutex_t mutex;
};

static bool read_one(void *context, size_t item)
{
    struct reading *r = context;
    const char *path = r->paths->items[item];
    struct error reason = {0}, error = {0};
    struct audio_facts facts = {0};
    char hash[SHA256_HEX_SIZE];
    bool good = audio_digest(path, NULL, hash, &reason) &&
                audio_cache_make(r->cache, path, hash, &facts, &reason, &error) && !reason.kind;

    pthread_mutex_lock(&r->mutex);
    if (good)
        r->clips[item] = (struct clip){.path = path,
                                       .name = path,
                                       .label = "",
                                       .sha256 = arena_string(&r->arena, hash),
                                       .duration = facts.duration};
    else if (error.kind)
        r->failure = error;
    else
        log_warn("%s%s%s", text_starts(reason.message, path) ? "" : path,
                 text_starts(reason.message, path) ? "" : ": ", reason.message);
    progress_update(&r->progress, ++r->done, NULL);
    pthread_mutex_unlock(&r->mutex);
    return !error.kind && !interrupt_requested();
}

/* The recordings as the one part of a corpus. */
static bool read_recordings(struct features_job *job, struct error *error)
{
    const struct settings *settings = config_settings(job->trained.config);
    struct reading r = {.paths = &job->paths, .cache = job->cache, .mutex = PTHREAD_MUTEX_INITIALIZER};

    r.clips = mem_zero(job->paths.count, sizeof *r.clips);
    progress_start(&r.progress, "index", "file", 0, job->paths.count);
    parallel_for(job->paths.count, thread_count(settings->run.threads), read_one, &r);
    progress_end(&r.progress);
    job->split.clips[PART_TEST] = mem_zero(job->paths.count, sizeof(size_t));
    for (size_t i = 0; i < job->paths.count; i++) {
        if (!r.clips[i].sha256)
            continue;
        job->split.clips[PART_TEST][job->clips.count] = job->clips.count;
        clip_list_add(&job->clips, &r.clips[i]);
    }
    job->split.counts[PART_TEST] = job->clips.count;
    free(r.clips);
    arena_free(&r.arena);
    if (interrupt_requested())
        return error_interrupted(error, "interrupted; nothing was written");
    if (r.failure.kind)
        *error = r.failure;
    else if (job->clips.count == 0)
        error_set(error, "none of the %zu files can be read", job->paths.count);
    return !error->kind;
}

static bool make_dataset(struct features_job *job, struct error *error)
{
    const struct settings *settings = config_settings(job->trained.config);

    job->cache = corpus_cache_open(&settings->audio, settings->run.database, error);
    if (!job->cache || !read_recordings(job, error))
        return false;
    const struct dataset_source source = {.settings = settings,
                                          .cache = job->cache,
                                          .root = "",
                                          .clips = &job->clips,
                                          .split = &job->split,
                                          .labels = &job->labels};
    return dataset_start(&job->dataset, &source, PART_TEST, error);
}

/* ---- pooled layers ---- */

static bool write_pooled(struct features_job *job, struct features_output *output, struct error *error)
{
    struct batch batch;
    bool done = true;

    for (size_t i = 0; done && i < job->dataset.count; i++) {
        const struct clip *clip = job->dataset.items[i].clip;
        done = layer_features_load(job->layers, &clip, 1, &batch, error);
        if (done)
            features_output_pooled(output, clip->path, batch.states, (size_t)batch.state_width);
        batch_free(&batch);
    }
    return done;
}

static bool make_pooled(struct features_job *job, struct features_output *output, struct error *error)
{
    struct dataset *const datasets[] = {&job->dataset};

    job->layers = layer_features_open(config_settings(job->trained.config), job->cache, job->model,
                                      &job->trained.compute, job->depth, error);
    return job->layers &&
           layer_features_fill(job->layers, datasets, 1, job->model, &job->trained.compute, error) &&
           write_pooled(job, output, error);
}

/* ---- frames ---- */

/* One recording at a time: frames are not kept, and what is written does not depend on other recordings. */
static bool write_frames(struct features_job *job, size_t i, struct features_output *output,
                         struct error *error)
{
    struct et_scope *scope = et_scope_open(NULL);
    struct batch batch = {0};
    bool done = dataset_batch(&job->dataset, &i, 1, job->model, NULL, 0, &batch, error);
    if (done) {
        et_inference_begin(job->trained.compute.device, job->trained.compute.precision);
        struct et_tensor *x = job->model->kind->hidden->frames(job->model, scope, &batch, job->depth);
        et_inference_end();
        int64_t count = x ? et_numel(x) : 0, frames = x ? et_size(x, 1) : 0, width = x ? et_size(x, 2) : 0;
        float *values = mem_zero((size_t)count + 1, sizeof *values);
        et_read(scope, x, values, count);
        done = et_scope_close(scope, error) || error_prefix(error, "%s", job->dataset.items[i].clip->path);
        scope = NULL;
        if (done)
            features_output_frames(output, job->dataset.items[i].clip->path, values, (size_t)frames,
                                   (size_t)width);
        free(values);
    }
    if (scope)
        et_scope_close(scope, NULL);
    batch_free(&batch);
    return done;
}

static bool make_frames(struct features_job *job, struct features_output *output, struct error *error)
{
    struct progress progress;
    bool done = true;

    progress_start(&progress, "features", "clip", 0, job->dataset.count);
    for (size_t i = 0; done && i < job->dataset.count; i++) {
        done = write_frames(job, i, output, error);
        progress_update(&progress, i + 1, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted; nothing was written");
    }
    progress_end(&progress);
    return done;
}

/* ---- the command ---- */

static bool make_features(struct features_job *job, struct error *error)
{
    struct features_output *output = features_output_open(job->options->output, &job->table, error);

    if (!output)
        return false;
    bool done = job->table.pooling == FEATURES_FRAMES ? make_frames(job, output, error)
                                                      : make_pooled(job, output, error);
    size_t left_out = job->paths.count - job->clips.count;
    done = features_output_close(output, done, error) && done;
    return done &&
           (left_out == 0 || error_set(error, "%zu of %zu files are left out", left_out, job->paths.count));
}

bool command_encoder_features(const struct options *options, struct error *error)
{
    struct features_job job = {.options = options};
    bool done = features_paths(options, &job.paths, error) && open_encoder(&job, error) &&
                choose_layers(&job, error) && make_dataset(&job, error) && make_features(&job, error);
    layer_features_close(job.layers);
    dataset_free(&job.dataset);
    split_free(&job.split);
    clip_list_free(&job.clips);
    audio_cache_close(job.cache);
    model_close(job.model);
    trained_model_close(&job.trained);
    strings_free(&job.paths);
    strings_free(&job.labels);
    return done;
}
