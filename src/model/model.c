#include "model/model.h"

#include "base/handlers.h"
#include "base/log.h"
#include "base/text.h"
#include "model/weights.h"

#include <stdlib.h>
#include <string.h>

static const struct model_kind *const KINDS[] = {&MODEL_WAV2VEC2, &MODEL_CNN};

static const struct model_kind *kind_find(const char *name, struct error *error)
{
    return HANDLER_FIND(KINDS, name, "model.kind", "model", error);
}

/* ---- config.json ---- */

/* The labels of "id2label", in order; none if it is absent or holds only LABEL_0, LABEL_1, ... */
static void saved_labels(const cJSON *json, struct strings *labels)
{
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(json, "id2label");
    int count = cJSON_GetArraySize(map);

    for (int i = 0; i < count; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        const cJSON *item = cJSON_GetObjectItemCaseSensitive(map, key);
        if (!cJSON_IsString(item) || text_starts(item->valuestring, "LABEL_")) {
            strings_free(labels);
            return;
        }
        strings_add(labels, item->valuestring);
    }
}

/* Brings config.json up to what will be saved. */
static void describe(struct model *model)
{
    cJSON *id2label = cJSON_CreateObject(), *label2id = cJSON_CreateObject();

    for (size_t i = 0; i < model->labels.count; i++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        cJSON_AddStringToObject(id2label, key, model->labels.items[i]);
        cJSON_AddNumberToObject(label2id, model->labels.items[i], (double)i);
    }
    json_put(model->json, "id2label", id2label);
    json_put(model->json, "label2id", label2id);
    json_put(model->json, "architectures", cJSON_CreateStringArray(&model->kind->architecture, 1));
    json_put(model->json, "problem_type", cJSON_CreateString("single_label_classification"));
    json_put(model->json, "pooling_mode", cJSON_CreateString(model->pooling->name));
    json_put(model->json, "emotrain_pooling_padding",
             cJSON_CreateString(model->pooling_includes_padding ? "include" : "exclude"));
    json_put(model->json, "torch_dtype", cJSON_CreateString("float32"));
}

static bool read_pooling(struct model *model, const struct config *config, struct error *error)
{
    const char *pooling = "mean", *padding = "exclude";

    if (config) {
        pooling = config_text(config, "model.pooling");
        padding = config_text(config, "model.pooling_padding");
    } else if (!json_string(model->json, "pooling_mode", &pooling, error) ||
               !json_string(model->json, "emotrain_pooling_padding", &padding, error)) {
        return error_prefix(error, "%s", model->path);
    }
    model->pooling = pooling_find(pooling, error);
    model->pooling_includes_padding = strcmp(padding, "include") == 0;
    return model->pooling != NULL;
}

/* What signals the model takes in. */
static bool read_preprocessing(struct model *model, const char *directory, const struct config *config,
                               struct error *error)
{
    int64_t rate = 16000;

    model->normalize = true;
    if (config) {
        rate = config_integer(config, "audio.sample_rate");
        model->normalize = config_bool(config, "audio.normalize");
    }
    model->sample_rate = (int)rate;
    char *path = directory && !config ? path_join(directory, "preprocessor_config.json") : NULL;
    if (path && path_exists(path)) {
        cJSON *json = json_read(path, error);
        bool done = json && json_integer(json, "sampling_rate", &rate, error) &&
                    json_bool(json, "do_normalize", &model->normalize, error);
        if (done && (rate < 1000 || rate > 384000))
            done = error_set(error, "%s: \"sampling_rate\" of %lld Hz", path, (long long)rate);
        model->sample_rate = (int)rate;
        cJSON_Delete(json);
    }
    free(path);
    return !error->kind;
}

/* ---- weights ---- */

/* Names for a log line: the first few, then how many more. */
struct names {
    struct text text;
    size_t count;
};

enum { NAMES_SHOWN = 8 };

static void names_add(struct names *names, const char *name)
{
    if (names->count < NAMES_SHOWN)
        text_add(&names->text, "%s%s", names->count ? ", " : "", name);
    names->count++;
}

static void names_log(struct names *names, const char *what)
{
    if (names->count > NAMES_SHOWN)
        text_add(&names->text, " and %zu more", names->count - NAMES_SHOWN);
    if (names->count)
        log_info("  %s: %s", what, names->text.text);
    text_free(&names->text);
}

