/*
 * From a sound file to the samples a model takes in.
 *
 *     struct audio_cache *cache = audio_cache_open("runs/cache", 16000, "sinc_best", "mean", &error);
 *     struct signal signal;
 *     if (audio_cache_load(cache, path, sha256, 0, &signal, &error)) {    decoded now, or before
 *         signal_normalize(&signal);
 *         ... signal.samples[0 .. signal.count - 1]
 *         signal_free(&signal);
 *     }
 *
 * A path may end in #t=START,END (seconds; Media Fragments URI 1.0): it then stands for that stretch of the
 * file.
 *
 * Files are decoded by libsndfile (WAV, FLAC, Ogg, ...), others by FFmpeg where its libraries are (m4a, webm,
 * the sound of videos), brought to one channel, usually their mean, resampled by libsamplerate.  All
 * functions may be called from several threads at once.
 */
#ifndef EMOTRAIN_AUDIO_AUDIO_H
#define EMOTRAIN_AUDIO_AUDIO_H

#include "audio/sound.h"
#include "base/digest.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct signal {
    float *samples; /* one channel, full scale 1.0 */
    size_t count;
    int rate; /* Hz */
};

void signal_free(struct signal *signal);

struct audio_facts {
    int rate, channels; /* as recorded */
    int64_t frames;     /* samples per channel */
    double duration;    /* seconds */
    bool one_channel;   /* taken from the loudest channel: their mean would lose the sound */
    struct sound sound; /* of clips in the cache */
};

extern const char *const AUDIO_ENDINGS[]; /* of sound files: ".wav" ...; ended by NULL */

/* Whether a file's name has the ending of a sound file; hidden files have not. */
bool audio_is_sound_name(const char *name);

/* The file of a path that may end in #t=START,END, or #t=START up to the file's end (*end is infinite), and
 * that stretch (0 and 0: all of it); caller frees. */
char *audio_file_of(const char *path, double *start, double *end);

/* The SHA-256 of what a path stands for: of a stretch, one of its file's and where it lies.  `file_hash`: the
 * file's, where it is known, or NULL. */
bool audio_digest(const char *path, const char *file_hash, char hex[SHA256_HEX_SIZE], struct error *error);

/* Which channel of a recording with several is taken: their mean, the loudest, or one by its number from 1.
 */
enum { CHANNEL_MEAN = 0, CHANNEL_LOUDEST = -1 };
bool audio_channel_find(const char *name, int *channel, struct error *error); /* audio.channel */

/* Decodes and downmixes.  Refuses, with the reason, files that are empty, no audio, truncated, without
 * frames, silent throughout, or that hold NaN or infinity, and more than
 * 3 h.  `facts` may be NULL. */
bool audio_decode(const char *path, int channel, struct audio_facts *facts, struct signal *signal,
                  struct error *error);

/* The same for a whole file in memory: what came in on standard input. */
bool audio_decode_bytes(const void *bytes, size_t size, int channel, struct audio_facts *facts,
                        struct signal *signal, struct error *error);

/* `rate`: Hz; 0: leaves it as it is.  `resampler`: sinc_best, sinc_medium, sinc_fastest or linear.  Replaces
 * the signal's samples. */
bool audio_resample(struct signal *signal, int rate, const char *resampler, struct error *error);
bool audio_resampler_is_known(const char *resampler);

/* Zero mean and unit variance over the signal: (x - mean) / sqrt(variance + SIGNAL_VARIANCE_FLOOR), as
 * Wav2Vec2FeatureExtractor does. */
extern const double SIGNAL_VARIANCE_FLOOR; /* 1e-7 */
void signal_normalize(struct signal *signal);

/* How many of `count` samples are the first `seconds` (0: all). */
size_t signal_most(double seconds, int rate, size_t count);

/* Whether the value may be a sample of a sound.  Full scale is 1, or that of 32-bit integers in files that
 * were never scaled.  A value whose square is nearly infinite is no sample. */
bool audio_is_sound(float sample);

/* Cuts a signal to its first `seconds` (0: not at all; at least one sample stays) and normalises it. */
void signal_prepare(struct signal *signal, double seconds, bool normalize);

/* The signal as a FLAC file of 16 bits in memory; caller frees.  NULL on error. */
void *audio_encode(const struct signal *signal, size_t *size, struct error *error);

/* A folder of decoded and resampled signals, named after the content hash of their file, the rate and the
 * resampler: a changed file has another hash.  Every entry carries its length and a checksum; a torn or
 * damaged one is made again. */
struct audio_cache;

/* rate: Hz; 0: signals stay as recorded.  `channel`: as audio.channel names it. */
struct audio_cache *audio_cache_open(const char *folder, int rate, const char *resampler, const char *channel,
                                     struct error *error);
void audio_cache_close(struct audio_cache *cache); /* NULL does nothing */

/* Removes what killed processes left half-written; others may be writing, and have an hour for an entry. */
bool audio_cache_clean_up(const struct audio_cache *cache, struct error *error);

/* Where the cache keeps something of a file's content: NAME-RATE-RESAMPLER[-channelN].ENDING; caller
 * frees. */
char *audio_cache_entry(const struct audio_cache *cache, const char *sha256, const char *ending);

/* The signal of `path`, whose content hash is `sha256`, at the cache's rate, its first `seconds` (0: all);
 * decodes only what is not there. */
bool audio_cache_load(struct audio_cache *cache, const char *path, const char *sha256, double seconds,
                      struct signal *signal, struct error *error);

/* The eGeMAPS functionals (audio/egemaps) of the same signal (0 s: of all of it), kept beside it.  The cache
 * must be of a rate that egemaps takes. */
bool audio_cache_functionals(struct audio_cache *cache, const char *path, const char *sha256,
                             double max_seconds, float *values, struct error *error);

/* Makes sure that `path` is in the cache, telling its facts: what the index does with a new file.  `reason`
 * says why the file is unusable; `error`, that the cache cannot be written. */
bool audio_cache_make(struct audio_cache *cache, const char *path, const char *sha256,
                      struct audio_facts *facts, struct error *reason, struct error *error);

#endif
