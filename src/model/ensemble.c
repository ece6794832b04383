/* Several models as one: see ensemble.h. */
#include "model/ensemble.h"

#include "audio/egemaps/egemaps.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char WEIGHTS[] = "emotrain_weights";

static char *member_folder(const char *directory, size_t k)
{
    return mem_format("%s/member-%zu", directory, k + 1);
}

bool ensemble_is(const char *directory)
{
    struct error unread = {0};
    char *path = path_join(directory, "config.json"), *folder = member_folder(directory, 0);
    cJSON *json = json_read(path, &unread);
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "model_type"));
    bool is = path_is_folder(folder) || text_equal(type, MODEL_ENSEMBLE.model_type);

    cJSON_Delete(json);
    free(folder);
    free(path);
    return is;
}

static bool takes_sounds(const struct model *model, struct error *error)
{
    if (model->kind->input == INPUT_TEXT)
        return error_usage(error, "%s: takes in texts: members of an ensemble take in sounds", model->path);
    if (model->members)
        return error_usage(error, "%s: is an ensemble itself: name its members", model->path);
    if (!model_describes_sounds(model, error))
        return false;
    if (model->kind->input == INPUT_FEATURES && strings_index(&model->features, EGEMAPS_NAMES[0]) != 0)
        return error_usage(error, "%s: takes in a table of features: members of an ensemble take in sounds",
                           model->path);
    if (model->sound.sample_rate == 0)
        return error_usage(
            error,
            "%s: takes in sounds at any rate (audio.sample_rate=native): members of an ensemble "
            "take in one",
            model->path);
    return model_stands_alone(model, error);
}

bool ensemble_fits(const struct model *a, const struct model *b, struct error *error)
{
    if (!takes_sounds(a, error) || !takes_sounds(b, error))
        return false;
    if (a->task != b->task || !strings_equal(&a->labels, &b->labels))
        return error_usage(error, "%s and %s predict other labels", a->path, b->path);
    return a->sound.sample_rate == b->sound.sample_rate ||
           error_usage(error, "%s takes in sounds at %d Hz, %s at %d Hz", a->path, a->sound.sample_rate,
                       b->path, b->sound.sample_rate);
}

/* ---- opening ---- */

static bool read_weights(struct model *model, struct error *error)
{
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(model->json, WEIGHTS), *item = NULL;
    int count = cJSON_GetArraySize(array);
    double sum = 0;
    bool good = count >= 2 && count <= ENSEMBLE_MOST;

    model->weights_of_members = mem_zero(ENSEMBLE_MOST, sizeof *model->weights_of_members);
    cJSON_ArrayForEach(item, array)
    {
        good = good && cJSON_IsNumber(item) && item->valuedouble >= 0;
        if (good)
            sum += model->weights_of_members[model->member_count++] = item->valuedouble;
    }
    return (good && fabs(sum - 1) < 1e-6) ||
           error_set(error, "%s: \"%s\" must be 2 to %d numbers from 0 that sum to 1", model->path, WEIGHTS,
                     ENSEMBLE_MOST);
}

static bool open_member(struct model *model, size_t k, struct error *error)
{
    char *folder = member_folder(model->path, k);
    const struct model_source source = {
        .path = folder, .device = model->parameters.device, .is_member = true};
    struct model *member = NULL;

    if (path_is_folder(folder))
        member = model->members[k] = model_open(&source, error);
    else
        error_set(error, "%s: is missing: the ensemble is damaged", folder);

    free(folder);
    if (!member || !ensemble_fits(model->members[0], member, error))
        return false;
    known_clips_add(&model->known_clips, member->known_clips.keys, member->known_clips.count);
    if (member->minimum_samples > model->minimum_samples)
        model->minimum_samples = member->minimum_samples;
    if (member->maximum_samples > 0 &&
        (model->maximum_samples == 0 || member->maximum_samples < model->maximum_samples))
        model->maximum_samples = member->maximum_samples;
    return true;
}

