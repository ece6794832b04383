/* emotrain predict: a trained model's predictions for files, folders and standard input. */
#include "cli/tensor/predict.h"
#include "base/encoding.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/paths.h"
#include "lib/emotrain.h"
#include "run/trained_model.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- predictions ---- */

/* The whole of standard input; caller frees.  NULL on error. */
static char *read_input(size_t *size, struct error *error)
{
    struct text text = {0};
    char block[65536];

    for (size_t got; (got = fread(block, 1, sizeof block, stdin)) > 0;)
        text_add_bytes(&text, block, got);
    if (ferror(stdin))
        error_set(error, "standard input: cannot be read: %s", strerror(errno));
    else if (text.length == 0)
        error_set(error, "standard input: is empty");
    if (error->kind)
        text_free(&text);
    *size = text.length;
    return text.text;
}

static void copy_error(struct error *error, const struct emotrain_error *failure)
{
    if (failure->status == 2)
        error_usage(error, "%s", failure->message);
    else if (failure->status)
        error_set(error, "%s", failure->message);
}

/* Prediction under way. */
struct prediction_job {
    struct emotrain *model;
    double *thresholds; /* the model's */
    double least;       /* probability of a label that is predicted: others are withheld (--reject) */
    struct replies replies;
};

static void add_prediction(const struct prediction_job *job, struct prediction_list *list, const char *path,
                           const float *row)
{
    struct prediction *p = prediction_list_add(list, path, -1, NULL);

    prediction_fill(list, p, row, job->thresholds);
    if (list->task == SINGLE_LABEL && p->probabilities[p->predicted] < job->least)
        p->predicted = -1;
}

/* Takes note of a window's predictions. */
static bool take_window(void *context, double start, double end, const float *row)
{
    struct prediction_job *job = context;
    struct replies *r = &job->replies;

    r->spans = mem_grow(r->spans, &r->capacity, r->windows.count + 1, sizeof *r->spans);
    r->spans[r->windows.count] = (struct window){r->whole.count, start, end};
    add_prediction(job, &r->windows, "", row);
    return !interrupt_requested();
}

static bool classify(struct prediction_job *job, const char *path, float *row, struct error *error)
{
    struct emotrain_error failure;
    size_t size;

    if (strcmp(path, "-") != 0) {
        emotrain_classify_file(job->model, path, row, &failure);
        copy_error(error, &failure);
        return !error->kind;
    }
    char *bytes = read_input(&size, error);
    if (bytes && !emotrain_classify_bytes(job->model, bytes, size, row, &failure)) {
        copy_error(error, &failure);
        error_prefix(error, "standard input");
    }
    free(bytes);
    return !error->kind;
}

/* One recording at a time: a prediction never depends on the other files named. */
static bool predict_file(struct prediction_job *job, const char *path, struct error *error)
{
    size_t before = job->replies.windows.count;
    float *row = mem_zero(emotrain_label_count(job->model) + 1, sizeof *row);
    bool done = classify(job, path, row, error);

    if (done)
        add_prediction(job, &job->replies.whole, path, row);
    else
        job->replies.windows.count = before;
    free(row);
    return done;
}

/* A file of texts: each line is predicted by itself and named FILE:LINE. */
static bool predict_text(struct prediction_job *job, const char *path, struct error *error)
{
    size_t size = 0, number = 0;
    char *bytes = strcmp(path, "-") == 0 ? read_input(&size, error) : file_read(path, &size, error);
    char *text = bytes ? text_to_utf8(bytes, size, path, error) : NULL, *rest = text;
    float *row = mem_zero(emotrain_label_count(job->model) + 1, sizeof *row);
    bool done = text != NULL;

    if (bytes && !text)
        error_prefix(error, "no text: this model reads what is said, a line each");
    for (char *line; done && (line = strsep(&rest, "\n"));) {
        struct emotrain_error failure;
        line[strcspn(line, "\r")] = '\0';
        number++;
        if (!*line)
            continue;
        char *name = mem_format("%s:%zu", path, number);
        done = emotrain_classify_text(job->model, line, row, &failure);
        copy_error(error, &failure);
        if (done) {
            take_window(job, 0, 0, row);
            add_prediction(job, &job->replies.whole, name, row);
        }
        free(name);
    }
    free(row);
    free(text);
    return done;
}

static bool predict_all(struct prediction_job *job, const struct strings *paths, struct error *error)
{
    bool reads = emotrain_input(job->model) == EMOTRAIN_TEXT;
    struct progress progress;
    size_t failed = 0;

    progress_start(&progress, "predict", "file", 0, paths->count);
    for (size_t i = 0; i < paths->count && !interrupt_requested(); i++) {
        struct error failure = {0};
        if (!(reads ? predict_text : predict_file)(job, paths->items[i], &failure) &&
            !interrupt_requested()) {
            log_warn("%s", failure.message);
            failed++;
        }
        progress_update(&progress, i + 1, NULL);
    }
    progress_end(&progress);
    if (interrupt_requested())
        return error_interrupted(error, "interrupted; nothing was written");
    if (failed)
        error_set(error, "%zu of %zu files have no prediction", failed, paths->count);
    return true; /* predictions there are, are written */
}

