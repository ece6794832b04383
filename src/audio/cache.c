/*
 * The cache of decoded signals: one file per clip, FOLDER/ab/abcdef...-16000-sinc_best.pcm, holding a
 * header and 32-bit floats in the machine's byte order; beside it, where they were asked for, its
 * functionals.
 */
#include "audio/audio.h"

#include "audio/egemaps/egemaps.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/strings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct audio_cache {
    char *folder, *resampler;
    int rate;
};

struct header {
    char magic[4]; /* also tells the byte order: written as a 32-bit number */
    uint32_t version, rate, checksum;
    uint64_t count;
    uint32_t recorded_rate, recorded_channels; /* struct audio_facts */
    uint64_t recorded_frames;
    uint32_t one_channel, reserved;
};

static const char MAGIC[4] = {'e', 'm', 'o', 'A'};
enum { CACHE_VERSION = 4 };

struct audio_cache *audio_cache_open(const char *folder, int rate, const char *resampler, struct error *error)
{
    if (!folder_make(folder, error))
        return NULL;
    struct audio_cache *cache = mem_zero(1, sizeof *cache);
    cache->folder = mem_string(folder);
    cache->resampler = mem_string(resampler);
    cache->rate = rate;
    return cache;
}

void audio_cache_close(struct audio_cache *cache)
{
    if (!cache)
        return;
    free(cache->folder);
    free(cache->resampler);
    free(cache);
}

bool audio_cache_clean_up(const struct audio_cache *cache, struct error *error)
{
    const double hour = 3600;
    struct strings names = {0};
    bool done = folder_list(&names, cache->folder, error);

    for (size_t i = 0; done && i < names.count; i++) {
        char *folder = path_join(cache->folder, names.items[i]);
        if (strlen(names.items[i]) == 2) /* the first digits of hashes */
            done = folder_clean_up(folder, hour, error);
        free(folder);
    }
    strings_free(&names);
    return done;
}

char *audio_cache_entry(const struct audio_cache *cache, const char *sha256, const char *ending)
{
    if (cache->rate == 0)
        return mem_format("%s/%.2s/%s-native.%s", cache->folder, sha256, sha256, ending);
    return mem_format("%s/%.2s/%s-%d-%s.%s", cache->folder, sha256, sha256, cache->rate, cache->resampler,
                      ending);
}

static bool header_fits(const struct audio_cache *cache, const struct header *header,
                        const unsigned char *data, size_t bytes)
{
    return memcmp(header->magic, MAGIC, sizeof MAGIC) == 0 && header->version == CACHE_VERSION &&
           header->rate == (cache->rate ? (uint32_t)cache->rate : header->recorded_rate) &&
           header->count > 0 && bytes % sizeof(float) == 0 && header->count == bytes / sizeof(float) &&
           header->recorded_rate > 0 && header->checksum == checksum(data, bytes);
}

/* False if there is no whole, undamaged entry.  `signal` and `facts` may be NULL. */
static bool read_entry(const struct audio_cache *cache, const char *path, struct signal *signal,
                       struct audio_facts *facts)
{
    struct error ignored = {0};
    struct file_map map;
    struct header header;
    bool good = false;

    if (!file_map_open(&map, path, &ignored))
        return false;
    if (map.size > sizeof header) {
        memcpy(&header, map.bytes, sizeof header);
        const unsigned char *data = map.bytes + sizeof header;
        size_t bytes = map.size - sizeof header;
        good = header_fits(cache, &header, data, bytes);
        if (good && signal) {
            *signal = (struct signal){mem_alloc(bytes), (size_t)header.count, (int)header.rate};
            memcpy(signal->samples, data, bytes);
        }
        if (good && facts)
            *facts = (struct audio_facts){
                (int)header.recorded_rate, (int)header.recorded_channels, (int64_t)header.recorded_frames,
                (double)header.recorded_frames / header.recorded_rate, header.one_channel != 0};
    }
    file_map_close(&map);
    return good;
}

static bool write_entry(const char *path, const struct signal *signal, const struct audio_facts *facts,
                        struct error *error)
{
    size_t bytes = signal->count * sizeof *signal->samples;
    struct header header = {.version = CACHE_VERSION,
                            .rate = (uint32_t)signal->rate,
                            .checksum = checksum(signal->samples, bytes),
                            .count = signal->count,
                            .recorded_rate = (uint32_t)facts->rate,
                            .recorded_channels = (uint32_t)facts->channels,
                            .recorded_frames = (uint64_t)facts->frames,
                            .one_channel = facts->one_channel};
    struct file_writer writer;
    char *folder = path_folder(path);

