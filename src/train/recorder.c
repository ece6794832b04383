/* metrics.jsonl, the catalogue's metrics and TensorBoard's: see recorder.h. */
#include "train/recorder.h"

#include "base/clock.h"
#include "base/events.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Appends a line's metrics to the list; false if it is not one of ours. */
static bool parse_line(const char *line, size_t length, struct metric_list *metrics)
{
    struct error bad = {0};
    cJSON *json = json_parse(line, length, "", &bad);
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(json, "step"), *item = NULL;
    const cJSON *epoch = cJSON_GetObjectItemCaseSensitive(json, "epoch");
    bool good = cJSON_IsNumber(step) && cJSON_IsNumber(epoch);

    if (good) {
        cJSON_ArrayForEach(item, json)
        {
            if (item != step && item != epoch)
                metric_list_add(metrics, (int64_t)step->valuedouble, epoch->valuedouble, item->string,
                                cJSON_IsNumber(item) ? item->valuedouble : (double)NAN);
        }
    }
    cJSON_Delete(json);
    return good;
}

/* Cuts the file to its first `bytes`, and brings the catalogue to the same state.  `last`: the last step
 * left. */
static bool rewind_record(struct recorder *recorder, int64_t bytes, int64_t *last, struct error *error)
{
    struct metric_list metrics = {0};
    size_t size = 0;
    bool there = bytes > 0 && path_exists(recorder->path);
    char *text = there ? file_read(recorder->path, &size, error) : mem_string("");

    if (text && size < (size_t)bytes)
        error_set(
            error,
            "%s: is gone or shorter than when the last checkpoint was written: put it back, or train under "
            "another --run",
            recorder->path);
    if (text)
        text[error->kind ? 0 : bytes] = '\0';
    for (char *line = text, *end; line && (end = strchr(line, '\n')); line = end + 1)
        if (!parse_line(line, (size_t)(end - line), &metrics))
            error_set(error, "%s: damaged at \"%.60s\"", recorder->path, line);
    bool done = !error->kind && file_write(recorder->path, text, (size_t)bytes, error) &&
                metrics_remove(recorder->catalogue, recorder->run, error) &&
                metrics_write(recorder->catalogue, recorder->run, &metrics, error);
    recorder->bytes = bytes;
    *last = metrics.count ? metrics.items[metrics.count - 1].step : -1;
    free(text);
    metric_list_free(&metrics);
    return done;
}

/* ---- TensorBoard ---- */

static bool write_events(struct recorder *recorder, const struct text *events, struct error *error)
{
    if (fwrite(events->text, 1, events->length, recorder->events) == events->length &&
        fflush(recorder->events) == 0)
        return true;
    return error_set(error, "%s: cannot write: %s", recorder->events_path, strerror(errno));
}

/* A new file, named after the time, that takes over after step `last`. */
static bool open_events(struct recorder *recorder, const char *folder, int64_t last, struct error *error)
{
    char host[64] = "";
    struct text events = {0};
    double now = clock_time();

    gethostname(host, sizeof host - 1);
    recorder->events_path =
        mem_format("%s/events.out.tfevents.%010.0f.%s.%ld", folder, floor(now), host, (long)getpid());
    recorder->events = fopen(recorder->events_path, "w");
    if (!recorder->events)
        return error_set(error, "%s: cannot write: %s", recorder->events_path, strerror(errno));
    events_add_version(&events, now);
    events_add_start(&events, now, last + 1);
    bool done = write_events(recorder, &events, error);
    text_free(&events);
    return done;
}

/* TensorBoard groups by what stands before the slash. */
static char *tag_of(const char *name)
{
    static const char *const training[] = {"loss", "epoch_loss", "learning_rate", "grad_norm"};

    for (size_t i = 0; i < sizeof training / sizeof training[0]; i++)
        if (strcmp(name, training[i]) == 0)
            return mem_format("train/%s", name);
    return mem_format("eval/%s", text_starts(name, "eval_") ? name + strlen("eval_") : name);
}

static bool add_events(struct recorder *recorder, const struct metric_list *metrics, struct error *error)
{
    struct text summary = {0}, events = {0};

    for (size_t i = 0; i < metrics->count; i++) {
        char *tag = tag_of(metrics->items[i].name);
        summary_add_scalar(&summary, tag, metrics->items[i].value);
        free(tag);
    }
    events_add_summary(&events, clock_time(), metrics->items[0].step, &summary);
    bool done = write_events(recorder, &events, error);
    text_free(&summary);
    text_free(&events);
    return done;
}

/* ---- the record ---- */

bool recorder_open(struct recorder *recorder, const char *run_folder, struct catalogue *catalogue,
                   int64_t run, int64_t bytes, struct error *error)
{
    *recorder =
        (struct recorder){.catalogue = catalogue, .run = run, .path = path_join(run_folder, "metrics.jsonl")};
    int64_t last;
    if (rewind_record(recorder, bytes, &last, error)) {
        recorder->stream = fopen(recorder->path, "a");
        if (!recorder->stream)
            error_set(error, "%s: cannot write: %s", recorder->path, strerror(errno));
    }
    if (recorder->stream && open_events(recorder, run_folder, last, error))
        return true;
    recorder_close(recorder);
    return false;
}

static bool write_line(struct recorder *recorder, const struct text *line, struct error *error)
{
    recorder->bytes += (int64_t)line->length;
    if (fwrite(line->text, 1, line->length, recorder->stream) == line->length &&
        fflush(recorder->stream) == 0)
        return true;
    return error_set(error, "%s: cannot write: %s", recorder->path, strerror(errno));
}

bool recorder_write(struct recorder *recorder, const struct metric_list *metrics, struct error *error)
{
    struct text line = {0};
    char number[TEXT_NUMBER_SIZE];

    text_add(&line, "{\"step\": %lld, \"epoch\": %s", (long long)metrics->items[0].step,
             text_from_number(number, metrics->items[0].epoch));
    for (size_t i = 0; i < metrics->count; i++) {
        double value = metrics->items[i].value;
        text_add(&line, ", \"%s\": %s", metrics->items[i].name,
                 isfinite(value) ? text_from_number(number, value) : "null");
    }
    text_add(&line, "}\n");
    bool done = metrics_write(recorder->catalogue, recorder->run, metrics, error) &&
                write_line(recorder, &line, error) && add_events(recorder, metrics, error);
    text_free(&line);
    return done;
}

bool recorder_sync(struct recorder *recorder, struct error *error)
{
    if (fflush(recorder->stream) == 0 && fsync(fileno(recorder->stream)) == 0)
        return true;
    return error_set(error, "%s: cannot write: %s", recorder->path, strerror(errno));
}

void recorder_close(struct recorder *recorder)
{
    if (recorder->stream)
        fclose(recorder->stream);
    if (recorder->events)
        fclose(recorder->events);
    free(recorder->path);
    free(recorder->events_path);
    *recorder = (struct recorder){0};
}
