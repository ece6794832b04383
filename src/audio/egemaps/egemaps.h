/*
 * eGeMAPS v02: 88 functionals over 25 low-level descriptors of a recording (Eyben et al., "The Geneva
 * Minimalistic Acoustic Parameter Set", IEEE Transactions on Affective Computing 7, 2016), as openSMILE
 * computes them, quirks included, so that metrics can be compared with published ones.
 *
 *     float values[EGEMAPS_COUNT];
 *     if (egemaps(&signal, values, &error))
 *         printf("%s %g\n", EGEMAPS_NAMES[0], values[0]);
 *
 * Frames of 20 ms (spectra, formants) and 60 ms (pitch) begin every 10 ms; frame i of either begins at the
 * same sample.  Nothing is padded: what does not fill a frame at the end is left out.
 */
#ifndef EMOTRAIN_AUDIO_EGEMAPS_EGEMAPS_H
#define EMOTRAIN_AUDIO_EGEMAPS_EGEMAPS_H

#include "audio/audio.h"

enum {
    EGEMAPS_COUNT = 88,
    EGEMAPS_RATE = 16000, /* Hz, the usual one */
    EGEMAPS_LOWEST_RATE = 8000,
    EGEMAPS_HIGHEST_RATE = 96000
};

extern const char *const EGEMAPS_NAMES[EGEMAPS_COUNT]; /* openSMILE's */

/* The functionals of a signal in full scale 1.0, at 8 kHz or from 11 to 96 kHz: they differ much from rate to
 * rate. A signal without a single frame of 60 ms is an error. Independent of other calls; may run in several
 * threads at once. */
bool egemaps(const struct signal *signal, float values[EGEMAPS_COUNT], struct error *error);

#endif
