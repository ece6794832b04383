/*
 * The cache of decoded signals: one file per clip, FOLDER/ab/abcdef...-16000-sinc_best.pcm, holding a
 * header and 32-bit floats in the machine's byte order; beside it, where they were asked for, its
 * functionals.
 */
#include "audio/audio.h"

#include "audio/egemaps/egemaps.h"
#include "audio/fingerprint.h"
#include "audio/reader.h"
#include "base/digest.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/strings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct audio_cache {
    char *folder, *resampler;
    int rate, channel;
};

struct header {
    char magic[4];
    uint32_t version, rate, checksum; /* checksum: of the samples */
    uint64_t count;
    uint32_t recorded_rate, recorded_channels; /* struct audio_facts */
    uint64_t recorded_frames;
    uint32_t one_channel, sound_checksum; /* sound_checksum: of `sound` */
    struct sound sound;
};

static const char MAGIC[4] = {'e', 'm', 'o', 'A'};
enum { CACHE_VERSION = 5 };

struct audio_cache *audio_cache_open(const char *folder, int rate, const char *resampler, const char *channel,
                                     struct error *error)
{
    int number;

    if (!audio_channel_find(channel, &number, error) || !folder_make(folder, error))
        return NULL;
    struct audio_cache *cache = mem_zero(1, sizeof *cache);
    cache->folder = mem_string(folder);
    cache->resampler = mem_string(resampler);
    cache->rate = rate;
    cache->channel = number;
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
    char channel[32] = "";

    if (cache->channel != CHANNEL_MEAN)
        snprintf(channel, sizeof channel, "-channel%d", cache->channel);
    if (cache->rate == 0)
        return mem_format("%s/%.2s/%s-native%s.%s", cache->folder, sha256, sha256, channel, ending);
    return mem_format("%s/%.2s/%s-%d-%s%s.%s", cache->folder, sha256, sha256, cache->rate, cache->resampler,
                      channel, ending);
}

static bool header_fits(const struct audio_cache *cache, const struct header *header,
                        const unsigned char *data, size_t bytes)
{
    return memcmp(header->magic, MAGIC, sizeof MAGIC) == 0 && header->version == CACHE_VERSION &&
           header->rate == (cache->rate ? (uint32_t)cache->rate : header->recorded_rate) &&
           header->count > 0 && bytes % sizeof(float) == 0 && header->count == bytes / sizeof(float) &&
           header->recorded_rate > 0 &&
           header->sound_checksum == checksum(&header->sound, sizeof header->sound) &&
           header->checksum == checksum(data, bytes);
}

/* False if there is no whole, undamaged entry.  `signal` and `facts` may be NULL. */
static bool read_entry(const struct audio_cache *cache, const char *path, double seconds,
                       struct signal *signal, struct audio_facts *facts)
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
            size_t count = signal_most(seconds, (int)header.rate, (size_t)header.count);
            *signal = (struct signal){mem_alloc(count * sizeof(float)), count, (int)header.rate};
            memcpy(signal->samples, data, count * sizeof(float));
        }
        if (good && facts)
            *facts = (struct audio_facts){
                (int)header.recorded_rate,       (int)header.recorded_channels,
                (int64_t)header.recorded_frames, (double)header.recorded_frames / header.recorded_rate,
                header.one_channel != 0,         header.sound};
    }
    file_map_close(&map);
    return good;
}

/* An entry being made, piece by piece, so that memory does not grow with a recording's length.  Pieces are
 * resampled with a little of what is before and after them. */
enum { PIECE_SECONDS = 300, PAD_SECONDS = 1 };

struct making {
    const struct audio_cache *cache;
    struct reader reader;
    struct file_writer writer;
    struct header header;
    struct signal piece; /* as recorded; begins with 2 * PAD_SECONDS that were there before */
    size_t capacity;
    struct sound_meter meter;
};

/* Resamples the piece and writes what is new of it. */
static bool put_piece(struct making *m, bool is_first, bool is_last, struct error *reason)
{
    struct signal out = {mem_alloc(m->piece.count * sizeof(float)), m->piece.count, m->piece.rate};
    const size_t seconds = m->piece.count / (size_t)m->piece.rate;

    memcpy(out.samples, m->piece.samples, out.count * sizeof(float));
    bool done = audio_resample(&out, m->cache->rate, m->cache->resampler, reason);
    size_t from = is_first ? 0 : PAD_SECONDS * (size_t)out.rate,
           to = is_last ? out.count : (seconds - PAD_SECONDS) * (size_t)out.rate;
    if (done && to > from) {
        const size_t bytes = (to - from) * sizeof(float);
        file_writer_put(&m->writer, out.samples + from, bytes);
        m->header.checksum = checksum_more(m->header.checksum, out.samples + from, bytes);
        m->header.count += to - from;
        m->header.rate = (uint32_t)out.rate;
    }
    signal_free(&out);
    return done;
}

