/* The classifier head: see head.h. */
#include "model/head/head.h"

#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whose: of RoBERTa, the 2021 speech-classification notebooks and audeering's regression; nobody's; of
 * transformers' classes ...ForSequenceClassification; of ehcalabres; of Odyssey's baselines
 * (encoder/published.h). */
const struct head_layout HEAD_LAYOUTS[HEAD_COUNT] = {
    [HEAD_DENSE] = {"dense", "classifier.dense", "classifier.out_proj", ACTIVATION_TANH, NULL},
    [HEAD_LINEAR] = {"linear", NULL, "classifier.out_proj", ACTIVATION_NONE, NULL},
    [HEAD_PROJECTOR] = {"projector", "projector", "classifier", ACTIVATION_NONE, NULL},
    [HEAD_RELU] = {"relu", "classifier.dense", "classifier.output", ACTIVATION_RELU, NULL},
    [HEAD_NORM] = {"norm", "ser_model.fc.0.0", "ser_model.out.0", ACTIVATION_RELU, "ser_model.fc.0.1"}};

static const double NORM_EPS = 1e-5, LEAST_PROBABILITY = 1e-30; /* whose logarithm is finite */

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
    if (kind == HEAD_COUNT &&
        (holds(weights, "proj") || holds(weights, "0.w"))) /* emotion2vec's and SpeechBrain's names for it */
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
            text_add(&list, "%s%s%s, ", l->dense, l->norm ? ", layer norm" : "",
                     ACTIVATION_NAMES[l->activation]);
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

    *head = (struct head){.layout = l, .dropout = dropout, .outputs = 1};
    if (l->dense) {
        head->dense_weight =
            parameters_add(parameters, false, INIT_NORMAL, range, dense, "%s.weight", l->dense);
        head->dense_bias = parameters_add(parameters, false, INIT_ZEROS, 0, dense_bias, "%s.bias", l->dense);
    }
    if (l->norm) {
        head->norm_weight = parameters_add(parameters, false, INIT_ONES, 0, dense_bias, "%s.weight", l->norm);
        head->norm_bias = parameters_add(parameters, false, INIT_ZEROS, 0, dense_bias, "%s.bias", l->norm);
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

void head_declare_members(struct head *head, struct parameters *parameters, int64_t members, int64_t outputs)
{
    struct parameter *weight = &parameters->items[head->out_weight],
                     *bias = &parameters->items[head->out_bias];

    head->members = members;
    head->outputs = outputs;
    bias->shape[0] *= members;
    weight->shape[0] *= members;
    weight->shape[1] /= members;
}

size_t head_first(const struct head *head)
{
    return head->layout->dense ? head->dense_weight : head->out_weight;
}

int64_t head_input(const struct head *head, const struct parameters *parameters)
{
    return parameters->items[head_first(head)].shape[1] * (head->members > 0 ? head->members : 1);
}

/* Weight and bias of member m's output layer. */
struct member {
    struct et_tensor *weight, *bias;
};

static struct member member_of(const struct head *head, const struct parameters *parameters,
                               struct et_scope *scope, int64_t m)
{
    struct et_tensor *weight = parameters_tensor(parameters, head->out_weight),
                     *bias = parameters_tensor(parameters, head->out_bias);
    int64_t labels = et_size(bias, 0) / head->members;

    return (struct member){et_narrow(scope, weight, 0, m * labels, labels),
                           et_narrow(scope, bias, 0, m * labels, labels)};
}

/* Member m's part of the pooled vector. */
static struct et_tensor *member_input(const struct head *head, struct et_scope *scope,
                                      struct et_tensor *pooled, int64_t m)
{
    int64_t width = et_size(pooled, 1) / (head->members * head->outputs);
    struct et_tensor *parts[2] = {NULL};

    for (int64_t part = 0; part < head->outputs; part++)
        parts[part] = et_narrow(scope, pooled, 1, (part * head->members + m) * width, width);
    return head->outputs == 1 ? parts[0] : et_cat(scope, parts, (size_t)head->outputs, 1);
}

/* The logarithm of the mean probability: logits like others, as softmax gives the mean back. */
static struct et_tensor *forward_members(const struct head *head, const struct parameters *parameters,
                                         struct et_scope *scope, struct et_tensor *pooled)
{
    struct et_tensor *sum = NULL;

    for (int64_t m = 0; m < head->members; m++) {
        struct member own = member_of(head, parameters, scope, m);
        struct et_tensor *part = member_input(head, scope, pooled, m);
        part = et_softmax(scope, et_linear(scope, part, own.weight, own.bias), 1);
        sum = sum ? et_add(scope, sum, part) : part;
    }
    return et_log(scope, et_mul_scalar(scope, et_clamp(scope, sum, LEAST_PROBABILITY, INFINITY),
                                       1 / (double)head->members));
}

static const char *onnx_members(const struct head *head, const struct parameters *parameters,
                                struct onnx *graph, const char *pooled)
{
    int64_t width = et_size(parameters_tensor(parameters, head->out_weight), 1) / head->outputs;
    const char *sum = NULL;

    for (int64_t m = 0; m < head->members; m++) {
        struct member own = member_of(head, parameters, graph->scope, m);
        const char *part = onnx_slice(graph, pooled, 1, m * width, (m + 1) * width);
        if (head->outputs > 1) {
            int64_t second = (head->members + m) * width;
            part = onnx_concat(graph, part, onnx_slice(graph, pooled, 1, second, second + width), 1);
        }
        part = onnx_softmax(graph, onnx_linear(graph, part, own.weight, own.bias), -1);
        sum = sum ? onnx_binary(graph, "Add", sum, part) : part;
    }
    sum = onnx_binary(graph, "Max", sum, onnx_number(graph, LEAST_PROBABILITY));
    return onnx_unary(graph, "Log",
                      onnx_binary(graph, "Mul", sum, onnx_number(graph, 1 / (double)head->members)));
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
    if (head->layout->norm)
        pooled = onnx_layer_norm(graph, pooled, parameters_tensor(parameters, head->norm_weight),
                                 parameters_tensor(parameters, head->norm_bias), NORM_EPS);
    if (operation)
        pooled = onnx_unary(graph, operation, pooled);
    if (head->members > 1)
        return onnx_members(head, parameters, graph, pooled);
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
        if (head->layout->norm)
            pooled = et_layer_norm(scope, pooled, parameters_tensor(parameters, head->norm_weight),
                                   parameters_tensor(parameters, head->norm_bias), NORM_EPS);
        if (head->layout->activation == ACTIVATION_TANH)
            pooled = et_tanh(scope, pooled);
        else if (head->layout->activation == ACTIVATION_RELU)
            pooled = et_relu(scope, pooled);
        if (drop)
            pooled = et_dropout(scope, pooled, head->dropout);
    }
    if (head->members > 1)
        return forward_members(head, parameters, scope, pooled);
    return et_linear(scope, pooled, parameters_tensor(parameters, head->out_weight),
                     parameters_tensor(parameters, head->out_bias));
}
