/* The table of kinds; config.json, labels, weights and files of every model: see model.h. */
#include "model/model.h"

#include "base/csv.h"
#include "base/handlers.h"
#include "base/log.h"
#include "base/text.h"
#include "model/encoder/emotion2vec.h"
#include "model/encoder/published.h"
#include "model/head/head.h"
#include "model/weights/weights.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct model_kind *const KINDS[] = {&MODEL_ENCODER, &MODEL_CNN, &MODEL_VGGISH, &MODEL_DEEPMOJI,
                                                 &MODEL_LINEAR},
                                      /* by what config.json says */
    *const SAVED_KINDS[] = {&MODEL_ENCODER, &MODEL_CNN,      &MODEL_VGGISH,  &MODEL_DEEPMOJI,
                            &MODEL_LINEAR,  &MODEL_LOGISTIC, &MODEL_ENSEMBLE};

const char *const MODEL_INPUT_NAMES[INPUT_COUNT] = {"waveform", "features", "text"};

const struct model_kind *model_kind_find(const char *name, struct error *error)
{
    return HANDLER_FIND(KINDS, name, "model.kind", "model", error);
}

/* What does not go together; `encoder`: the features are one's. */
static bool check_linear(const struct settings *settings, bool encoder, struct error *error)
{
    const struct linear_settings *linear = &settings->linear;
    bool single = settings->model.task == SINGLE_LABEL;

    if (encoder && linear->classifier == CLASSIFIER_SVM)
        return error_usage(error,
                           "linear.classifier=svm: of linear.features=encoder there is logistic_regression");
    if (!encoder && (strcmp(linear->combine, "none") != 0 || strcmp(linear->pooling, "mean") != 0))
        return error_usage(error,
                           "linear.combine=%s, linear.pooling=%s: other than none and mean, they are of "
                           "linear.features=encoder: other features have neither layers nor frames",
                           linear->combine, linear->pooling);
    if (strcmp(linear->combine, "mean") == 0 && !single)
        return error_usage(error, "linear.combine=mean is of model.task=single_label");
    if (linear->wccn && !single)
        return error_usage(error, "linear.wccn=yes is of model.task=single_label");
    if (settings->train.class_weights && settings->model.task == MULTI_LABEL &&
        (encoder || linear->classifier == CLASSIFIER_LOGISTIC))
        return error_usage(error,
                           "train.class_weights=yes of model.task=multi_label: linear.classifier=svm has it, "
                           "logistic_regression has not");
    return !linear->wccn || encoder || linear->classifier == CLASSIFIER_LOGISTIC ||
           error_usage(error, "linear.wccn=yes is of linear.classifier=logistic_regression");
}

const struct model_kind *model_kind_of(const struct settings *settings, struct error *error)
{
    const struct model_kind *kind = model_kind_find(settings->model.kind, error);
    const struct linear_settings *linear = &settings->linear;
    bool encoder = strcmp(linear->features, "encoder") == 0;

    if (kind != &MODEL_LINEAR)
        return kind;
    if (!check_linear(settings, encoder, error))
        return NULL;
    if (encoder)
        return &MODEL_PROBE;
    return linear->classifier == CLASSIFIER_LOGISTIC ? &MODEL_LOGISTIC : &MODEL_LINEAR;
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
    json_put(model->json, "problem_type", cJSON_CreateString(TASKS[model->task].problem_type));
    if (model->kind->forward) {
        json_put(model->json, "pooling_mode", cJSON_CreateString(model->pooling->name));
        json_put(model->json, "emotrain_pooling_padding",
                 cJSON_CreateString(model->pooling_includes_padding ? "include" : "exclude"));
    }
    if (model->kind->describe_model) {
        model->kind->describe_model(model, model->json);
    } else {
        json_put(model->json, "architectures", cJSON_CreateStringArray(&model->kind->architecture, 1));
        json_put(model->json, "model_type", cJSON_CreateString(model->kind->model_type));
    }
    json_put(model->json, "torch_dtype", cJSON_CreateString("float32"));
}

static bool read_pooling(struct model *model, const struct model_settings *settings, struct error *error)
{
    static const char *const paddings[] = {"include", "exclude", NULL};
    const char *pooling = "mean", *padding = "exclude";
    struct error unknown = {0};

    if (settings) {
        pooling = settings->pooling;
        padding = settings->pooling_padding == PADDING_INCLUDED ? "include" : "exclude";
    } else if (!json_string(model->json, "pooling_mode", &pooling, error) ||
               !json_word(model->json, "emotrain_pooling_padding", paddings, &padding, error)) {
        return error_prefix(error, "%s", model->path);
    }
    model->pooling = pooling_find(pooling, settings ? error : &unknown);
    if (unknown.kind) /* no setting was wrong */
        return error_set(error, "%s: \"pooling_mode\" is \"%s\", which is no pooling", model->path, pooling);
    model->pooling_includes_padding = strcmp(padding, "include") == 0;
    model->attention_width = POOLING_ATTENTION_WIDTH;
    if (!json_integer(model->json, "emotrain_attention_width", &model->attention_width, error) ||
        ((model->attention_width < 1 || model->attention_width > 1 << 16) &&
         !error_set(error, "\"emotrain_attention_width\" is %lld", (long long)model->attention_width)))
        return error_prefix(error, "%s", model->path);
    return model->pooling != NULL;
}

/* Whether emotrain wrote the config.json. */
static bool is_own(const struct model *model)
{
    const cJSON *architectures = cJSON_GetObjectItemCaseSensitive(model->json, "architectures");
    const char *first = cJSON_GetStringValue(cJSON_GetArrayItem(architectures, 0));

    return cJSON_HasObjectItem(model->json, "emotrain_pooling_padding") ||
           cJSON_HasObjectItem(model->json, "emotrain_layers") || (first && text_starts(first, "Emotrain"));
}

