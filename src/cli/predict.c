/* emotrain predict: what a trained model hears in files and folders. */
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/trained.h"
#include "report/report.h"
#include "train/evaluate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what to predict ---- */

static bool is_sound_name(const char *name)
{
    static const char *const endings[] = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && name[0] != '.' && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

/* A file stands for itself; a folder for the sound files in it, at any depth. */
static bool collect(struct strings *paths, const char *path, struct error *error)
{
    struct strings names = {0};
    bool done = true;

    if (!path_is_folder(path)) {
        strings_add(paths, path);
        return path_exists(path) || error_usage(error, "%s: no such file or folder", path);
    }
    done = folder_list(&names, path, error);
    for (size_t i = 0; done && i < names.count; i++) {
        char *entry = path_join(path, names.items[i]);
        if (path_is_folder(entry) || is_sound_name(names.items[i]))
            done = collect(paths, entry, error);
        free(entry);
    }
    strings_free(&names);
    return done;
}

/* ---- answers ---- */

static bool load(const struct trained *trained, const char *path, struct signal *signal, struct error *error)
{
    double longest = config_number(trained->config, "audio.max_seconds");

    if (!audio_decode(path, NULL, signal, error) ||
        !audio_resample(signal, trained->model->sample_rate, config_text(trained->config, "audio.resampler"),
                        error)) {
        signal_free(signal);
        return error_prefix(error, "%s", path);
    }
    signal_prepare(signal, longest, trained->model->normalize);
    return true;
}

/* One clip at a time: an answer never depends on the other files named. */
static bool predict_file(const struct trained *trained, const char *path, struct prediction_list *predictions,
                         struct error *error)
{
    size_t labels = trained->model->labels.count;
    float *row = mem_zero(labels, sizeof *row);
    struct signal signal;
    struct batch batch;
    bool done = load(trained, path, &signal, error);

    if (done) {
        batch_start(&batch, &signal, NULL, 1, trained->model);
        done = answer(trained->model, &batch, &trained->compute, row, error);
        batch_free(&batch);
        signal_free(&signal);
    }
    if (done)
        prediction_fill(prediction_list_add(predictions, path, -1), row, labels);
    free(row);
    return done;
}

static bool predict_all(const struct trained *trained, const struct strings *paths,
                        struct prediction_list *predictions, struct error *error)
{
    struct progress progress;
    size_t failed = 0;

    progress_start(&progress, "predict", "file", 0, paths->count);
    for (size_t i = 0; i < paths->count && !interrupt_requested(); i++) {
        struct error problem = {0};
        if (!predict_file(trained, paths->items[i], predictions, &problem)) {
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

/* ---- formats ---- */

static void print_table(const struct prediction_list *list, struct text *out)
{
    text_add(out, "%-40s %-12s", "path", "predicted");
    for (size_t k = 0; k < list->label_count; k++)
        text_add(out, " %10s", list->labels[k]);
    text_add(out, "\n");
    for (size_t i = 0; i < list->count; i++) {
        text_add(out, "%-40s %-12s", list->items[i].path, list->labels[list->items[i].predicted]);
        for (size_t k = 0; k < list->label_count; k++)
            text_add(out, " %9.1f%%", 100 * list->items[i].probabilities[k]);
        text_add(out, "\n");
    }
}

static void print_json(const struct prediction_list *list, struct text *out)
{
    for (size_t i = 0; i < list->count; i++) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddStringToObject(json, "path", list->items[i].path);
        cJSON_AddStringToObject(json, "label", list->labels[list->items[i].predicted]);
        cJSON *probabilities = cJSON_AddObjectToObject(json, "probabilities");
        for (size_t k = 0; k < list->label_count; k++)
            cJSON_AddNumberToObject(probabilities, list->labels[k], list->items[i].probabilities[k]);
        char *line = cJSON_PrintUnformatted(json);
        text_add(out, "%s\n", line);
        cJSON_free(line);
        cJSON_Delete(json);
    }
}

static const struct format {
    const char *name;
    void (*print)(const struct prediction_list *list, struct text *out);
} FORMATS[] = {{"table", print_table}, {"csv", report_predictions}, {"json", print_json}};

static const struct format *format_find(const char *name, struct error *error)
{
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++)
        if (strcmp(FORMATS[i].name, name) == 0)
            return &FORMATS[i];
    error_usage(error, "--format must be table, csv or json, not \"%s\"", name);
    return NULL;
}

static bool write_answers(const struct options *options, const struct format *format,
                          const struct prediction_list *predictions, struct error *error)
{
    struct text text = {0};
    bool done = true;

    text_add_bytes(&text, "", 0);
    format->print(predictions, &text);
    if (options->output)
        done = file_write(options->output, text.text, text.length, error);
    else
        fwrite(text.text, 1, text.length, stdout);
    text_free(&text);
    return done;
}

bool command_predict(const struct options *options, struct error *error)
{
    const struct format *format = format_find(options->format ? options->format : "table", error);
    struct prediction_list predictions = {0};
    struct trained trained = {0};
    struct strings paths = {0};
    bool done = format != NULL;

    for (size_t i = 1; done && i < options->arguments.count; i++)
        done = collect(&paths, options->arguments.items[i], error);
    if (done && paths.count == 0)
        done = error_usage(error, "no sound file among the paths given");
    done = done && trained_open(&trained, options->arguments.items[0], options, error);
    if (done) {
        struct error unanswered = {0};
        prediction_list_start(&predictions, (const char *const *)trained.model->labels.items,
                              trained.model->labels.count);
        done = predict_all(&trained, &paths, &predictions, &unanswered);
        if (done)
            done = write_answers(options, format, &predictions, error);
        if (!error->kind)
            *error = unanswered;
    }
    prediction_list_free(&predictions);
    trained_close(&trained);
    strings_free(&paths);
    return done && !error->kind;
}
