/* A sound higher or lower, as long as it was. */
#ifndef EMOTRAIN_AUDIO_PITCH_SHIFT_H
#define EMOTRAIN_AUDIO_PITCH_SHIFT_H

#include "audio/audio.h"

/* Shifts all frequencies by so many semitones, -12 to 12: the sound is stretched by overlapping pieces that
 * fit each other (WSOLA: Verhelst and Roelands, 1993), then resampled to its length. */
bool pitch_shift(struct signal *signal, double semitones, struct error *error);

#endif
