/*
 * Log-mel spectrograms, as tensors, from samples: frames under a Hann window, power (or magnitude) spectrum,
 * triangular mel filters (HTK's scale, each of height 1), logarithm over a floor.
 *
 * A clip has floor((samples - window) / hop) + 1 frames: no frame reaches beyond its end, so none depends on
 * padding.
 */
#ifndef EMOTRAIN_MODEL_LAYERS_LOG_MEL_H
#define EMOTRAIN_MODEL_LAYERS_LOG_MEL_H

#include "torch/torch.h"

struct log_mel {
    int64_t window, hop, size; /* samples; size: of the Fourier transform, a power of two from `window` on */
    int64_t bands;
    double floor; /* added before the logarithm */
    bool
        of_magnitudes; /* the filters weigh magnitudes, not powers, and are triangles over mel, not over Hz */
    struct et_tensor *taper;   /* (window) */
    struct et_tensor *filters; /* (bands, size / 2 + 1) */
};

/* Makes the window and the filters from `low` to `high` Hz, in `scope`, which must outlive the struct;
 * window, hop, bands, floor and of_magnitudes are set by the caller. */
void log_mel_start(struct log_mel *mel, int rate, double low, double high, struct et_scope *scope,
                   int device);

int64_t log_mel_frames(const struct log_mel *mel, int64_t samples); /* 0 if there is not one */

/* samples (clips, width) -> (clips, frames, bands) */
struct et_tensor *log_mel(const struct log_mel *mel, struct et_scope *scope, const struct et_tensor *samples);

#endif
