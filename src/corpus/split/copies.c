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

    for (size_t i = 0; i < split->counts[part]; i++)
        if (!heard[first[split->clips[part][i]]])
            split->clips[part][kept++] = split->clips[part][i];
    split->copies += split->counts[part] - kept;
    split->counts[part] = kept;
}

void split_drop_copies(struct split *split, const size_t *first, size_t clip_count, bool keep)
{
    bool *heard = mem_zero(clip_count, sizeof *heard);

    if (keep) {
        mark_sounds(split, PART_TRAIN, first, heard);
        for (size_t i = 0; i < split->counts[PART_TEST]; i++)
            split->leaks += heard[first[split->clips[PART_TEST][i]]];
    } else {
        mark_sounds(split, PART_TEST, first, heard);
        drop_heard(split, PART_VALIDATION, first, heard);
        mark_sounds(split, PART_VALIDATION, first, heard);
        drop_heard(split, PART_TRAIN, first, heard);
    }
    free(heard);
}
