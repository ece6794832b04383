/*
 * A graph in ONNX (Open Neural Network Exchange, https://onnx.ai; operator set 17), being put together and
 * written.
 *
 * Values go by names: those that a node makes, and constants.  Operations return the name of what they make,
 * which lives as long as the graph; a NULL that comes in goes out again.
 */
#ifndef EMOTRAIN_MODEL_ONNX_ONNX_H
#define EMOTRAIN_MODEL_ONNX_ONNX_H

#include "base/memory.h"
#include "base/text.h"
#include "torch/torch.h"

struct onnx_constant;

struct onnx {
    struct arena arena;
    struct et_scope *scope; /* of tensors that are made for it */
    struct text nodes;      /* GraphProto.node */
    struct onnx_constant *constants;
    size_t count, capacity;
    size_t values; /* for names */
};

void onnx_start(struct onnx *graph);
void onnx_free(struct onnx *graph);

/* Constants.  Tensors are borrowed until the graph is written. */
const char *onnx_tensor(struct onnx *graph, const struct et_tensor *tensor);
const char *onnx_number(struct onnx *graph, double value);
const char *onnx_numbers(struct onnx *graph, const double *values, size_t count);
const char *onnx_integers(struct onnx *graph, const int64_t *values, size_t count);

/* Attributes of a node, and its inputs: a list that ends with a NULL name. */
struct onnx_attribute {
    const char *name;
    enum { ONNX_INTEGER, ONNX_FLOAT, ONNX_INTEGERS, ONNX_TEXT } type;
    int64_t integer;
    const char *text;
    double number;
    const int64_t *integers;
    size_t count;
};

const char *onnx_node(struct onnx *graph, const char *operation, const char *const *inputs,
                      size_t input_count, const struct onnx_attribute *attributes, size_t attribute_count);

/* Nodes that are often wanted. */
const char *onnx_unary(struct onnx *graph, const char *operation, const char *x);
const char *onnx_binary(struct onnx *graph, const char *operation, const char *a, const char *b);
const char *onnx_over(struct onnx *graph, const char *operation, const char *x, int64_t axis,
                      bool keep); /* ReduceMean, ... */
const char *onnx_softmax(struct onnx *graph, const char *x, int64_t axis);
const char *onnx_transpose(struct onnx *graph, const char *x, const int64_t *order, size_t count);
const char *onnx_reshape(struct onnx *graph, const char *x, const int64_t *shape, size_t count);
const char *onnx_slice(struct onnx *graph, const char *x, int64_t axis, int64_t from, int64_t to);
const char *onnx_concat(struct onnx *graph, const char *a, const char *b, int64_t axis);
const char *onnx_gelu(struct onnx *graph, const char *x);
const char *onnx_linear(struct onnx *graph, const char *x, const struct et_tensor *weight,
                        const struct et_tensor *bias); /* bias may be NULL */

/* weight and bias NULL: none; then x is `width` wide */
const char *onnx_plain_norm(struct onnx *graph, const char *x, int64_t width, double eps);
const char *onnx_layer_norm(struct onnx *graph, const char *x, const struct et_tensor *weight,
                            const struct et_tensor *bias, double eps);

/* Rows of a table (rows, ...) by index. */
const char *onnx_gather(struct onnx *graph, const char *table, const char *index);

/* Of x's frames, dimension 1 of (B, T, ...): T as an integer (1), and as a number (1); 0, 1, ... T - 1. */
const char *onnx_frames(struct onnx *graph, const char *x);
const char *onnx_frames_number(struct onnx *graph, const char *x);
const char *onnx_range(struct onnx *graph, const char *x);
const char *onnx_range_number(struct onnx *graph, const char *x);

/* (2T - 1) numbers: T - 1, T - 2, ... 1 - T. */
const char *onnx_distance_range(struct onnx *graph, const char *x);

/* (T, T) integers: how far frame j comes after frame i, kept from -before to after, plus `before`. */
const char *onnx_distances(struct onnx *graph, const char *x, int64_t before, int64_t after);

/* x (B, S) with zeros behind it to at least so many samples; with `count` samples mirrored at both ends. */
const char *onnx_pad_to(struct onnx *graph, const char *x, int64_t samples);
const char *onnx_mirror(struct onnx *graph, const char *x, int64_t count);

/* Zeros before the dimensions' beginnings and behind their ends: `pads` of all beginnings, then all ends. */
const char *onnx_pad(struct onnx *graph, const char *x, const int64_t *pads, size_t count);

const char *onnx_einsum(struct onnx *graph, const char *equation, const char *a, const char *b);

/* x in another shape, some of whose sizes are values of the graph: one more dimension each for a constant or,
 * where it is ONNX_FRAMES, for `frames` (onnx_frames). */
enum { ONNX_FRAMES = -2 };
const char *onnx_reshape_by(struct onnx *graph, const char *x, const int64_t *shape, size_t count,
                            const char *frames);

/* Writes the model: one input "samples" (batch, samples), one output of that name and width (batch, width);
 * notes are pairs of key and value, ended by NULL.  Fails where it is larger than the format's 2 GB. */
bool onnx_write(struct onnx *graph, const char *path, const char *output, const char *output_name,
                int64_t width, const char *const *notes, struct error *error);

#endif
