/* Sound files to samples, by libsndfile: what is read, what is broken and why. */
#include "audio/audio.h"

#include "audio/memory_file.h"
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

/* libsndfile silently takes a WAV file cut short for a shorter one: compare its RIFF size with the file's.
 * `head`: its first 12 bytes. */
static bool riff_is_cut(const unsigned char *head, uint64_t file_size)
{
    if (file_size < 12 || memcmp(head, "RIFF", 4) != 0 || memcmp(head + 8, "WAVE", 4) != 0)
        return false;
    uint32_t size =
        (uint32_t)head[4] | (uint32_t)head[5] << 8 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 24;
    bool streamed =
        size == 0 || size >= 0x7ffff000; /* a writer that could not seek back, as sox and ffmpeg */
    return !streamed && (uint64_t)size + 8 > file_size;
}

static bool check_size(const unsigned char *head, uint64_t size, struct error *error)
{
    if (size == 0)
        return error_set(error, "empty file");
    return !riff_is_cut(head, size) ||
           error_set(error, "truncated: its header promises more than the file holds");
}

static bool open_file(const char *path, int *descriptor, struct error *error)
{
    struct stat facts;
    unsigned char head[12] = {0};

    *descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (*descriptor < 0)
        return error_set(error, "unreadable: %s", strerror(errno));
    if (fstat(*descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))
        error_set(error, "not a regular file");
    else if (pread(*descriptor, head, sizeof head, 0) >= 0)
        check_size(head, (uint64_t)facts.st_size, error);
    if (!error->kind)
        return true;
    close(*descriptor);
    return false;
}

enum { BLOCK_FRAMES = 16384, MAX_CHANNELS = 64 };

/* Reads up to `frames` frames and averages channels; memory grows with what the file really gives, whatever
 * its header says. */
static void read_downmixed(SNDFILE *file, int channels, size_t frames, struct signal *signal)
{
    float *block = mem_zero((size_t)BLOCK_FRAMES * (size_t)channels, sizeof *block);
    size_t capacity = 0;
    sf_count_t got;

    while (signal->count < frames && (got = sf_readf_float(file, block, BLOCK_FRAMES)) > 0) {
        if ((size_t)got > frames - signal->count)
            got = (sf_count_t)(frames - signal->count);
        signal->samples =
            mem_grow(signal->samples, &capacity, signal->count + (size_t)got, sizeof *signal->samples);
        for (sf_count_t t = 0; t < got; t++) {
            float sum = 0;
            for (int c = 0; c < channels; c++)
                sum += block[t * channels + c];
            signal->samples[signal->count++] = sum / (float)channels;
        }
    }
    free(block);
}

/* Goes to a stretch of the file; info->frames becomes its length. */
static bool seek_stretch(SNDFILE *file, SF_INFO *info, double start, double end, struct error *error)
{
    sf_count_t first = (sf_count_t)llround(start * info->samplerate),
               last = (sf_count_t)llround(end * info->samplerate);

    if (last > info->frames && (double)(last - info->frames) <= 0.01 * info->samplerate)
        last = info->frames; /* a rounded end */
    if (last > info->frames || first >= last)
        return error_set(error, "no stretch from %g to %g s in %g s of sound", start, end,
                         (double)info->frames / info->samplerate);
    if (sf_seek(file, first, SEEK_SET) != first)
        return error_set(error, "cannot go to %g s", start);
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

/* Decodes a stretch of an open file (end 0: all of it), and closes it. */
static bool decode(SNDFILE *file, SF_INFO *info, double start, double end, struct audio_facts *facts,
                   struct signal *signal, struct error *error)
{
    *signal = (struct signal){0};
    if (!file)
        return error_set(error, "not audio that libsndfile reads");
    if (info->frames <= 0) {
        error_set(error, "zero frames");
    } else if (info->channels < 1 || info->channels > MAX_CHANNELS || info->samplerate < 1) {
        error_set(error, "%d channels at %d Hz", info->channels, info->samplerate);
    } else if (info->frames > (sf_count_t)1 << 32) {
        error_set(error, "more than 2^32 frames");
    } else if (end == 0 || seek_stretch(file, info, start, end, error)) {
        signal->rate = info->samplerate;
        read_downmixed(file, info->channels, (size_t)info->frames, signal);
        check_samples(signal, (size_t)info->frames, error);
    }
    sf_close(file);
    if (facts)
        *facts = (struct audio_facts){info->samplerate, info->channels, info->frames,
                                      (double)info->frames / (info->samplerate > 0 ? info->samplerate : 1)};
    if (error->kind)
        signal_free(signal);
    return !error->kind;
}

bool audio_decode(const char *path, struct audio_facts *facts, struct signal *signal, struct error *error)
{
    SF_INFO info = {0};
    double start, end;
    char *file = audio_file_of(path, &start, &end);
    int descriptor;

    *signal = (struct signal){0};
    bool done =
        open_file(file, &descriptor, error) &&
        decode(sf_open_fd(descriptor, SFM_READ, &info, SF_TRUE), &info, start, end, facts, signal, error);
    free(file);
    return done;
}

bool audio_decode_bytes(const void *bytes, size_t size, struct audio_facts *facts, struct signal *signal,
                        struct error *error)
{
    SF_INFO info = {0};
    struct memory_file file = {.bytes = (unsigned char *)bytes, .size = size};

    *signal = (struct signal){0};
    return check_size(bytes, size, error) && decode(sf_open_virtual(&MEMORY_FILE_IO, SFM_READ, &info, &file),
                                                    &info, 0, 0, facts, signal, error);
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
