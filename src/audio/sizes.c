/* Sizes in the headers of sound files: see sizes.h. */
#include "audio/sizes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LONGEST_NAME = 16, MOST_CHUNKS = 65536 };

/* How a format writes its chunks: a name, a size, and what the size counts. */
struct chunks {
    const char *file, *kind;    /* the file's first four bytes, and four more further on */
    size_t kind_at, first;      /* where these are, and where the chunks begin */
    const char *samples;        /* the chunk of the samples, by its name's first four bytes */
    int name_bytes, size_bytes; /* of a chunk's header */
    uint64_t alignment;         /* where chunks begin */
    bool big_endian, whole;     /* whole: the size counts the header too */
};

static const struct chunks FORMATS[] = {
    {"RIFF", "WAVE", 8, 12, "data", 4, 4, 2, false, false},
    {"RF64", "WAVE", 8, 12, "data", 4, 4, 2, false, false},
    {"FORM", "AIFF", 8, 12, "SSND", 4, 4, 2, true, false},
    {"FORM", "AIFC", 8, 12, "SSND", 4, 4, 2, true, false},
    {"FORM", "8SVX", 8, 12, "BODY", 4, 4, 2, true, false},
    {"FORM", "16SV", 8, 12, "BODY", 4, 4, 2, true, false},
    {"caff", NULL, 0, 8, "data", 4, 8, 1, true, false},
    {"riff", "wave", 24, 40, "data", 16, 8, 8, false, true}, /* Sony's W64: names are GUIDs */
};

static bool read_at(const struct sound_bytes *bytes, uint64_t at, unsigned char *into, size_t count)
{
    if (at > bytes->size || bytes->size - at < count)
        return false;
    if (!bytes->memory)
        return pread(bytes->descriptor, into, count, (off_t)at) == (ssize_t)count;
    memcpy(into, bytes->memory + at, count);
    return true;
}

static bool stands_at(const struct sound_bytes *bytes, uint64_t at, const char *word)
{
    unsigned char there[4];

    return read_at(bytes, at, there, 4) && memcmp(there, word, 4) == 0;
}

static uint64_t read_number(const unsigned char *at, int bytes, bool big_endian)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * (big_endian ? bytes - 1 - i : i);
    return value;
}

/* A number that stands in the file; 0 behind its end. */
static uint64_t number_at(const struct sound_bytes *bytes, uint64_t at, int count, bool big_endian)
{
    unsigned char there[8];

    return read_at(bytes, at, there, (size_t)count) ? read_number(there, count, big_endian) : 0;
}

static const struct chunks *format_of(const struct sound_bytes *bytes)
{
    for (size_t f = 0; f < sizeof FORMATS / sizeof FORMATS[0]; f++)
        if (stands_at(bytes, 0, FORMATS[f].file) &&
            (!FORMATS[f].kind || stands_at(bytes, FORMATS[f].kind_at, FORMATS[f].kind)))
            return &FORMATS[f];
    return NULL;
}

/* Where the samples begin, behind their chunk's header, and how many bytes of them that promises; 0: there is
 * no such chunk. */
static uint64_t find_samples(const struct chunks *format, const struct sound_bytes *bytes, uint64_t *length)
{
    const size_t header = (size_t)format->name_bytes + (size_t)format->size_bytes;
    unsigned char there[LONGEST_NAME + 8];
    uint64_t at = format->first;

    for (int chunk = 0; chunk < MOST_CHUNKS && read_at(bytes, at, there, header); chunk++) {
        *length = read_number(there + format->name_bytes, format->size_bytes, format->big_endian);
        if (format->whole)
            *length = *length > header ? *length - header : 0;
        at += header;
        if (memcmp(there, format->samples, 4) == 0)
            return at;
        if (*length > bytes->size - at)
            return 0;
        at = (at + *length + format->alignment - 1) / format->alignment * format->alignment;
    }
    return 0;
}

