/* emotrain predict: what a trained model hears in files, folders and standard input. */
#include "cli/predict.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/paths.h"
#include "cli/trained.h"
#include "train/evaluate.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

/* The whole of standard input; caller frees. */
static char *read_input(size_t *size)
{
    struct text text = {0};
    char block[65536];

    for (size_t got; (got = fread(block, 1, sizeof block, stdin)) > 0;)
        text_add_bytes(&text, block, got);
    *size = text.length;
    return text.text;
}

static bool decode(const char *path, struct signal *signal, struct error *error)
{
    if (strcmp(path, "-") != 0)
        return audio_decode(path, NULL, signal, error);
    size_t size;
    char *bytes = read_input(&size);
    if (ferror(stdin)) {
        free(bytes);
        return error_set(error, "cannot be read: %s", strerror(errno));
    }
    bool done = audio_decode_bytes(bytes, size, NULL, signal, error);
    free(bytes);
    return done;
}

static bool load(const struct trained *trained, const char *path, struct signal *signal, struct error *error)
{
    if (decode(path, signal, error) && audio_resample(signal, trained->model->sample_rate,
                                                      config_text(trained->config, "audio.resampler"), error))
        return true;
    signal_free(signal);
    return error_prefix(error, "%s", strcmp(path, "-") == 0 ? "standard input" : path);
}

/* Answers for windows first..first+count-1 of `all` equally long ones; adds their probabilities, weighted by
 * their share of the recording, to `sum`. */
static bool answer_windows(const struct trained *trained, const struct signal *signal, size_t first,
                           size_t count, size_t all, struct replies *replies, double *sum,
                           struct error *error)
{
    size_t labels = trained->model->labels.count;
    struct signal *windows = mem_zero(count, sizeof *windows);
    float *rows = mem_zero(count * labels, sizeof *rows);
    struct batch batch;

    for (size_t w = 0; w < count; w++) {
        size_t start = (first + w) * signal->count / all, end = (first + w + 1) * signal->count / all;
        windows[w] =
            (struct signal){mem_alloc((end - start) * sizeof *signal->samples), end - start, signal->rate};
        memcpy(windows[w].samples, signal->samples + start, (end - start) * sizeof *signal->samples);
        signal_prepare(&windows[w], 0, trained->model->normalize);
        replies->spans = mem_grow(replies->spans, &replies->capacity, replies->windows.count + w + 1,
                                  sizeof *replies->spans);
        replies->spans[replies->windows.count + w] =
            (struct window){replies->whole.count, (double)start / signal->rate, (double)end / signal->rate};
    }
    bool done = batch_of_signals(&batch, windows, count, trained->model, error) &&
                answer(trained->model, &batch, &trained->compute, rows, error);
    for (size_t w = 0; done && w < count; w++) {
        double share = (double)windows[w].count / (double)signal->count;
        for (size_t k = 0; k < labels; k++)
            sum[k] += share * (double)rows[w * labels + k];
        prediction_fill(prediction_list_add(&replies->windows, "", -1, NULL), rows + w * labels,
                        trained->model);
    }
    batch_free(&batch);
    for (size_t w = 0; w < count; w++)
        signal_free(&windows[w]);
    free(windows);
    free(rows);
    return done;
}

/* One recording at a time: an answer never depends on the other files named.  One longer than
 * audio.max_seconds is cut into equal windows no longer than that; its answer is the mean of theirs over
 * time. */
static bool predict_file(const struct trained *trained, const char *path, struct replies *replies,
                         struct error *error)
{
    size_t labels = trained->model->labels.count,
           size = (size_t)config_integer(trained->config, "eval.batch_size");
    double longest = config_number(trained->config, "audio.max_seconds");
    double *sum = mem_zero(labels, sizeof *sum);
    float *row = mem_zero(labels, sizeof *row);
    struct signal signal = {0};
    size_t before = replies->windows.count;
    bool done = load(trained, path, &signal, error);
    double limit = fmax((double)trained->model->minimum_samples, ceil(longest * signal.rate));
    bool is_whole =
        longest <= 0 || trained->model->kind->input == INPUT_FEATURES; /* as it was learned from */
    size_t all = !is_whole ? (size_t)ceil((double)signal.count / limit) : 1;

