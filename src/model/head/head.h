/*
 * The classifier head: dropout, dense, tanh, dropout, out, or (model.head=linear) dropout and out alone, as
 * Hugging Face's sequence classification heads for RoBERTa and the 2021 speech-classification notebooks have
 * it.  Parameters classifier.dense.* and classifier.out_proj.*.
 */
#ifndef EMOTRAIN_MODEL_HEAD_HEAD_H
#define EMOTRAIN_MODEL_HEAD_HEAD_H

#include "model/onnx/onnx.h"
#include "model/weights/parameters.h"

struct head {
    size_t dense_weight, dense_bias, out_weight, out_bias; /* indices of parameters */
    bool is_dense;
    double dropout;
};

/* Declares its parameters, for pooled vectors of `input` values and a dense layer of `width` (0: none):
 * weights normal with standard deviation `range`, biases zero. */
void head_declare(struct head *head, struct parameters *parameters, int64_t input, int64_t width,
                  int64_t labels, double range, double dropout);

/* As a graph. */
const char *head_build_onnx(const struct head *head, const struct parameters *parameters, struct onnx *graph,
                            const char *pooled);

/* pooled (clips, input) -> (clips, labels) */
struct et_tensor *head_forward(const struct head *head, const struct parameters *parameters,
                               struct et_scope *scope, struct et_tensor *pooled, bool training);

#endif