/* What recordings become before the model takes them in. */
static bool read_preprocessing(struct model *model, const char *directory,
                               const struct audio_settings *settings, struct error *error)
{
    const bool from_file = directory && !settings, functionals = model->kind->input == INPUT_FEATURES;
    struct preprocessing *sound = &model->sound;

    sound->sample_rate = 16000;
    sound->normalize = model->kind->normalizes && model->kind->normalizes(model->json);
    if (settings) {
        preprocessing_choose(sound, settings);
        if (sound->sample_rate == 0 && !functionals)
            return error_usage(
                error, "audio.sample_rate=native is of linear.features=egemaps: %s needs one rate, in Hz",
                model->kind->name);
        if (sound->normalize && functionals)
            return error_usage(
                error, "audio.normalize=yes: functionals are taken of the sound as it is, loudness among "
                       "them: no or auto");
    }
    return !from_file || preprocessing_read(sound, directory, is_own(model), functionals, error);
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

static const char *names_text(struct names *names)
{
    if (names->count > NAMES_SHOWN)
        text_add(&names->text, " and %zu more", names->count - NAMES_SHOWN);
    return names->text.text;
}

static void names_log(struct names *names, const char *what)
{
    if (names->count)
        log_info("  %s: %s", what, names_text(names));
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

/* What became of a checkpoint's tensors and of a model's parameters. */
struct loading {
    struct model *model;
    bool other_labels; /* the checkpoint's labels are not the model's */
    bool trained; /* the model is used as it is: nothing of it may be random, nothing of its head unused */
    struct names ignored, unused, fresh;
};

/* The parameter for a checkpoint's name; parameters.count where there is none.  ours: whether the name can be
 * one of a model of this kind at all. */
static size_t parameter_of(const struct model *model, const char *entry, bool *ours)
{
    char name[256];

    *ours = true;
    if (!model->kind->translate)
        return parameters_index(&model->parameters, entry);
    *ours = model->kind->translate(model, entry, name);
    return *ours ? parameters_index(&model->parameters, name) : model->parameters.count;
}

static bool check_finite(const struct loading *loading, size_t i, const struct parameter *p,
                         struct error *error)
{
    const struct weights *weights = loading->model->weights;
    struct et_scope *scope = et_scope_open(NULL);
    bool recording = et_grad_mode(false);
    bool finite = p->training_only || isfinite(et_item(scope, et_sum(scope, p->tensor)));

    et_grad_mode(recording);
    return et_scope_close(scope, error) &&
           (finite ||
            error_set(error, "%s: \"%s\" holds values that are no numbers, or infinite: the file is damaged",
                      weights->files[weights->entries[i].file]->path, weights->entries[i].name));
}

/* Loads one checkpoint entry into its parameter, or notes why not. */
static bool load_entry(struct loading *loading, size_t i, struct error *error)
{
    struct model *model = loading->model;
    struct weights *weights = model->weights;
    const struct weight *entry = &weights->entries[i];
    bool ours;
    size_t index = parameter_of(model, entry->name, &ours);

    if (index == model->parameters.count) {
        names_add(ours ? &loading->unused : &loading->ignored, entry->name);
        return true;
    }
    struct parameter *p = &model->parameters.items[index];
    bool fits = weight_fits(entry, p->tensor);
    if (!fits && loading->trained && p->of_labels && entry->dims > 0 && entry->shape[0] != p->shape[0])
        return error_set(error,
                         "%s: \"%s\" has %lld rows, one for each label, but config.json's \"id2label\" "
                         "names %zu",
                         weights->files[entry->file]->path, entry->name, (long long)entry->shape[0],
                         model->labels.count);
    if (!fits && (p->required || loading->trained))
        return wrong_shape(weights->files[entry->file]->path, p, entry, error);
    if (!fits || p->begins_anew || (loading->other_labels && p->of_labels))
        return true;
    if (p->loaded)
        return error_set(error, "%s: \"%s\" is there twice, under two names",
                         weights->files[entry->file]->path, p->name);
    p->loaded = true;
    return weights_copy(weights, i, p->tensor, error) &&
           (!loading->trained || check_finite(loading, i, p, error));
}

static bool check_complete(struct loading *loading, const char *directory, struct error *error)
{
    const struct parameters *parameters = &loading->model->parameters;

    for (size_t i = 0; i < parameters->count; i++) {
        const struct parameter *p = &parameters->items[i];
        if (!p->loaded && p->required)
            return error_set(error, "%s: its weights lack \"%s\"", directory, p->name);
        if (!p->loaded && !p->may_lack && !(loading->trained && p->training_only))
            names_add(&loading->fresh, p->name);
    }
    return true;
}

/* A model that is used as it is predicts by what was trained, all of it. */
static bool check_trained(struct loading *loading, const char *directory, struct error *error)
{
    char *heads = head_list();
    const char *advice = "predictions would not be this model's";

    if (loading->trained && loading->fresh.count > 0)
        error_set(error, "%s: its weights lack \"%s\": %s; heads that are known: %s", directory,
                  names_text(&loading->fresh), advice, heads);
    else if (loading->trained && loading->unused.count > 0)
        error_set(error, "%s: \"%s\" among its weights is no part of a head that is known: %s; known are %s",
                  directory, names_text(&loading->unused), advice, heads);
    free(heads);
    return !error->kind;
}

/* Says what was loaded, in the log. */
static void report_loading(struct loading *loading)
{
    const struct parameters *parameters = &loading->model->parameters;

    log_info("weights: %zu of %zu tensors loaded from %s", parameters->count - loading->fresh.count,
             parameters->count, loading->model->weights->files[0]->path);
    names_log(&loading->fresh, "initialised anew");
    names_log(&loading->unused, "ignored");
    names_log(&loading->ignored, "ignored, of pretraining");
}

static bool load_weights(struct model *model, const char *directory, bool other_labels, bool trained,
                         struct error *error)
{
    struct loading loading = {.model = model, .other_labels = other_labels, .trained = trained};
    bool done = true;

    for (size_t i = 0; done && i < model->weights->count; i++)
        done = load_entry(&loading, i, error);
    done = done && check_complete(&loading, directory, error) && check_trained(&loading, directory, error);
    if (done)
        report_loading(&loading);
    text_free(&loading.ignored.text);
    text_free(&loading.unused.text);
    text_free(&loading.fresh.text);
    return done;
}

/* ---- opening and saving ---- */

bool model_is_directory(const char *path)
{
    char *config = path_join(path, "config.json");
    bool there = path_exists(config) || emotion2vec_is(path) || published_is(path);

    free(config);
    return there;
}

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
    if (!path_is_folder(path) && !text_ends(path, ".json"))
        return error_usage(
            error,
            "model.pretrained: %s is a file: name the model directory that it stands in, with its "
            "config.json (a checkpoint of fairseq must be converted by transformers' scripts first)",
            path);
    if (!path_is_folder(path)) {
        *config_path = mem_string(path);
        return true;
    }
    *directory = mem_string(path);
    *config_path = path_join(path, "config.json");
    return model_is_directory(path) || error_set(error, "%s: no config.json: not a model directory", path);
}

/* Labels come from a file: they go into tables, terminals and files. */
static bool check_labels(const struct model *model, struct error *error)
{
    for (size_t k = 0; k < model->labels.count; k++) {
        const char *label = model->labels.items[k];
        if (!text_is_plain(label))
            return error_set(error, "%s: label %zu of \"id2label\" is empty, or holds control characters",
                             model->path, k);
        if (strings_index(&model->labels, label) != (int)k)
            return error_set(error, "%s: \"id2label\" names the label \"%s\" twice", model->path, label);
    }
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
    *other_labels = given && saved.count != given->count; /* or none: which row is which is not known */
    for (size_t i = 0; given && i < saved.count && !*other_labels; i++)
        *other_labels = strcmp(saved.items[i], given->items[i]) != 0;
    strings_free(&saved);
    if (model->labels.count == 0)
        return error_set(
            error,
            "%s: its \"id2label\" names no labels (LABEL_0 and so on are none), so what it predicts is "
            "not known: write them into config.json, or tokens.txt in FunASR's layout",
            model->path);
    return given || check_labels(model, error);
}

/* ---- predictions ---- */

/* Numbers that a model of a task keeps in config.json, one for each label. */
struct kept_numbers {
    const char *name;
    enum task task;
    double least, most;
};

static const struct kept_numbers THRESHOLDS = {"emotrain_thresholds", MULTI_LABEL, 0, 1},
                                 MEANS = {"emotrain_target_means", REGRESSION, -FLT_MAX, FLT_MAX},
                                 DEVIATIONS = {"emotrain_target_deviations", REGRESSION, FLT_MIN, FLT_MAX};

/* They stay as they are where there are none.  `trained`: the model is read as it was trained; one that is to
 * be trained may have been of other labels. */
static bool read_numbers(const struct model *model, const struct kept_numbers *kept, bool trained,
                         double *numbers, struct error *error)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(model->json, kept->name), *item = NULL;
    const size_t count = model->labels.count;
    bool good = cJSON_IsArray(array) && (size_t)cJSON_GetArraySize(array) == count;

    if (!array || model->task != kept->task)
        return true;
    cJSON_ArrayForEach(item, array) good =
        good && cJSON_IsNumber(item) && item->valuedouble >= kept->least && item->valuedouble <= kept->most;
    if (!good)
        return !trained ||
               error_set(error, "%s: \"%s\" must be %zu numbers from %g to %g, one for each label",
                         model->path, kept->name, count, kept->least, kept->most);
    cJSON_ArrayForEach(item, array) *numbers++ = item->valuedouble;
    return true;
}

