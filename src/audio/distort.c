/* Distortions of recordings: see distort.h. */
#include "audio/distort.h"

#include "audio/encode.h"
#include "audio/memory_file.h"
#include "audio/pitch_shift.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/simd.h"
#include "base/strings.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;
static const double DIRECT_SECONDS = 0.0025; /* between the direct sound and the first reflection */
static const double MOST_SECONDS = 2;        /* of an impulse response */
static const double TELEPHONE_LOW = 300, TELEPHONE_HIGH = 3400;
enum { TELEPHONE_RATE = 8000, BAND_TAPS = 513 };

struct kind;

/* A recording of a folder. */
struct source {
    char *path, hash[SHA256_HEX_SIZE];
};

struct distortion {
    char *words;
    const struct kind *kind;
    double low, high; /* between which the number is; of a band, its ends */
    struct audio_cache *cache;
    struct source *sources;
    size_t count, capacity;
};

struct kind {
    const char *name, *unit, *example;
    double least, most; /* of its number */
    bool takes_folder;
    bool (*apply)(const struct distortion *d, struct signal *signal, double number,
                  struct random_stream *stream, struct error *error);
};

/* ---- signals ---- */

static double mean_power(const float *samples, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (double)samples[i] * (double)samples[i];
    return count ? sum / (double)count : 0;
}

static void scale(struct signal *signal, double factor)
{
    for (size_t i = 0; i < signal->count; i++)
        signal->samples[i] *= (float)factor;
}

/* Brings the signal to `count` samples, by zeros at its end or without its end. */
static void set_count(struct signal *signal, size_t count)
{
    if (signal->count < count) {
        signal->samples = mem_resize(signal->samples, count, sizeof *signal->samples);
        memset(signal->samples + signal->count, 0, (count - signal->count) * sizeof *signal->samples);
    }
    signal->count = count;
}

/* y += h * x, from y[0] on, for as long as y is. */
SIMD_CLONES
static void add_filtered(const float *restrict x, size_t count, const float *restrict h, size_t taps,
                         float *restrict y)
{
    for (size_t k = 0; k < taps && k < count; k++) {
        float weight = h[k];
        for (size_t i = 0; i < count - k; i++)
            y[i + k] += weight * x[i];
    }
}

/* Filters the signal; its beginning moves earlier by `delay` samples.  Its mean power becomes `power`. */
static void filter(struct signal *signal, const float *h, size_t taps, size_t delay, double power)
{
    size_t count = signal->count, whole = count + delay;
    float *x = mem_zero(whole, sizeof *x), *y = mem_zero(whole, sizeof *y);

    memcpy(x, signal->samples, count * sizeof *x);
    add_filtered(x, whole, h, taps, y);
    memcpy(signal->samples, y + delay, count * sizeof *y);
    double now = mean_power(signal->samples, count);
    if (now > 0)
        scale(signal, sqrt(power / now));
    free(x);
    free(y);
}

/* ---- recordings of a folder ---- */

/* What folder_walk needs to add a recording. */
struct finder {
    struct distortion *distortion;
    const char *folder;
};

static bool add_source(void *context, const char *relative, const struct stat *facts, struct error *error)
{
    const struct finder *finder = context;
    struct distortion *d = finder->distortion;

    if (!facts || !audio_is_sound_name(path_base(relative)))
        return true;
    d->sources = mem_grow(d->sources, &d->capacity, d->count + 1, sizeof *d->sources);
    d->sources[d->count].path = path_join(finder->folder, relative);
    d->count++;
    return digest_file(d->sources[d->count - 1].path, d->sources[d->count - 1].hash, error);
}

static bool find_sources(struct distortion *d, const char *folder, struct error *error)
{
    struct finder finder = {d, folder};

    if (!path_is_folder(folder))
        return error_usage(error, "%s: no folder \"%s\"", d->words, folder);
    return folder_walk(folder, add_source, &finder, error) &&
           (d->count > 0 || error_usage(error, "%s: no recordings in %s", d->words, folder));
}

/* How loud a recording is does not matter: its peak becomes 1, so that squares and sums are ordinary numbers.
 */
static void bring_to_full_scale(struct signal *recording)
{
    double peak = 0;

    for (size_t i = 0; i < recording->count; i++)
        peak = fmax(peak, fabs((double)recording->samples[i]));
    for (size_t i = 0; peak > 0 && i < recording->count; i++)
        recording->samples[i] = (float)((double)recording->samples[i] / peak);
}

