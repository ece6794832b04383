/*
 * TensorBoard event files: records of TFRecord's format (length and data, each with a masked CRC-32C) that
 * hold protocol buffers of type Event.  Only what TensorBoard needs to show scalars and images is written.
 *
 *     struct text file = {0}, summary = {0};
 *     events_add_version(&file, now);                       first in every file
 *     events_add_start(&file, now, step);                   a session begins; see below
 *     summary_add_scalar(&summary, "train/loss", 0.25);
 *     events_add_summary(&file, now, step, &summary);
 *
 * A resumed run writes a file of its own.  Its start event makes TensorBoard forget what earlier files hold
 * from that step on; TensorBoard heeds a start only where an earlier file began with one.
 *
 * Source of the format: tensorboard/compat/proto/{event,summary}.proto and its record reader.
 */
#ifndef EMOTRAIN_BASE_EVENTS_H
#define EMOTRAIN_BASE_EVENTS_H

#include "base/text.h"

#include <stdint.h>

/* `now`: seconds since 1970. */
void events_add_version(struct text *file, double now);
void events_add_start(struct text *file, double now, int64_t step);
void events_add_summary(struct text *file, double now, int64_t step, const struct text *summary);

void summary_add_scalar(struct text *summary, const char *tag, double value);

/* A PNG image; nothing if the bytes are none. */
void summary_add_png(struct text *summary, const char *tag, const void *png, size_t size);

/* CRC-32C (Castagnoli). */
uint32_t checksum_castagnoli(const void *bytes, size_t size);

#endif