static const char TEMPERATURE[] = "emotrain_temperature", COVERAGE[] = "emotrain_coverage";

/* "emotrain_coverage": [[share, threshold, accuracy], ...]. */
static bool read_kept(struct model *model, struct error *error)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(model->json, COVERAGE), *row = NULL;
    bool good = !array || cJSON_IsArray(array);

    cJSON_ArrayForEach(row, array)
    {
        double values[3] = {0};
        good = good && model->kept_count < KEPT_SHARES && cJSON_GetArraySize(row) == 3;
        for (int i = 0; good && i < 3; i++) {
            const cJSON *item = cJSON_GetArrayItem(row, i);
            good = cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= 1;
            values[i] = good ? item->valuedouble : 0;
        }
        good = good && values[0] > 0; /* some were kept */
        if (good)
            model->kept[model->kept_count++] = (struct kept_share){values[0], values[1], values[2]};
    }
    return good ||
           error_set(error,
                     "%s: \"%s\" must be up to %d rows of three numbers from 0 to 1, the first above 0",
                     model->path, COVERAGE, KEPT_SHARES);
}

static void describe_kept(const struct model *model)
{
    cJSON *array = cJSON_CreateArray();

    for (size_t i = 0; i < model->kept_count; i++) {
        const struct kept_share *kept = &model->kept[i];
        const double row[3] = {kept->share, kept->threshold, kept->accuracy};
        cJSON_AddItemToArray(array, cJSON_CreateDoubleArray(row, 3));
    }
    json_put(model->json, COVERAGE, array);
}

