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
    enum { ONNX_INTEGER, ONNX_FLOAT, ONNX_INTEGERS } type;
    int64_t integer;
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
const char *onnx_layer_norm(struct onnx *graph, const char *x, const struct et_tensor *weight,
                            const struct et_tensor *bias, double eps);

/* Writes the model: one input "samples" (batch, samples), one output of that name and width (batch, width);
 * notes are pairs of key and value, ended by NULL.  Fails where it is larger than the format's 2 GB. */
bool onnx_write(struct onnx *graph, const char *path, const char *output, const char *output_name,
                int64_t width, const char *const *notes, struct error *error);

#endif
