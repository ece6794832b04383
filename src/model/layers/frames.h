/* What models have in common once a clip is a row of frames: which are padding, and pooling them over time.
 */
#ifndef EMOTRAIN_MODEL_LAYERS_FRAMES_H
#define EMOTRAIN_MODEL_LAYERS_FRAMES_H

#include "model/model.h"

/* (clips, frames) ET_BOOL, true from each clip's length on; NULL where no frame is padding. */
struct et_tensor *frames_padding(struct et_scope *scope, const int64_t *lengths, int64_t clips,
                                 int64_t frames, int device);

/* The model's pooling over hidden (clips, frames, width) float32, leaving out frames from each clip's
 * length on unless the model pools over padding.  `padding`: (clips, frames, 1) or NULL, as frames_padding
 * says.  `first`: index of the strategy's first parameter.  -> (clips, outputs * width) */
struct et_tensor *frames_pool(const struct model *model, const struct pooling *pooling,
                              struct et_scope *scope, struct et_tensor *hidden, struct et_tensor *padding,
                              const int64_t *lengths, size_t first);

#endif
