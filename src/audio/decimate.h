/*
 * Inside audio/: resampling to a whole fraction of the rate (48 kHz to 16 kHz) with libsamplerate's own
 * filters.
 *
 * At such a ratio libsamplerate's converters are one filter of set taps, which it evaluates tap by tap from a
 * table.  Here the taps are asked of it once, as its prediction to impulses, and applied as dot products: the
 * same samples to half a unit in the last place of 1.0, in a tenth of the time.
 */
#ifndef EMOTRAIN_AUDIO_DECIMATE_H
#define EMOTRAIN_AUDIO_DECIMATE_H

#include <stdbool.h>
#include <stddef.h>

/* `converter`: libsamplerate's; `factor`: from 2 on.  Whether there is such a filter. */
bool decimate_can(int converter, int factor);

/* Writes the count / factor samples of `out`.  Any thread may call.  False where libsamplerate fails. */
bool decimate(int converter, int factor, const float *samples, size_t count, float *out);

#endif
