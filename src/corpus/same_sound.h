/* Clips that hold the same sound under different names. */
#ifndef EMOTRAIN_CORPUS_SAME_SOUND_H
#define EMOTRAIN_CORPUS_SAME_SOUND_H

#include "store/clips.h"

/* For each clip the index of the first one that sounds the same, its own where there is none before it;
 * `first` has room for clips->count.  The same are clips of one content (SHA-256), clips whose fingerprints
 * are of one sound (audio/sound.h), and clips that are the same as a third. */
void same_sound_find(const struct clip_list *clips, int threads, size_t *first);

/* How many clips have an earlier one with the same sound. */
size_t same_sound_count(const struct clip_list *clips, const size_t *first);

#endif
