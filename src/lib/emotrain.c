/* libemotrain: see emotrain.h. */
#include "lib/emotrain.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "train/compute.h"
#include "train/evaluate.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH_SIZE = 8 };

struct emotrain {
    char *resampler;
    int channel;
    bool verbose;
    struct compute compute;
    struct model *model;
    size_t batch_size;
    double window_seconds;
    emotrain_window *window;
    void *context;
};

const char *emotrain_version(void)
{
    return EMOTRAIN_VERSION;
}

/* ---- calls ---- */

static atomic_int first_process; /* that opened a model */

/* Whether this process may use libtorch: it was not forked from one that has. */
static bool process_is_whole(struct error *error)
{
    int self = (int)getpid(), first = 0;

    return atomic_compare_exchange_strong(&first_process, &first, self) || first == self ||
           error_set(error,
                     "process %d was forked from %d after that had opened a model: fork first, or "
                     "start another program",
                     self, first);
}

static void put_error(const struct error *failure, struct emotrain_error *out)
{
    if (!out)
        return;
    *out = (struct emotrain_error){.status = error_exit_status(failure)};
    memcpy(out->message, failure->message, sizeof out->message);
}

/* What a call does. */
typedef bool work_function(void *context, struct error *error);

/* Does it; an error, not the end of the process, where memory runs out. */
static void work_guarded(work_function *work, void *context, struct error *error)
{
    jmp_buf escape, *outer = mem_escape(&escape);

    if (setjmp(escape) == 0)
        work(context, error);
    else {
        et_inference_abandon();
        error_memory(error, "out of memory: close this model");
    }
    mem_escape(outer);
}

/* Does the work of a public function with a model's settings, and leaves the calling thread as it was. */
static bool call(work_function *work, void *context, bool verbose, int threads, struct emotrain_error *out)
{
    struct error failure = {0};
    bool hushed = log_hush(!verbose);

    if (process_is_whole(&failure)) {
        int before = et_use_threads(threads);
        work_guarded(work, context, &failure);
        et_use_threads(before);
    }
    log_hush(hushed);
    put_error(&failure, out);
    return !failure.kind;
}

/* ---- opening ---- */

/* A model to be opened. */
struct opening {
    struct emotrain *e;
    const char *directory;
    const struct emotrain_settings *settings;
};

/* What the caller says of sounds. */
static bool check_sound(const struct emotrain_settings *settings, struct error *error)
{
    int channel;

    if (settings->resampler && !audio_resampler_is_known(settings->resampler))
        return error_usage(error, "resampler \"%s\": there is sinc_best, sinc_medium, sinc_fastest, linear",
                           settings->resampler);
    return !settings->channel || audio_channel_find(settings->channel, &channel, error);
}

static const char *first_of(const char *a, const char *b, const char *c)
{
    return a ? a : b ? b : c;
}

/* As the caller says, else as the model was trained, else by default. */
static bool choose_sound(struct emotrain *e, const struct emotrain_settings *settings, struct error *error)
{
    const struct preprocessing *trained = &e->model->sound;
    const struct audio_settings *defaults = &settings_default()->audio;

    e->resampler = mem_string(first_of(settings->resampler, trained->resampler, defaults->resampler));
    e->window_seconds = settings->window_seconds > 0 ? settings->window_seconds : trained->max_seconds;
    double longest = (double)e->model->maximum_samples / trained->sample_rate; /* 0: any length */
    if (e->window_seconds == DBL_MAX)
        e->window_seconds = 0;
    else if (longest > 0 && !(e->window_seconds > 0 && e->window_seconds <= longest))
        e->window_seconds = longest;
    return audio_channel_find(first_of(settings->channel, trained->channel, defaults->channel), &e->channel,
                              error);
}

