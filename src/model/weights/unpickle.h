/*
 * The pickle in a pytorch_model.bin: a small stack machine that can build dictionaries of tensors and nothing
 * else. A pickle that asks for any other class or function is refused by its name, and nothing is ever
 * called.
 */
#ifndef EMOTRAIN_MODEL_WEIGHTS_UNPICKLE_H
#define EMOTRAIN_MODEL_WEIGHTS_UNPICKLE_H

#include "model/weights/weights.h"

/* Where a tensor's data lies: a strided view of a storage. */
struct pickled {
    const char *storage; /* the N of PREFIX/data/N */
    int64_t offset;      /* elements */
    int64_t stride[WEIGHT_MAX_DIMS];
};

/* Adds an entry to `weights` for each tensor of the dictionary that `bytes` describe; other values are passed
 * over. `path` is for errors. */
bool unpickle(struct weights *weights, const unsigned char *bytes, size_t size, const char *path,
              struct error *error);

#endif
