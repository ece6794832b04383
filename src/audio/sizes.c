/* Sizes in the headers of sound files: see sizes.h. */
#include "audio/sizes.h"

#include <string.h>

/* How a format writes the sizes of its chunks. */
struct chunks {
    const char *file, *kind; /* the file's first four bytes, and those at 8 */
    size_t first;            /* where the chunks begin */
    const char *samples;     /* the chunk of the samples */
    int size_bytes;          /* of a chunk's size */
    bool big_endian, even;   /* even: chunks of odd size are followed by a byte */
};

static const struct chunks FORMATS[] = {
    {"RIFF", "WAVE", 12, "data", 4, false, true},
    {"FORM", "AIFF", 12, "SSND", 4, true, true},
    {"FORM", "AIFC", 12, "SSND", 4, true, true},
    {"caff", NULL, 8, "data", 8, true, false},
};

static uint64_t read_number(const unsigned char *at, int bytes, bool big_endian)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << 8 * (big_endian ? bytes - 1 - i : i);
    return value;
}

static const struct chunks *format_of(const unsigned char *head, size_t size)
{
    for (size_t f = 0; size >= 12 && f < sizeof FORMATS / sizeof FORMATS[0]; f++)
        if (memcmp(head, FORMATS[f].file, 4) == 0 &&
            (!FORMATS[f].kind || memcmp(head + 8, FORMATS[f].kind, 4) == 0))
            return &FORMATS[f];
    return NULL;
}

/* Where the chunk of the samples begins; 0: it is not among these bytes. */
static size_t find_samples(const struct chunks *format, const unsigned char *head, size_t size)
{
    const size_t header = 4 + (size_t)format->size_bytes;

    for (uint64_t at = format->first; at + header <= size;) {
        uint64_t length = read_number(head + at + 4, format->size_bytes, format->big_endian);
        if (memcmp(head + at, format->samples, 4) == 0)
            return (size_t)at;
        if (length > UINT32_MAX)
            return 0;
        at += header + length + (format->even ? length % 2 : 0);
    }
    return 0;
}

/* The size of the whole (RIFF, FORM) says nothing for certain: programs write it wrongly. */
bool sizes_promise_more(const unsigned char *head, size_t size, uint64_t file_size)
{
    const uint64_t streamed = 0x7ffff000; /* or more: a writer that could not seek back, as sox and ffmpeg */
    const struct chunks *format = format_of(head, size);
    uint64_t data = 0, length = 0;

    if (size >= 36 && memcmp(head, "RF64", 4) == 0 && memcmp(head + 12, "ds64", 4) == 0) {
        struct chunks wav = FORMATS[0]; /* with the samples' size elsewhere: in ds64 */
        size_t at = find_samples(&wav, head, size);
        data = at ? at + 8 : 0;
        length = read_number(head + 28, 8, false);
        return data > 0 && length < INT64_MAX && data + length > file_size;
    }
    if (format) {
        size_t at = find_samples(format, head, size);
        data = at ? at + 4 + (uint64_t)format->size_bytes : 0;
        length = at ? read_number(head + at + 4, format->size_bytes, format->big_endian) : 0;
    } else if (size >= 12 && memcmp(head, ".snd", 4) == 0) {
        data = read_number(head + 4, 4, true);
        length = read_number(head + 8, 4, true);
    }
    return data > 0 && length < streamed && data + length > file_size;
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
    const struct chunks *wav = &FORMATS[0];
    const size_t data = format_of(bytes, size) == wav ? find_samples(wav, bytes, size) : 0;
    const size_t places[] = {0, data};

    if (data == 0 || read_number(bytes + data + 4, 4, false) != 0 || size <= data + 8)
        return false;
    for (int i = 0; i < 2; i++) {
        uint64_t length = size - places[i] - 8;
        for (int k = 0; k < 4; k++)
            bytes[places[i] + 4 + (size_t)k] =
                (unsigned char)((length < UINT32_MAX ? length : UINT32_MAX) >> 8 * k);
    }
    return true;
}
