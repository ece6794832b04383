/*
 * What a recording sounds like, in a few numbers: level, clipping, silence, noise, and a fingerprint by which
 * it is known again in another format, at another rate or level.
 */
#ifndef EMOTRAIN_AUDIO_SOUND_H
#define EMOTRAIN_AUDIO_SOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct signal;

/*
 * The fingerprint of a sound, after Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR
 * 2002): whether the energy between two neighbouring bands of 300 to 2000 Hz rises or falls in time.  Here 32
 * moments are spread evenly over the part where the energy lies, 1.7 standard deviations of it in time before
 * and after its mean, so that silence before and after makes no difference.
 */
enum { FINGERPRINT_MOMENTS = 32, FINGERPRINT_BANDS = 32, FINGERPRINT_WORDS = 16 };

struct fingerprint {
    float seconds; /* of that part; 0: there is no fingerprint, the sound is too short */
    uint64_t bits[FINGERPRINT_WORDS];
};

struct sound {
    float level;   /* root mean square, dB of full scale */
    float peak;    /* largest sample, dB of full scale */
    float clipped; /* share of the samples that are at full scale */
    float silence; /* share of the time that is 40 dB or more below the loud frames (95th percentile) */
    float snr;     /* dB, estimated: mean energy of the frames that are no silence over that of the
                      quietest tenth; 0 where nothing is quiet */
    struct fingerprint fingerprint;
};

/* Measures a signal as it was decoded. */
void sound_measure(const struct signal *signal, struct sound *sound);

/* The same of a recording that comes in pieces, without its fingerprint.  A zeroed struct is an empty one. */
struct sound_meter {
    double energy, peak; /* sum of the squares; largest sample */
    size_t samples, clipped;
    double *energies; /* (frames) mean squares of frames of 25 ms */
    size_t frames, capacity, in_frame;
    double frame_energy; /* of the frame that is not whole yet */
};

void sound_meter_add(struct sound_meter *meter, const struct signal *signal,
                     size_t from);                                       /* samples[from ..] */
void sound_meter_finish(struct sound_meter *meter, struct sound *sound); /* and frees it */

/* Whether two fingerprints are of one sound: whether they differ in at most 26 % of the bits (18 % where the
 * part is shorter than a second), and in less than 40 % of the first quarter.  Of RAVDESS, two recordings
 * differ in 33 % of them or more, those of one speaker and sentence too; a recording and its copy at another
 * rate or through a lossy codec mostly in 0 to 22 %. */
bool fingerprint_same(const struct fingerprint *a, const struct fingerprint *b);

/* How far apart the seconds of two fingerprints of one sound may be, by the shorter one's. */
float fingerprint_slack(float seconds);

/* As text, for the catalogue; reading what is no such text gives none. */
enum { FINGERPRINT_TEXT_SIZE = 8 + 16 * FINGERPRINT_WORDS + 1 };
void fingerprint_write(const struct fingerprint *fingerprint, char text[FINGERPRINT_TEXT_SIZE]);
void fingerprint_read(struct fingerprint *fingerprint, const char *text);

#endif
