/* Sound files by libsndfile, or else by FFmpeg: see reader.h. */
#include "audio/reader.h"

#include "audio/foreign.h"
#include "audio/sizes.h"
#include "base/files.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_FRAMES = 16384 };
static const sf_count_t MOST_FRAMES = (sf_count_t)1 << 40;

/* ---- opening ---- */

static bool check_sizes(const struct sound_bytes *bytes, struct error *error)
{
    if (bytes->size == 0)
        return error_set(error, "empty file");
    return !sizes_promise_more(bytes) ||
           error_set(error, "truncated: its header promises more than the file holds");
}

static bool is_mp3(const SF_INFO *info)
{
    return (info->format & SF_FORMAT_TYPEMASK) == SF_FORMAT_MPEG ||
           (info->format & SF_FORMAT_SUBMASK) == SF_FORMAT_MPEG_LAYER_III;
}

/* Opens the file and looks at its first bytes. */
static bool open_descriptor(struct reader *reader, const char *path, int *descriptor, struct error *error)
{
    struct stat facts;
    unsigned char *head = NULL;
    ssize_t size;

    *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would be waited for */
    if (*descriptor < 0)
        return error_set(error, "unreadable: %s", strerror(errno));
    if (fstat(*descriptor, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        error_set(error, "not a regular file");
    } else if ((size = pread(*descriptor, head = mem_alloc(HEAD_SIZE), HEAD_SIZE, 0)) < 0) {
        error_set(error, "unreadable: %s", strerror(errno));
    } else {
        const struct sound_bytes bytes = {.descriptor = *descriptor, .size = (uint64_t)facts.st_size};
        check_sizes(&bytes, error);
        reader->length_is_guess = !sizes_mp3_known(head, (size_t)size);
    }
    free(head);
    if (!error->kind)
        return true;
    close(*descriptor);
    return false;
}

/* Opens the bytes in reader->memory. */
static void open_memory(struct reader *reader)
{
    reader->info = (SF_INFO){0};
    reader->memory.position = 0;
    reader->file = sf_open_virtual(&MEMORY_FILE_IO, SFM_READ, &reader->info, &reader->memory);
}

/* A WAV file that says it has no samples, once more with its sizes put right. */
static void open_repaired(struct reader *reader, unsigned char *bytes, size_t size)
{
    if (!bytes || !sizes_repair(bytes, size)) {
        free(bytes);
        return;
    }
    sf_close(reader->file);
    reader->memory = (struct memory_file){.bytes = bytes, .size = size};
    reader->owns_memory = true;
    open_memory(reader);
}

/* What FFmpeg makes of a file, in a temporary file that libsndfile reads: then all goes on as with any other.
 */
static bool open_foreign(struct reader *reader, const char *path, struct error *error)
{
    struct ffmpeg_sound sound;

    reader->decoded = tmpfile();
    if (!reader->decoded)
        return error_set(error, "no temporary file to decode it into: %s", strerror(errno));
    if (!foreign_decode(path, reader->decoded, &sound, error))
        return false;
    reader->info = (SF_INFO){.samplerate = sound.rate,
                             .channels = sound.channels,
                             .format = SF_FORMAT_RAW | SF_FORMAT_FLOAT | SF_ENDIAN_CPU};
    rewind(reader->decoded);
    reader->file = sf_open_fd(fileno(reader->decoded), SFM_READ, &reader->info, SF_FALSE);
    return reader->file || error_set(error, "cannot read what FFmpeg made of it");
}

/* FFmpeg reads files: the bytes in memory go into one without a name. */
static bool open_foreign_bytes(struct reader *reader, struct error *error)
{
    FILE *file = tmpfile();
    bool done = file && fwrite(reader->memory.bytes, 1, reader->memory.size, file) == reader->memory.size &&
                fflush(file) == 0;
    char *path = file ? mem_format("/proc/self/fd/%d", fileno(file)) : NULL;

    if (!done)
        error_set(error, "no temporary file for FFmpeg: %s", strerror(errno));
    else
        done = open_foreign(reader, path, error);
    if (file)
        fclose(file);
    free(path);
    return done;
}

/* Whether the file does not say how long it is: an MP3 file, of which libsndfile reads no further than it
 * guesses, or FLAC from a pipe. */
static bool has_no_length(const struct reader *reader)
{
    bool flac = (reader->info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC;

    return (is_mp3(&reader->info) && reader->length_is_guess) ||
           (flac && reader->info.frames == SF_COUNT_MAX);
}

/* Leaves to FFmpeg what libsndfile does not read; and first of all what has no length.  `path`: NULL where
 * the file is in memory. */
static bool choose_decoder(struct reader *reader, const char *path, struct error *error)
{
    SNDFILE *own = reader->file;
    const SF_INFO info = reader->info;
    struct error unread = {0}, *failure = own ? &unread : error;

    if (own && !(has_no_length(reader) && foreign_is_there()))
        return true;
    reader->file = NULL;
    if (path ? open_foreign(reader, path, failure) : open_foreign_bytes(reader, failure)) {
        sf_close(own);
        return true;
    }
    reader->file = own;
    reader->info = info;
    return own != NULL;
}

/* Goes to a stretch of the file; info.frames becomes its length. */
static bool seek_stretch(struct reader *reader, double start, double end, struct error *error)
{
    SF_INFO *info = &reader->info;
    sf_count_t first = (sf_count_t)llround(start * info->samplerate),
               last = isinf(end) ? info->frames : (sf_count_t)llround(end * info->samplerate);

    if (last > info->frames && (double)(last - info->frames) <= 0.01 * info->samplerate)
        last = info->frames; /* a rounded end */
    if (last > info->frames || first >= last)
        return error_set(error, "no stretch from %g to %g s in %g s of sound", start, end,
                         (double)info->frames / info->samplerate);
    if (sf_seek(reader->file, first, SEEK_SET) != first)
        return error_set(error, "cannot go to %g s", start);
    reader->first = first;
    info->frames = last - first;
    reader->is_stretch = true;
    return true;
}

/* Channel N of a recording with several; one that has only one gives that. */
static bool choose_number(struct reader *reader, struct error *error)
{
    reader->only = -1;
    if (reader->channel < 1)
        return true;
    if (reader->info.channels > 1 && reader->channel > reader->info.channels)
        return error_set(error, "no channel %d among its %d", reader->channel, reader->info.channels);
    reader->only = reader->info.channels > 1 ? reader->channel - 1 : 0;
    return true;
}

/* Goes through the stretch once to find its loudest channel, and back to its beginning. */
static bool choose_loudest(struct reader *reader, struct error *error)
{
    const size_t channels = (size_t)reader->info.channels;
    sf_count_t done = 0, got = 1;
    int loudest = 0;

    while (done < reader->info.frames && got > 0) {
        const sf_count_t left = reader->info.frames - done;
        got = sf_readf_float(reader->file, reader->block, left < BLOCK_FRAMES ? left : BLOCK_FRAMES);
        for (size_t i = 0; got > 0 && i < (size_t)got * channels; i++)
            if (isfinite(reader->block[i]))
                reader->energies[i % channels] += (double)reader->block[i] * (double)reader->block[i];
        done += got;
    }
    for (int c = 0; c < reader->info.channels; c++)
        loudest = reader->energies[c] > reader->energies[loudest] ? c : loudest;
    memset(reader->energies, 0, sizeof reader->energies);
    reader->only = loudest;
    return sf_seek(reader->file, reader->first, SEEK_SET) == reader->first ||
           error_set(error, "cannot go back to its beginning");
}

/* An open file's facts, and the stretch of it (end 0: all). */
static bool prepare(struct reader *reader, double start, double end, struct error *error)
{
    const SF_INFO *info = &reader->info;

    reader->constant = true;
    if (info->frames <= 0)
        return error_set(error, "zero frames");
    if (info->channels < 1 || info->channels > MAX_CHANNELS || info->samplerate < 1)
        return error_set(error, "%d channels at %d Hz: up to %d channels are read", info->channels,
                         info->samplerate, MAX_CHANNELS);
    if (info->frames == SF_COUNT_MAX)
        return error_set(error, "truncated: its end is not there");
    if (info->frames > MOST_FRAMES)
        return error_set(error, "more than 2^40 frames");
    if (!choose_number(reader, error) || (end != 0 && !seek_stretch(reader, start, end, error)))
        return false;
    reader->block = mem_zero((size_t)BLOCK_FRAMES * (size_t)info->channels, sizeof *reader->block);
    return reader->channel != CHANNEL_LOUDEST || info->channels == 1 || choose_loudest(reader, error);
}

bool reader_open(struct reader *reader, const char *path, int channel, struct error *error)
{
    double start, end;
    int descriptor;
    size_t size = 0;
    char *name = audio_file_of(path, &start, &end);

    *reader = (struct reader){.channel = channel};
    bool done = open_descriptor(reader, name, &descriptor, error);
    if (done)
        reader->file = sf_open_fd(descriptor, SFM_READ, &reader->info, SF_TRUE);
    if (reader->file && reader->info.frames == 0) {
        struct error unread = {0};
        unsigned char *bytes = (unsigned char *)file_read(name, &size, &unread);
        open_repaired(reader, bytes, size);
    }
    done = done && choose_decoder(reader, name, error) && prepare(reader, start, end, error);
    free(name);
    return done;
}

bool reader_open_bytes(struct reader *reader, const void *bytes, size_t size, int channel,
                       struct error *error)
{
    *reader = (struct reader){.channel = channel,
                              .memory = {.bytes = (unsigned char *)(uintptr_t)bytes, .size = size}};
    if (!check_sizes(&(struct sound_bytes){.memory = bytes, .size = size}, error))
        return false;
    reader->length_is_guess = !sizes_mp3_known(bytes, size < HEAD_SIZE ? size : HEAD_SIZE);
    open_memory(reader);
    if (reader->file && reader->info.frames == 0) {
        unsigned char *copy = mem_alloc(size);
        memcpy(copy, bytes, size);
        open_repaired(reader, copy, size);
    }
    return choose_decoder(reader, NULL, error) && prepare(reader, 0, 0, error);
}

void reader_close(struct reader *reader)
{
    sf_close(reader->file);
    if (reader->decoded)
        fclose(reader->decoded);
    if (reader->owns_memory)
        free(reader->memory.bytes);
    free(reader->block);
    *reader = (struct reader){0};
}

/* ---- reading ---- */

static void mix_block(struct reader *reader, size_t frames, float *to)
{
    const int channels = reader->info.channels, only = reader->only;

    for (size_t t = 0; t < frames; t++) {
        const float *frame = reader->block + t * (size_t)channels;
        float sum = 0;
        for (int c = 0; c < channels; c++) {
            reader->energies[c] += (double)frame[c] * (double)frame[c];
            sum += frame[c];
        }
        to[t] = only < 0 ? sum / (float)channels : frame[only];
        reader->mean_energy += (double)to[t] * (double)to[t];
    }
}

static void look_at(struct reader *reader, const float *samples, size_t count)
{
    if (reader->done == 0 && count > 0)
        reader->sample = samples[0];
    for (size_t i = 0; i < count; i++) {
        if (!audio_is_sound(samples[i]) && !reader->not_sound) {
            reader->not_sound = true;
            reader->unsound = samples[i];
            reader->where = reader->done + (sf_count_t)i;
        }
        reader->constant = reader->constant && samples[i] == reader->sample;
    }
}

size_t reader_read(struct reader *reader, size_t frames, struct signal *signal, size_t *capacity)
{
    const size_t before = signal->count;

    signal->rate = reader->info.samplerate;
    while (signal->count - before < frames && reader->done < reader->info.frames) {
        size_t left = frames - (signal->count - before);
        sf_count_t ask = left < BLOCK_FRAMES ? (sf_count_t)left : BLOCK_FRAMES;
        if (ask > reader->info.frames - reader->done)
            ask = reader->info.frames - reader->done;
        sf_count_t got = sf_readf_float(reader->file, reader->block, ask);
        if (got <= 0)
            break;
        signal->samples =
            mem_grow(signal->samples, capacity, signal->count + (size_t)got, sizeof *signal->samples);
        float *to = signal->samples + signal->count;
        mix_block(reader, (size_t)got, to);
        look_at(reader, to, (size_t)got);
        signal->count += (size_t)got;
        reader->done += got;
    }
    return signal->count - before;
}

/* The loudest channel where the mean loses the sound: of two channels, one is silent or the other's opposite.
 * Else -1. */
static int better_channel(const struct reader *reader)
{
    const double lost = 1e-4;
    const int channels = reader->info.channels;
    int loudest = 0, silent = 0;

    for (int c = 0; c < channels; c++) {
        if (reader->energies[c] > reader->energies[loudest] || !isfinite(reader->energies[loudest]))
            loudest = c;
        silent += reader->energies[c] <= 0;
    }
    bool none = reader->energies[loudest] <= 0, half = channels == 2 && silent == 1,
         is_lost = half || reader->mean_energy < lost * reader->energies[loudest];
    return channels > 1 && !none && is_lost ? loudest : -1;
}

bool reader_again(struct reader *reader)
{
    const int better = reader->channel == CHANNEL_MEAN && reader->only < 0 ? better_channel(reader) : -1;

    if (better < 0 || sf_seek(reader->file, reader->first, SEEK_SET) != reader->first)
        return false;
    reader->only = better;
    reader->done = 0;
    reader->constant = true;
    reader->not_sound = false;
    return true;
}

bool reader_check(struct reader *reader, struct error *error)
{
    SF_INFO *info = &reader->info;
    const double slack = 0.98; /* of an MP3 file's length: what its encoder put before and after the sound */

    if (is_mp3(info) && !reader->is_stretch && reader->done > 0 &&
        (reader->length_is_guess || (double)reader->done > slack * (double)info->frames))
        info->frames = reader->done;
    reader->facts =
        (struct audio_facts){.rate = info->samplerate,
                             .channels = info->channels,
                             .frames = info->frames,
                             .duration = (double)info->frames / (info->samplerate > 0 ? info->samplerate : 1),
                             .one_channel = reader->only >= 0 && reader->channel == CHANNEL_MEAN};
    if (reader->done < info->frames && !reader->not_sound)
        return error_set(error, "truncated: %lld of %lld frames", (long long)reader->done,
                         (long long)info->frames);
    if (reader->not_sound && isfinite(reader->unsound))
        return error_set(error, "holds %g (frame %lld), which is no sample: bytes in another order?",
                         (double)reader->unsound, (long long)reader->where);
    if (reader->not_sound)
        return error_set(error, "holds NaN or infinity (frame %lld)", (long long)reader->where);
    return !reader->constant || error_set(error, "silent: every sample is %g", (double)reader->sample);
}
