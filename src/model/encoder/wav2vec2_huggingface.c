/*
 * A wav2vec 2.0 classifier as Hugging Face's Wav2Vec2ForSequenceClassification, which projects every frame,
 * takes the mean over time and has one linear layer.  A linear head on the mean is that, with a projection
 * that changes nothing.
 */
#include "base/memory.h"
#include "model/encoder/wav2vec2.h"

#include <stdlib.h>
#include <string.h>

/* Why this model is not one of those; NULL: it is. */
static const char *why_not(const struct model *model)
{
    const struct wav2vec2 *w = model->state;

    if (w->head.is_dense)
        return "its head has a dense layer with tanh (train with model.head=linear)";
    if (strcmp(model->pooling->name, "mean") != 0)
        return "its pooling is not the mean over time (train with model.pooling=mean)";
    if (model->pooling_includes_padding)
        return "it pools over padding (train with model.pooling_padding=exclude)";
    if (w->mix.kind == LAYERS_ONE && w->mix.index != w->mix.layers)
        return "it reads a layer before the last (train with model.layer=last or weighted)";
    return NULL;
}

/* (width, width): what is projected by it stays as it is */
static struct et_tensor *identity(struct et_scope *scope, int64_t width)
{
    const int64_t shape[2] = {width, width};
    float *values = mem_zero((size_t)(width * width), sizeof *values);

    for (int64_t i = 0; i < width; i++)
        values[i * width + i] = 1;
    struct et_tensor *result = et_from_data(scope, values, ET_FLOAT32, shape, 2, ET_CPU);
    free(values);
    return result;
}

static void describe_huggingface(const struct model *model, cJSON *json)
{
    static const char *const own[] = {"pooling_mode", "emotrain_pooling_padding", "emotrain_layers",
                                      "emotrain_head", "emotrain_attention_mask"};
    static const char *const architecture = "Wav2Vec2ForSequenceClassification";
    const struct wav2vec2 *w = model->state;

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(json, own[i]);
    json_put(json, "architectures", cJSON_CreateStringArray(&architecture, 1));
    json_put(json, "classifier_proj_size", cJSON_CreateNumber((double)w->config.hidden_size));
    json_put(json, "use_weighted_layer_sum", cJSON_CreateBool(w->mix.kind == LAYERS_WEIGHTED));
}

static bool write_weights(const struct model *model, const char *path, struct error *error)
{
    const struct wav2vec2 *w = model->state;
    const struct parameters *p = &model->parameters;
    struct named_tensor *tensors = mem_zero(p->count + 2, sizeof *tensors);
    struct et_scope *scope = et_scope_open(NULL);
    const int64_t width[1] = {w->config.hidden_size};
    size_t count = 0;

    for (size_t i = 0; i < p->count; i++) {
        const char *name = p->items[i].name;
        if (i == w->head.out_weight)
            name = "classifier.weight";
        if (i == w->head.out_bias)
            name = "classifier.bias";
        tensors[count++] = (struct named_tensor){.name = name, .tensor = p->items[i].tensor};
    }
    tensors[count++] = (struct named_tensor){.name = "projector.weight", .tensor = identity(scope, width[0])};
    tensors[count++] = (struct named_tensor){.name = "projector.bias",
                                             .tensor = et_zeros(scope, ET_FLOAT32, width, 1, ET_CPU)};
    bool done = !et_scope_failed(scope) && safetensors_write(path, tensors, count, error);
    free(tensors);
    return et_scope_close(scope, error) && done;
}

bool wav2vec2_save_huggingface(const struct model *model, const char *directory, struct error *error)
{
    const char *reason = why_not(model);

    if (reason)
        return error_usage(error, "not a Wav2Vec2ForSequenceClassification: %s", reason);
    char *config = path_join(directory, "config.json"), *weights = path_join(directory, "model.safetensors");
    cJSON *json = cJSON_Duplicate(model->json, true);
    describe_huggingface(model, json);
    bool done = json_write(config, json, error) && write_weights(model, weights, error);
    cJSON_Delete(json);
    free(config);
    free(weights);
    return done;
}