const struct kept_share *model_reject(const struct model *model, double accuracy, struct error *error)
{
    double best = 0;

    if (!(accuracy >= 0 && accuracy <= 1)) {
        error_usage(error, "an accuracy is from 0 to 1, not %g", accuracy);
        return NULL;
    }
    for (size_t i = 0; i < model->kept_count; i++) {
        if (model->kept[i].accuracy >= accuracy)
            return &model->kept[i];
        best = fmax(best, model->kept[i].accuracy);
    }
    if (model->kept_count)
        error_usage(error,
                    "%s: no share of its predictions for the validation part is %g right; the best is %.3f",
                    model->path, accuracy, best);
    else
        error_usage(
            error,
            "%s: nothing says which of its predictions were right: train one label of several, with a "
            "validation part (split.validation=0.1)",
            model->path);
    return NULL;
}

/* Whether labels are dimensions of emotion, which are numbers. */
static bool are_dimensions(const struct strings *labels)
{
    static const char *const dimensions[] = {"arousal", "dominance", "valence"};
    size_t found = 0;

    for (size_t k = 0; k < labels->count; k++)
        for (int d = 0; d < 3; d++)
            found += strcmp(labels->items[k], dimensions[d]) == 0;
    return found == labels->count;
}

/* Far outside of what is fitted (eval/calibration.h): there all probabilities are alike, or 0 and 1. */
static const double LEAST_TEMPERATURE = 1e-3;

static bool read_task(struct model *model, const struct model_settings *settings, struct error *error)
{
    const char *type = TASKS[SINGLE_LABEL].problem_type;
    size_t labels = model->labels.count;

    if (!settings && !json_string(model->json, "problem_type", &type, error))
        return error_prefix(error, "%s", model->path);
    model->task = settings ? settings->task : task_of_type(type);
    if (!settings && !cJSON_IsString(cJSON_GetObjectItemCaseSensitive(model->json, "problem_type")) &&
        are_dimensions(&model->labels))
        model->task = REGRESSION;
    if (model->task == TASK_COUNT)
        return error_set(error, "%s: \"problem_type\" is \"%s\"", model->path, type);
    model->temperature = 1;
    if (!json_number(model->json, TEMPERATURE, &model->temperature, error))
        return error_prefix(error, "%s", model->path);
    if (!(model->temperature >= LEAST_TEMPERATURE && model->temperature <= 1 / LEAST_TEMPERATURE))
        return error_set(error, "%s: \"%s\" must be a number from %g to %g", model->path, TEMPERATURE,
                         LEAST_TEMPERATURE, 1 / LEAST_TEMPERATURE);
    model->thresholds = mem_zero(labels, sizeof *model->thresholds);
    model->means = mem_zero(labels, sizeof *model->means);
    model->deviations = mem_zero(labels, sizeof *model->deviations);
    for (size_t k = 0; k < labels; k++) {
        model->thresholds[k] = 0.5;
        model->deviations[k] = 1;
    }
    return read_numbers(model, &THRESHOLDS, !settings, model->thresholds, error) &&
           read_numbers(model, &MEANS, !settings, model->means, error) &&
           read_numbers(model, &DEVIATIONS, !settings, model->deviations, error) &&
           (settings || read_kept(model, error));
}

