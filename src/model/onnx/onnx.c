/* ONNX graphs: see onnx.h. */
#include "model/onnx/onnx.h"

#include "base/files.h"
#include "base/protobuf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Fields and values of onnx.proto3. */
enum { FLOAT = 1, INT64 = 7, IR_VERSION = 8, OPERATORS = 17 };
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INTEGER = 2, ATTRIBUTE_STRING = 3, ATTRIBUTE_INTEGERS = 7 };
static const uint64_t LARGEST = INT32_MAX;

struct onnx_constant {
    const char *name;
    const struct et_tensor *tensor; /* float32; NULL: `integers` */
    const int64_t *integers;
    size_t count;
};

void onnx_start(struct onnx *graph)
{
    *graph = (struct onnx){.scope = et_scope_open(NULL)};
}

void onnx_free(struct onnx *graph)
{
    if (graph->scope)
        et_scope_close(graph->scope, NULL);
    text_free(&graph->nodes);
    free(graph->constants);
    arena_free(&graph->arena);
    *graph = (struct onnx){0};
}

/* ---- constants ---- */

static const char *add_constant(struct onnx *graph, const struct onnx_constant *constant)
{
    graph->constants =
        mem_grow(graph->constants, &graph->capacity, graph->count + 1, sizeof *graph->constants);
    struct onnx_constant *c = &graph->constants[graph->count];
    *c = *constant;
    c->name = arena_format(&graph->arena, "c%zu", graph->count++);
    return c->name;
}

const char *onnx_tensor(struct onnx *graph, const struct et_tensor *tensor)
{
    return tensor ? add_constant(graph, &(struct onnx_constant){.tensor = tensor}) : NULL;
}

const char *onnx_numbers(struct onnx *graph, const double *values, size_t count)
{
    const int64_t shape[1] = {(int64_t)count};

    return onnx_tensor(graph, et_from_data(graph->scope, values, ET_FLOAT64, shape, 1, ET_CPU));
}

const char *onnx_number(struct onnx *graph, double value)
{
    return onnx_numbers(graph, &value, 1);
}

const char *onnx_integers(struct onnx *graph, const int64_t *values, size_t count)
{
    int64_t *own = arena_zero(&graph->arena, count, sizeof *own);

    memcpy(own, values, count * sizeof *own);
    return add_constant(graph, &(struct onnx_constant){.integers = own, .count = count});
}

/* ---- nodes ---- */

static void add_attribute(struct text *node, const struct onnx_attribute *a)
{
    static const int types[] = {[ONNX_INTEGER] = ATTRIBUTE_INTEGER,
                                [ONNX_FLOAT] = ATTRIBUTE_FLOAT,
                                [ONNX_INTEGERS] = ATTRIBUTE_INTEGERS,
                                [ONNX_TEXT] = ATTRIBUTE_STRING};
    struct text message = {0};

    protobuf_add_string(&message, 1, a->name);
    if (a->type == ONNX_FLOAT)
        protobuf_add_float(&message, 2, (float)a->number);
    if (a->type == ONNX_INTEGER)
        protobuf_add_integer(&message, 3, a->integer);
    if (a->type == ONNX_TEXT)
        protobuf_add_string(&message, 4, a->text);
    for (size_t i = 0; a->type == ONNX_INTEGERS && i < a->count; i++)
        protobuf_add_integer(&message, 8, a->integers[i]);
    protobuf_add_integer(&message, 20, types[a->type]);
    protobuf_add_message(node, 5, &message);
    text_free(&message);
}

static const char *add_node(struct onnx *graph, const char *operation, const char *const *inputs,
                            size_t input_count, const struct onnx_attribute *attributes,
                            size_t attribute_count, const char *output)
{
    struct text node = {0};

    for (size_t i = 0; i < input_count; i++)
        if (!inputs[i])
            return NULL;
    for (size_t i = 0; i < input_count; i++)
        protobuf_add_string(&node, 1, inputs[i]);
    protobuf_add_string(&node, 2, output);
    protobuf_add_string(&node, 3, output);
    protobuf_add_string(&node, 4, operation);
    for (size_t i = 0; i < attribute_count; i++)
        add_attribute(&node, &attributes[i]);
    protobuf_add_message(&graph->nodes, 1, &node);
    text_free(&node);
    return output;
}

const char *onnx_node(struct onnx *graph, const char *operation, const char *const *inputs,
                      size_t input_count, const struct onnx_attribute *attributes, size_t attribute_count)
{
    const char *output = arena_format(&graph->arena, "v%zu", graph->values++);

    return add_node(graph, operation, inputs, input_count, attributes, attribute_count, output);
}

const char *onnx_unary(struct onnx *graph, const char *operation, const char *x)
{
    return onnx_node(graph, operation, &x, 1, NULL, 0);
}

