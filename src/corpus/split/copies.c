/* The same sound in two parts: see split_drop_copies in split.h. */
#include "base/memory.h"
#include "corpus/split/split.h"

#include <stdlib.h>

/* Marks the sounds of a part. */
static void mark_sounds(const struct split *split, enum part part, const size_t *first, bool *heard)
{
    for (size_t i = 0; i < split->counts[part]; i++)
        heard[first[split->clips[part][i]]] = true;
}

/* Takes the clips of a part out whose sound is marked. */
static void drop_heard(struct split *split, enum part part, const size_t *first, const bool *heard)
{
    size_t kept = 0;

    for (size_t i = 0; i < split->counts[part]; i++) {
        size_t clip = split->clips[part][i];
        if (heard[first[clip]])
            split->copy = clip;
        else
            split->clips[part][kept++] = clip;
    }
    split->copies += split->counts[part] - kept;
    split->counts[part] = kept;
}

void split_drop_copies(struct split *split, const size_t *first, size_t clip_count)
{
    bool *heard = mem_zero(clip_count, sizeof *heard);

    mark_sounds(split, PART_TEST, first, heard);
    drop_heard(split, PART_VALIDATION, first, heard);
    mark_sounds(split, PART_VALIDATION, first, heard);
    drop_heard(split, PART_TRAIN, first, heard);
    free(heard);
}

void split_count_leaks(struct split *split, const size_t *first, size_t clip_count)
{
    bool *heard = mem_zero(clip_count, sizeof *heard);

    mark_sounds(split, PART_TRAIN, first, heard);
    for (size_t i = 0; i < split->counts[PART_TEST]; i++) {
        size_t clip = split->clips[PART_TEST][i];
        if (heard[first[clip]]) {
            split->leaks++;
            split->leak = clip;
        }
    }
    free(heard);
}
