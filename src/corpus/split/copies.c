/* Clips of one kind, the same sound or recording, in two parts: see split_drop_shared in split.h. */
#include "base/memory.h"
#include "corpus/split/split.h"

#include <stdlib.h>

/* Marks the kinds of a part. */
static void mark_kinds(const struct split *split, enum part part, const size_t *first, bool *there)
{
    for (size_t i = 0; i < split->counts[part]; i++)
        there[first[split->clips[part][i]]] = true;
}

/* Takes the clips of a part out whose kind is marked. */
static size_t drop_marked(struct split *split, enum part part, const size_t *first, const bool *there,
                          size_t *example)
{
    const size_t before = split->counts[part];
    size_t kept = 0;

    for (size_t i = 0; i < before; i++) {
        size_t clip = split->clips[part][i];
        if (there[first[clip]])
            *example = clip;
        else
            split->clips[part][kept++] = clip;
    }
    split->counts[part] = kept;
    return before - kept;
}

size_t split_drop_shared(struct split *split, const size_t *first, size_t clip_count, size_t *example)
{
    bool *there = mem_zero(clip_count, sizeof *there);

    mark_kinds(split, PART_TEST, first, there);
    size_t dropped = drop_marked(split, PART_VALIDATION, first, there, example);
    mark_kinds(split, PART_VALIDATION, first, there);
    dropped += drop_marked(split, PART_TRAIN, first, there, example);
    free(there);
    return dropped;
}

size_t split_count_shared(const struct split *split, const size_t *first, size_t clip_count, size_t *example)
{
    bool *there = mem_zero(clip_count, sizeof *there);
    size_t count = 0;

    mark_kinds(split, PART_TRAIN, first, there);
    for (size_t i = 0; i < split->counts[PART_TEST]; i++) {
        size_t clip = split->clips[PART_TEST][i];
        if (there[first[clip]]) {
            count++;
            *example = clip;
        }
    }
    free(there);
    return count;
}
