/* emotrain features: of recordings, a row each.  The acoustic functionals here; an encoder's layers in
 * cli/tensor/encoder_features.c. */
#include "audio/egemaps/egemaps.h"
#include "base/csv.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/npz.h"
#include "base/parallel.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/paths.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
    const struct audio_settings *audio;
    const struct strings *paths;
    int channel, threads;
    float *values; /* (paths, EGEMAPS_COUNT) */
    bool *done;
    size_t finished;
    struct progress progress;
    pthread_mutex_t mutex;
};

static bool describe_one(void *context, size_t item)
{
    struct job *job = context;
    const char *path = job->paths->items[item];
    struct error reason = {0};
    struct signal signal = {0};

    if (audio_decode(path, job->channel, NULL, &signal, &reason) &&
        audio_resample(&signal, settings_rate(job->audio), job->audio->resampler, &reason)) {
        signal_prepare(&signal, job->audio->max_seconds, false);
        job->done[item] = egemaps(&signal, job->values + item * EGEMAPS_COUNT, &reason);
    }
    signal_free(&signal);
    pthread_mutex_lock(&job->mutex);
    if (!job->done[item])
        log_warn("%s: %s", path, reason.message);
    progress_update(&job->progress, ++job->finished, NULL);
    pthread_mutex_unlock(&job->mutex);
    return !interrupt_requested();
}

static void print_table(const struct job *job, struct text *out)
{
    char number[TEXT_NUMBER_SIZE];

    text_add(out, "path");
    for (int k = 0; k < EGEMAPS_COUNT; k++)
        text_add(out, ",%s", EGEMAPS_NAMES[k]);
    text_add(out, "\n");
    for (size_t i = 0; i < job->paths->count; i++) {
        if (!job->done[i])
            continue;
        csv_add_path(out, job->paths->items[i]);
        for (int k = 0; k < EGEMAPS_COUNT; k++)
            text_add(out, ",%s",
                     text_from_number(number, (double)job->values[i * EGEMAPS_COUNT + (size_t)k]));
        text_add(out, "\n");
    }
}

static bool write_archive(const struct job *job, size_t good, const char *output, struct error *error)
{
    struct npz_writer *writer = npz_create();
    struct strings names = {0}, paths = {0};
    const size_t shape[2] = {good, EGEMAPS_COUNT};
    float *values = mem_zero(good * EGEMAPS_COUNT, sizeof *values);

    for (int k = 0; k < EGEMAPS_COUNT; k++)
        strings_add(&names, EGEMAPS_NAMES[k]);
    for (size_t i = 0; i < job->paths->count; i++) {
        if (!job->done[i])
            continue;
        memcpy(values + paths.count * EGEMAPS_COUNT, job->values + i * EGEMAPS_COUNT,
               EGEMAPS_COUNT * sizeof *values);
        strings_add(&paths, job->paths->items[i]);
    }
    npz_add_floats(writer, "features", values, 2, shape);
    npz_add_texts(writer, "names", &names);
    npz_add_texts(writer, "paths", &paths);
    bool done = npz_commit(writer, output, error);
    strings_free(&names);
    strings_free(&paths);
    free(values);
    return done;
}

static bool describe_all(struct job *job, const char *output, struct error *error)
{
    struct text table = {0};
    size_t good = 0, count = job->paths->count;
    bool written = true;

    progress_start(&job->progress, "features", "file", 0, count);
    parallel_for(count, job->threads, describe_one, job);
    progress_end(&job->progress);
    if (interrupt_requested())
        return error_interrupted(error, "interrupted; nothing was written");
    for (size_t i = 0; i < count; i++)
        good += job->done[i];
    if (good == 0)
        return error_set(error, "none of the %zu files could be described", count);
    print_table(job, &table);
    if (output && text_ends(output, ".npz"))
        written = write_archive(job, good, output, error);
    else if (output)
        written = file_write(output, table.text, table.length, error);
    else
        fwrite(table.text, 1, table.length, stdout);
    text_free(&table);
    return written && (good == count ||
                       error_set(error, "%zu of %zu files could not be described", count - good, count));
}

bool features_paths(const struct options *options, struct strings *paths, struct error *error)
{
    bool done = true;

    for (size_t i = 1; done && i < options->arguments.count; i++)
        done = (strcmp(options->arguments.items[i], "-") != 0 ||
                error_usage(error, "features reads files and folders, not standard input")) &&
               paths_collect(paths, options->arguments.items[i], error);
    return done && (paths->count > 0 || error_usage(error, "no sound file among the paths given"));
}

static bool egemaps_features(const struct options *options, struct error *error)
{
    struct strings paths = {0};
    bool done;

    if (options->layer || options->pooling)
        return error_usage(error, "--layer and --pooling are of an encoder: egemaps has no layers");
    struct config *config = options_config(options, error);
    if (!config)
        return false;
    int channel = CHANNEL_MEAN;
    done = features_paths(options, &paths, error) &&
           audio_channel_find(config_settings(config)->audio.channel, &channel, error);
    if (done) {
        struct job job = {.audio = &config_settings(config)->audio,
                          .paths = &paths,
                          .channel = channel,
                          .threads = thread_count(config_settings(config)->run.threads),
                          .mutex = PTHREAD_MUTEX_INITIALIZER};
        job.values = mem_zero(paths.count * EGEMAPS_COUNT, sizeof *job.values);
        job.done = mem_zero(paths.count, sizeof *job.done);
        done = describe_all(&job, options->output, error);
        free(job.values);
        free(job.done);
    }
    config_free(config);
    strings_free(&paths);
    return done;
}

bool command_features(const struct options *options, struct error *error)
{
    const char *what = options->arguments.items[0];

    if (options->output && !text_ends(options->output, ".csv") && !text_ends(options->output, ".npz"))
        return error_usage(error, "-o %s: features are written as .csv or .npz", options->output);
    return strcmp(what, "egemaps") == 0 ? egemaps_features(options, error)
                                        : tensor_run("encoder_features", options, error);
}
