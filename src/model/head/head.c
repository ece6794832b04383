/* The classifier head: see head.h. */
#include "model/head/head.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Whose: of RoBERTa, the 2021 speech-classification notebooks and audeering's regression; nobody's; of
 * transformers' classes ...ForSequenceClassification; of ehcalabres. */
const struct head_layout HEAD_LAYOUTS[HEAD_COUNT] = {
    [HEAD_DENSE] = {"dense", "classifier.dense", "classifier.out_proj", ACTIVATION_TANH},
    [HEAD_LINEAR] = {"linear", NULL, "classifier.out_proj", ACTIVATION_NONE},
    [HEAD_PROJECTOR] = {"projector", "projector", "classifier", ACTIVATION_NONE},
    [HEAD_RELU] = {"relu", "classifier.dense", "classifier.output", ACTIVATION_RELU}};

static const char *const ACTIVATION_NAMES[] = {"", ", tanh", ", ReLU"};

static bool holds(const struct weights *weights, const char *layer)
{
    char *name = mem_format("%s.weight", layer);
    bool there = weights_index(weights, name) < weights->count;

    free(name);
    return there;
}

enum head_kind head_of_checkpoint(const struct weights *weights)
{
    int kind = 0;

    for (; kind < HEAD_COUNT; kind++) {
        const struct head_layout *l = &HEAD_LAYOUTS[kind];
        if (holds(weights, l->out) &&
            (l->dense ? holds(weights, l->dense) : !holds(weights, "classifier.dense")))
            break;
    }
    if (kind == HEAD_COUNT && holds(weights, "proj")) /* emotion2vec's name for it */
        return HEAD_LINEAR;
    return (enum head_kind)kind;
}

enum head_kind head_of_name(const char *name)
{
    int kind = 0;

    while (kind < HEAD_COUNT && strcmp(HEAD_LAYOUTS[kind].name, name) != 0)
        kind++;
    return (enum head_kind)kind;
}

char *head_list(void)
{
    struct text list = {0};

    for (int k = 0; k < HEAD_COUNT; k++) {
        const struct head_layout *l = &HEAD_LAYOUTS[k];
        text_add(&list, "%s%s (", k ? ", " : "", l->name);
        if (l->dense)
            text_add(&list, "%s%s, ", l->dense, ACTIVATION_NAMES[l->activation]);
        text_add(&list, "%s)", l->out);
    }
    return list.text;
}

void head_declare(struct head *head, struct parameters *parameters, enum head_kind kind, int64_t input,
                  int64_t width, int64_t labels, double range, double dropout)
{
    const struct head_layout *l = &HEAD_LAYOUTS[kind];
    const int64_t dense[4] = {width, input}, dense_bias[4] = {width},
                  out[4] = {labels, l->dense ? width : input}, bias[4] = {labels};

    *head = (struct head){.layout = l, .dropout = dropout};
    if (l->dense) {
        head->dense_weight =
            parameters_add(parameters, false, INIT_NORMAL, range, dense, "%s.weight", l->dense);
        head->dense_bias = parameters_add(parameters, false, INIT_ZEROS, 0, dense_bias, "%s.bias", l->dense);
    }
    head->out_weight = parameters_add(parameters, false, INIT_NORMAL, range, out, "%s.weight", l->out);
    head->out_bias = parameters_add(parameters, false, INIT_ZEROS, 0, bias, "%s.bias", l->out);
    parameters->items[head->out_weight].of_labels = parameters->items[head->out_bias].of_labels = true;
}

void head_declare_scale(struct head *head, struct parameters *parameters, int64_t input)
{
    const int64_t shape[4] = {input};

    head->scales = true;
    head->mean = parameters_add(parameters, false, INIT_ZEROS, 0, shape, "head_scale.mean");
    head->deviation = parameters_add(parameters, false, INIT_ONES, 0, shape, "head_scale.deviation");
    parameters->items[head->mean].trainable = parameters->items[head->deviation].trainable = false;
}

const char *head_build_onnx(const struct head *head, const struct parameters *parameters, struct onnx *graph,
                            const char *pooled)
{
    static const char *const operations[] = {NULL, "Tanh", "Relu"};
    const char *operation = operations[head->layout->activation];

    if (head->scales) {
        pooled =
            onnx_binary(graph, "Sub", pooled, onnx_tensor(graph, parameters_tensor(parameters, head->mean)));
        pooled = onnx_binary(graph, "Div", pooled,
                             onnx_tensor(graph, parameters_tensor(parameters, head->deviation)));
    }
    if (head->layout->dense)
        pooled = onnx_linear(graph, pooled, parameters_tensor(parameters, head->dense_weight),
                             parameters_tensor(parameters, head->dense_bias));
    if (operation)
        pooled = onnx_unary(graph, operation, pooled);
    return onnx_linear(graph, pooled, parameters_tensor(parameters, head->out_weight),
                       parameters_tensor(parameters, head->out_bias));
}

struct et_tensor *head_forward(const struct head *head, const struct parameters *parameters,
                               struct et_scope *scope, struct et_tensor *pooled, bool training)
{
    bool drop = training && head->dropout > 0;

    if (head->scales)
        pooled = et_div(scope, et_sub(scope, pooled, parameters_tensor(parameters, head->mean)),
                        parameters_tensor(parameters, head->deviation));
    if (drop)
        pooled = et_dropout(scope, pooled, head->dropout);
    if (head->layout->dense) {
        pooled = et_linear(scope, pooled, parameters_tensor(parameters, head->dense_weight),
                           parameters_tensor(parameters, head->dense_bias));
        if (head->layout->activation == ACTIVATION_TANH)
            pooled = et_tanh(scope, pooled);
        else if (head->layout->activation == ACTIVATION_RELU)
            pooled = et_relu(scope, pooled);
        if (drop)
            pooled = et_dropout(scope, pooled, head->dropout);
    }
    return et_linear(scope, pooled, parameters_tensor(parameters, head->out_weight),
                     parameters_tensor(parameters, head->out_bias));
}