const char *onnx_binary(struct onnx *graph, const char *operation, const char *a, const char *b)
{
    const char *const inputs[2] = {a, b};

    return onnx_node(graph, operation, inputs, 2, NULL, 0);
}

const char *onnx_over(struct onnx *graph, const char *operation, const char *x, int64_t axis, bool keep)
{
    const struct onnx_attribute attributes[2] = {
        {.name = "keepdims", .integer = keep},
        {.name = "axes", .type = ONNX_INTEGERS, .integers = &axis, .count = 1}};

    /* Of these only ReduceSum takes its axes as an input in this operator set. */
    if (strcmp(operation, "ReduceSum") != 0)
        return onnx_node(graph, operation, &x, 1, attributes, 2);
    const char *const inputs[2] = {x, onnx_integers(graph, &axis, 1)};
    return onnx_node(graph, operation, inputs, 2, attributes, 1);
}

const char *onnx_softmax(struct onnx *graph, const char *x, int64_t axis)
{
    return onnx_node(graph, "Softmax", &x, 1, &(struct onnx_attribute){.name = "axis", .integer = axis}, 1);
}

const char *onnx_transpose(struct onnx *graph, const char *x, const int64_t *order, size_t count)
{
    const struct onnx_attribute order_of = {
        .name = "perm", .type = ONNX_INTEGERS, .integers = order, .count = count};

    return onnx_node(graph, "Transpose", &x, 1, &order_of, 1);
}

const char *onnx_reshape(struct onnx *graph, const char *x, const int64_t *shape, size_t count)
{
    return onnx_binary(graph, "Reshape", x, onnx_integers(graph, shape, count));
}

const char *onnx_slice(struct onnx *graph, const char *x, int64_t axis, int64_t from, int64_t to)
{
    const char *const inputs[4] = {x, onnx_integers(graph, &from, 1), onnx_integers(graph, &to, 1),
                                   onnx_integers(graph, &axis, 1)};

    return onnx_node(graph, "Slice", inputs, 4, NULL, 0);
}

const char *onnx_concat(struct onnx *graph, const char *a, const char *b, int64_t axis)
{
    const char *const inputs[2] = {a, b};

    return onnx_node(graph, "Concat", inputs, 2, &(struct onnx_attribute){.name = "axis", .integer = axis},
                     1);
}

/* x / 2 * (1 + erf(x / sqrt(2))) */
const char *onnx_gelu(struct onnx *graph, const char *x)
{
    const char *erf = onnx_unary(graph, "Erf", onnx_binary(graph, "Mul", x, onnx_number(graph, sqrt(0.5))));
    const char *half = onnx_binary(graph, "Mul", x, onnx_number(graph, 0.5));

    return onnx_binary(graph, "Mul", half, onnx_binary(graph, "Add", erf, onnx_number(graph, 1)));
}

const char *onnx_linear(struct onnx *graph, const char *x, const struct et_tensor *weight,
                        const struct et_tensor *bias)
{
    const char *turned = onnx_tensor(graph, et_transpose(graph->scope, weight, 0, 1));
    const char *y = onnx_binary(graph, "MatMul", x, turned);

    return bias ? onnx_binary(graph, "Add", y, onnx_tensor(graph, bias)) : y;
}

const char *onnx_layer_norm(struct onnx *graph, const char *x, const struct et_tensor *weight,
                            const struct et_tensor *bias, double eps)
{
    const char *const inputs[3] = {x, onnx_tensor(graph, weight), onnx_tensor(graph, bias)};
    const struct onnx_attribute attributes[2] = {{.name = "axis", .integer = -1},
                                                 {.name = "epsilon", .type = ONNX_FLOAT, .number = eps}};

    return onnx_node(graph, "LayerNormalization", inputs, 3, attributes, 2);
}

const char *onnx_plain_norm(struct onnx *graph, const char *x, int64_t width, double eps)
{
    struct et_tensor *weight = et_zeros(graph->scope, ET_FLOAT32, &width, 1, ET_CPU);

    return onnx_layer_norm(graph, x, et_add_scalar(graph->scope, weight, 1), weight, eps);
}

const char *onnx_gather(struct onnx *graph, const char *table, const char *index)
{
    return onnx_binary(graph, "Gather", table, index);
}

const char *onnx_frames(struct onnx *graph, const char *x)
{
    return onnx_slice(graph, onnx_unary(graph, "Shape", x), 0, 1, 2);
}

static const char *cast(struct onnx *graph, const char *x, int64_t type)
{
    return onnx_node(graph, "Cast", &x, 1, &(struct onnx_attribute){.name = "to", .integer = type}, 1);
}

const char *onnx_frames_number(struct onnx *graph, const char *x)
{
    return cast(graph, onnx_frames(graph, x), FLOAT);
}