/* One of the recordings, at the signal's rate. */
static bool draw_source(const struct distortion *d, int rate, struct random_stream *stream,
                        struct signal *recording, struct error *error)
{
    const struct source *source = &d->sources[random_below(stream, d->count)];

    if (!audio_cache_load(d->cache, source->path, source->hash, 0, recording, error))
        return false;
    bring_to_full_scale(recording);
    if (audio_resample(recording, rate, "sinc_fastest", error))
        return true;
    signal_free(recording);
    return error_prefix(error, "%s", source->path);
}

/* ---- the distortions ---- */

static void fill_white(float *samples, size_t count, struct random_stream *stream)
{
    for (size_t i = 0; i < count; i++)
        samples[i] = (float)(random_uniform(stream) - 0.5); /* uniform, which is as white as any */
}

/* A piece of a recording that is as long as the signal; a shorter one is repeated. */
static bool fill_from_source(const struct distortion *d, int rate, struct random_stream *stream,
                             float *samples, size_t count, struct error *error)
{
    struct signal recording = {0};

    if (!draw_source(d, rate, stream, &recording, error))
        return false;
    size_t first =
        random_below(stream, recording.count > count ? recording.count - count + 1 : recording.count);
    for (size_t i = 0; i < count; i++)
        samples[i] = recording.samples[(first + i) % recording.count];
    signal_free(&recording);
    return true;
}

/* The sum is brought back to the power that the signal had, as a recorder's gain would. */
static bool apply_noise(const struct distortion *d, struct signal *signal, double snr,
                        struct random_stream *stream, struct error *error)
{
    float *noise = mem_zero(signal->count, sizeof *noise);
    double power = mean_power(signal->samples, signal->count);
    bool done = true;

    if (d->count)
        done = fill_from_source(d, signal->rate, stream, noise, signal->count, error);
    else
        fill_white(noise, signal->count, stream);
    double loudness = done ? mean_power(noise, signal->count) : 0;
    double factor = loudness > 0 ? sqrt(power / loudness * pow(10, -snr / 10)) : 0;
    for (size_t i = 0; done && i < signal->count; i++)
        signal->samples[i] += (float)factor * noise[i];
    double now = mean_power(signal->samples, signal->count);
    if (done && now > 0)
        scale(signal, sqrt(power / now));
    free(noise);
    return done;
}

/* Polack's room; returns its taps; caller frees. */
static float *make_room(double rt60, int rate, struct random_stream *stream, size_t *taps)
{
    size_t first = (size_t)lround(DIRECT_SECONDS * rate);
    double energy = 0;

    *taps = first + (size_t)lround(fmin(rt60, MOST_SECONDS) * rate) + 1;
    float *h = mem_zero(*taps, sizeof *h);
    fill_white(h + first, *taps - first, stream);
    for (size_t i = first; i < *taps; i++) {
        h[i] *= (float)exp(-3 * log(10) * (double)(i - first) / (rt60 * rate));
        energy += (double)h[i] * (double)h[i];
    }
    for (size_t i = first; i < *taps && energy > 0; i++)
        h[i] /= (float)sqrt(energy);
    h[0] = 1;
    return h;
}

static bool apply_room(const struct distortion *d, struct signal *signal, double rt60,
                       struct random_stream *stream, struct error *error)
{
    double power = mean_power(signal->samples, signal->count);
    size_t taps, delay = 0;

    if (d->count == 0) {
        float *h = make_room(rt60, signal->rate, stream, &taps);
        filter(signal, h, taps, 0, power);
        free(h);
        return true;
    }
    struct signal response = {0};
    if (!draw_source(d, signal->rate, stream, &response, error))
        return false;
    for (size_t i = 0; i < response.count; i++) /* the direct sound is the loudest sample */
        if (fabsf(response.samples[i]) > fabsf(response.samples[delay]))
            delay = i;
    taps = delay + signal_most(MOST_SECONDS, signal->rate, response.count - delay);
    filter(signal, response.samples, taps, delay, power);
    signal_free(&response);
    return true;
}

