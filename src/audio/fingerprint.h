/* Inside audio/: how fingerprints are made; what they are: sound.h. */
#ifndef EMOTRAIN_AUDIO_FINGERPRINT_H
#define EMOTRAIN_AUDIO_FINGERPRINT_H

#include "audio/audio.h"
#include "audio/sound.h"

void fingerprint_make(const struct signal *signal, struct fingerprint *fingerprint);

#endif