/* What training found out about predictions, for config.json. */
static void describe_outputs(const struct model *model)
{
    const struct kept_numbers *const kept[] = {&THRESHOLDS, &MEANS, &DEVIATIONS};
    int labels = (int)model->labels.count;

    for (int i = 0; i < 3; i++) /* of the model that training began with */
        cJSON_DeleteItemFromObjectCaseSensitive(model->json, kept[i]->name);
    cJSON_DeleteItemFromObjectCaseSensitive(model->json, TEMPERATURE);
    if (model->task == SINGLE_LABEL && model->temperature != 1)
        json_put_exact(model->json, TEMPERATURE, model->temperature);
    cJSON_DeleteItemFromObjectCaseSensitive(model->json, COVERAGE);
    if (model->kept_count)
        describe_kept(model);
    if (model->task == MULTI_LABEL)
        json_put(model->json, THRESHOLDS.name, cJSON_CreateDoubleArray(model->thresholds, labels));
    if (model->task == REGRESSION) {
        json_put(model->json, MEANS.name, cJSON_CreateDoubleArray(model->means, labels));
        json_put(model->json, DEVIATIONS.name, cJSON_CreateDoubleArray(model->deviations, labels));
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

static void softmax(float *row, size_t count, double temperature)
{
    double largest = (double)row[0], sum = 0;

    for (size_t k = 1; k < count; k++)
        largest = (double)row[k] > largest ? (double)row[k] : largest;
    for (size_t k = 0; k < count; k++)
        sum += exp(((double)row[k] - largest) / temperature);
    for (size_t k = 0; k < count; k++)
        row[k] = (float)(exp(((double)row[k] - largest) / temperature) / sum);
}

/* A number for each label, as a tensor (labels) or (labels, 1). */
static struct et_tensor *per_label(const struct model *model, struct et_scope *scope, const double *numbers,
                                   int dims)
{
    const int64_t labels = (int64_t)model->labels.count, shape[2] = {labels, 1};
    float *values = mem_zero((size_t)labels, sizeof *values);

    for (int64_t k = 0; k < labels; k++)
        values[k] = (float)numbers[k];
    struct et_tensor *tensor = et_from_data(scope, values, ET_FLOAT32, shape, dims, model->parameters.device);
    free(values);
    return tensor;
}

/* The last layer's outputs become output * scale + shift, of each label; shift NULL: 0. */
static bool fold_last_layer(struct model *model, const double *scale, const double *shift,
                            struct error *error)
{
    const struct parameters *p = &model->parameters;
    size_t weight = p->count, bias = p->count;

    for (int kind = 0; kind < HEAD_COUNT && weight == p->count; kind++) {
        char *names[2] = {mem_format("%s.weight", HEAD_LAYOUTS[kind].out),
                          mem_format("%s.bias", HEAD_LAYOUTS[kind].out)};
        weight = parameters_index(p, names[0]);
        bias = parameters_index(p, names[1]);
        free(names[0]);
        free(names[1]);
    }
    if (weight == p->count)
        return error_set(error, "%s: no last layer that its outputs' scale could be put into", model->path);
    struct et_scope *scope = et_scope_open(NULL);
    bool recording = et_grad_mode(false);
    struct et_tensor *tensor = p->items[weight].tensor; /* (labels, width) */
    et_copy_(scope, tensor, et_mul(scope, tensor, per_label(model, scope, scale, 2)));
    if (bias < p->count) { /* (labels) */
        tensor = p->items[bias].tensor;
        struct et_tensor *scaled = et_mul(scope, tensor, per_label(model, scope, scale, 1));
        et_copy_(scope, tensor, shift ? et_add(scope, scaled, per_label(model, scope, shift, 1)) : scaled);
    }
    et_grad_mode(recording);
    return et_scope_close(scope, error);
}

bool model_fold_temperature(struct model *model, struct error *error)
{
    bool done = true;

    for (size_t k = 0; done && k < model->member_count; k++)
        done = model_fold_temperature(model->members[k], error);
    if (!done || model->temperature == 1)
        return done;
    double *scale = mem_zero(model->labels.count, sizeof *scale);
    for (size_t k = 0; k < model->labels.count; k++)
        scale[k] = 1 / model->temperature;
    done = fold_last_layer(model, scale, NULL, error);
    free(scale);
    model->temperature = 1;
    describe_outputs(model);
    return done;
}

bool model_fold_scale(struct model *model, struct error *error)
{
    if (model->task != REGRESSION)
        return true;
    bool done = fold_last_layer(model, model->deviations, model->means, error);
    for (size_t k = 0; k < model->labels.count; k++) {
        model->deviations[k] = 1;
        model->means[k] = 0;
    }
    describe_outputs(model);
    return done;
}

void model_probabilities(const struct model *model, float *outputs, int64_t clips)
{
    size_t labels = model->labels.count;

    for (int64_t i = 0; i < clips; i++) {
        float *row = outputs + (size_t)i * labels;
        if (model->task == SINGLE_LABEL)
            softmax(row, labels, model->temperature);
        for (size_t k = 0; model->task == MULTI_LABEL && k < labels; k++)
            row[k] = (float)(1 / (1 + exp(-(double)row[k])));
        for (size_t k = 0; model->task == REGRESSION && k < labels; k++)
            row[k] = (float)(model->means[k] + model->deviations[k] * (double)row[k]);
    }
}

static const char FROM_TABLE[] = "emotrain_features_from_table"; /* in config.json */

static void read_features(struct model *model, const struct model_source *source)
{
    const struct strings *given = source->features;
    const cJSON *saved = cJSON_GetObjectItemCaseSensitive(model->json, "emotrain_features"), *item = NULL;

    for (size_t i = 0; given && i < given->count; i++)
        strings_add(&model->features, given->items[i]);
    cJSON_ArrayForEach(item, saved)
    {
        if (!given && cJSON_IsString(item))
            strings_add(&model->features, item->valuestring);
    }
    if (model->kind->input != INPUT_FEATURES)
        return;
    model->from_table = given ? source->features_from_table
                              : cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(model->json, FROM_TABLE));
    json_put(model->json, "emotrain_features",
             cJSON_CreateStringArray((const char *const *)model->features.items, (int)model->features.count));
    json_put(model->json, FROM_TABLE, cJSON_CreateBool(model->from_table));
}

/* The kind that the settings name, or that config.json's "model_type" says. */
static const struct model_kind *find_kind(const struct model *model, const struct settings *settings,
                                          struct error *error)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(model->json, "model_type");
    const char *type = cJSON_IsString(item) ? item->valuestring : "";
    struct text known = {0};

    if (settings)
        return model_kind_of(settings, error);
    for (size_t k = 0; k < sizeof SAVED_KINDS / sizeof SAVED_KINDS[0]; k++) {
        if (SAVED_KINDS[k]->takes ? SAVED_KINDS[k]->takes(model->json)
                                  : strcmp(SAVED_KINDS[k]->model_type, type) == 0) {
            text_free(&known);
            return SAVED_KINDS[k];
        }
        text_add(&known, "%s%s", k ? ", " : "", SAVED_KINDS[k]->model_type);
    }
    error_set(error, "%s: \"model_type\" is \"%s\"; there is %s", model->path, type, known.text);
    text_free(&known);
    return NULL;
}

/* Opens the checkpoint of a model directory, if it has one. */
static bool open_weights(struct model *model, const char *directory, struct error *error)
{
    model->weights = weights_open(directory, error);
    return !error->kind;
}

/* A config.json that asks for much more than the weights hold is wrong; memory is not spent on it.  Room is
 * left for a head that begins anew. */
