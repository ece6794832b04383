/*
 * Weights in files: model.safetensors, pytorch_model.bin, shards of either, FunASR's model.pt,
 * SpeechBrain's two .ckpt.
 *
 *     struct weights *weights = weights_open("models/xlsr", &error);
 *     for (size_t i = 0; i < weights->count; i++)
 *         ... weights->entries[i].name ... weights_copy(weights, i, tensor, &error)
 *     weights_close(weights);
 *
 * Files are mapped or read entry by entry, so that no second copy of a model stands in memory.  Names, types,
 * shapes, offsets and sizes are checked against the file before anything is read.
 */
#ifndef EMOTRAIN_MODEL_WEIGHTS_WEIGHTS_H
#define EMOTRAIN_MODEL_WEIGHTS_WEIGHTS_H

#include "base/files.h"
#include "base/memory.h"
#include "torch/torch.h"

enum { WEIGHT_MAX_DIMS = 8 };

struct weight {
    const char *name; /* as the file has it */
    bool readable;    /* false: of a type this program does not read (type_name) */
    enum et_dtype dtype;
    const char *type_name;
    int dims;
    int64_t shape[WEIGHT_MAX_DIMS];
    size_t file;             /* which of the weights' files */
    const void *data;        /* mapped; NULL where the format reads on demand */
    struct pickled *pickled; /* of pytorch_model.bin: where the data lies */
};

struct weight_file;

struct weights {
    struct weight *entries;
    size_t count, capacity;
    struct weight_file **files;
    size_t file_count, file_capacity;
    struct arena arena;
};

/* The weights of a model directory.  NULL without an error: there are none. */
struct weights *weights_open(const char *directory, struct error *error);
void weights_close(struct weights *weights); /* NULL does nothing */

/* Whether an entry has the shape of a tensor; sizes of 1 do not count. */
bool weight_fits(const struct weight *weight, const struct et_tensor *tensor);

/* Copies entry i into a tensor of its shape, converting to float32. */
bool weights_copy(struct weights *weights, size_t i, struct et_tensor *tensor, struct error *error);

/* Index of a name, or weights->count. */
size_t weights_index(const struct weights *weights, const char *name);

/* Elements of a shape, or -1 if that overflows or a size is negative. */
int64_t weight_elements(const int64_t *shape, int dims);
size_t dtype_size(enum et_dtype dtype);

/* Inside model/: one open file of weights, and the formats that open it. */
struct weight_file {
    char *path;
    struct file_map map;  /* safetensors */
    struct zip *archive;  /* pytorch_model.bin */
    char *archive_prefix; /* "archive/" */
};

bool safetensors_open(struct weights *weights, const char *path, struct error *error);
bool pickle_open(struct weights *weights, const char *path, struct error *error);
void *pickle_read(struct weights *weights, const struct weight *weight,
                  struct error *error); /* caller frees */
struct weight_file *weights_add_file(struct weights *weights, const char *path);
struct weight *weights_add(struct weights *weights, const char *name);

/* Writes tensors as float32 safetensors, durably and atomically. */
struct named_tensor {
    const char *name;
    const struct et_tensor *tensor; /* its values, or with `read` its shape alone */

    /* Gives the values, if set. */
    void (*read)(struct et_scope *scope, void *context, float *values);
    void *context;
};

bool safetensors_write(const char *path, const struct named_tensor *tensors, size_t count,
                       struct error *error);

#endif