/* A Hamming-windowed ideal filter. */
static void make_band(float taps[BAND_TAPS], double low, double high, int rate)
{
    const double middle = (BAND_TAPS - 1) / 2.0;

    for (int i = 0; i < BAND_TAPS; i++) {
        double t = i - middle, a = 2 * low / rate, b = fmin(2 * high / rate, 1);
        double ideal = t == 0 ? b - a : (sin(PI * b * t) - sin(PI * a * t)) / (PI * t);
        taps[i] = (float)(ideal * (0.54 - 0.46 * cos(2 * PI * i / (BAND_TAPS - 1))));
    }
}

static void pass_band(struct signal *signal, double low, double high)
{
    float taps[BAND_TAPS];

    make_band(taps, low, high, signal->rate);
    filter(signal, taps, BAND_TAPS, (BAND_TAPS - 1) / 2, mean_power(signal->samples, signal->count));
}

static bool apply_band(const struct distortion *d, struct signal *signal, double number,
                       struct random_stream *stream, struct error *error)
{
    (void)number;
    (void)stream;
    if (2 * d->low >= signal->rate)
        return error_usage(error, "band:%g-%g: sound at %d Hz has nothing above %g Hz", d->low, d->high,
                           signal->rate, signal->rate / 2.0);
    pass_band(signal, d->low, d->high);
    return true;
}

static bool apply_gain(const struct distortion *d, struct signal *signal, double gain,
                       struct random_stream *stream, struct error *error)
{
    (void)d;
    (void)stream;
    (void)error;
    for (size_t i = 0; i < signal->count; i++)
        signal->samples[i] = fminf(fmaxf(signal->samples[i] * (float)pow(10, gain / 20), -1), 1);
    return true;
}

static bool apply_pitch(const struct distortion *d, struct signal *signal, double semitones,
                        struct random_stream *stream, struct error *error)
{
    (void)d;
    (void)stream;
    return pitch_shift(signal, semitones, error);
}

/* ---- through a codec, in memory ---- */

/* Replaces the signal by what its file holds, of the same length. */
static bool code(struct signal *signal, const struct codec *codec, struct error *error)
{
    size_t size = 0, count = signal->count;
    unsigned char *bytes = encode_signal(signal, codec, &size, error);
    struct memory_file file = {.bytes = bytes, .size = size};
    SF_INFO info = {0};
    SNDFILE *sound = bytes ? sf_open_virtual(&MEMORY_FILE_IO, SFM_READ, &info, &file) : NULL;
    bool done = sound && info.channels == 1 && info.samplerate == signal->rate;

    if (done) {
        sf_count_t got = sf_readf_float(sound, signal->samples, (sf_count_t)count);
        signal->count = got > 0 ? (size_t)got : 0;
        set_count(signal, count);
    } else {
        error_set(error, "cannot decode %s", codec->name);
    }
    if (sound)
        sf_close(sound);
    free(bytes);
    return done;
}

/* As a call sounds: narrow, in 256 steps. */
static bool apply_telephone(const struct distortion *d, struct signal *signal, double number,
                            struct random_stream *stream, struct error *error)
{
    const struct codec mu_law = {"mu-law", SF_FORMAT_AU | SF_FORMAT_ULAW, -1};
    size_t count = signal->count;
    int rate = signal->rate;

    (void)d;
    (void)number;
    (void)stream;
    pass_band(signal, TELEPHONE_LOW, TELEPHONE_HIGH);
    bool done = audio_resample(signal, TELEPHONE_RATE, "sinc_medium", error) &&
                code(signal, &mu_law, error) && audio_resample(signal, rate, "sinc_medium", error);
    if (done)
        set_count(signal, count);
    return done;
}

/* By the range of bit rates that libsndfile's level covers at the rate. */
static double level_of(double kilobits, double least, double most)
{
    return fmin(fmax((most - kilobits) / (most - least), 0), 1);
}

static bool apply_mp3(const struct distortion *d, struct signal *signal, double kilobits,
                      struct random_stream *stream, struct error *error)
{
    bool high = signal->rate >= 32000, middle = signal->rate >= 16000;
    const struct codec mp3 = {"mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III,
                              level_of(kilobits, high ? 32 : 8,
                                       high     ? 320
                                       : middle ? 160
                                                : 64)};

    (void)d;
    (void)stream;
    return code(signal, &mp3, error);
}