static bool check_size(const struct model *model, struct error *error)
{
    const int64_t room = (int64_t)1 << 26;
    int64_t held = 0, wanted = parameters_elements(&model->parameters, false);

    for (size_t i = 0; model->weights && i < model->weights->count; i++)
        held += weight_elements(model->weights->entries[i].shape, model->weights->entries[i].dims);
    return !model->weights || wanted <= held + room ||
           error_set(error, "%s: config.json asks for %lld values, where the weights hold %lld", model->path,
                     (long long)wanted, (long long)held);
}

/* Fills the parameters: from the checkpoint; what it lacks at random, where the model is to be trained. */
static bool fill_parameters(struct model *model, const struct model_source *source, const char *directory,
                            bool other_labels, struct error *error)
{
    bool trained = !source->settings;

    if (model->members)
        return true; /* they are filled */
    if (!directory && trained)
        return error_set(error, "%s: a config.json alone holds no trained weights: name a model directory",
                         model->path);
    if (!directory && model->parameters.count && *model->path)
        log_info("weights: all %zu tensors initialised at random (%s holds none)", model->parameters.count,
                 model->path);
    if (directory && !model->weights)
        return error_set(error,
                         "%s: no weights: neither model.safetensors nor pytorch_model.bin, nor an index of "
                         "either's shards, nor model.pt beside config.yaml",
                         directory);
    bool done = !directory || (load_weights(model, directory, other_labels, trained, error) &&
                               (!model->kind->load || model->kind->load(model, directory, error)));
    weights_close(model->weights);
    model->weights = NULL;
    return done && parameters_initialise(&model->parameters, source->seed, error);
}

static const char SCALE_KEY[] = "emotrain_scale"; /* in config.json, of linear.scale=speaker */

/* The layer of train.auxiliary_task. */
static bool declare_auxiliary(struct model *model, int64_t classes, struct error *error)
{
    struct parameters *p = &model->parameters;

    if (classes == 0)
        return true;
    if (!model->kind->pooled_width)
        return error_usage(error,
                           "train.auxiliary_task: model.kind=%s has no pooled vector to learn it from; "
                           "encoder and cnn have",
                           model->kind->name);
    const int64_t width = model->kind->pooled_width(model), weight[4] = {classes, width}, bias[4] = {classes};
    model->auxiliary_weight =
        parameters_add(p, false, INIT_NORMAL, 1 / sqrt((double)width), weight, "auxiliary.weight");
    model->auxiliary_bias = parameters_add(p, false, INIT_ZEROS, 0, bias, "auxiliary.bias");
    return true;
}

static bool is_auxiliary(const struct model *model, size_t i)
{
    return model->auxiliary_weight && (i == model->auxiliary_weight || i == model->auxiliary_bias);
}

bool model_trains_pooled(const struct model *model)
{
    const struct parameters *p = &model->parameters;

    for (size_t i = 0; model->kind->reaches_pooled && i < p->count; i++)
        if (p->items[i].trainable && model->kind->reaches_pooled(model, i))
            return true;
    return false;
}

void forward_show_pooled(const struct forward_mode *mode, const struct et_tensor *pooled)
{
    if (mode->observe)
        mode->observe(mode->context, "pooled", pooled);
    if (mode->pooled)
        *mode->pooled = pooled;
}

bool model_describes_sounds(const struct model *model, struct error *error)
{
    return !model->from_table ||
           error_usage(
               error,
               "%s: was trained on a table (linear.features), and how its features were made of sounds is "
               "not known: linear.features=egemaps makes a model that takes in sounds",
               model->path);
}

bool model_stands_alone(const struct model *model, struct error *error)
{
    return !model->by_speaker ||
           error_usage(error,
                       "%s: its features are standardised over all recordings of a speaker "
                       "(linear.scale=speaker), so it cannot predict a recording by itself; "
                       "linear.scale=standard makes a model that can",
                       model->path);
}

/* What emotrain itself writes into config.json is never null: a null would silently be taken for a default.
 */
static bool check_own_entries(const struct model *model, struct error *error)
{
    const cJSON *entry = NULL;

    cJSON_ArrayForEach(entry, model->json)
    {
        if (cJSON_IsNull(entry) && text_starts(entry->string, "emotrain_"))
            return error_set(error, "%s: \"%s\" is null", model->path, entry->string);
    }
    return true;
}

/* Whether training leaves the parameter as it is; a head is always trained, measured or fitted. */
static bool stays(const struct model *model, size_t i)
{
    const struct parameter *p = &model->parameters.items[i];
    const struct model_kind *kind = model->kind;
    bool of_head = kind->layers_above ? kind->layers_above(model, i) < 0 : kind->fit != NULL;

    return !p->trainable && !p->is_buffer && !p->training_only && !of_head;
}

/* What is initialised at random must be trained, or predictions would come from chance.  A feature encoder
 * alone may stay so, below layers that learn to read it, as benchmarks without a checkpoint do: the report
 * says it.
 */
static bool check_frozen(struct model *model, const struct model_settings *settings, struct error *error)
{
    bool adapts = settings->lora_rank > 0; /* and freezes all else */
    bool of_features = strcmp(settings->freeze, "feature_encoder") == 0 && !adapts && !model->kind->fit;

    for (size_t i = 0; i < model->parameters.count; i++) {
        const struct parameter *p = &model->parameters.items[i];
        if (!stays(model, i) || p->loaded || p->may_lack)
            continue;
        model->untrained += et_numel(p->tensor);
        if (!of_features)
            return error_usage(
                error,
                "%s has no %s, which would stay as it is initialised at random (model.freeze=%s): name a "
                "model with weights in model.pretrained%s",
                model->path, p->name, settings->freeze,
                model->kind->fit ? ""
                : adapts         ? ", or train it with model.lora_rank=0 and model.freeze=none"
                                 : ", or train it with model.freeze=none");
    }
    if (model->untrained)
        log_warn("the feature encoder is initialised at random and stays so (model.freeze=feature_encoder): "
                 "model.freeze=none trains it");
    return true;
}

