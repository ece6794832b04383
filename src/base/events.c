/* TensorBoard event files: see events.h. */
#include "base/events.h"

#include "base/protobuf.h"

#include <string.h>

/* ---- checksums ---- */

uint32_t checksum_castagnoli(const void *bytes, size_t size)
{
    const unsigned char *from = bytes;
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= from[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
    }
    return ~crc;
}

static uint32_t mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

/* ---- records ---- */

static void add_record(struct text *file, const struct text *event)
{
    struct text length = {0};

    protobuf_add_little_endian(&length, event->length, 8);
    text_add_bytes(file, length.text, length.length);
    protobuf_add_little_endian(file, mask(checksum_castagnoli(length.text, length.length)), 4);
    text_add_bytes(file, event->text, event->length);
    protobuf_add_little_endian(file, mask(checksum_castagnoli(event->text, event->length)), 4);
    text_free(&length);
}

/* Event: wall_time 1, step 2, and one of file_version 3, summary 5, session_log 7. */
static void add_event(struct text *file, double now, int64_t step, unsigned field, const void *bytes,
                      size_t size)
{
    struct text event = {0};

    protobuf_add_double(&event, 1, now);
    protobuf_add_integer(&event, 2, step);
    protobuf_add_bytes(&event, field, bytes, size);
    add_record(file, &event);
    text_free(&event);
}

void events_add_version(struct text *file, double now)
{
    static const char version[] = "brain.Event:2";

    add_event(file, now, 0, 3, version, strlen(version));
}

void events_add_start(struct text *file, double now, int64_t step)
{
    static const char start[] = {1 << 3, 1}; /* SessionLog: status 1 = START */

    add_event(file, now, step, 7, start, sizeof start);
}

void events_add_summary(struct text *file, double now, int64_t step, const struct text *summary)
{
    if (summary->length)
        add_event(file, now, step, 5, summary->text, summary->length);
}

/* ---- summaries: repeated Value 1; Value: tag 1, simple_value 2, image 4 ---- */

void summary_add_scalar(struct text *summary, const char *tag, double value)
{
    struct text item = {0};

    protobuf_add_string(&item, 1, tag);
    protobuf_add_float(&item, 2, (float)value);
    protobuf_add_message(summary, 1, &item);
    text_free(&item);
}

static uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3];
}

void summary_add_png(struct text *summary, const char *tag, const void *png, size_t size)
{
    static const unsigned char magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    const unsigned char *bytes = png;
    struct text image = {0}, item = {0};

    if (size < 24 || memcmp(bytes, magic, sizeof magic) != 0)
        return;
    protobuf_add_integer(&image, 1, big_endian(bytes + 20)); /* height */
    protobuf_add_integer(&image, 2, big_endian(bytes + 16)); /* width */
    protobuf_add_integer(&image, 3, 3);                      /* RGB */
    protobuf_add_bytes(&image, 4, bytes, size);
    protobuf_add_string(&item, 1, tag);
    protobuf_add_message(&item, 4, &image);
    protobuf_add_message(summary, 1, &item);
    text_free(&image);
    text_free(&item);
}
