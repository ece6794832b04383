/* Sound files to samples, by libsndfile, or else by FFmpeg: what is read, what is broken and why. */
#include "audio/audio.h"

#include "audio/foreign.h"
#include "audio/memory_file.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void signal_free(struct signal *signal)
{
    free(signal->samples);
    *signal = (struct signal){0};
}

static uint32_t little_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Where the chunk "data" of a WAV file begins, whose first `size` bytes these are; 0: it is none, or the
 * chunk is not among them. */
static size_t find_data(const unsigned char *head, size_t size)
{
    if (size < 12 || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0)
        return 0;
    for (uint64_t at = 12; at + 8 <= size;) {
        uint32_t length = little_endian(head + at + 4);
        if (memcmp(head + at, "data", 4) == 0)
            return (size_t)at;
        at += 8 + (uint64_t)length + length % 2;
    }
    return 0;
}

/* libsndfile silently takes a WAV file cut short for a shorter one: its samples' size says more than the file
 * holds.  The size of the whole (RIFF) says nothing for certain: programs write it wrongly. */
static bool wav_is_cut(const unsigned char *head, size_t size, uint64_t file_size)
{
    const uint32_t streamed = 0x7ffff000; /* or more: a writer that could not seek back, as sox and ffmpeg */
    const size_t data = find_data(head, size);
    const uint32_t length = data ? little_endian(head + data + 4) : 0;

    return data > 0 && length < streamed && data + 8 + length > file_size;
}

enum { HEAD_SIZE = 65536 };

static bool check_size(const unsigned char *head, size_t size, uint64_t file_size, struct error *error)
{
    if (file_size == 0)
        return error_set(error, "empty file");
    return !wav_is_cut(head, size, file_size) ||
           error_set(error, "truncated: its header promises more than the file holds");
}

static bool open_file(const char *path, int *descriptor, struct error *error)
{
    struct stat facts;
    unsigned char *head = NULL;
    ssize_t size;

    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for */
    if (*descriptor < 0)
        return error_set(error, "unreadable: %s", strerror(errno));
    if (fstat(*descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))
        error_set(error, "not a regular file");
    else if ((size = pread(*descriptor, head = mem_alloc(HEAD_SIZE), HEAD_SIZE, 0)) < 0)
        error_set(error, "unreadable: %s", strerror(errno));
    else
        check_size(head, (size_t)size, (uint64_t)facts.st_size, error);
    free(head);
    if (!error->kind)
        return true;
    close(*descriptor);
    return false;
}

enum { BLOCK_FRAMES = 16384, MAX_CHANNELS = 64 };
static const sf_count_t MOST_FRAMES = (sf_count_t)1 << 32;

/* Channels on their way to one. */
struct downmix {
    int channels;
    double energies[MAX_CHANNELS], mean_energy; /* of each channel, and of their mean */
    int only;                                   /* the one channel that is taken; -1: the mean */
};

static void mix_block(struct downmix *mix, const float *block, size_t frames, float *to)
{
    for (size_t t = 0; t < frames; t++) {
        float sum = 0;
        for (int c = 0; c < mix->channels; c++) {
            float value = block[t * (size_t)mix->channels + (size_t)c];
            mix->energies[c] += (double)value * (double)value;
            sum += value;
        }
        to[t] =
            mix->only < 0 ? sum / (float)mix->channels : block[t * (size_t)mix->channels + (size_t)mix->only];
        mix->mean_energy += (double)to[t] * (double)to[t];
    }
}

/* The loudest channel where the mean loses the sound: of two, the other is silent or its opposite.  Else -1.
 */
static int choose_channel(const struct downmix *mix)
{
    const double lost = 1e-4;
    int loudest = 0, silent = 0;

    for (int c = 0; c < mix->channels; c++) {
        loudest = mix->energies[c] > mix->energies[loudest] ? c : loudest;
        silent += mix->energies[c] <= 0;
    }
    bool none = mix->energies[loudest] <= 0, half = mix->channels == 2 && silent == 1,
         is_lost = half || mix->mean_energy < lost * mix->energies[loudest];
    return mix->channels > 1 && !none && is_lost ? loudest : -1;
}

/* Reads up to `frames` frames, from `first` on, and makes one channel of them: their mean, or the loudest
 * where that would lose the sound.  Memory grows with what the file really gives, whatever its header says.
 */
