/*
 * SpecAugment (Park et al., 2019) as wav2vec 2.0 uses it: spans of frames, or of features, masked at random.
 */
#ifndef EMOTRAIN_MODEL_LAYERS_SPEC_AUGMENT_H
#define EMOTRAIN_MODEL_LAYERS_SPEC_AUGMENT_H

#include "base/random.h"

#include <stdbool.h>
#include <stdint.h>

struct mask_settings {
    double probability; /* share of positions that the spans would cover if they did not overlap */
    int64_t length;     /* positions per span */
    int64_t minimum;    /* spans per row at least */
};

/* Marks spans in mask (rows, width): in row r among its first lengths[r] positions.  Spans may overlap.  The
 * number of spans is probability * length of the row / span length, rounded at random, as in Hugging Face's
 * _compute_mask_indices.  Rows shorter than a span stay unmasked. */
void spec_augment_mask(bool *mask, int64_t rows, int64_t width, const int64_t *lengths,
                       const struct mask_settings *settings, struct random_stream *stream);

#endif
