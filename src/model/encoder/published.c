/* Layouts of published emotion models: see published.h. */
#include "model/encoder/published.h"

#include "base/files.h"
#include "base/text.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

/* Encoders by their names on the hub: what their config.json has other than transformers' defaults. */
static const struct {
    const char *name, *config;
} ENCODERS[] = {
    {"microsoft/wavlm-large",
     "{\"model_type\": \"wavlm\", \"hidden_size\": 1024, \"num_hidden_layers\": 24, \"num_attention_heads\": "
     "16, "
     "\"intermediate_size\": 4096, \"feat_extract_norm\": \"layer\", \"do_stable_layer_norm\": true}"},
    {"facebook/wav2vec2-base", "{\"model_type\": \"wav2vec2\"}"}};

/* Adds what `json` lacks. */
static void add_missing(cJSON *json, const cJSON *defaults)
{
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, defaults)
    {
        if (!cJSON_HasObjectItem(json, item->string))
            json_put(json, item->string, cJSON_Duplicate(item, true));
    }
}

static void add_text(cJSON *json, const char *name, const char *text)
{
    if (!cJSON_HasObjectItem(json, name))
        json_put(json, name, cJSON_CreateString(text));
}

static bool add_encoder(cJSON *json, const char *name, struct error *error)
{
    struct text known = {0};

    for (size_t i = 0; i < sizeof ENCODERS / sizeof ENCODERS[0]; i++) {
        if (strcmp(ENCODERS[i].name, name) == 0) {
            cJSON *defaults = cJSON_Parse(ENCODERS[i].config);
            json_put(json, "model_type", /* not that of the whole model */
                     cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(defaults, "model_type"), true));
            add_missing(json, defaults);
            cJSON_Delete(defaults);
            text_free(&known);
            return true;
        }
        text_add(&known, "%s%s", i ? ", " : "", ENCODERS[i].name);
    }
    error_set(error, "it is built on \"%s\", whose sizes are not known here; known are %s", name, known.text);
    text_free(&known);
    return false;
}

/* ---- Odyssey ---- */

/* Its signals are (x - mean) / (std + 1e-6), of all training clips. */
static const double DEVIATION_FLOOR = 1e-6;

static bool complete_odyssey(cJSON *json, struct error *error)
{
    const char *encoder = "";
    double mean = 0, deviation = 1;
    int64_t hidden_layers = 1;

    if (!json_string(json, "ssl_type", &encoder, error) || !json_number(json, "mean", &mean, error) ||
        !json_number(json, "std", &deviation, error) ||
        !json_integer(json, "classifier_hidden_layers", &hidden_layers, error) ||
        !add_encoder(json, encoder, error))
        return false;
    if (!cJSON_HasObjectItem(json, "mean") || !cJSON_HasObjectItem(json, "std"))
        return error_set(error, "no \"mean\" and \"std\" of the signals that it was trained on");
    if (!(deviation >= 0))
        return error_set(error, "\"std\" is %g", deviation);
    if (hidden_layers != 1)
        return error_set(error, "\"classifier_hidden_layers\" is %lld; 1 is supported",
                         (long long)hidden_layers);
    json_put(json, "emotrain_signal_mean", cJSON_CreateNumber(mean));
    json_put(json, "emotrain_signal_deviation", cJSON_CreateNumber(deviation + DEVIATION_FLOOR));
    json_put(json, "emotrain_attention_width",
             cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(json, "hidden_size"), true));
    add_text(json, "pooling_mode", "attentive_statistics");
    cJSON_DeleteItemFromObjectCaseSensitive(json, "ssl_type"); /* it is read now: a copy is like others */
    return true;
}

/* ---- SpeechBrain ---- */

static char *find_file(const char *directory, const char *name)
{
    char *path = path_join(directory, name);

    if (path_exists(path))
        return path;
    free(path);
    return NULL;
}

bool published_is(const char *directory)
{
    char *recipe = find_file(directory, "hyperparams.yaml"), *encoder = find_file(directory, "wav2vec2.ckpt"),
         *head = find_file(directory, "model.ckpt");
    bool is = recipe && encoder && head;

    free(recipe);
    free(encoder);
    free(head);
    return is;
}

/* label_encoder.txt: lines like 'neu' => 0, up to a line of equals signs. */
static bool read_labels(cJSON *json, const char *directory, struct error *error)
{
    char *path = path_join(directory, "label_encoder.txt"), *text = file_read(path, NULL, error);
    cJSON *labels = text ? cJSON_CreateObject() : NULL;
    char label[64];
    int number;

    for (char *line = text, *end; line && *line && *line != '='; line = end) {
        char key[16];
        end = line + strcspn(line, "\r\n");
        end += *end ? (*end = '\0', 1) : 0;
        if (*line && sscanf(line, "'%63[^']' => %d", label, &number) != 2) {
            error_set(error, "%s: \"%s\" is not like 'neu' => 0", path, line);
            break;
        }
        snprintf(key, sizeof key, "%d", number);
        if (*line)
            json_put(labels, key, cJSON_CreateString(label));
    }
    if (labels)
        json_put(json, "id2label", labels);
    free(text);
    free(path);
    return !error->kind;
}

static bool complete_speechbrain(cJSON *json, const char *directory, struct error *error)
{
    char *path = path_join(directory, "hyperparams.yaml");
    cJSON *yaml = yaml_read(path, error);
    const cJSON *encoder = cJSON_GetObjectItemCaseSensitive(yaml, "wav2vec2_hub"),
                *pool = cJSON_GetObjectItemCaseSensitive(yaml, "avg_pool"),
                *norm = json_at(yaml, "wav2vec2", "output_norm");
    bool done = yaml != NULL;

    if (yaml && (!cJSON_IsString(encoder) || !cJSON_HasObjectItem(pool, "return_std") ||
                 cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(pool, "return_std"))))
        done = error_set(error, "no recipe for emotions of clips: it lacks \"wav2vec2_hub\", or an "
                                "\"avg_pool\" of the mean over time");
    done = done && add_encoder(json, encoder->valuestring, error);
    if (done) {
        add_text(json, "emotrain_head", "linear");
        json_put(json, "emotrain_output_norm", cJSON_CreateBool(cJSON_IsTrue(norm)));
    }
    if (!done)
        error_prefix(error, "%s", path);
    cJSON_Delete(yaml);
    free(path);
    return done && read_labels(json, directory, error);
}

/* ---- both ---- */

bool published_complete(cJSON *json, const char *directory, struct error *error)
{
    if (cJSON_HasObjectItem(json, "ssl_type"))
        return complete_odyssey(json, error) || error_prefix(error, "%s", directory);
    return !published_is(directory) || complete_speechbrain(json, directory, error);
}

static const char SPEECHBRAIN_OUT[] = "0.w.weight";

const char *published_rename(const char *name, char buffer[256])
{
    static const char *const forms[][2] = {{"ssl_model.", ""},
                                           {"pool_model.sap_linear.", "pooling.hidden."},
                                           {"pool_model.attention", "pooling.score.weight"},
                                           {SPEECHBRAIN_OUT, "classifier.out_proj.weight"}};

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (text_starts(name, forms[i][0])) {
            snprintf(buffer, 256, "%s%s", forms[i][1], name + strlen(forms[i][0]));
            return buffer;
        }
    return name;
}

bool published_has_no_bias(const char *weight)
{
    return strcmp(weight, SPEECHBRAIN_OUT) == 0;
}