    for (size_t first = 0; done && first < all && !interrupt_requested(); first += size)
        done = answer_windows(trained, &signal, first, first + size < all ? size : all - first, all, replies,
                              sum, error);
    for (size_t k = 0; k < labels; k++)
        row[k] = (float)sum[k];
    if (done)
        prediction_fill(prediction_list_add(&replies->whole, path, -1, NULL), row, trained->model);
    else
        replies->windows.count = before;
    signal_free(&signal);
    free(sum);
    free(row);
    return done;
}

/* A file of texts: each line is answered by itself and named FILE:LINE. */
static bool predict_text(const struct trained *trained, const char *path, struct replies *replies,
                         struct error *error)
{
    size_t labels = trained->model->labels.count, size = 0, number = 0;
    char *text = strcmp(path, "-") == 0 ? read_input(&size) : file_read(path, &size, error), *rest = text;
    float *row = mem_zero(labels, sizeof *row);
    bool done = text || !error->kind;

    if (text && strlen(text) != size)
        done = error_set(error, "%s: no text: this model reads what is said, a line each", path);
    for (char *line; done && (line = strsep(&rest, "\n"));) {
        struct batch batch;
        line[strcspn(line, "\r")] = '\0';
        number++;
        if (!*line)
            continue;
        batch_of_texts(&batch, (const char *const[]){line}, 1);
        done = answer(trained->model, &batch, &trained->compute, row, error);
        batch_free(&batch);
        char *name = mem_format("%s:%zu", path, number);
        if (done) {
            prediction_fill(prediction_list_add(&replies->whole, name, -1, NULL), row, trained->model);
            replies->spans = mem_grow(replies->spans, &replies->capacity, replies->windows.count + 1,
                                      sizeof *replies->spans);
            replies->spans[replies->windows.count] = (struct window){replies->whole.count - 1, 0, 0};
            prediction_fill(prediction_list_add(&replies->windows, "", -1, NULL), row, trained->model);
        }
        free(name);
    }
    free(row);
    free(text);
    return done;
}

static bool predict_all(const struct trained *trained, const struct strings *paths, struct replies *replies,
                        struct error *error)
{
    struct progress progress;
    size_t failed = 0;

    progress_start(&progress, "predict", "file", 0, paths->count);
    for (size_t i = 0; i < paths->count && !interrupt_requested(); i++) {
        struct error problem = {0};
        bool done = trained->model->kind->input == INPUT_TEXT
                        ? predict_text(trained, paths->items[i], replies, &problem)
                        : predict_file(trained, paths->items[i], replies, &problem);
        if (!done) {
            log_warn("%s", problem.message);
            failed++;
        }
        progress_update(&progress, i + 1, NULL);
    }
    progress_end(&progress);
    if (interrupt_requested())
        return error_interrupted(error, "interrupted; nothing was written");
    if (failed)
        error_set(error, "%zu of %zu files could not be answered", failed, paths->count);
    return true; /* answers there are, are written */
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

static void start_replies(struct replies *replies, const struct model *model)
{
    const char *const *labels = (const char *const *)model->labels.items;

    prediction_list_start(&replies->whole, model->problem, labels, model->labels.count);
    prediction_list_start(&replies->windows, model->problem, labels, model->labels.count);
}

static void free_replies(struct replies *replies)
{
    prediction_list_free(&replies->whole);
    prediction_list_free(&replies->windows);
    free(replies->spans);
}

bool command_predict(const struct options *options, struct error *error)
{
    const struct predict_format *format =
        predict_format_find(options->format ? options->format : "table", error);
    struct replies replies = {0};
    struct trained trained = {0};
    struct strings paths = {0};
    bool done = format != NULL;

    for (size_t i = 1; done && i < options->arguments.count; i++)
        done = paths_collect(&paths, options->arguments.items[i], error);
    if (done && paths.count == 0)
        done = error_usage(error, "no sound file among the paths given");
    done = done && trained_open(&trained, options->arguments.items[0], options, error);
    if (done) {
        struct error unanswered = {0};
        if (options->windows && config_number(trained.config, "audio.max_seconds") == 0)
            log_warn("--windows: every recording is one window; --set audio.max_seconds=5 makes windows of "
                     "up to 5 s");
        start_replies(&replies, trained.model);
        done = predict_all(&trained, &paths, &replies, &unanswered);
        if (done)
            done = write_replies(options, format, &replies, error);
        if (!error->kind)
            *error = unanswered;
    }
    free_replies(&replies);
    trained_close(&trained);
    strings_free(&paths);
    return done && !error->kind;
}