/* Each member has a weight. */
static bool check_no_more(const struct model *model, struct error *error)
{
    char *folder = member_folder(model->path, model->member_count);
    bool more = path_is_folder(folder);

    free(folder);
    return !more || error_set(error, "%s: \"%s\" has %zu numbers, and there are more members", model->path,
                              WEIGHTS, model->member_count);
}

static bool ensemble_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    bool done = read_weights(model, error) && check_no_more(model, error);

    (void)settings; /* it is not trained */
    model->members = mem_zero(ENSEMBLE_MOST, sizeof(struct model *));
    for (size_t k = 0; done && k < model->member_count; k++)
        done = open_member(model, k, error);
    if (!done)
        return false;
    model->sound.normalize = false;
    return (model->task == model->members[0]->task &&
            strings_equal(&model->labels, &model->members[0]->labels) &&
            model->sound.sample_rate == model->members[0]->sound.sample_rate) ||
           error_set(error, "%s: its labels, task or sampling rate are not its members'", model->path);
}

static void ensemble_close(struct model *model)
{
    for (size_t k = 0; model->members && k < model->member_count; k++)
        model_close(model->members[k]);
    free(model->members);
    free(model->weights_of_members);
}

/* ---- saving ---- */

static bool save_members(const char *directory, struct model *const *members, size_t count,
                         struct error *error)
{
    bool done = true;

    for (size_t k = 0; done && k < count; k++) {
        char *folder = member_folder(directory, k);
        done =
            folder_make(folder, error) && model_save(members[k], folder, error) && folder_sync(folder, error);
        free(folder);
    }
    return done;
}

static bool ensemble_save(const struct model *model, const char *directory, struct error *error)
{
    return save_members(directory, model->members, model->member_count, error);
}

/* What model_open needs to know; it completes the rest. */
static bool write_config(const char *directory, const struct model *first, const double *weights,
                         size_t count, struct error *error)
{
    cJSON *json = cJSON_CreateObject(), *labels = cJSON_AddObjectToObject(json, "id2label");
    char *path = path_join(directory, "config.json");

    for (size_t k = 0; k < first->labels.count; k++) {
        char key[24];
        snprintf(key, sizeof key, "%zu", k);
        cJSON_AddStringToObject(labels, key, first->labels.items[k]);
    }
    cJSON_AddStringToObject(json, "model_type", MODEL_ENSEMBLE.model_type);
    cJSON_AddStringToObject(json, "problem_type", TASKS[first->task].problem_type);
    cJSON_AddItemToObject(json, WEIGHTS, cJSON_CreateDoubleArray(weights, (int)count));
    bool done = json_write(path, json, error);
    cJSON_Delete(json);
    free(path);
    return done;
}

static bool write_preprocessing(const char *directory, const struct model *first, struct error *error)
{
    struct model all = {.kind = &MODEL_ENSEMBLE, .sound = first->sound};

    all.sound.normalize = false; /* each member does as it needs */

    return model_save_preprocessing(&all, directory, error);
}

bool ensemble_write(const char *directory, struct model *const *members, const double *weights, size_t count,
                    struct error *error)
{
    return save_members(directory, members, count, error) &&
           write_preprocessing(directory, members[0], error) &&
           write_config(directory, members[0], weights, count, error);
}

/* ---- ONNX ---- */

static const char *ensemble_onnx(const struct model *model, struct onnx *graph, const char *samples)
{
    const char *sum = NULL;

    for (size_t k = 0; k < model->member_count; k++) {
        const char *outputs = onnx_binary(graph, "Mul", model_build_onnx(model->members[k], graph, samples),
                                          onnx_number(graph, model->weights_of_members[k]));
        sum = k ? onnx_binary(graph, "Add", sum, outputs) : outputs;
    }
    return sum;
}

const struct model_kind MODEL_ENSEMBLE = {
    .name = "ensemble",
    .summary = "several trained models as one",
    .model_type = "ensemble",
    .architecture = "EmotrainEnsemble",
    .extractor = "EmotrainWaveform",
    .input = INPUT_WAVEFORM,
    .open = ensemble_open,
    .close = ensemble_close,
    .build_onnx = ensemble_onnx,
    .save = ensemble_save,
};
