/*
 * Augmentation ([augment]) of training clips as samples, for every model: speed (tempo and pitch together; Ko
 * et al., 2015), shift in time, noise; and mixup of the clips of a batch (Zhang et al., 2018).
 *
 * All random numbers are functions of a seed and the clip's position in the batch, so a resumed run sees the
 * same clips. Speed factors are uniform in 1 - speed to 1 + speed; a shift moves the sound later (silence
 * before it) or earlier (its beginning is cut); the signal-to-noise ratio is uniform in noise_snr to
 * noise_snr + 30 dB.
 */
#ifndef EMOTRAIN_TRAIN_AUGMENT_H
#define EMOTRAIN_TRAIN_AUGMENT_H

#include "audio/audio.h"
#include "config/settings.h"
#include "model/model.h"

/* Cuts a clip that is longer to a random piece of `seconds`; 0 does nothing. */
void augment_crop(double seconds, struct signal *signal, uint64_t seed, size_t place);

/* Changes one clip's samples. */
void augment_signal(const struct augment_settings *settings, struct signal *signal, uint64_t seed,
                    size_t place);

/* Mixes each clip of the batch with the one as far from its end: x = share * x + (1 - share) * other. Returns
 * the share of the clips' own labels; 1 if nothing was mixed: of features or texts, nothing is. */
double augment_mix(const struct augment_settings *settings, struct batch *batch, uint64_t seed);

/* The clip that clip `i` of `count` was mixed with. */
int64_t augment_partner(int64_t i, int64_t count);

#endif