/* A number that a header of NIST SPHERE says in a line "NAME -i NUMBER"; 0: it does not. */
static uint64_t sphere_number(const char *header, const char *name)
{
    const char *line = strstr(header, name);
    unsigned long long number;

    return line && sscanf(line + strlen(name), " -i %llu", &number) == 1 ? number : 0;
}

/* The same of NIST SPHERE, whose header is text; samples that are compressed (shorten) promise no size. */
static uint64_t find_sphere_samples(const struct sound_bytes *bytes, uint64_t *length)
{
    enum { HEADER = 1024 };
    char header[HEADER + 1] = "";
    unsigned long long size;

    if (!read_at(bytes, 0, (unsigned char *)header, HEADER) || sscanf(header, "NIST_1A %llu", &size) != 1 ||
        strstr(header, "shorten"))
        return 0;
    *length = sphere_number(header, "\nsample_count") * sphere_number(header, "\nsample_n_bytes") *
              sphere_number(header, "\nchannel_count");
    return size;
}

/* The size of the whole (RIFF, FORM) says nothing for certain: programs write it wrongly. */
bool sizes_promise_more(const struct sound_bytes *bytes)
{
    const uint64_t streamed = 0x7ffff000; /* or more: a writer that could not seek back, as sox and ffmpeg */
    const uint64_t endless = INT64_MAX - 64; /* the same in eight bytes, less a header */
    const struct chunks *format = format_of(bytes);
    uint64_t data = 0, length = 0, unknown = format && format->size_bytes == 4 ? streamed : endless;

    if (format) {
        data = find_samples(format, bytes, &length);
        if (strcmp(format->file, "RF64") == 0 && stands_at(bytes, 12, "ds64")) {
            length = number_at(bytes, 28, 8, false);
            unknown = endless;
        }
    } else if (stands_at(bytes, 0, ".snd")) {
        data = number_at(bytes, 4, 4, true);
        length = number_at(bytes, 8, 4, true);
        unknown = streamed;
    } else if (stands_at(bytes, 0, "NIST")) {
        data = find_sphere_samples(bytes, &length);
    }
    return data > 0 && length < unknown && data + length > bytes->size;
}

/* Where the sound begins, behind tags (ID3v2). */
static size_t skip_tags(const unsigned char *head, size_t size)
{
    size_t at = 0;

    while (at + 10 <= size && memcmp(head + at, "ID3", 3) == 0) {
        const size_t length = (size_t)(head[at + 6] & 0x7f) << 21 | (size_t)(head[at + 7] & 0x7f) << 14 |
                              (size_t)(head[at + 8] & 0x7f) << 7 | (size_t)(head[at + 9] & 0x7f);
        at += 10 + length;
    }
    while (at < size && head[at] == 0)
        at++;
    return at;
}

bool sizes_mp3_known(const unsigned char *head, size_t size)
{
    static const char *const tags[] = {"Xing", "Info", "VBRI"};
    enum { FURTHEST = 64 }; /* of the frame: behind its header, CRC and side information */
    const size_t start = skip_tags(head, size);

    for (size_t i = start; i + 4 <= size && i < start + FURTHEST; i++)
        for (int t = 0; t < 3; t++)
            if (memcmp(head + i, tags[t], 4) == 0)
                return true;
    return false;
}

bool sizes_repair(unsigned char *bytes, size_t size)
{
    const struct sound_bytes all = {.memory = bytes, .size = size};
    const struct chunks *wav = &FORMATS[0];
    uint64_t length = 0;
    const uint64_t data = format_of(&all) == wav ? find_samples(wav, &all, &length) : 0;
    /* where the bytes begin that the file's size and the samples' count; the size is in the 4 bytes before */
    const uint64_t counted_from[] = {8, data};

    if (data == 0 || length != 0 || size <= data)
        return false;
    for (int i = 0; i < 2; i++) {
        length = size - counted_from[i];
        for (uint64_t k = 0; k < 4; k++)
            bytes[counted_from[i] - 4 + k] =
                (unsigned char)((length < UINT32_MAX ? length : UINT32_MAX) >> 8 * k);
    }
    return true;
}
