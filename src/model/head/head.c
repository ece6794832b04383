/* The classifier head: see head.h. */
#include "model/head/head.h"

void head_declare(struct head *head, struct parameters *parameters, int64_t input, int64_t width,
                  int64_t labels, double range, double dropout)
{
    const int64_t dense[4] = {width, input}, dense_bias[4] = {width},
                  out[4] = {labels, width ? width : input}, bias[4] = {labels};

    *head = (struct head){.is_dense = width > 0, .dropout = dropout};
    if (head->is_dense) {
        head->dense_weight =
            parameters_add(parameters, false, INIT_NORMAL, range, dense, "classifier.dense.weight");
        head->dense_bias =
            parameters_add(parameters, false, INIT_ZEROS, 0, dense_bias, "classifier.dense.bias");
    }
    head->out_weight =
        parameters_add(parameters, false, INIT_NORMAL, range, out, "classifier.out_proj.weight");
    head->out_bias = parameters_add(parameters, false, INIT_ZEROS, 0, bias, "classifier.out_proj.bias");
}

const char *head_build_onnx(const struct head *head, const struct parameters *parameters, struct onnx *graph,
                            const char *pooled)
{
    if (head->is_dense)
        pooled = onnx_unary(graph, "Tanh",
                            onnx_linear(graph, pooled, parameters_tensor(parameters, head->dense_weight),
                                        parameters_tensor(parameters, head->dense_bias)));
    return onnx_linear(graph, pooled, parameters_tensor(parameters, head->out_weight),
                       parameters_tensor(parameters, head->out_bias));
}

struct et_tensor *head_forward(const struct head *head, const struct parameters *parameters,
                               struct et_scope *scope, struct et_tensor *pooled, bool training)
{
    bool drop = training && head->dropout > 0;

    if (drop)
        pooled = et_dropout(scope, pooled, head->dropout);
    if (head->is_dense) {
        pooled = et_linear(scope, pooled, parameters_tensor(parameters, head->dense_weight),
                           parameters_tensor(parameters, head->dense_bias));
        pooled = et_tanh(scope, pooled);
        if (drop)
            pooled = et_dropout(scope, pooled, head->dropout);
    }
    return et_linear(scope, pooled, parameters_tensor(parameters, head->out_weight),
                     parameters_tensor(parameters, head->out_bias));
}