static bool open_model(void *context, struct error *error)
{
    const struct opening *opening = context;
    const struct emotrain_settings *settings = opening->settings;
    struct emotrain *e = opening->e;
    struct model_source source = {.path = opening->directory};
    struct run_settings run = settings_default()->run;
    int precision =
        settings->precision ? setting_choice("auto|float32|bfloat16|float16", settings->precision) : 0;

    if (!opening->directory)
        return error_usage(error, "no directory of a model: NULL");
    if (precision < 0)
        return error_usage(error, "precision \"%s\": there is auto, float32, bfloat16, float16",
                           settings->precision);
    run.precision = (enum precision)precision;
    run.device = settings->device ? settings->device : run.device;
    run.threads = settings->threads;
    e->batch_size = settings->batch_size > 0 ? (size_t)settings->batch_size : BATCH_SIZE;
    if (!isfinite(settings->window_seconds) || settings->window_seconds < 0)
        return error_usage(error, "window_seconds %g: expected 0, or how long windows may be",
                           settings->window_seconds);
    e->verbose = settings->verbose;
    if (!check_sound(settings, error) || !compute_choose(&run, NULL, &e->compute, error))
        return false;
    source.device = e->compute.device;
    e->model = model_open(&source, error);
    if (e->model)
        compute_suit(&e->compute, e->model);
    return e->model && choose_sound(e, settings, error) && model_stands_alone(e->model, error) &&
           model_describes_sounds(e->model, error);
}

struct emotrain *emotrain_open(const char *directory, const struct emotrain_settings *settings,
                               struct emotrain_error *error)
{
    static const struct emotrain_settings defaults;
    struct opening opening = {calloc(1, sizeof *opening.e), directory, settings ? settings : &defaults};

    if (!opening.e) {
        const struct error full = {.kind = ERROR_MEMORY, .message = "out of memory"};
        put_error(&full, error);
        return NULL;
    }
    if (call(open_model, &opening, opening.settings->verbose, thread_count(opening.settings->threads), error))
        return opening.e;
    emotrain_close(opening.e);
    return NULL;
}

void emotrain_close(struct emotrain *model)
{
    if (!model)
        return;
    model_close(model->model);
    free(model->resampler);
    free(model);
}

/* ---- what it is ---- */

enum emotrain_task emotrain_task(const struct emotrain *model)
{
    switch (model->model->task) {
    case MULTI_LABEL:
        return EMOTRAIN_MULTI_LABEL;
    case REGRESSION:
        return EMOTRAIN_REGRESSION;
    default:
        return EMOTRAIN_SINGLE_LABEL;
    }
}

enum emotrain_input emotrain_input(const struct emotrain *model)
{
    return model->model->kind->input == INPUT_TEXT ? EMOTRAIN_TEXT : EMOTRAIN_SOUND;
}

size_t emotrain_label_count(const struct emotrain *model)
{
    return model->model->labels.count;
}

const char *emotrain_label(const struct emotrain *model, size_t k)
{
    return k < model->model->labels.count ? model->model->labels.items[k] : NULL;
}

double emotrain_threshold(const struct emotrain *model, size_t k)
{
    return k < model->model->labels.count ? model->model->thresholds[k] : 0.5;
}

bool emotrain_reject(const struct emotrain *model, double accuracy, double *threshold, double *share,
                     struct emotrain_error *error)
{
    struct error failure = {0};
    const struct kept_share *kept = model ? model_reject(model->model, accuracy, &failure) : NULL;

    if (!model)
        error_usage(&failure, "emotrain_reject: the model is NULL");
    if (kept && threshold)
        *threshold = kept->threshold;
    if (kept && share)
        *share = kept->share;
    put_error(&failure, error);
    return kept != NULL;
}

int emotrain_sample_rate(const struct emotrain *model)
{
    return model->model->sound.sample_rate;
}

/* Whether an ensemble's members divide a recording in other ways: one takes in functionals. */
static bool members_differ(const struct emotrain *e)
{
    bool differ = false;

    for (size_t k = 0; e->window_seconds > 0 && k < e->model->member_count; k++)
        differ = differ || e->model->members[k]->kind->input == INPUT_FEATURES;
    return differ;
}

double emotrain_window_seconds(const struct emotrain *model)
{
    return model->model->kind->input == INPUT_WAVEFORM && !members_differ(model) ? model->window_seconds : 0;
}

void emotrain_on_window(struct emotrain *model, emotrain_window *window, void *context)
{
    model->window = window;
    model->context = context;
}

/* ---- sounds ---- */

/* False: the caller wants no more. */
static bool tell_window(const struct emotrain *e, double start, double end, const float *row)
{
    return !e->window || e->window(e->context, start, end, row);
}