/* ---- output ---- */

static bool write_replies(const struct options *options, const struct predict_format *format,
                          const struct replies *replies, struct error *error)
{
    struct text text = {0};
    bool done = true;

    text_add_bytes(&text, "", 0);
    format->print(replies, options->windows, &text);
    if (options->output)
        done = file_write(options->output, text.text, text.length, error);
    else
        fwrite(text.text, 1, text.length, stdout);
    text_free(&text);
    return done;
}

static void start_replies(struct prediction_job *job)
{
    static const enum task tasks[] = {[EMOTRAIN_SINGLE_LABEL] = SINGLE_LABEL,
                                      [EMOTRAIN_MULTI_LABEL] = MULTI_LABEL,
                                      [EMOTRAIN_REGRESSION] = REGRESSION};
    size_t count = emotrain_label_count(job->model);
    const char **labels = mem_zero(count + 1, sizeof *labels);

    job->thresholds = mem_zero(count + 1, sizeof *job->thresholds);
    for (size_t k = 0; k < count; k++) {
        labels[k] = emotrain_label(job->model, k);
        job->thresholds[k] = emotrain_threshold(job->model, k);
    }
    prediction_list_start(&job->replies.whole, tasks[emotrain_task(job->model)], labels, count);
    prediction_list_start(&job->replies.windows, tasks[emotrain_task(job->model)], labels, count);
    emotrain_on_window(job->model, take_window, job);
    free(labels);
}

/* Finds what --reject asks for. */
static bool find_least(const struct options *options, struct prediction_job *job, struct error *error)
{
    struct emotrain_error failure;
    double accuracy, share;

    if (!options->reject)
        return true;
    if (!reject_read(options->reject, &accuracy, error))
        return false;
    if (emotrain_reject(job->model, accuracy, &job->least, &share, &failure))
        log_info(
            "--reject %s: labels with a probability below %.3f are withheld; on the validation part %.0f %% "
            "were kept",
            options->reject, job->least, 100 * share);
    copy_error(error, &failure);
    return !error->kind;
}

static void free_replies(struct replies *replies)
{
    prediction_list_free(&replies->whole);
    prediction_list_free(&replies->windows);
    free(replies->spans);
}

/* A setting that was given; else NULL: the model knows its own. */
static const char *given_text(const struct config *config, const char *name)
{
    return config_is_given(config, name) ? config_text(config, name) : NULL;
}

/* How long windows may be, in seconds; 0: as the model says. */
static double window_seconds(const struct config *config)
{
    double seconds = config_settings(config)->audio.max_seconds;

    if (!config_is_given(config, "audio.max_seconds"))
        return 0;
    return seconds > 0 ? seconds : DBL_MAX;
}

/* Opens what the user named, as its run or --config says. */
static struct emotrain *open_model(const struct options *options, struct error *error)
{
    const struct trained_model_request request = {
        .name = options->arguments.items[0], .config = options->config, .sets = &options->sets};
    struct trained_model trained;
    struct emotrain_error failure;
    struct emotrain *model = NULL;
    char *folder;

    if (trained_model_find(&trained, &request, &folder, error)) {
        const struct config *c = trained.config;
        const struct emotrain_settings settings = {.device = config_settings(c)->run.device,
                                                   .precision = config_text(c, "run.precision"),
                                                   .resampler = given_text(c, "audio.resampler"),
                                                   .channel = given_text(c, "audio.channel"),
                                                   .threads = (int)config_settings(c)->run.threads,
                                                   .batch_size = (int)config_settings(c)->eval.batch_size,
                                                   .window_seconds = window_seconds(c),
                                                   .verbose = true};
        model = emotrain_open(folder, &settings, &failure);
        copy_error(error, &failure);
        if (model && options->windows && emotrain_window_seconds(model) == 0)
            log_warn("--windows: every recording is one window%s",
                     settings.window_seconds > 0
                         ? ", as the model, or one of its members, takes in functionals"
                         : "; --set audio.max_seconds=5 makes windows of up to 5 s");
    }
    free(folder);
    trained_model_close(&trained);
    return model;
}

bool command_predict(const struct options *options, struct error *error)
{
    const struct predict_format *format =
        predict_format_find(options->format ? options->format : "table", error);
    struct prediction_job job = {0};
    struct strings paths = {0};
    bool done = format != NULL;

    for (size_t i = 1; done && i < options->arguments.count; i++)
        done = paths_collect(&paths, options->arguments.items[i], error);
    if (done && paths.count == 0)
        done = error_usage(error, "no sound file among the paths given");
    if (done && (job.model = open_model(options, error))) {
        struct error without_prediction = {0};
        start_replies(&job);
        done = find_least(options, &job, error) && predict_all(&job, &paths, &without_prediction);
        if (done)
            done = write_replies(options, format, &job.replies, error);
        if (!error->kind)
            *error = without_prediction;
        free_replies(&job.replies);
        free(job.thresholds);
        emotrain_close(job.model);
    }
    strings_free(&paths);
    return done && !error->kind;
}