static void read_downmixed(SNDFILE *file, int channels, sf_count_t first, size_t frames,
                           struct signal *signal, int *only)
{
    float *block = mem_zero((size_t)BLOCK_FRAMES * (size_t)channels, sizeof *block);
    size_t capacity = 0;
    struct downmix mix = {.channels = channels, .only = -1};
    sf_count_t got;

    for (int pass = 0; pass < 2; pass++) {
        signal->count = 0;
        while (signal->count < frames && (got = sf_readf_float(file, block, BLOCK_FRAMES)) > 0) {
            size_t some = (size_t)got < frames - signal->count ? (size_t)got : frames - signal->count;
            signal->samples =
                mem_grow(signal->samples, &capacity, signal->count + some, sizeof *signal->samples);
            mix_block(&mix, block, some, signal->samples + signal->count);
            signal->count += some;
        }
        if (pass == 1)
            *only = mix.only;
        else if ((mix.only = choose_channel(&mix)) < 0 || sf_seek(file, first, SEEK_SET) != first)
            break;
    }
    free(block);
}

/* Goes to a stretch of the file; info->frames becomes its length. */
static bool seek_stretch(SNDFILE *file, SF_INFO *info, double start, double end, sf_count_t *begin,
                         struct error *error)
{
    sf_count_t first = (sf_count_t)llround(start * info->samplerate),
               last = isinf(end) ? info->frames : (sf_count_t)llround(end * info->samplerate);

    if (last > info->frames && (double)(last - info->frames) <= 0.01 * info->samplerate)
        last = info->frames; /* a rounded end */
    if (last > info->frames || first >= last)
        return error_set(error, "no stretch from %g to %g s in %g s of sound", start, end,
                         (double)info->frames / info->samplerate);
    if (sf_seek(file, first, SEEK_SET) != first)
        return error_set(error, "cannot go to %g s", start);
    *begin = first;
    info->frames = last - first;
    return true;
}

static bool check_samples(const struct signal *signal, size_t frames, struct error *error)
{
    bool silent = true;

    if (signal->count < frames)
        return error_set(error, "truncated: %zu of %zu frames", signal->count, frames);
    for (size_t i = 0; i < signal->count; i++) {
        if (!isfinite(signal->samples[i]))
            return error_set(error, "holds NaN or infinity (frame %zu)", i);
        silent = silent && signal->samples[i] == signal->samples[0];
    }
    if (silent)
        return error_set(error, "silent: every sample is %g", (double)signal->samples[0]);
    return true;
}

