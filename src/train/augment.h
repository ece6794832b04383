/*
 * Augmentation of training clips as samples, for every model: speed (tempo and pitch together; Ko et al.,
 * 2015), shift in time, noise; and mixup of the clips of a batch (Zhang et al., 2018).
 *
 * All draws are functions of a seed and the clip's place, so a resumed run hears what it would have heard.
 */
#ifndef EMOTRAIN_TRAIN_AUGMENT_H
#define EMOTRAIN_TRAIN_AUGMENT_H

#include "audio/audio.h"
#include "base/config.h"
#include "model/model.h"

struct augmentation {
    double speed; /* factors are drawn from 1 - speed to 1 + speed */
    double
        shift; /* seconds, at most: sound moves later (silence before it) or earlier (its beginning is cut) */
    double noise;     /* probability that a clip gets noise */
    double noise_snr; /* dB at least; up to 30 dB more */
    double mixup;     /* alpha of the Beta distribution; 0: none */
};

struct augmentation augmentation_read(const struct config *config); /* of [augment] */

/* Changes one clip's samples. */
void augment_signal(const struct augmentation *augmentation, struct signal *signal, uint64_t seed,
                    size_t place);

/* Mixes each clip of the batch with the one as far from its end: x = share * x + (1 - share) * other. Returns
 * the share of the clips' own labels; 1 if nothing was mixed: of features or texts, nothing is. */
double augment_mix(const struct augmentation *augmentation, struct batch *batch, uint64_t seed);

/* The clip that clip `i` of `count` was mixed with. */
int64_t augment_partner(int64_t i, int64_t count);

#endif
