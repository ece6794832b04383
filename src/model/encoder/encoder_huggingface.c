/*
 * An encoder with a head as transformers' class for its family, which projects every frame, takes the mean
 * over time and has one linear layer.  A linear head on the mean is that, with a projection that changes
 * nothing; one layer before the last is a weighted sum that has no weight but there.
 */
#include "base/memory.h"
#include "model/encoder/encoder.h"

#include <stdlib.h>
#include <string.h>

/* Why this model is not one of those; NULL: it is. */
static const char *why_not(const struct model *model)
{
    const struct encoder *e = model->state;
    const struct head_layout *head = e->head.layout;

    if (!e->family->classification)
        return "transformers has no class for this encoder";
    if (head != &HEAD_LAYOUTS[HEAD_LINEAR] && head != &HEAD_LAYOUTS[HEAD_PROJECTOR])
        return "its head has a dense layer with an activation (train with model.head=projector or linear)";
    if (strcmp(model->pooling->name, "mean") != 0)
        return "its pooling is not the mean over time (train with model.pooling=mean)";
    if (model->pooling_includes_padding != e->family->pools_padding)
        return e->family->pools_padding
                   ? "it pools over a clip's own frames, where transformers' class pools over all frames of "
                     "its context (train with model.pooling_padding=include and the longest "
                     "model.context_seconds)"
                   : "it pools over padding (train with model.pooling_padding=exclude)";
    if (e->longest > 0 && e->context != e->longest)
        return "its clips are not padded to all that the encoder takes in (train with the longest "
               "model.context_seconds)";
    if (e->longest > 0 && model->sound.normalize)
        return "its signals are normalised, which the class's feature extractor does not do (train with "
               "audio.normalize=no)";
    if (e->norms_output || e->signal_deviation > 0)
        return "it scales signals, or its last hidden state, in a way of its own";
    if (e->mix.kind == LAYERS_SEVERAL)
        return "it reads several layers side by side";
    return NULL;
}

/* Weight (rows, width) and bias (rows) of the projector: the head's own, or one that changes nothing, and in
 * front of it the scale of the pooled vector, if the head has one. */
struct projector {
    struct et_tensor *weight, *bias;
};

static struct projector make_projector(const struct model *model, struct et_scope *scope)
{
    const struct encoder *e = model->state;
    const struct head *head = &e->head;
    const struct parameters *p = &model->parameters;
    int64_t width = e->config.hidden_size;
    const int64_t square[2] = {width, width}, row[1] = {width}, column[2] = {width, 1};
    float *identity = mem_zero((size_t)(width * width), sizeof *identity);

    for (int64_t i = 0; i < width; i++)
        identity[i * width + i] = 1;
    struct projector made = {et_from_data(scope, identity, ET_FLOAT32, square, 2, p->device),
                             et_zeros(scope, ET_FLOAT32, row, 1, p->device)};
    free(identity);
    if (head->layout->dense)
        made = (struct projector){parameters_tensor(p, head->dense_weight),
                                  parameters_tensor(p, head->dense_bias)};
    if (!head->scales)
        return made;
    bool recording = et_grad_mode(false);
    struct et_tensor *mean = et_reshape(scope, parameters_tensor(p, head->mean), column, 2);
    const int64_t flat[1] = {et_size(made.weight, 0)};
    made.weight = et_div(scope, made.weight, parameters_tensor(p, head->deviation));
    made.bias = et_sub(scope, made.bias, et_reshape(scope, et_matmul(scope, made.weight, mean), flat, 1));
    et_grad_mode(recording);
    return made;
}

/* Whether it reads one hidden state, and not the last. */
static bool reads_below(const struct encoder *e)
{
    return e->mix.kind == LAYERS_ONE && e->mix.index != e->mix.layers;
}