/* A list of one number as the number. */
static const char *scalar(struct onnx *graph, const char *x)
{
    return onnx_unary(graph, "Squeeze", x);
}

static const char *scalar_of(struct onnx *graph, int64_t value)
{
    return scalar(graph, onnx_integers(graph, &value, 1));
}

const char *onnx_range(struct onnx *graph, const char *x)
{
    const char *const inputs[3] = {scalar_of(graph, 0), scalar(graph, onnx_frames(graph, x)),
                                   scalar_of(graph, 1)};

    return onnx_node(graph, "Range", inputs, 3, NULL, 0);
}

const char *onnx_range_number(struct onnx *graph, const char *x)
{
    return cast(graph, onnx_range(graph, x), FLOAT);
}

const char *onnx_distance_range(struct onnx *graph, const char *x)
{
    const char *frames = scalar(graph, onnx_frames(graph, x)), *minus = scalar_of(graph, -1);
    const char *const inputs[3] = {onnx_binary(graph, "Add", frames, minus),
                                   onnx_binary(graph, "Mul", frames, minus), minus};

    return cast(graph, onnx_node(graph, "Range", inputs, 3, NULL, 0), FLOAT);
}

const char *onnx_distances(struct onnx *graph, const char *x, int64_t before, int64_t after)
{
    static const int64_t column[2] = {-1, 1};
    const char *range = onnx_range(graph, x);
    const char *apart = onnx_binary(graph, "Sub", range, onnx_reshape(graph, range, column, 2));
    const char *const inputs[3] = {apart, scalar_of(graph, -before), scalar_of(graph, after)};

    return onnx_binary(graph, "Add", onnx_node(graph, "Clip", inputs, 3, NULL, 0), scalar_of(graph, before));
}

const char *onnx_pad_to(struct onnx *graph, const char *x, int64_t samples)
{
    static const int64_t zeros[3] = {0, 0, 0}, zero[1] = {0};
    const char *missing = onnx_binary(graph, "Sub", onnx_integers(graph, &samples, 1), onnx_frames(graph, x));

    missing = onnx_binary(graph, "Max", missing, onnx_integers(graph, zero, 1));
    return onnx_binary(graph, "Pad", x, onnx_concat(graph, onnx_integers(graph, zeros, 3), missing, 0));
}

const char *onnx_mirror(struct onnx *graph, const char *x, int64_t count)
{
    const int64_t pads[4] = {0, count, 0, count};
    const char *const inputs[2] = {x, onnx_integers(graph, pads, 4)};

    return onnx_node(graph, "Pad", inputs, 2,
                     &(struct onnx_attribute){.name = "mode", .type = ONNX_TEXT, .text = "reflect"}, 1);
}

const char *onnx_pad(struct onnx *graph, const char *x, const int64_t *pads, size_t count)
{
    return onnx_binary(graph, "Pad", x, onnx_integers(graph, pads, count));
}

const char *onnx_einsum(struct onnx *graph, const char *equation, const char *a, const char *b)
{
    const char *const inputs[2] = {a, b};

    return onnx_node(graph, "Einsum", inputs, 2,
                     &(struct onnx_attribute){.name = "equation", .type = ONNX_TEXT, .text = equation}, 1);
}

const char *onnx_reshape_by(struct onnx *graph, const char *x, const int64_t *shape, size_t count,
                            const char *frames)
{
    const char *sizes = NULL;

    for (size_t i = 0; i < count; i++) {
        const char *size = shape[i] == ONNX_FRAMES ? frames : onnx_integers(graph, &shape[i], 1);
        sizes = sizes ? onnx_concat(graph, sizes, size, 0) : size;
    }
    return onnx_binary(graph, "Reshape", x, sizes);
}

/* ---- writing ---- */

static size_t element_count(const struct onnx_constant *c)
{
    return c->tensor ? (size_t)et_numel(c->tensor) : c->count;
}

static size_t byte_count(const struct onnx_constant *c)
{
    return element_count(c) * (c->tensor ? sizeof(float) : sizeof(int64_t));
}

/* TensorProto up to its raw_data's bytes, which end it. */
static void describe_constant(const struct onnx_constant *c, struct text *out)
{
    struct text tensor = {0};
    int dims = c->tensor ? et_dims(c->tensor) : 1;

    for (int d = 0; d < dims; d++)
        protobuf_add_integer(&tensor, 1, c->tensor ? et_size(c->tensor, d) : (int64_t)c->count);
    protobuf_add_integer(&tensor, 2, c->tensor ? FLOAT : INT64);
    protobuf_add_string(&tensor, 8, c->name);
    protobuf_add_head(&tensor, 9, byte_count(c));
    protobuf_add_head(out, 5, tensor.length + byte_count(c)); /* GraphProto.initializer */
    text_add_bytes(out, tensor.text, tensor.length);
    text_free(&tensor);
}

