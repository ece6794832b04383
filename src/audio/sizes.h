/* Inside audio/: what the header of a sound file promises, against what the file holds.  libsndfile silently
 * takes a file that was cut short for a shorter one. */
#ifndef EMOTRAIN_AUDIO_SIZES_H
#define EMOTRAIN_AUDIO_SIZES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HEAD_SIZE = 65536 }; /* of a file: enough to look at */

/* A sound file's bytes: in memory, or (memory NULL) in an open file. */
struct sound_bytes {
    const unsigned char *memory;
    int descriptor;
    uint64_t size;
};

/* Whether samples are missing for certain: of WAV, RF64, W64, AIFF, AU and CAF, by the size of their samples.
 */
bool sizes_promise_more(const struct sound_bytes *bytes);

/* Whether an MP3 file says in its first frame how long it is (Xing, Info or VBRI): else its length is a
 * guess. */
bool sizes_mp3_known(const unsigned char *head, size_t size);

/* A WAV file in memory whose header says that it has no samples, as a recorder leaves it that was cut off:
 * all behind the header are samples, and the sizes are put right.  False where it is no such file. */
bool sizes_repair(unsigned char *bytes, size_t size);

#endif
