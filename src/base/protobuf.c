/* Writing protocol buffers: see protobuf.h. */
#include "base/protobuf.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };

void protobuf_add_little_endian(struct text *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++, value >>= 8) {
        char byte = (char)(value & 0xff);
        text_add_bytes(out, &byte, 1);
    }
}

void protobuf_add_varint(struct text *out, uint64_t value)
{
    do {
        char byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        text_add_bytes(out, &byte, 1);
        value >>= 7;
    } while (value);
}

static void add_key(struct text *out, unsigned field, unsigned type)
{
    protobuf_add_varint(out, field << 3 | type);
}

void protobuf_add_integer(struct text *out, unsigned field, int64_t value)
{
    add_key(out, field, VARINT);
    protobuf_add_varint(out, (uint64_t)value);
}

void protobuf_add_double(struct text *out, unsigned field, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    add_key(out, field, FIXED64);
    protobuf_add_little_endian(out, bits, 8);
}

void protobuf_add_float(struct text *out, unsigned field, float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    add_key(out, field, FIXED32);
    protobuf_add_little_endian(out, bits, 4);
}

void protobuf_add_head(struct text *out, unsigned field, uint64_t size)
{
    add_key(out, field, BYTES);
    protobuf_add_varint(out, size);
}

void protobuf_add_bytes(struct text *out, unsigned field, const void *bytes, size_t size)
{
    protobuf_add_head(out, field, size);
    text_add_bytes(out, bytes, size);
}

void protobuf_add_string(struct text *out, unsigned field, const char *value)
{
    protobuf_add_bytes(out, field, value, strlen(value));
}

void protobuf_add_message(struct text *out, unsigned field, const struct text *message)
{
    protobuf_add_bytes(out, field, message->length ? message->text : "", message->length);
}
