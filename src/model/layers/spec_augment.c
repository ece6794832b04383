/* SpecAugment's masks: see spec_augment.h. */
#include "model/layers/spec_augment.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static int64_t span_count(int64_t length, const struct mask_settings *settings, double epsilon)
{
    int64_t spans = (int64_t)(settings->probability * (double)length / (double)settings->length + epsilon);

    if (spans < settings->minimum)
        spans = settings->minimum;
    if (spans * settings->length > length)
        spans = length / settings->length;
    if (length - (settings->length - 1) < spans)
        spans = length - (settings->length - 1);
    return spans > 0 ? spans : 0;
}

/* Chooses `spans` distinct starts at random and marks their spans. */
static void mask_row(bool *row, int64_t length, int64_t spans, int64_t span_length,
                     struct random_stream *stream)
{
    size_t starts = (size_t)(length - (span_length - 1));
    size_t *order = mem_zero(starts, sizeof *order);

    for (size_t i = 0; i < starts; i++)
        order[i] = i;
    for (size_t i = 0; i < (size_t)spans; i++) {
        size_t j = i + random_below(stream, starts - i), start = order[j];
        order[j] = order[i];
        memset(row + start, true, (size_t)span_length * sizeof *row);
    }
    free(order);
}

void spec_augment_mask(bool *mask, int64_t rows, int64_t width, const int64_t *lengths,
                       const struct mask_settings *settings, struct random_stream *stream)
{
    double epsilon = random_uniform(stream); /* one for all rows, so that they get like numbers of spans */

    memset(mask, 0, (size_t)(rows * width) * sizeof *mask);
    for (int64_t r = 0; r < rows; r++) {
        int64_t spans = span_count(lengths[r], settings, epsilon);
        if (spans > 0)
            mask_row(mask + r * width, lengths[r], spans, settings->length, stream);
    }
}