/* A recording in `count` windows of one length, give or take a sample, for a model. */
struct windows {
    const struct model *model; /* the whole one, or a member of it */
    const struct signal *signal;
    size_t count;
};

static size_t window_start(const struct windows *w, size_t i)
{
    return i * w->signal->count / w->count;
}

/* Predicts windows first .. first + count - 1; adds the predictions to `sum`, each by its share of the
 * recording. */
static bool predict_windows(struct emotrain *e, const struct windows *w, size_t first, size_t count,
                            double *sum, struct error *error)
{
    size_t labels = w->model->labels.count;
    struct signal *parts = mem_zero(count, sizeof *parts);
    float *rows = mem_zero(count * labels, sizeof *rows);
    struct batch batch;

    for (size_t i = 0; i < count; i++) {
        size_t start = window_start(w, first + i), length = window_start(w, first + i + 1) - start;
        parts[i] = (struct signal){mem_alloc(length * sizeof *parts[i].samples), length, w->signal->rate};
        memcpy(parts[i].samples, w->signal->samples + start, length * sizeof *parts[i].samples);
        signal_prepare(&parts[i], 0, w->model->sound.normalize);
    }
    bool done = batch_of_signals(&batch, parts, count, w->model, error) &&
                predict_batch(w->model, &batch, &e->compute, rows, error);
    for (size_t i = 0; done && i < count; i++) {
        double rate = w->signal->rate, start = (double)window_start(w, first + i),
               end = (double)window_start(w, first + i + 1);
        for (size_t k = 0; k < labels; k++)
            sum[k] += (end - start) / (double)w->signal->count * (double)rows[i * labels + k];
        if (w->model == e->model && !tell_window(e, start / rate, end / rate, rows + i * labels))
            done = error_interrupted(error, "stopped by the caller");
    }
    batch_free(&batch);
    for (size_t i = 0; i < count; i++)
        signal_free(&parts[i]);
    free(parts);
    free(rows);
    return done;
}

/* One window where the model takes in functionals, as it learned from whole recordings. */
static size_t count_windows(const struct emotrain *e, const struct model *model, const struct signal *signal)
{
    double limit = fmax((double)model->minimum_samples, ceil(e->window_seconds * signal->rate));

    if (e->window_seconds <= 0 || model->kind->input == INPUT_FEATURES)
        return 1;
    return (size_t)fmax(1, ceil((double)signal->count / limit));
}

/* Adds the model's prediction for the recording to `sum`. */
static bool predict_by(struct emotrain *e, const struct model *model, const struct signal *signal,
                       double *sum, struct error *error)
{
    const struct windows windows = {model, signal, count_windows(e, model, signal)};
    bool done = true;

    for (size_t first = 0; done && first < windows.count; first += e->batch_size)
        done = predict_windows(e, &windows, first,
                               first + e->batch_size < windows.count ? e->batch_size : windows.count - first,
                               sum, error);
    return done;
}

/* Each member by itself; the whole recording is told of as one window. */
static bool predict_by_members(struct emotrain *e, const struct signal *signal, double *sum,
                               struct error *error)
{
    size_t labels = e->model->labels.count;
    float *row = mem_zero(labels + 1, sizeof *row);
    bool done = true;

    for (size_t m = 0; done && m < e->model->member_count; m++) {
        double *own = mem_zero(labels + 1, sizeof *own);
        done = predict_by(e, e->model->members[m], signal, own, error);
        for (size_t k = 0; k < labels; k++)
            sum[k] += e->model->weights_of_members[m] * own[k];
        free(own);
    }
    for (size_t k = 0; k < labels; k++)
        row[k] = (float)sum[k];
    if (done && !tell_window(e, 0, (double)signal->count / signal->rate, row))
        done = error_interrupted(error, "stopped by the caller");
    free(row);
    return done;
}

/* Takes the signal over. */
static bool predict_signal(struct emotrain *e, struct signal *signal, float *outputs, struct error *error)
{
    size_t labels = e->model->labels.count;
    double *sum = mem_zero(labels + 1, sizeof *sum);
    bool done = audio_resample(signal, e->model->sound.sample_rate, e->resampler, error) &&
                (members_differ(e) ? predict_by_members(e, signal, sum, error)
                                   : predict_by(e, e->model, signal, sum, error));

    for (size_t k = 0; done && k < labels; k++) {
        outputs[k] = (float)sum[k];
        if (!isfinite(outputs[k]))
            done = error_set(error, "the prediction is not finite: the model's weights are damaged, or the "
                                    "samples are far from full scale");
    }
    free(sum);
    signal_free(signal);
    return done;
}

