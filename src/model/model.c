/* The table of kinds; config.json, labels, weights and files of every model: see model.h. */
#include "model/model.h"

#include "base/handlers.h"
#include "base/log.h"
#include "base/text.h"
#include "model/weights/weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct model_kind *const KINDS[] = {&MODEL_ENCODER, &MODEL_CNN, &MODEL_VGGISH, &MODEL_DEEPMOJI,
                                                 &MODEL_LINEAR};

const char *const MODEL_INPUT_NAMES[INPUT_COUNT] = {"waveform", "features", "text"};

const struct model_kind *model_kind_find(const char *name, struct error *error)
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
static void describe_config(struct model *model)
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
    json_put(model->json, "problem_type", cJSON_CreateString(TASKS[model->task].problem_type));
    if (model->kind->forward) {
        json_put(model->json, "pooling_mode", cJSON_CreateString(model->pooling->name));
        json_put(model->json, "emotrain_pooling_padding",
                 cJSON_CreateString(model->pooling_includes_padding ? "include" : "exclude"));
    }
    json_put(model->json, "model_type", cJSON_CreateString(model->kind->model_type));
    json_put(model->json, "torch_dtype", cJSON_CreateString("float32"));
}

static bool read_pooling(struct model *model, const struct model_settings *settings, struct error *error)
{
    const char *pooling = "mean", *padding = "exclude";

    if (settings) {
        pooling = settings->pooling;
        padding = settings->pooling_padding == PADDING_INCLUDED ? "include" : "exclude";
    } else if (!json_string(model->json, "pooling_mode", &pooling, error) ||
               !json_string(model->json, "emotrain_pooling_padding", &padding, error)) {
        return error_prefix(error, "%s", model->path);
    }
    model->pooling = pooling_find(pooling, error);
    model->pooling_includes_padding = strcmp(padding, "include") == 0;
    return model->pooling != NULL;
}

