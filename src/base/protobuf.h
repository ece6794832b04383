/* Protocol buffers, as far as they are written here: a message is its fields, a field its number, wire type
 * and value. */
#ifndef EMOTRAIN_BASE_PROTOBUF_H
#define EMOTRAIN_BASE_PROTOBUF_H

#include "base/text.h"

#include <stdint.h>

void protobuf_add_little_endian(struct text *out, uint64_t value, int bytes);
void protobuf_add_varint(struct text *out, uint64_t value);
void protobuf_add_integer(struct text *out, unsigned field, int64_t value);
void protobuf_add_double(struct text *out, unsigned field, double value);
void protobuf_add_float(struct text *out, unsigned field, float value);
void protobuf_add_bytes(struct text *out, unsigned field, const void *bytes, size_t size);
void protobuf_add_string(struct text *out, unsigned field, const char *value);

/* A message as a field of another. */
void protobuf_add_message(struct text *out, unsigned field, const struct text *message);

/* The beginning of a field of `size` bytes, which the caller writes after it. */
void protobuf_add_head(struct text *out, unsigned field, uint64_t size);

#endif