static char *shape_text(const int64_t *shape, int dims)
{
    struct text text = {0};

    text_add(&text, "[");
    for (int d = 0; d < dims; d++)
        text_add(&text, "%s%lld", d ? ", " : "", (long long)shape[d]);
    text_add(&text, "]");
    return text.text;
}

static bool wrong_shape(const char *path, const struct parameter *p, const struct weight *entry,
                        struct error *error)
{
    char *wanted = shape_text(p->shape, p->dims), *found = shape_text(entry->shape, entry->dims);

    error_set(error, "%s: \"%s\" has the shape %s where config.json asks for %s", path, entry->name, found,
              wanted);
    free(wanted);
    free(found);
    return false;
}

/* Loads one checkpoint entry into its parameter, or tells why not. */
static bool load_entry(struct model *model, struct weights *weights, size_t i, bool other_labels,
                       struct names *ignored, struct error *error)
{
    const struct weight *entry = &weights->entries[i];
    char name[256];
    size_t index = model->parameters.count;

    if (model->kind->translate(entry->name, name))
        index = parameters_index(&model->parameters, name);
    if (index == model->parameters.count) {
        names_add(ignored, entry->name);
        return true;
    }
    struct parameter *p = &model->parameters.items[index];
    bool fits = weight_fits(entry, p->tensor) && !(other_labels && text_starts(name, "classifier.out_proj."));
    if (!fits && p->required)
        return wrong_shape(weights->files[entry->file]->path, p, entry, error);
    if (!fits)
        return true;
    p->loaded = true;
    return weights_copy(weights, i, p->tensor, error);
}

static bool check_complete(struct model *model, const char *directory, struct names *fresh,
                           struct error *error)
{
    for (size_t i = 0; i < model->parameters.count; i++) {
        const struct parameter *p = &model->parameters.items[i];
        if (!p->loaded && p->required)
            return error_set(error, "%s: its weights lack \"%s\"", directory, p->name);
        if (!p->loaded)
            names_add(fresh, p->name);
    }
    return true;
}

static bool load_weights(struct model *model, const char *directory, bool other_labels, struct error *error)
{
    struct weights *weights = weights_open(directory, error);
    struct names ignored = {0}, fresh = {0};

    if (!weights)
        return !error->kind && error_set(error,
                                         "%s: no weights: neither model.safetensors nor "
                                         "model.safetensors.index.json nor pytorch_model.bin",
                                         directory);
    bool done = true;
    for (size_t i = 0; done && i < weights->count; i++)
        done = load_entry(model, weights, i, other_labels, &ignored, error);
    done = done && check_complete(model, directory, &fresh, error);
    if (done)
        log_info("weights: %zu of %zu tensors loaded from %s", model->parameters.count - fresh.count,
                 model->parameters.count, weights->files[0]->path);
    if (!done)
        ignored.count = fresh.count = 0;
    names_log(&fresh, "initialised anew");
    names_log(&ignored, "ignored");
    weights_close(weights);
    return done;
}

/* ---- opening and saving ---- */

static bool find_files(const char *path, char **directory, char **config_path, struct error *error)
{
    *directory = *config_path = NULL;
    if (!*path)
        return error_usage(error,
                           "model.pretrained: name a model directory, or a config.json for random weights");
    if (!path_exists(path))
        return error_usage(error,
                           "model.pretrained: no \"%s\" here: put a Hugging Face model directory there, or "
                           "name a config.json for random weights",
                           path);
    if (!path_is_folder(path)) {
        *config_path = mem_string(path);
        return true;
    }
    *directory = mem_string(path);
    *config_path = path_join(path, "config.json");
    if (!path_exists(*config_path))
        return error_set(error, "%s: no config.json: not a model directory", path);
    return true;
}

static bool read_labels(struct model *model, const struct strings *given, bool *other_labels,
                        struct error *error)
{
    struct strings saved = {0};

