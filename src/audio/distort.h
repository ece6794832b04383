/*
 * Distortions of recordings, as words: for training (augment.distort) and to measure what a model stands
 * (eval --distort).
 *
 *     noise:SNR[:FOLDER]      white noise, or a random piece of a recording of the folder, at that
 * signal-to-noise ratio (dB) room:RT60[:FOLDER]      reverberation of that time (s): a direct sound and, 2.5
 * ms later, as much energy of white noise that decays by 60 dB in it (Polack, 1988); or an impulse response
 * of the folder telephone               300 to 3400 Hz, 8 kHz, mu-law (ITU-T G.711) mp3:RATE, opus:RATE
 * through a codec of about so many kbit/s gain:DB                 louder or softer, clipped at full scale
 *     band:LOW-HIGH           what lies between two frequencies (Hz)
 *
 * A number may be a range, "0..20", uniformly distributed, and may have its unit behind it ("10dB").  A
 * folder's recordings are found when the words are read; each is decoded once, into the cache.
 */
#ifndef EMOTRAIN_AUDIO_DISTORT_H
#define EMOTRAIN_AUDIO_DISTORT_H

#include "audio/audio.h"

struct distortion;

/* Reads one distortion's words; `cache` (for its folder's recordings) must outlive it.  NULL on error. */
struct distortion *distortion_open(const char *words, struct audio_cache *cache, struct error *error);
void distortion_close(struct distortion *distortion); /* NULL does nothing */

const char *distortion_words(const struct distortion *distortion); /* as they were given */

/* Distorts a signal of full scale 1.0; its length and, but for gain, its mean power stay.  All random numbers
 * are functions of the seed. */
bool distortion_apply(const struct distortion *distortion, struct signal *signal, uint64_t seed,
                      struct error *error);

#endif