/* Reads, resamples and writes all of the file once. */
static bool put_pieces(struct making *m, struct error *reason)
{
    const size_t rate = (size_t)m->reader.info.samplerate, keep = 2 * PAD_SECONDS * rate;
    bool is_first = true, is_last = false, done = true;

    m->piece.count = 0;
    m->meter = (struct sound_meter){0};
    m->header.count = 0;
    m->header.checksum = 0;
    file_writer_seek(&m->writer, sizeof m->header);
    while (done && !is_last) {
        const size_t asked = (is_first ? PIECE_SECONDS + 2 * PAD_SECONDS : PIECE_SECONDS) * rate;
        const size_t old = m->piece.count;
        is_last = reader_read(&m->reader, asked, &m->piece, &m->capacity) < asked;
        if (m->piece.count == 0)
            break;               /* reader_check says why */
        if (m->reader.not_sound) /* likewise, unless another channel is taken */
            break;
        sound_meter_add(&m->meter, &m->piece, old);
        done = put_piece(m, is_first, is_last, reason);
        if (!is_last) {
            memmove(m->piece.samples, m->piece.samples + m->piece.count - keep, keep * sizeof(float));
            m->piece.count = keep;
        }
        is_first = is_first && is_last;
    }
    sound_meter_finish(&m->meter, &m->header.sound);
    if (is_first && m->piece.count > 0) /* a recording of several pieces has no fingerprint */
        fingerprint_make(&m->piece, &m->header.sound.fingerprint);
    return done;
}

/* The header, once all is written. */
static void put_header(struct making *m)
{
    struct header *header = &m->header;
    const struct audio_facts *facts = &m->reader.facts;

    memcpy(header->magic, MAGIC, sizeof MAGIC);
    header->version = CACHE_VERSION;
    header->recorded_rate = (uint32_t)facts->rate;
    header->recorded_channels = (uint32_t)facts->channels;
    header->recorded_frames = (uint64_t)facts->frames;
    header->one_channel = facts->one_channel;
    header->sound_checksum = checksum(&header->sound, sizeof header->sound);
    file_writer_seek(&m->writer, 0);
    file_writer_put(&m->writer, header, sizeof *header);
}

static bool make_entry(struct making *m, const char *entry, struct audio_facts *facts, struct error *reason,
                       struct error *error)
{
    char *folder = path_folder(entry);
    bool made = folder_make(folder, error) && file_writer_open(&m->writer, entry, false, error);

    free(folder);
    if (!made)
        return false;
    do
        made = put_pieces(m, reason);
    while (made && reader_again(&m->reader));
    made = made && reader_check(&m->reader, reason);
    *facts = m->reader.facts;
    if (!made) {
        file_writer_discard(&m->writer);
        return false;
    }
    facts->sound = m->header.sound;
    put_header(m);
    return file_writer_commit(&m->writer, error);
}

static bool make(const struct audio_cache *cache, const char *path, const char *entry,
                 struct audio_facts *facts, struct error *reason, struct error *error)
{
    struct making m = {.cache = cache};
    bool done =
        reader_open(&m.reader, path, cache->channel, reason) && make_entry(&m, entry, facts, reason, error);

    reader_close(&m.reader);
    signal_free(&m.piece);
    return done;
}

bool audio_cache_load(struct audio_cache *cache, const char *path, const char *sha256, double seconds,
                      struct signal *signal, struct error *error)
{
    char *entry = audio_cache_entry(cache, sha256, "pcm");
    char hash[SHA256_HEX_SIZE];
    struct audio_facts facts;
    struct error reason = {0};
    bool done = read_entry(cache, entry, seconds, signal, NULL);

    if (!done && audio_digest(path, NULL, hash, error)) {
        if (strcmp(hash, sha256) != 0)
            error_set(&reason, "changed since it was indexed: run the command again");
        else if (make(cache, path, entry, &facts, &reason, error))
            done = read_entry(cache, entry, seconds, signal, NULL) ||
                   error_set(&reason, "cannot be read back from the cache, %s", entry);
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
    bool done = read_entry(cache, entry, 0, NULL, facts) || make(cache, path, entry, facts, reason, error);

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

bool audio_cache_functionals(struct audio_cache *cache, const char *path, const char *sha256,
                             double max_seconds, float *values, struct error *error)
{
    char *ending = max_seconds > 0 ? mem_format("egemaps-%.17g", max_seconds) : mem_string("egemaps"),
         *entry = audio_cache_entry(cache, sha256, ending);
    struct signal signal = {0};
    bool done = read_functionals(entry, values);

    free(ending);
    if (!done && audio_cache_load(cache, path, sha256, max_seconds, &signal, error)) {
        signal_prepare(&signal, max_seconds, false);
        done = (egemaps(&signal, values, error) || error_prefix(error, "%s", path)) &&
               write_functionals(entry, values, error);
        signal_free(&signal);
    }
    free(entry);
    return done;
}
