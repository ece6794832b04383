/* FunASR's layout of emotion2vec: config.yaml and tokens.txt beside model.pt, in place of config.json. */
#ifndef EMOTRAIN_MODEL_ENCODER_EMOTION2VEC_H
#define EMOTRAIN_MODEL_ENCODER_EMOTION2VEC_H

#include "base/json.h"

#include <stdbool.h>

/* Whether a directory has that layout. */
bool emotion2vec_is(const char *directory);

/* What config.json would say: "model_type": "emotion2vec", the encoder's sizes, id2label.  NULL on error. */
cJSON *emotion2vec_read_config(const char *directory, struct error *error);

#endif