static bool set_up(struct model *model, const struct model_source *source, const char *directory,
                   struct error *error)
{
    const struct model_settings *settings = source->settings ? &source->settings->model : NULL;
    const struct audio_settings *audio = source->settings ? &source->settings->audio : NULL;
    bool other_labels;

    if (directory &&
        (!open_weights(model, directory, error) || !known_clips_read(&model->known_clips, directory, error)))
        return false;
    model->kind = find_kind(model, source->settings, error);
    model->by_speaker =
        source->settings
            ? source->settings->linear.scale == LINEAR_SCALE_SPEAKER && strcmp(settings->kind, "linear") == 0
            : text_equal(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(model->json, SCALE_KEY)),
                         "speaker");
    cJSON_DeleteItemFromObjectCaseSensitive(model->json, SCALE_KEY);
    if (model->by_speaker)
        json_put(model->json, SCALE_KEY, cJSON_CreateString("speaker"));
    model->gradient_checkpointing = settings && settings->gradient_checkpointing;
    if (!settings && !check_own_entries(model, error))
        return false;
    if (model->kind == &MODEL_ENSEMBLE && source->is_member)
        return error_set(error, "%s: an ensemble in an ensemble", model->path);
    if (!model->kind || !read_labels(model, source->labels, &other_labels, error) ||
        !read_task(model, settings, error) || !read_pooling(model, settings, error) ||
        !read_preprocessing(model, directory, audio, error) ||
        (read_features(model, source), !model->kind->open(model, settings, error)) ||
        !declare_auxiliary(model, source->auxiliary_classes, error) || !check_size(model, error) ||
        !parameters_allocate(&model->parameters, error))
        return false;
    describe_config(model);
    if (settings && settings->lora_rank > 0 && !model->kind->save_parameter)
        return error_usage(error, "model.lora_rank: model.kind=%s has no adapters; encoder has",
                           model->kind->name);
    if (settings && settings->head_scale != SCALE_NONE && !model->kind->scale)
        return error_usage(error, "model.head_scale: model.kind=%s scales nothing; encoder does",
                           model->kind->name);
    if (settings && strcmp(settings->layer, "last") != 0 && !model->kind->takes)
        log_warn("model.layer: model.kind=%s has no layers to choose; encoder has", model->kind->name);
    if (settings && !isnan(settings->context_seconds) && !model->kind->takes)
        return error_usage(error, "model.context_seconds: model.kind=%s has no context; Whisper has",
                           model->kind->name);
    return fill_parameters(model, source, directory, other_labels, error) &&
           (!settings ||
            (model->kind->freeze(model, settings->freeze, error) && check_frozen(model, settings, error))) &&
           parameters_apply_trainable(&model->parameters, -1, error);
}

/* config.json, or what stands in its place in other layouts; an empty object where a kind needs no files. */
static cJSON *read_config(const char *directory, const char *config_path, struct error *error)
{
    if (!config_path)
        return cJSON_CreateObject();
    bool there = path_exists(config_path);
    if (directory && !there && emotion2vec_is(directory))
        return emotion2vec_read_config(directory, error);
    cJSON *json = there || !directory ? json_read(config_path, error) : cJSON_CreateObject();
    if (!json || !directory || published_complete(json, directory, error))
        return json;
    cJSON_Delete(json);
    return NULL;
}

struct model *model_open(const struct model_source *source, struct error *error)
{
    char *directory = NULL, *config_path = NULL;
    struct model *model = mem_zero(1, sizeof *model);

    model->path = mem_string(source->path);
    model->trained = !source->settings;
    parameters_start(&model->parameters, source->device);
    const struct model_kind *kind = source->settings ? model_kind_of(source->settings, error) : NULL;
    bool done = (kind || !source->settings) &&
                find_files(source->path, kind && kind->needs_no_files, &directory, &config_path, error) &&
                (model->json = read_config(directory, config_path, error)) &&
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
    known_clips_free(&model->known_clips);
    weights_close(model->weights);
    cJSON_Delete(model->json);
    preprocessing_free(&model->sound);
    free(model->path);
    free(model);
}

static const char *model_type(const cJSON *config)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "model_type"));
}

/* The labels must be the model's, and the family of the encoder: shapes alone fit others too. */
static bool check_head(const struct model *model, const cJSON *json, const char *directory,
                       struct error *error)
{
    struct strings labels = {0};

    saved_labels(json, &labels);
    bool same = strings_equal(&labels, &model->labels);
    strings_free(&labels);
    if (!same)
        return error_usage(error, "model.head_from: %s predicts other labels", directory);
    if (!text_equal(model_type(json), model_type(model->json)))
        return error_usage(error, "model.head_from: the head of %s is another encoder's", directory);
    const cJSON *theirs = cJSON_GetObjectItemCaseSensitive(json, "emotrain_context_seconds"),
                *ours = cJSON_GetObjectItemCaseSensitive(model->json, "emotrain_context_seconds");
    if (theirs && ours && theirs->valuedouble != ours->valuedouble)
        log_warn("model.head_from: %s was fitted to clips padded to %g s, and here they are padded to %g s: "
                 "model.context_seconds=%g is what it had",
                 directory, theirs->valuedouble, ours->valuedouble, theirs->valuedouble);
    return true;
}