    memcpy(header.magic, MAGIC, sizeof MAGIC);
    bool made = folder_make(folder, error);
    free(folder);
    if (!made || !file_writer_open(&writer, path, false, error))
        return false;
    file_writer_put(&writer, &header, sizeof header);
    file_writer_put(&writer, signal->samples, bytes);
    return file_writer_commit(&writer, error);
}

/* Samples near the largest that there are become infinite where they are added up. */
static bool check_finite(const struct signal *signal, struct error *reason)
{
    for (size_t i = 0; i < signal->count; i++)
        if (!isfinite(signal->samples[i]))
            return error_set(reason, "too loud: resampled it holds NaN or infinity (sample %zu)", i);
    return true;
}

static bool make(const struct audio_cache *cache, const char *path, const char *entry,
                 struct audio_facts *facts, struct signal *signal, struct error *reason, struct error *error)
{
    if (!audio_decode(path, facts, signal, reason))
        return false;
    if (audio_resample(signal, cache->rate, cache->resampler, reason) && check_finite(signal, reason) &&
        write_entry(entry, signal, facts, error))
        return true;
    signal_free(signal);
    return false;
}

bool audio_cache_load(struct audio_cache *cache, const char *path, const char *sha256, struct signal *signal,
                      struct error *error)
{
    char *entry = audio_cache_entry(cache, sha256, "pcm");
    char hash[SHA256_HEX_SIZE];
    struct audio_facts facts;
    struct error reason = {0};
    bool done = read_entry(cache, entry, signal, NULL);

    if (!done && audio_digest(path, NULL, hash, error)) {
        if (strcmp(hash, sha256) == 0)
            done = make(cache, path, entry, &facts, signal, &reason, error);
        else
            error_set(&reason, "changed since it was indexed: run the command again");
        if (reason.kind)
            error_set(error, "%s: %s", path, reason.message);
    }
    free(entry);
    return done;
}

bool audio_cache_make(struct audio_cache *cache, const char *path, const char *sha256,
                      struct audio_facts *facts, struct error *reason, struct error *error)
{
    char *entry = audio_cache_entry(cache, sha256, "pcm");
    struct signal signal;
    bool done = read_entry(cache, entry, NULL, facts);

    if (!done && make(cache, path, entry, facts, &signal, reason, error)) {
        signal_free(&signal);
        done = true;
    }
    free(entry);
    return done;
}

/* ---- functionals ---- */

struct functionals_entry {
    uint32_t version, checksum;
    float values[EGEMAPS_COUNT];
};

enum { FUNCTIONALS_VERSION = 1 }; /* counts up when the computation changes */

static bool read_functionals(const char *path, float *values)
{
    struct error ignored = {0};
    struct functionals_entry entry;
    size_t size = 0;
    char *bytes = path_exists(path) ? file_read(path, &size, &ignored) : NULL;
    bool good = bytes && size == sizeof entry;

    if (good) {
        memcpy(&entry, bytes, sizeof entry);
        good = entry.version == FUNCTIONALS_VERSION &&
               entry.checksum == checksum(entry.values, sizeof entry.values);
        memcpy(values, entry.values, sizeof entry.values);
    }
    free(bytes);
    return good;
}

static bool write_functionals(const char *path, const float *values, struct error *error)
{
    struct functionals_entry entry = {.version = FUNCTIONALS_VERSION};
    struct file_writer writer;

    memcpy(entry.values, values, sizeof entry.values);
    entry.checksum = checksum(entry.values, sizeof entry.values);
    if (!file_writer_open(&writer, path, false, error))
        return false;
    file_writer_put(&writer, &entry, sizeof entry);
    return file_writer_commit(&writer, error);
}

bool audio_cache_functionals(struct audio_cache *cache, const char *path, const char *sha256, float *values,
                             struct error *error)
{
    char *entry = audio_cache_entry(cache, sha256, "egemaps");
    struct signal signal = {0};
    bool done = read_functionals(entry, values);

    if (!done) {
        done = audio_cache_load(cache, path, sha256, &signal, error) &&
               (egemaps(&signal, values, error) || error_prefix(error, "%s", path)) &&
               write_functionals(entry, values, error);
        signal_free(&signal);
    }
    free(entry);
    return done;
}