/* Logits whose softmax is 1 at the layer that is read, and 0 elsewhere. */
static struct et_tensor *make_layer_weights(const struct model *model, struct et_scope *scope)
{
    const struct encoder *e = model->state;
    const int64_t shape[1] = {e->mix.layers + 1};
    float *logits = mem_zero((size_t)shape[0], sizeof *logits);

    for (int64_t i = 0; i < shape[0]; i++)
        logits[i] = i == e->mix.index ? 0 : -1e4F;
    struct et_tensor *tensor = et_from_data(scope, logits, ET_FLOAT32, shape, 1, model->parameters.device);
    free(logits);
    return tensor;
}

static void describe_huggingface(const struct model *model, cJSON *json)
{
    static const char *const own[] = {
        "pooling_mode",       "emotrain_pooling_padding", "emotrain_layers",
        "emotrain_head",      "emotrain_attention_mask",  "emotrain_context_seconds",
        "emotrain_head_scale"};
    const struct encoder *e = model->state;

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(json, own[i]);
    if (reads_below(e))
        json_put(json, "use_weighted_layer_sum", cJSON_CreateBool(true));
    json_put(json, "architectures", cJSON_CreateStringArray(&e->family->classification, 1));
    if (e->head.layout == &HEAD_LAYOUTS[HEAD_LINEAR])
        json_put(json, "classifier_proj_size", cJSON_CreateNumber((double)e->config.hidden_size));
}

static bool write_weights(const struct model *model, const char *path, struct error *error)
{
    const struct encoder *e = model->state;
    const struct parameters *p = &model->parameters;
    struct named_tensor *tensors = mem_zero(p->count + 3, sizeof *tensors);
    struct et_scope *scope = et_scope_open(NULL);
    struct projector projector = make_projector(model, scope);
    size_t count = 0;

    for (size_t i = 0; i < p->count; i++) {
        struct named_tensor *entry = &tensors[count];
        *entry = (struct named_tensor){.name = p->items[i].name, .tensor = p->items[i].tensor};
        if (e->head.scales && (i == e->head.mean || i == e->head.deviation))
            continue;
        if (e->head.layout->dense && (i == e->head.dense_weight || i == e->head.dense_bias))
            continue;
        if (i == e->head.out_weight)
            entry->name = "classifier.weight";
        if (i == e->head.out_bias)
            entry->name = "classifier.bias";
        count += model->kind->save_parameter(model, i, entry);
    }
    tensors[count++] = (struct named_tensor){.name = "projector.weight", .tensor = projector.weight};
    tensors[count++] = (struct named_tensor){.name = "projector.bias", .tensor = projector.bias};
    if (reads_below(e))
        tensors[count++] =
            (struct named_tensor){.name = "layer_weights", .tensor = make_layer_weights(model, scope)};
    bool done = !et_scope_failed(scope) && safetensors_write(path, tensors, count, error);
    free(tensors);
    return et_scope_close(scope, error) && done;
}

bool encoder_is_huggingface(const struct model *model)
{
    const struct encoder *e = model->state;
    bool plain = model->temperature == 1; /* its outputs are what the network gives */

    for (size_t k = 0; model->task == REGRESSION && k < model->labels.count; k++)
        plain = plain && model->means[k] == 0 && model->deviations[k] == 1;
    return plain && e->head.layout == &HEAD_LAYOUTS[HEAD_PROJECTOR] && !e->head.scales && !reads_below(e) &&
           !why_not(model);
}

bool encoder_save_huggingface(const struct model *model, const char *directory, struct error *error)
{
    const struct encoder *e = model->state;
    const char *reason = why_not(model);

    if (reason)
        return error_usage(error, "not a %s: %s",
                           e->family->classification ? e->family->classification : "class of transformers",
                           reason);
    char *config = path_join(directory, "config.json"), *weights = path_join(directory, "model.safetensors");
    cJSON *json = cJSON_Duplicate(model->json, true);
    describe_huggingface(model, json);
    bool done = json_write(config, json, error) && write_weights(model, weights, error);
    cJSON_Delete(json);
    free(config);
    free(weights);
    return done;
}
