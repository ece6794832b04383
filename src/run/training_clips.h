/* Which clips a model learns from, and which of a corpus it knows from before (model/known_clips.h). */
#ifndef EMOTRAIN_RUN_TRAINING_CLIPS_H
#define EMOTRAIN_RUN_TRAINING_CLIPS_H

#include "model/model.h"
#include "run/indexed_corpus.h"

/* How many clips of the part the model knows. */
size_t training_clips_known(const struct model *model, const struct indexed_corpus *corpus, enum part part);

/* The model will know the clips that it trains on and those that choose its checkpoint, settings or
 * thresholds: the training and the validation part, and the test part where that chooses. */
void training_clips_learn(struct model *model, const struct indexed_corpus *corpus,
                          const struct settings *settings);

#endif