/* What signals the model takes in. */
static bool read_preprocessing(struct model *model, const char *directory,
                               const struct audio_settings *settings, struct error *error)
{
    int64_t rate = 16000;

    model->normalize = model->kind->normalizes;
    if (settings) {
        rate = settings->sample_rate;
        if (settings->normalize != CHOOSE_AUTO)
            model->normalize = settings->normalize == CHOOSE_YES;
        if (model->normalize && model->kind->input == INPUT_FEATURES)
            return error_usage(
                error, "audio.normalize=yes: functionals are taken of the sound as it is, loudness among "
                       "them: no or auto");
    }
    model->sample_rate = (int)rate;
    char *path = directory && !settings ? path_join(directory, "preprocessor_config.json") : NULL;
    if (path && path_exists(path)) {
        cJSON *json = json_read(path, error);
        bool done = json && json_integer(json, "sampling_rate", &rate, error) &&
                    json_bool(json, "do_normalize", &model->normalize, error);
        if (done && (rate < 1000 || rate > 384000))
            error_set(error, "%s: \"sampling_rate\" of %lld Hz", path, (long long)rate);
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

    if (!model->kind->translate)
        index = parameters_index(&model->parameters, entry->name);
    else if (model->kind->translate(entry->name, name))
        index = parameters_index(&model->parameters, name);
    if (index == model->parameters.count) {
        names_add(ignored, entry->name);
        return true;
    }
    struct parameter *p = &model->parameters.items[index];
    bool fits =
        weight_fits(entry, p->tensor) && !(other_labels && text_starts(p->name, "classifier.out_proj."));
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

static bool find_files(const char *path, bool needs_no_files, char **directory, char **config_path,
                       struct error *error)
{
    if (!*path && needs_no_files)
        return true;
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

/* ---- predictions ---- */

/* The numbers of an array in config.json, one per label; those that it lacks stay as they are. */
static void read_numbers(const cJSON *json, const char *name, double *numbers, size_t count)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(json, name);

    for (size_t k = 0; k < count && (size_t)cJSON_GetArraySize(array) == count; k++) {
        const cJSON *item = cJSON_GetArrayItem(array, (int)k);
        if (cJSON_IsNumber(item))
            numbers[k] = item->valuedouble;
    }
}

static const char THRESHOLDS[] = "emotrain_thresholds", MEANS[] = "emotrain_target_means",
                  DEVIATIONS[] = "emotrain_target_deviations";

static bool read_task(struct model *model, const struct model_settings *settings, struct error *error)
{
    const char *type = TASKS[SINGLE_LABEL].problem_type;
    size_t labels = model->labels.count;

    if (!settings && !json_string(model->json, "problem_type", &type, error))
        return error_prefix(error, "%s", model->path);
    model->task = settings ? settings->task : task_of_type(type);
    if (model->task == TASK_COUNT)
        return error_set(error, "%s: \"problem_type\" is \"%s\"", model->path, type);
    model->thresholds = mem_zero(labels, sizeof *model->thresholds);
    model->means = mem_zero(labels, sizeof *model->means);
    model->deviations = mem_zero(labels, sizeof *model->deviations);
    for (size_t k = 0; k < labels; k++) {
        model->thresholds[k] = 0.5;
        model->deviations[k] = 1;
    }
    read_numbers(model->json, THRESHOLDS, model->thresholds, labels);
    read_numbers(model->json, MEANS, model->means, labels);
    read_numbers(model->json, DEVIATIONS, model->deviations, labels);
    return true;
}

/* What training found out about predictions, for config.json. */
static void describe_outputs(const struct model *model)
{
    int labels = (int)model->labels.count;

    if (model->task == MULTI_LABEL)
        json_put(model->json, THRESHOLDS, cJSON_CreateDoubleArray(model->thresholds, labels));
    if (model->task == REGRESSION) {
        json_put(model->json, MEANS, cJSON_CreateDoubleArray(model->means, labels));
        json_put(model->json, DEVIATIONS, cJSON_CreateDoubleArray(model->deviations, labels));
    }
}

void model_learn_scale(struct model *model, const double *const *targets, size_t count)
{
    for (size_t k = 0; k < model->labels.count; k++) {
        double mean = 0, squares = 0;
        for (size_t i = 0; i < count; i++)
            mean += targets[i][k] / (double)count;
        for (size_t i = 0; i < count; i++)
            squares += (targets[i][k] - mean) * (targets[i][k] - mean) / (double)count;
        model->means[k] = mean;
        model->deviations[k] = squares > 0 ? sqrt(squares) : 1;
    }
}

static void softmax(float *row, size_t count)
{
    double largest = (double)row[0], sum = 0;

    for (size_t k = 1; k < count; k++)
        largest = (double)row[k] > largest ? (double)row[k] : largest;
    for (size_t k = 0; k < count; k++)
        sum += exp((double)row[k] - largest);
    for (size_t k = 0; k < count; k++)
        row[k] = (float)(exp((double)row[k] - largest) / sum);
}

void model_probabilities(const struct model *model, float *outputs, int64_t clips)
{
    size_t labels = model->labels.count;

    for (int64_t i = 0; i < clips; i++) {
        float *row = outputs + (size_t)i * labels;
        if (model->task == SINGLE_LABEL)
            softmax(row, labels);
        for (size_t k = 0; model->task == MULTI_LABEL && k < labels; k++)
            row[k] = (float)(1 / (1 + exp(-(double)row[k])));
        for (size_t k = 0; model->task == REGRESSION && k < labels; k++)
            row[k] = (float)(model->means[k] + model->deviations[k] * (double)row[k]);
    }
}

static void read_features(struct model *model, const struct strings *given)
{
    const cJSON *saved = cJSON_GetObjectItemCaseSensitive(model->json, "emotrain_features"), *item = NULL;

    for (size_t i = 0; given && i < given->count; i++)
        strings_add(&model->features, given->items[i]);
    cJSON_ArrayForEach(item, saved)
    {
        if (!given && cJSON_IsString(item))
            strings_add(&model->features, item->valuestring);
    }
    if (model->kind->input == INPUT_FEATURES)
        json_put(
            model->json, "emotrain_features",
            cJSON_CreateStringArray((const char *const *)model->features.items, (int)model->features.count));
}

/* The kind that the settings name, or that config.json's "model_type" says. */
static const struct model_kind *find_kind(const struct model *model, const struct model_settings *settings,
                                          struct error *error)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(model->json, "model_type");
    const char *type = cJSON_IsString(item) ? item->valuestring : MODEL_ENCODER.model_type;
    struct text known = {0};

    if (settings)
        return model_kind_find(settings->kind, error);
    for (size_t k = 0; k < sizeof KINDS / sizeof KINDS[0]; k++) {
        if (strcmp(KINDS[k]->model_type, type) == 0) {
            text_free(&known);
            return KINDS[k];
        }
        text_add(&known, "%s%s", k ? ", " : "", KINDS[k]->model_type);
    }
    error_set(error, "%s: \"model_type\" is \"%s\"; there is %s", model->path, type, known.text);
    text_free(&known);
    return NULL;
}

static bool set_up(struct model *model, const struct model_source *source, const char *directory,
                   struct error *error)
{
    const struct model_settings *settings = source->settings ? &source->settings->model : NULL;
    const struct audio_settings *audio = source->settings ? &source->settings->audio : NULL;
    bool other_labels;

    model->kind = find_kind(model, settings, error);
    model->gradient_checkpointing = settings && settings->gradient_checkpointing;
    if (!model->kind || !read_labels(model, source->labels, &other_labels, error) ||
        !read_task(model, settings, error) || !read_pooling(model, settings, error) ||
        !read_preprocessing(model, directory, audio, error) ||
        (read_features(model, source->features), !model->kind->open(model, settings, error)) ||
        !parameters_allocate(&model->parameters, error))
        return false;
    describe_config(model);
    if (directory && (!load_weights(model, directory, other_labels, error) ||
                      (model->kind->load && !model->kind->load(model, directory, error))))
        return false;
    if (!directory && model->parameters.count)
        log_info("weights: all %zu tensors initialised at random (%s holds none)", model->parameters.count,
                 model->path);
    if (settings && settings->lora_rank > 0 && !model->kind->save_parameter)
        return error_usage(error, "model.lora_rank: model.kind=%s has no adapters; encoder has",
                           model->kind->name);
    return parameters_initialise(&model->parameters, source->seed, error) &&
           (!settings || model->kind->freeze(model, settings->freeze, error)) &&
           parameters_apply_trainable(&model->parameters, -1, error);
}

struct model *model_open(const struct model_source *source, struct error *error)
{
    char *directory = NULL, *config_path = NULL;
    struct model *model = mem_zero(1, sizeof *model);

    model->path = mem_string(source->path);
    parameters_start(&model->parameters, source->device);
    const struct model_kind *kind =
        source->settings ? model_kind_find(source->settings->model.kind, error) : NULL;
    bool done = (kind || !source->settings) &&
                find_files(source->path, kind && kind->needs_no_files, &directory, &config_path, error) &&
                (model->json = config_path ? json_read(config_path, error) : cJSON_CreateObject()) &&
                set_up(model, source, directory, error);
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
    strings_free(&model->features);
    free(model->thresholds);
    free(model->means);
    free(model->deviations);
    cJSON_Delete(model->json);
    free(model->path);
    free(model);
}

struct et_tensor *model_forward(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                const struct forward_mode *mode)
{
    return model->kind->forward(model, scope, batch, mode);
}

/* Logits to predictions. */
static const char *build_outputs(const struct model *model, struct onnx *graph, const char *logits)
{
    size_t labels = model->labels.count;

    if (model->task == SINGLE_LABEL)
        return onnx_softmax(graph, logits, -1);
    if (model->task == MULTI_LABEL)
        return onnx_unary(graph, "Sigmoid", logits);
    const char *scaled = onnx_binary(graph, "Mul", logits, onnx_numbers(graph, model->deviations, labels));
    return onnx_binary(graph, "Add", scaled, onnx_numbers(graph, model->means, labels));
}

bool model_write_onnx(const struct model *model, const char *path, struct error *error)
{
    char rate[24];
    struct text labels = {0};
    struct onnx graph;

    if (!model->kind->build_onnx)
        return error_usage(error, "model.kind=%s cannot be written in ONNX; encoder can", model->kind->name);
    snprintf(rate, sizeof rate, "%d", model->sample_rate);
    for (size_t k = 0; k < model->labels.count; k++)
        text_add(&labels, "%s%s", k ? "," : "", model->labels.items[k]);
    const char *const notes[] = {"labels", labels.text, "sample_rate", rate, NULL};
    bool recording = et_grad_mode(false);
    onnx_start(&graph);
    const char *outputs = build_outputs(model, &graph, model->kind->build_onnx(model, &graph, "samples"));
    bool done = onnx_write(&graph, path, outputs, model->task == REGRESSION ? "numbers" : "probabilities",
                           (int64_t)model->labels.count, notes, error);
    onnx_free(&graph);
    et_grad_mode(recording);
    text_free(&labels);
    return done;
}

bool model_save_preprocessing(const struct model *model, const char *directory, struct error *error)
{
    char *path = path_join(directory, "preprocessor_config.json");
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
    free(path);
    return done;
}

bool model_save_config(const struct model *model, const char *directory, struct error *error)
{
    char *path = path_join(directory, "config.json");

    describe_outputs(model);
    bool done = json_write(path, model->json, error);
    free(path);
    return done;
}

/* Fills in how parameter i is written; false: it is not. */
static bool describe_parameter(const struct model *model, size_t i, struct named_tensor *entry)
{
    *entry = (struct named_tensor){.name = model->parameters.items[i].name,
                                   .tensor = model->parameters.items[i].tensor};
    return !model->kind->save_parameter || model->kind->save_parameter(model, i, entry);
}

bool model_saves_as_is(const struct model *model, size_t i)
{
    struct named_tensor entry;

    return describe_parameter(model, i, &entry) && !entry.read;
}

bool model_save(const struct model *model, const char *directory, struct error *error)
{
    char *weights = path_join(directory, "model.safetensors");
    struct named_tensor *tensors = mem_zero(model->parameters.count, sizeof *tensors);

    size_t count = 0;

    for (size_t i = 0; i < model->parameters.count; i++)
        count += describe_parameter(model, i, &tensors[count]);
    bool done = model_save_config(model, directory, error) &&
                model_save_preprocessing(model, directory, error) &&
                safetensors_write(weights, tensors, count, error) &&
                (!model->kind->save || model->kind->save(model, directory, error));
    free(weights);
    free(tensors);
    return done;
}