bool model_take_head(struct model *model, const char *directory, struct error *error)
{
    if (!model->kind->layers_above)
        return error_usage(error, "model.head_from: model.kind=%s has no head of its own; encoder has",
                           model->kind->name);
    char *config = path_join(directory, "config.json");
    cJSON *json = json_read(config, error);
    struct weights *weights = json ? weights_open(directory, error) : NULL;
    size_t taken = 0;
    bool done =
        weights != NULL || error->kind || error_set(error, "model.head_from: %s has no weights", directory);

    if (done && weights)
        done = check_head(model, json, directory, error);
    for (size_t i = 0; done && weights && i < model->parameters.count; i++) {
        struct parameter *p = &model->parameters.items[i];
        size_t k = weights_index(weights, p->name);
        if (is_auxiliary(model, i) || model->kind->layers_above(model, i) >= 0)
            continue;
        done = (k < weights->count && weight_fits(&weights->entries[k], p->tensor)) ||
               error_usage(error,
                           "model.head_from: %s has no %s of this shape: another encoder's, or another head",
                           directory, p->name);
        done = done && weights_copy(weights, k, p->tensor, error);
        p->loaded = p->loaded || done;
        taken += done;
    }
    if (done && !error->kind)
        log_info("head: %zu tensors from %s", taken, directory);
    done = done && !error->kind && known_clips_read(&model->known_clips, directory, error);
    weights_close(weights);
    cJSON_Delete(json);
    free(config);
    return done && !error->kind;
}

void model_forget_scale(struct model *model)
{
    size_t mean, deviation;

    if (model->kind->scale && model->kind->scale(model, &mean, &deviation))
        model->parameters.items[mean].loaded = model->parameters.items[deviation].loaded = false;
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

const char *model_build_onnx(const struct model *model, struct onnx *graph, const char *samples)
{
    const char *outputs = model->kind->build_onnx ? model->kind->build_onnx(model, graph, samples) : NULL;

    return model->members || !outputs ? outputs : build_outputs(model, graph, outputs);
}

/* The first that has no graph: the model, or one of its members; NULL: all have one. */
static const struct model *without_onnx(const struct model *model)
{
    const struct model *first = model->kind->build_onnx ? NULL : model;

    for (size_t k = 0; !first && k < model->member_count; k++)
        first = without_onnx(model->members[k]);
    return first;
}

bool model_write_onnx(const struct model *model, const char *path, struct error *error)
{
    const struct model *without = without_onnx(model);
    char rate[24];
    struct text labels = {0}, thresholds = {0};
    struct onnx graph;

    if (without)
        return error_usage(error, "model.kind=%s cannot be written in ONNX; encoder can",
                           without->kind->name);
    snprintf(rate, sizeof rate, "%d", model->sound.sample_rate);
    for (size_t k = 0; k < model->labels.count; k++) {
        char threshold[TEXT_NUMBER_SIZE];
        text_add(&labels, "%s", k ? "," : "");
        csv_add_field(&labels, model->labels.items[k]);
        text_add(&thresholds, "%s%s", k ? "," : "", text_from_number(threshold, model->thresholds[k]));
    }
    const char *const notes[] = {"labels",
                                 labels.text,
                                 "sample_rate",
                                 rate,
                                 "task",
                                 TASKS[model->task].name,
                                 model->task == MULTI_LABEL ? "thresholds" : NULL,
                                 thresholds.text,
                                 NULL};
    bool recording = et_grad_mode(false);
    onnx_start(&graph);
    const char *outputs = model_build_onnx(model, &graph, "samples");
    bool done = onnx_write(&graph, path, outputs, model->task == REGRESSION ? "numbers" : "probabilities",
                           (int64_t)model->labels.count, notes, error);
    onnx_free(&graph);
    et_grad_mode(recording);
    text_free(&labels);
    text_free(&thresholds);
    return done;
}

bool model_save_preprocessing(const struct model *model, const char *directory, struct error *error)
{
    const cJSON *mask = cJSON_GetObjectItemCaseSensitive(model->json, "emotrain_attention_mask");
    cJSON *json = cJSON_CreateObject();

    if (model->kind->describe_extractor)
        model->kind->describe_extractor(model, json);
    else
        cJSON_AddStringToObject(json, "feature_extractor_type", model->kind->extractor);
    if (!cJSON_HasObjectItem(json, "feature_size"))
        cJSON_AddNumberToObject(json, "feature_size", 1);
    cJSON_AddStringToObject(json, "padding_side", "right");
    cJSON_AddNumberToObject(json, "padding_value", 0);
    cJSON_AddBoolToObject(json, "return_attention_mask", mask && text_equal(mask->valuestring, "yes"));
    bool done = preprocessing_write(&model->sound, json, directory, error);
    cJSON_Delete(json);
    return done;
}

bool model_save_config(const struct model *model, const char *directory, struct error *error)
{
    char *path = path_join(directory, "config.json");

    describe_outputs(model);
    if (model->kind->describe_model) /* which may depend on the outputs' scale */
        model->kind->describe_model(model, model->json);
    bool done = json_write(path, model->json, error);
    free(path);
    return done;
}

/* Fills in how parameter i is written; false: it is not. */
static bool describe_parameter(const struct model *model, size_t i, struct named_tensor *entry)
{
    *entry = (struct named_tensor){.name = model->parameters.items[i].name,
                                   .tensor = model->parameters.items[i].tensor};
    return !is_auxiliary(model, i) &&
           (!model->kind->save_parameter || model->kind->save_parameter(model, i, entry));
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
                known_clips_write(&model->known_clips, directory, error) &&
                (model->members || safetensors_write(weights, tensors, count, error)) &&
                (!model->kind->save || model->kind->save(model, directory, error));
    free(weights);
    free(tensors);
    return done;
}
