/*
 * libemotrain: speech emotion by a model that emotrain trained or exported, from C.
 *
 *     struct emotrain_error error;
 *     struct emotrain *model = emotrain_open("model", NULL, &error);
 *     float predictions[64];
 *     if (model && emotrain_classify_file(model, "voice.wav", predictions, &error))
 *         for (size_t k = 0; k < emotrain_label_count(model); k++)
 *             printf("%s %.3f\n", emotrain_label(model, k), predictions[k]);
 *     emotrain_close(model);
 *
 * Link with `pkg-config --cflags --libs emotrain`.  A model is used by one thread at a time; several models,
 * each by its own, each by its own settings.  Nothing is printed unless settings ask for it, nothing is
 * written, and no network is used.  (libmpg123, by which libsndfile reads MP3 files, may say on standard
 * error that one is damaged.)
 *
 * libtorch's threads do not outlive fork(): a process that was forked after a model was opened gets an error
 * from every call.  Fork first and open then, or start another program.
 */
#ifndef EMOTRAIN_H
#define EMOTRAIN_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define EMOTRAIN_API __attribute__((visibility("default")))
#else
#define EMOTRAIN_API
#endif

struct emotrain; /* an open model */

/* Why a call failed.  Calls that can fail set it to nothing first; it may be NULL. */
struct emotrain_error {
    int status;         /* 0: nothing failed; 1: the work did; 2: what was asked for is wrong */
    char message[1024]; /* one line: what, where, what to do */
};

/* How to work.  A zeroed struct, or NULL in its place, is the default of all. */
struct emotrain_settings {
    const char *device;    /* "cpu", "cuda" or "cuda:N"; NULL: a GPU where libtorch has one */
    const char *precision; /* "float32", "bfloat16", of cards "float16", or "auto"; NULL: auto, which is
                              bfloat16 where the hardware multiplies it faster, else float32 */
    const char *resampler; /* "sinc_best", "sinc_medium", "sinc_fastest" or "linear"; NULL: as the model
                              was trained, or the first */
    const char *channel;   /* of files: "mean", "left", "right", "loudest" or a number from 1; NULL: as the
                              model was trained, or mean */
    int threads;           /* 0: every processor; for calls with this model alone */
    int batch_size;        /* windows at a time; 0: 8 */
    double window_seconds; /* longer recordings are predicted in equal windows no longer than this, and the
                              prediction is their mean over time; 0: as long as the model's clips might be
                              when it was trained (audio.max_seconds) and as it takes in, or whole; DBL_MAX
                              (float.h): whole */
    bool verbose;          /* tell on standard error what is loaded, and warn there */
};

EMOTRAIN_API const char *emotrain_version(void);

/* Opens a model directory: a run's `best`, or what `emotrain export` wrote.  NULL on error; a model scaled by
 * speaker, which cannot predict a recording by itself, is one. */
EMOTRAIN_API struct emotrain *emotrain_open(const char *directory, const struct emotrain_settings *settings,
                                            struct emotrain_error *error);
EMOTRAIN_API void emotrain_close(struct emotrain *model); /* NULL does nothing */

/* What a model predicts: a number per label. */
enum emotrain_task {
    EMOTRAIN_SINGLE_LABEL, /* probabilities that sum to 1 */
    EMOTRAIN_MULTI_LABEL,  /* a probability each; above its threshold, the label is given */
    EMOTRAIN_REGRESSION    /* numbers */
};

/* What a model takes in. */
enum emotrain_input { EMOTRAIN_SOUND, EMOTRAIN_TEXT };

EMOTRAIN_API enum emotrain_task emotrain_task(const struct emotrain *model);
EMOTRAIN_API enum emotrain_input emotrain_input(const struct emotrain *model);
EMOTRAIN_API size_t emotrain_label_count(const struct emotrain *model);
EMOTRAIN_API const char *emotrain_label(const struct emotrain *model, size_t k);
EMOTRAIN_API double emotrain_threshold(const struct emotrain *model, size_t k);

/* Of EMOTRAIN_SINGLE_LABEL: which predictions to withhold, so that others are right as often as `accuracy` (0
 * to 1), judged by the validation part that the model was trained with.  *threshold: the least probability of
 * a predicted label that is to be kept; *share: of the validation part's predictions that were.  Fails where
 * there was no validation part, or no share was so accurate. */
EMOTRAIN_API bool emotrain_reject(const struct emotrain *model, double accuracy, double *threshold,
                                  double *share, struct emotrain_error *error);
EMOTRAIN_API int emotrain_sample_rate(
    const struct emotrain *model); /* Hz, that sounds are resampled to; 0: they are taken as recorded */

/* How long windows may be; 0: recordings are predicted whole. */
EMOTRAIN_API double emotrain_window_seconds(const struct emotrain *model);

/* Predictions: `predictions` has room for emotrain_label_count floats.  Sounds of any rate and length are
 * taken; `samples` are mono, from -1 to 1, `rate` in Hz.  Files and bytes are what libsndfile reads. */
EMOTRAIN_API bool emotrain_classify(struct emotrain *model, const float *samples, size_t count, int rate,
                                    float *outputs, struct emotrain_error *error);
EMOTRAIN_API bool emotrain_classify_file(struct emotrain *model, const char *path, float *outputs,
                                         struct emotrain_error *error);
EMOTRAIN_API bool emotrain_classify_bytes(struct emotrain *model, const void *bytes, size_t size,
                                          float *outputs, struct emotrain_error *error);
EMOTRAIN_API bool emotrain_classify_text(struct emotrain *model, const char *text, float *outputs,
                                         struct emotrain_error *error);

/* From now on, is told each window's predictions, in order, before the recording's: `start` and `end` in
 * seconds. A false return ends the call, which then fails.  NULL: nobody is told. */
typedef bool emotrain_window(void *context, double start, double end, const float *outputs);
EMOTRAIN_API void emotrain_on_window(struct emotrain *model, emotrain_window *window, void *context);

#ifdef __cplusplus
}
#endif

#endif