static bool apply_opus(const struct distortion *d, struct signal *signal, double kilobits,
                       struct random_stream *stream, struct error *error)
{
    const struct codec opus = {"opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, level_of(kilobits, 6, 256)};

    (void)d;
    (void)stream;
    return code(signal, &opus, error);
}

/* ---- words ---- */

static const struct kind KINDS[] = {
    {"noise", "dB", "noise:10dB", -40, 100, true, apply_noise},
    {"room", "s", "room:0.5s", 0.01, 10, true, apply_room},
    {"telephone", NULL, "telephone", 0, 0, false, apply_telephone},
    {"mp3", "kbit/s", "mp3:16", 8, 320, false, apply_mp3},
    {"opus", "kbit/s", "opus:8", 6, 256, false, apply_opus},
    {"gain", "dB", "gain:-20dB", -100, 100, false, apply_gain},
    {"pitch", "st", "pitch:-2..2st", -12, 12, false, apply_pitch},
    {"band", "Hz", "band:300-3400", 0, 1e6, false, apply_band},
};

enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

static const struct kind *find_kind(const char *words, struct error *error)
{
    size_t length = strcspn(words, ":");
    struct text all = {0};

    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strlen(KINDS[i].name) == length && strncmp(KINDS[i].name, words, length) == 0)
            return &KINDS[i];
    for (size_t i = 0; i < KIND_COUNT; i++)
        text_add(&all, "%s%s", i ? ", " : "", KINDS[i].example);
    error_usage(error, "no distortion \"%s\": there is %s", words, all.text);
    text_free(&all);
    return NULL;
}

/* "10", "10dB"; *end: what follows.  A number ends before "..". */
static bool read_number(const char *text, const char *unit, double *value, const char **end)
{
    char digits[32] = "";
    size_t length = strspn(text, "+-");

    length += strspn(text + length, "0123456789");
    if (text[length] == '.' && text[length + 1] != '.')
        length += 1 + strspn(text + length + 1, "0123456789");
    if (length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    *end = text + length;
    if (unit && text_starts(*end, unit))
        *end += strlen(unit);
    return text_to_number(digits, value);
}

/* The number after the first colon, a range, or a band; *rest: what follows. */
static bool read_range(struct distortion *d, const char *text, const char **rest)
{
    const char *between = d->kind->apply == apply_band ? "-" : "..", *unit = d->kind->unit;

    if (!read_number(text, unit, &d->low, rest))
        return false;
    d->high = d->low;
    if (text_starts(*rest, between) && !read_number(*rest + strlen(between), unit, &d->high, rest))
        return false;
    return d->low >= d->kind->least && d->high <= d->kind->most &&
           (d->kind->apply == apply_band ? d->low < d->high : d->low <= d->high);
}

static bool refuse(const struct distortion *d, struct error *error)
{
    const struct kind *kind = d->kind;

    return kind->unit ? error_usage(error, "%s: expected %s, from %g to %g %s", d->words, kind->example,
                                    kind->least, kind->most, kind->unit)
                      : error_usage(error, "%s: expected %s", d->words, kind->example);
}

static bool parse(struct distortion *d, struct error *error)
{
    const char *rest = d->words + strlen(d->kind->name);

    if (d->kind->unit && (*rest != ':' || !read_range(d, rest + 1, &rest)))
        return refuse(d, error);
    if (*rest == ':' && d->kind->takes_folder)
        return find_sources(d, rest + 1, error);
    return *rest == '\0' || refuse(d, error);
}

struct distortion *distortion_open(const char *words, struct audio_cache *cache, struct error *error)
{
    struct distortion *d = mem_zero(1, sizeof *d);

    d->words = mem_string(words);
    d->cache = cache;
    d->kind = find_kind(words, error);
    if (d->kind && parse(d, error))
        return d;
    distortion_close(d);
    return NULL;
}

void distortion_close(struct distortion *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->count; i++)
        free(d->sources[i].path);
    free(d->sources);
    free(d->words);
    free(d);
}

const char *distortion_words(const struct distortion *distortion)
{
    return distortion->words;
}

bool distortion_apply(const struct distortion *d, struct signal *signal, uint64_t seed, struct error *error)
{
    struct random_stream stream = random_stream(seed, RANDOM_DISTORTION, 0);
    double number = d->low + (d->high - d->low) * random_uniform(&stream);

    return signal->count == 0 || d->kind->apply(d, signal, number, &stream, error) ||
           error_prefix(error, "%s", d->words);
}