    saved_labels(model->json, &saved);
    const struct strings *labels = given ? given : &saved;
    for (size_t i = 0; i < labels->count; i++)
        strings_add(&model->labels, labels->items[i]);
    *other_labels = given && saved.count > 0 && saved.count != given->count;
    for (size_t i = 0; given && i < saved.count && !*other_labels; i++)
        *other_labels = strcmp(saved.items[i], given->items[i]) != 0;
    strings_free(&saved);
    if (model->labels.count == 0)
        return error_set(error, "%s: its \"id2label\" names no labels: not a model that emotrain trained",
                         model->path);
    return true;
}

static const char *kind_name(const struct model *model, const struct config *config)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(model->json, "model_type");

    if (config)
        return config_text(config, "model.kind");
    return cJSON_IsString(type) ? type->valuestring : "wav2vec2";
}

static bool set_up(struct model *model, const struct model_source *source, const char *directory,
                   struct error *error)
{
    const struct config *config = source->config;
    bool other_labels;

    model->kind = kind_find(kind_name(model, config), error);
    model->gradient_checkpointing = config && config_bool(config, "model.gradient_checkpointing");
    if (!model->kind || !read_labels(model, source->labels, &other_labels, error) ||
        !read_pooling(model, config, error) || !read_preprocessing(model, directory, config, error) ||
        !model->kind->open(model, config, error) || !parameters_allocate(&model->parameters, error))
        return false;
    describe(model);
    if (directory && !load_weights(model, directory, other_labels, error))
        return false;
    if (!directory)
        log_info("weights: all %zu tensors initialised at random (%s holds none)", model->parameters.count,
                 model->path);
    return parameters_initialise(&model->parameters, source->seed, error) &&
           (!config || model->kind->freeze(model, config_text(config, "model.freeze"), error)) &&
           parameters_apply_trainable(&model->parameters, error);
}

struct model *model_open(const struct model_source *source, struct error *error)
{
    char *directory, *config_path;
    struct model *model = mem_zero(1, sizeof *model);

    model->path = mem_string(source->path);
    parameters_start(&model->parameters, source->device);
    bool done = find_files(source->path, &directory, &config_path, error) &&
                (model->json = json_read(config_path, error)) && set_up(model, source, directory, error);
    free(directory);
    free(config_path);
    if (done)
        return model;
    model_close(model);
    return NULL;
}

void model_close(struct model *model)
{
    if (!model)
        return;
    if (model->kind)
        model->kind->close(model);
    parameters_free(&model->parameters);
    strings_free(&model->labels);
    cJSON_Delete(model->json);
    free(model->path);
    free(model);
}

struct et_tensor *model_forward(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                const struct forward_mode *mode)
{
    return model->kind->forward(model, scope, batch, mode);
}

static bool save_preprocessing(const struct model *model, const char *path, struct error *error)
{
    const cJSON *mask = cJSON_GetObjectItemCaseSensitive(model->json, "emotrain_attention_mask");
    cJSON *json = cJSON_CreateObject();

    cJSON_AddStringToObject(json, "feature_extractor_type", model->kind->extractor);
    cJSON_AddNumberToObject(json, "feature_size", 1);
    cJSON_AddNumberToObject(json, "sampling_rate", model->sample_rate);
    cJSON_AddStringToObject(json, "padding_side", "right");
    cJSON_AddNumberToObject(json, "padding_value", 0);
    cJSON_AddBoolToObject(json, "do_normalize", model->normalize);
    cJSON_AddBoolToObject(json, "return_attention_mask", mask && text_equal(mask->valuestring, "yes"));
    bool done = json_write(path, json, error);
    cJSON_Delete(json);
    return done;
}

bool model_save(const struct model *model, const char *directory, struct error *error)
{
    char *config = path_join(directory, "config.json");
    char *preprocessing = path_join(directory, "preprocessor_config.json");
    char *weights = path_join(directory, "model.safetensors");
    struct named_tensor *tensors = mem_zero(model->parameters.count, sizeof *tensors);

    for (size_t i = 0; i < model->parameters.count; i++)
        tensors[i] =
            (struct named_tensor){model->parameters.items[i].name, model->parameters.items[i].tensor};
    bool done = json_write(config, model->json, error) && save_preprocessing(model, preprocessing, error) &&
                safetensors_write(weights, tensors, model->parameters.count, error);
    free(config);
    free(preprocessing);
    free(weights);
    free(tensors);
    return done;
}