/* What is to be predicted from; the fields that a kind of it needs. */
struct request {
    struct emotrain *model;
    float *outputs;
    const float *samples;
    const void *bytes;
    const char *text; /* or the file's path */
    size_t count;     /* samples or bytes */
    int rate;
};

static bool takes(const struct emotrain *e, bool text, struct error *error)
{
    return (e->model->kind->input == INPUT_TEXT) == text ||
           error_usage(error, text ? "this model takes sounds: give it samples or a file"
                                   : "this model takes texts: give it a text");
}

static bool classify_samples(void *context, struct error *error)
{
    const struct request *r = context;
    struct signal signal = {NULL, r->count, r->rate};

    if (r->count == 0 || r->rate < 1)
        return error_usage(error, "%zu samples at %d Hz: nothing to predict from", r->count, r->rate);
    for (size_t i = 0; i < r->count; i++)
        if (!audio_is_sound(r->samples[i]))
            return error_usage(error, "sample %zu is %g: nothing to predict from", i, (double)r->samples[i]);
    if (!takes(r->model, false, error))
        return false;
    signal.samples = mem_alloc(r->count * sizeof *signal.samples);
    memcpy(signal.samples, r->samples, r->count * sizeof *signal.samples);
    return predict_signal(r->model, &signal, r->outputs, error);
}

static bool classify_file(void *context, struct error *error)
{
    const struct request *r = context;
    struct signal signal = {0};

    return takes(r->model, false, error) &&
           ((audio_decode(r->text, r->model->channel, NULL, &signal, error) &&
             predict_signal(r->model, &signal, r->outputs, error)) ||
            error_prefix(error, "%s", r->text));
}

static bool classify_bytes(void *context, struct error *error)
{
    const struct request *r = context;
    struct signal signal = {0};

    return takes(r->model, false, error) &&
           audio_decode_bytes(r->bytes, r->count, r->model->channel, NULL, &signal, error) &&
           predict_signal(r->model, &signal, r->outputs, error);
}

static bool classify_text(void *context, struct error *error)
{
    const struct request *r = context;
    struct batch batch;

    if (!takes(r->model, true, error))
        return false;
    batch_of_texts(&batch, &r->text, 1);
    bool done = predict_batch(r->model->model, &batch, &r->model->compute, r->outputs, error);
    batch_free(&batch);
    return done;
}

/* `given`: what is to be predicted from. */
static bool classify(work_function *work, struct request *request, const void *given,
                     struct emotrain_error *error)
{
    if (!request->model || !given || !request->outputs) {
        struct error failure = {0};
        error_usage(&failure, !request->model ? "no model: NULL"
                              : given         ? "no place for predictions: NULL"
                                              : "nothing to predict from: NULL");
        put_error(&failure, error);
        return false;
    }
    return call(work, request, request->model->verbose, request->model->compute.threads, error);
}

bool emotrain_classify(struct emotrain *model, const float *samples, size_t count, int rate, float *outputs,
                       struct emotrain_error *error)
{
    struct request request = {
        .model = model, .outputs = outputs, .samples = samples, .count = count, .rate = rate};

    return classify(classify_samples, &request, samples, error);
}

bool emotrain_classify_file(struct emotrain *model, const char *path, float *outputs,
                            struct emotrain_error *error)
{
    struct request request = {.model = model, .outputs = outputs, .text = path};

    return classify(classify_file, &request, path, error);
}

bool emotrain_classify_bytes(struct emotrain *model, const void *bytes, size_t size, float *outputs,
                             struct emotrain_error *error)
{
    struct request request = {.model = model, .outputs = outputs, .bytes = bytes, .count = size};

    return classify(classify_bytes, &request, bytes, error);
}

bool emotrain_classify_text(struct emotrain *model, const char *text, float *outputs,
                            struct emotrain_error *error)
{
    struct request request = {.model = model, .outputs = outputs, .text = text};

    return classify(classify_text, &request, text, error);
}