/* ValueInfoProto of float32 (batch, `width` or a size that goes by a name). */
static void add_value(struct text *graph, unsigned field, const char *name, const char *second, int64_t width)
{
    struct text dim = {0}, shape = {0}, tensor = {0}, type = {0}, value = {0};

    protobuf_add_string(&dim, 2, "batch");
    protobuf_add_message(&shape, 1, &dim);
    text_free(&dim);
    if (second)
        protobuf_add_string(&dim, 2, second);
    else
        protobuf_add_integer(&dim, 1, width);
    protobuf_add_message(&shape, 1, &dim);
    protobuf_add_integer(&tensor, 1, FLOAT);
    protobuf_add_message(&tensor, 2, &shape);
    protobuf_add_message(&type, 1, &tensor);
    protobuf_add_string(&value, 1, name);
    protobuf_add_message(&value, 2, &type);
    protobuf_add_message(graph, field, &value);
    text_free(&dim);
    text_free(&shape);
    text_free(&tensor);
    text_free(&type);
    text_free(&value);
}

/* ModelProto but for the graph. */
static void describe_model(struct text *out, const char *const *notes)
{
    struct text operators = {0};

    protobuf_add_integer(out, 1, IR_VERSION);
    protobuf_add_string(out, 2, "emotrain");
    protobuf_add_string(out, 3, EMOTRAIN_VERSION);
    protobuf_add_string(&operators, 1, "");
    protobuf_add_integer(&operators, 2, OPERATORS);
    protobuf_add_message(out, 8, &operators);
    text_free(&operators);
    for (; *notes; notes += 2) {
        struct text note = {0};
        protobuf_add_string(&note, 1, notes[0]);
        protobuf_add_string(&note, 2, notes[1]);
        protobuf_add_message(out, 14, &note);
        text_free(&note);
    }
}

static void write_constant(struct file_writer *writer, const struct onnx_constant *c, struct error *error)
{
    struct text head = {0};
    struct et_scope *scope = et_scope_open(NULL);
    float *values = c->tensor ? mem_zero(element_count(c) + 1, sizeof *values) : NULL;

    describe_constant(c, &head);
    if (values)
        et_read(scope, c->tensor, values, (int64_t)element_count(c));
    file_writer_put(writer, head.text, head.length);
    file_writer_put(writer, values ? (const void *)values : c->integers, byte_count(c));
    text_free(&head);
    free(values);
    et_scope_close(scope, error);
}

/* Everything but the constants: what stands before the graph's, and the graph's own head. */
static uint64_t describe_graph(const struct onnx *graph, const struct text *rest, const char *const *notes,
                               struct text *out)
{
    uint64_t size = graph->nodes.length + rest->length;

    for (size_t i = 0; i < graph->count; i++) {
        struct text head = {0};
        describe_constant(&graph->constants[i], &head);
        size += head.length + byte_count(&graph->constants[i]);
        text_free(&head);
    }
    describe_model(out, notes);
    protobuf_add_head(out, 7, size);
    return size + out->length;
}

static bool write_file(const struct onnx *graph, const char *path, const struct text *head,
                       const struct text *rest, struct error *error)
{
    struct file_writer writer;

    if (!file_writer_open(&writer, path, true, error))
        return false;
    file_writer_put(&writer, head->text, head->length);
    file_writer_put(&writer, graph->nodes.text, graph->nodes.length);
    file_writer_put(&writer, rest->text, rest->length);
    for (size_t i = 0; i < graph->count && !error->kind; i++)
        write_constant(&writer, &graph->constants[i], error);
    if (!error->kind)
        return file_writer_commit(&writer, error);
    file_writer_discard(&writer);
    return false;
}

bool onnx_write(struct onnx *graph, const char *path, const char *output, const char *output_name,
                int64_t width, const char *const *notes, struct error *error)
{
    const char *named = add_node(graph, "Identity", &output, 1, NULL, 0, output_name);
    struct text rest = {0}, head = {0};

    if (!named || et_scope_failed(graph->scope)) {
        bool known = !et_scope_close(graph->scope, error);
        graph->scope = NULL;
        return !known && error_set(error, "%s: the graph lacks a value", path);
    }
    protobuf_add_string(&rest, 2, "emotrain"); /* GraphProto.name, input, output */
    add_value(&rest, 11, "samples", "samples", 0);
    add_value(&rest, 12, output_name, NULL, width);
    uint64_t size = describe_graph(graph, &rest, notes, &head);
    bool done = size <= LARGEST ? write_file(graph, path, &head, &rest, error)
                                : error_set(error, "%s: %.1f GB are more than an ONNX file can hold, 2 GB",
                                            path, 1e-9 * (double)size);
    text_free(&rest);
    text_free(&head);
    return done;
}