static bool is_mp3(const SF_INFO *info)
{
    return (info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG ||
           (info->format & SF_FORMAT_SUBMASK) == SF_FORMAT_MPEG_LAYER_III;
}

/* Decodes a stretch of an open file (end 0: all of it), and closes it. */
static bool decode(SNDFILE *file, SF_INFO *info, double start, double end, struct audio_facts *facts,
                   struct signal *signal, struct error *error)
{
    sf_count_t first = 0;
    int only = -1;

    *signal = (struct signal){0};
    if (!file)
        return error_set(error, "not audio that libsndfile reads");
    if (info->frames <= 0) {
        error_set(error, "zero frames");
    } else if (info->channels < 1 || info->channels > MAX_CHANNELS || info->samplerate < 1) {
        error_set(error, "%d channels at %d Hz", info->channels, info->samplerate);
    } else if (info->frames == SF_COUNT_MAX) {
        error_set(error, "truncated: its end is not there");
        info->frames = 0;
    } else if (info->frames > MOST_FRAMES) {
        error_set(error, "more than 2^32 frames");
    } else if (end == 0 || seek_stretch(file, info, start, end, &first, error)) {
        signal->rate = info->samplerate;
        read_downmixed(file, info->channels, first, (size_t)info->frames, signal, &only);
        if (end == 0 && is_mp3(info) && signal->count > 0) /* without a Xing header its length is a guess */
            info->frames = (sf_count_t)signal->count;
        check_samples(signal, (size_t)info->frames, error);
    }
    sf_close(file);
    if (facts)
        *facts = (struct audio_facts){info->samplerate, info->channels, info->frames,
                                      (double)info->frames / (info->samplerate > 0 ? info->samplerate : 1),
                                      only >= 0};
    if (error->kind)
        signal_free(signal);
    return !error->kind;
}

/* What FFmpeg makes of a file, as a file in memory that libsndfile reads: then all goes on as with any other.
 */
static bool decode_foreign(const char *path, double start, double end, struct audio_facts *facts,
                           struct signal *signal, struct error *error)
{
    struct ffmpeg_sound sound;

    if (!foreign_decode(path, MOST_FRAMES, &sound, error))
        return false;
    SF_INFO info = {.samplerate = sound.rate,
                    .channels = sound.channels,
                    .format = SF_FORMAT_RAW | SF_FORMAT_FLOAT | SF_ENDIAN_CPU};
    struct memory_file file = {.bytes = (unsigned char *)sound.samples,
                               .size = sound.frames * (size_t)sound.channels * sizeof *sound.samples};
    bool done = decode(sf_open_virtual(&MEMORY_FILE_IO, SFM_READ, &info, &file), &info, start, end, facts,
                       signal, error);
    free(sound.samples);
    return done;
}

/* A WAV file whose header says that it has no samples, as a recorder leaves it that was cut off: then all
 * behind the header are samples.  Gives the file in memory with that put right; false where it is no such
 * file.  The caller frees file->bytes. */
static bool repair_sizes(const char *path, struct memory_file *file)
{
    struct error unread = {0};
    size_t size = 0;
    unsigned char *bytes = (unsigned char *)file_read(path, &size, &unread);
    const char *const tags[] = {"RIFF", "data"};
    const size_t data = bytes ? find_data(bytes, size < HEAD_SIZE ? size : HEAD_SIZE) : 0;
    const size_t places[] = {0, data};

    if (data == 0 || little_endian(bytes + data + 4) != 0 || size <= data + 8) {
        free(bytes);
        return false;
    }
    for (int i = 0; i < 2; i++) {
        uint64_t length = size - places[i] - 8;
        memcpy(bytes + places[i], tags[i], 4);
        for (int k = 0; k < 4; k++)
            bytes[places[i] + 4 + (size_t)k] =
                (unsigned char)((length < UINT32_MAX ? length : UINT32_MAX) >> 8 * k);
    }
    *file = (struct memory_file){.bytes = bytes, .size = size};
    return true;
}

bool audio_decode(const char *path, struct audio_facts *facts, struct signal *signal, struct error *error)
{
    SF_INFO info = {0};
    double start, end;
    char *name = audio_file_of(path, &start, &end);
    int descriptor;

    *signal = (struct signal){0};
    bool done = open_file(name, &descriptor, error);
    struct memory_file repaired = {0};
    SNDFILE *file = done ? sf_open_fd(descriptor, SFM_READ, &info, SF_TRUE) : NULL;
    if (file && info.frames == 0 && repair_sizes(name, &repaired)) {
        sf_close(file);
        info = (SF_INFO){0};
        file = sf_open_virtual(&MEMORY_FILE_IO, SFM_READ, &info, &repaired);
    }
    if (file)
        done = decode(file, &info, start, end, facts, signal, error);
    else if (done)
        done = decode_foreign(name, start, end, facts, signal, error);
    free(repaired.bytes);
    free(name);
    return done;
}

bool audio_decode_bytes(const void *bytes, size_t size, struct audio_facts *facts, struct signal *signal,
                        struct error *error)
{
    SF_INFO info = {0};
    struct memory_file file = {.bytes = (unsigned char *)bytes, .size = size};

    *signal = (struct signal){0};
    return check_size(bytes, size, size, error) &&
           decode(sf_open_virtual(&MEMORY_FILE_IO, SFM_READ, &info, &file), &info, 0, 0, facts, signal,
                  error);
}

const double SIGNAL_VARIANCE_FLOOR = 1e-7;

void signal_normalize(struct signal *signal)
{
    double mean = 0, variance = 0, count = (double)signal->count;

    for (size_t i = 0; i < signal->count; i++)
        mean += (double)signal->samples[i];
    mean /= count;
    for (size_t i = 0; i < signal->count; i++) {
        double d = (double)signal->samples[i] - mean;
        variance += d * d;
    }
    double scale = 1 / sqrt(variance / count + SIGNAL_VARIANCE_FLOOR);
    for (size_t i = 0; i < signal->count; i++)
        signal->samples[i] = (float)(((double)signal->samples[i] - mean) * scale);
}

void signal_prepare(struct signal *signal, double seconds, bool normalize)
{
    double limit = ceil(seconds * signal->rate);

    if (seconds > 0 && limit < (double)signal->count)
        signal->count = (size_t)limit;
    if (normalize)
        signal_normalize(signal);
}
