/*
 * model.kind=encoder: which families there are, what is declared, frozen and written of all of them, and how
 * checkpoints name it; encoder_config.c reads config.json, encoder_forward.c computes.
 */
#include "model/encoder/encoder.h"

#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "model/encoder/emotion2vec.h"
#include "model/encoder/mel_frontend.h"
#include "model/encoder/published.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct encoder_family *const FAMILIES[] = {
    &FAMILY_WAV2VEC2,           &FAMILY_HUBERT,        &FAMILY_WAVLM,
    &FAMILY_UNISPEECH,          &FAMILY_UNISPEECH_SAT, &FAMILY_DATA2VEC_AUDIO,
    &FAMILY_WAV2VEC2_CONFORMER, &FAMILY_WAV2VEC2_BERT, &FAMILY_WHISPER,
    &FAMILY_EMOTION2VEC};

const double ENCODER_OUTPUT_NORM_EPS = 1e-5;

enum { FAMILY_COUNT = sizeof FAMILIES / sizeof FAMILIES[0] };

const struct encoder_family *encoder_family_find(const char *model_type)
{
    for (int i = 0; i < FAMILY_COUNT; i++)
        if (strcmp(FAMILIES[i]->model_type, model_type) == 0)
            return FAMILIES[i];
    return NULL;
}

int encoder_family_count(void)
{
    return FAMILY_COUNT;
}

const char *encoder_layers_stem(const struct encoder *encoder)
{
    return encoder->family->layers ? encoder->family->layers : "encoder.layers.";
}

/* What config.json says of models that were published in other layouts (published.h). */
static const char SIGNAL_MEAN[] = "emotrain_signal_mean", SIGNAL_DEVIATION[] = "emotrain_signal_deviation",
                  OUTPUT_NORM[] = "emotrain_output_norm", COMBINE[] = "emotrain_combine";

static bool read_published(struct encoder *e, const struct model *model, struct error *error)
{
    return json_number(model->json, SIGNAL_MEAN, &e->signal_mean, error) &&
           json_number(model->json, SIGNAL_DEVIATION, &e->signal_deviation, error) &&
           json_bool(model->json, OUTPUT_NORM, &e->norms_output, error) &&
           (e->signal_deviation >= 0 ||
            error_set(error, "\"%s\" is %g", SIGNAL_DEVIATION, e->signal_deviation)) &&
           (e->signal_deviation == 0 || e->front ||
            error_set(error, "\"%s\": a %s scales no signals", SIGNAL_DEVIATION, e->family->model_type));
}

/* The family that config.json says; wav2vec 2.0 where it says nothing. */
static const struct encoder_family *family_of(const cJSON *json)
{
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(json, "model_type");

    return cJSON_IsString(type) ? encoder_family_find(type->valuestring) : &FAMILY_WAV2VEC2;
}

static bool takes(const cJSON *json)
{
    return family_of(json) != NULL;
}

static bool normalizes(const cJSON *json)
{
    const struct encoder_family *family = family_of(json);

    return family && family->normalizes && !cJSON_HasObjectItem(json, SIGNAL_MEAN);
}

static bool choose_family(struct encoder *encoder, const cJSON *json, struct error *error)
{
    const char *type = "";

    encoder->family = family_of(json);
    return encoder->family ||
           (json_string(json, "model_type", &type, error) &&
            error_set(error, "\"model_type\" is \"%s\"; encoders are %s", type, MODEL_ENCODER.model_type));
}

static bool has_prefix(const char *name, const char *const *prefixes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_starts(name, prefixes[i]))
            return true;
    return false;
}

/* ---- parameters ---- */

/* What adapters go by; behind the dot, what model.lora_targets calls them. */
static const char *const ADAPTABLE_NAMES[ADAPTABLE] = {
    [QUERY] = "attention.q_proj",
    [KEY] = "attention.k_proj",
    [VALUE] = "attention.v_proj",
    [OUT] = "attention.out_proj",
    [FEED_FORWARD_IN] = "feed_forward.intermediate_dense",
    [FEED_FORWARD_OUT] = "feed_forward.output_dense",
    [SECOND_IN] = "feed_forward_2.intermediate_dense",
    [SECOND_OUT] = "feed_forward_2.output_dense",
};
static const char LORA_TARGETS[] = "q_proj, k_proj, v_proj, out_proj, intermediate_dense, output_dense";

/* Adapters begin at no change: the down projection as a linear layer does, the up projection at zero. */
static void declare_adapters(struct encoder *e, struct parameters *p, int64_t i)
{
    for (int k = 0; k < ADAPTABLE; k++) {
        struct affine *layer = e->adaptable[i].items[k];
        if (!layer || !e->wants_adapter[k])
            continue;
        const int64_t *shape = p->items[layer->weight].shape, down[4] = {e->adapter_rank, shape[1]},
                      up[4] = {shape[0], e->adapter_rank};
        double scale = 1 / sqrt((double)shape[1]); /* taken now: `shape` moves as parameters are added */
        layer->has_adapter = true;
        layer->adapter.down =
            parameters_add(p, false, INIT_UNIFORM, scale, down, "%s%s%lld.%s.lora_A.weight",
                           e->family->prefix, encoder_layers_stem(e), (long long)i, ADAPTABLE_NAMES[k]);
        layer->adapter.up =
            parameters_add(p, false, INIT_ZEROS, 0, up, "%s%s%lld.%s.lora_B.weight", e->family->prefix,
                           encoder_layers_stem(e), (long long)i, ADAPTABLE_NAMES[k]);
    }
}

/* Values of the head's dense layer: config.json's classifier_proj_size of a projector, as many as a trained
 * head has, else the hidden size. */
static bool head_width(const struct encoder *e, const struct model *model, bool trained, enum head_kind head,
                       int64_t *width, struct error *error)
{
    const struct head_layout *layout = &HEAD_LAYOUTS[head];

    *width = head == HEAD_PROJECTOR ? 256 : e->config.hidden_size;
    if (head == HEAD_PROJECTOR)
        return encoder_config_size(model->json, "classifier_proj_size", width, 1 << 16, error);
    if (!trained || !model->weights || !layout->dense)
        return true;
    char *name = mem_format("%s.weight", layout->dense);
    size_t i = weights_index(model->weights, name);
    if (i < model->weights->count && model->weights->entries[i].dims > 0)
        *width = model->weights->entries[i].shape[0];
    free(name);
    return (*width > 0 && *width <= 1 << 16) ||
           error_set(error, "its head's dense layer is %lld wide", (long long)*width);
}

/* Whether the layers side by side have a classifier each, whose probabilities are averaged. */
static bool combines_mean(const cJSON *json)
{
    const cJSON *combine = cJSON_GetObjectItemCaseSensitive(json, COMBINE);

    return cJSON_IsString(combine) && strcmp(combine->valuestring, "mean") == 0;
}

static void declare(struct encoder *e, struct model *model, enum head_kind head, int64_t width, bool scales,
                    bool other_head)
{
    const struct encoder_config *c = &e->config;
    struct parameters *p = &model->parameters;
    const int64_t embedding[4] = {c->hidden_size};

    if (e->has_mask_embedding) {
        e->mask_embedding =
            parameters_add(p, false, INIT_UNIT, 0, embedding, "%smasked_spec_embed", e->family->prefix);
        p->items[e->mask_embedding].training_only = true;
    }
    e->adaptable = mem_zero((size_t)c->num_hidden_layers, sizeof *e->adaptable);
    e->family->declare(e, p);
    for (int64_t i = 0; i < c->num_hidden_layers; i++) {
        e->family->declare_layer(e, p, i);
        declare_adapters(e, p, i);
    }
    e->merges = mem_zero(p->count, sizeof *e->merges);
    e->pooling = p->count;
    int64_t pooled = layer_mix_count(&e->mix) * c->hidden_size;
    if (model->pooling->declare)
        model->pooling->declare(p, pooled, model->attention_width, c->initializer_range);
    head_declare(&e->head, p, head, model->pooling->outputs * pooled, width, (int64_t)model->labels.count,
                 c->initializer_range, c->final_dropout);
    if (other_head)
        p->items[e->head.out_weight].begins_anew = p->items[e->head.out_bias].begins_anew = true;
    if (other_head && e->head.layout->dense)
        p->items[e->head.dense_weight].begins_anew = p->items[e->head.dense_bias].begins_anew = true;
    if (other_head && e->head.layout->norm)
        p->items[e->head.norm_weight].begins_anew = p->items[e->head.norm_bias].begins_anew = true;
    for (size_t i = 0; model->weights && i < model->weights->count; i++)
        if (published_has_no_bias(model->weights->entries[i].name))
            p->items[e->head.out_bias].may_lack = true;
    if (combines_mean(model->json))
        head_declare_members(&e->head, p, layer_mix_count(&e->mix), model->pooling->outputs);
    if (scales)
        head_declare_scale(&e->head, p, model->pooling->outputs * pooled);
}

/* ---- opening ---- */

/* attention_mask: yes, no, or auto: hidden, but for group-norm checkpoints pooled over padding, which are
 * what the reference ran without a mask. */
static bool hides_padding(const struct model *model, const struct encoder *e, const char *setting)
{
    if (strcmp(setting, "auto") != 0)
        return strcmp(setting, "yes") == 0;
    return !e->group_norm || !model->pooling_includes_padding;
}

/* model.lora_rank, lora_alpha and lora_targets.  They are not the checkpoint's: what is saved has them merged
 * in. */
static bool read_adapters(struct encoder *e, const struct model_settings *settings, struct error *error)
{
    if (!settings || (e->adapter_rank = settings->lora_rank) == 0)
        return true;
    if (e->family->fused)
        return error_usage(error, "model.lora_rank: a %s has no adapters", e->family->model_type);
    e->adapter_scale = settings->lora_alpha / (double)e->adapter_rank;
    const char *rest = settings->lora_targets;
    bool any = false;
    for (char *name; (name = list_next(&rest, ',')); free(name)) {
        bool known = false;
        for (int k = 0; k < ADAPTABLE; k++)
            if (strcmp(strchr(ADAPTABLE_NAMES[k], '.') + 1, name) == 0)
                known = e->wants_adapter[k] = true;
        if (!known)
            error_usage(error, "model.lora_targets: \"%s\" is none of %s", name, LORA_TARGETS);
        any = true;
    }
    return any ? !error->kind : error_usage(error, "model.lora_targets: name one of %s", LORA_TARGETS);
}

/* The head that training asks for; of a trained model the one that it has. */
static bool choose_head(const struct model *model, const struct model_settings *settings,
                        enum head_kind *head, struct error *error)
{
    const char *name = NULL;

    if (!json_string(model->json, "emotrain_head", &name, error))
        return false;
    *head = settings         ? settings->head
            : name           ? head_of_name(name)
            : model->weights ? head_of_checkpoint(model->weights)
                             : HEAD_DENSE;
    if (*head < HEAD_COUNT)
        return true;
    char *list = head_list();
    error_set(error, "no head that is known%s%s: it predicts nothing as it is; known are %s",
              name ? ": " : " among its weights", name ? name : "", list);
    free(list);
    return false;
}

/* The hidden states that are pooled: by the settings, by a trained model's config.json, or by transformers'.
 */
static bool choose_layers(struct model *model, const struct model_settings *settings, const char **layers,
                          struct error *error)
{
    bool weighted = false;

    if (!json_bool(model->json, "use_weighted_layer_sum", &weighted, error))
        return false;
    *layers = weighted ? "weighted" : "last";
    if (settings)
        *layers = settings->layer;
    return settings || json_string(model->json, "emotrain_layers", layers, error);
}

/* What published models leave unsaid. */
static void fill_defaults(struct model *model, const struct encoder *e, const struct model_settings *settings)
{
    if (!settings && e->family->pools_padding &&
        !cJSON_HasObjectItem(model->json, "emotrain_pooling_padding"))
        model->pooling_includes_padding = true;
}

static const char *const SCALES[] = {[SCALE_NONE] = "none", [SCALE_STANDARD] = "standard", NULL};

static bool encoder_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    struct encoder *e = mem_zero(1, sizeof *e);
    static const char *const masks[] = {"auto", "yes", "no", NULL}; /* as enum automatic */
    const char *mask = "auto", *layers, *scale = SCALES[SCALE_NONE];
    enum head_kind head;
    int64_t width;

    model->state = e;
    if (!choose_family(e, model->json, error) ||
        !encoder_config_read(e, model->json, settings, model->sound.sample_rate, error) ||
        !read_published(e, model, error) ||
        !json_word(model->json, "emotrain_attention_mask", masks, &mask, error) ||
        !json_word(model->json, "emotrain_head_scale", SCALES, &scale, error) ||
        !choose_layers(model, settings, &layers, error) || !choose_head(model, settings, &head, error) ||
        !head_width(e, model, !settings, head, &width, error))
        return error_prefix(error, "%s", model->path);
    if (settings) {
        mask = masks[settings->attention_mask];
        scale = SCALES[settings->head_scale];
    }
    fill_defaults(model, e, settings);
    struct error unknown = {0};
    if (!read_adapters(e, settings, error) ||
        !layer_mix_start(&e->mix, layers, e->config.num_hidden_layers, &model->parameters,
                         settings ? error : &unknown))
        return unknown.kind
                   ? error_set(error, "%s: \"emotrain_layers\" is \"%s\"; the encoder has layers 0 to %lld",
                               model->path, layers, (long long)e->config.num_hidden_layers)
                   : false;
    if (settings) /* training puts one classifier on all */
        cJSON_DeleteItemFromObjectCaseSensitive(model->json, COMBINE);
    if (combines_mean(model->json) &&
        (e->mix.kind != LAYERS_SEVERAL || head != HEAD_LINEAR || model->task != SINGLE_LABEL))
        return error_set(error, "%s: \"%s\" needs several layers, a linear head and one label of several",
                         model->path, COMBINE);
    e->hides_padding = hides_padding(model, e, mask);
    e->kept_layers = e->config.num_hidden_layers;
    model->minimum_samples = e->minimum_samples;
    model->maximum_samples = e->longest;
    bool scales = strcmp(scale, SCALES[SCALE_STANDARD]) == 0;
    json_put(model->json, "emotrain_head", cJSON_CreateString(HEAD_LAYOUTS[head].name));
    json_put(model->json, "emotrain_head_scale",
             cJSON_CreateString(SCALES[scales ? SCALE_STANDARD : SCALE_NONE]));
    json_put(model->json, "emotrain_layers", cJSON_CreateString(layers));
    json_put(model->json, "emotrain_attention_mask", cJSON_CreateString(e->hides_padding ? "yes" : "no"));
    json_put(model->json, "use_weighted_layer_sum", cJSON_CreateBool(e->mix.kind == LAYERS_WEIGHTED));
    declare(e, model, head, width, scales,
            settings && model->weights && head_of_checkpoint(model->weights) != head);
    return true;
}

static void encoder_close(struct model *model)
{
    struct encoder *e = model->state;

    if (e) {
        if (e->own && e->family->close)
            e->family->close(e);
        free(e->own);
        free(e->adaptable);
        free(e->merges);
    }
    free(e);
}

struct et_tensor *encoder_scale_signal(const struct encoder *encoder, struct et_scope *scope,
                                       struct et_tensor *samples)
{
    if (encoder->signal_deviation == 0)
        return samples;
    return et_mul_scalar(scope, et_add_scalar(scope, samples, -encoder->signal_mean),
                         1 / encoder->signal_deviation);
}

int64_t encoder_context(const struct encoder *encoder, int64_t samples)
{
    return samples < encoder->context ? encoder->context : samples;
}

/* ---- freezing ---- */

/* Whether a parameter is what pretraining made: not of the head, the pooling, adapters. */
static bool is_pretrained(const struct encoder *e, const char *name)
{
    return text_starts(name, e->family->prefix) && !strstr(name, ".lora_");
}

static bool is_feature_encoder(const struct encoder *e, const char *name)
{
    const char *rest = name + strlen(e->family->prefix);

    for (int i = 0; i < 3 && e->family->feature_encoder[i]; i++)
        if (text_starts(rest, e->family->feature_encoder[i]))
            return true;
    return false;
}

/* The layer, from 0, that has a parameter; false: none has. */
static bool layer_number(const struct encoder *e, const char *name, long long *layer)
{
    char *stem = mem_format("%s%s", e->family->prefix, encoder_layers_stem(e)), *end;
    bool numbered = text_starts(name, stem);

    if (numbered) {
        *layer = strtoll(name + strlen(stem), &end, 10);
        numbered = *end == '.';
    }
    free(stem);
    return numbered;
}

/* Whether parameter i belongs to the norm behind the last layer. */
static bool is_final_norm(const struct encoder *e, size_t i)
{
    return encoder_norms_last(e) && (i == e->final_norm.weight || i == e->final_norm.bias);
}

/* Whether a parameter comes in before the end of the feature encoder or, if there are any, of so many layers.
 */
static bool comes_before(const struct encoder *e, size_t i, const char *name, int64_t layers)
{
    long long layer;

    if (!is_pretrained(e, name) || (layers == 0 && !is_feature_encoder(e, name)))
        return false;
    return layer_number(e, name, &layer) ? layer < layers : !is_final_norm(e, i);
}

static bool encoder_freeze(struct model *model, const char *what, struct error *error)
{
    struct encoder *e = model->state;
    long long layers = 0;
    bool all = strcmp(what, "encoder") == 0, known = all || strcmp(what, "feature_encoder") == 0;

    if (text_starts(what, "layers:"))
        known = text_to_integer(what + strlen("layers:"), &layers) && layers >= 1 &&
                layers <= e->config.num_hidden_layers;
    if (strcmp(what, "none") == 0 && e->adapter_rank == 0)
        return true;
    known = known || strcmp(what, "none") == 0;
    if (!known)
        return error_usage(error,
                           "model.freeze must be none, feature_encoder, layers:N (N from 1 to %lld) or "
                           "encoder, not \"%s\"",
                           (long long)e->config.num_hidden_layers, what);
    e->frozen_layers = all ? e->config.num_hidden_layers : layers;
    bool frozen = all || e->adapter_rank > 0;
    for (size_t i = 0; i < model->parameters.count; i++) {
        struct parameter *p = &model->parameters.items[i];
        p->trainable =
            p->trainable && !(frozen && is_pretrained(e, p->name)) && !comes_before(e, i, p->name, layers);
    }
    return true;
}

int64_t encoder_steady_layers(const struct model *model)
{
    const struct encoder *e = model->state;
    const struct encoder_config *c = &e->config;
    int64_t depth = layer_mix_depth(&e->mix);
    bool masked = c->apply_spec_augment && (c->mask_time.probability > 0 || c->mask_feature.probability > 0);
    bool drops = c->hidden_dropout > 0 || c->activation_dropout > 0 || c->attention_dropout > 0 ||
                 c->feat_proj_dropout > 0 || c->layerdrop > 0 || c->conv_dropout > 0;

    if (masked || drops || e->adapter_rank > 0 || e->mix.kind == LAYERS_WEIGHTED ||
        e->mix.kind == LAYERS_SEVERAL)
        return 0;
    return e->frozen_layers < depth ? e->frozen_layers : depth;
}

static bool owns(const struct model *model, const char *parameter)
{
    return comes_before(model->state, parameters_index(&model->parameters, parameter), parameter,
                        encoder_steady_layers(model));
}

/* Adds what config.json says of the encoder itself: not of its head, its labels, or what is random in
 * training. */
static void describe_config(const cJSON *json, struct text *settings)
{
    static const char *const others[] = {"mask_",        "apply_spec_augment", "emotrain_",   "id2label",
                                         "label2id",     "problem_type",       "pooling_",    "classifier_",
                                         "use_weighted", "architectures",      "torch_dtype", "layerdrop"};
    const cJSON *item = NULL;

    cJSON_ArrayForEach(item, json)
    {
        if (strstr(item->string, "dropout") ||
            has_prefix(item->string, others, sizeof others / sizeof others[0]))
            continue;
        char *value = cJSON_PrintUnformatted(item);
        text_add(settings, "%s=%s\n", item->string, value);
        cJSON_free(value);
    }
}

/* What the frozen part makes of a clip must not depend on its neighbours' lengths, nor on random numbers. */
static bool describe_frozen(const struct model *model, struct text *settings, struct error *error)
{
    const struct encoder *e = model->state;
    const struct encoder_config *c = &e->config;
    int64_t layers = encoder_steady_layers(model);

    if (!e->hides_padding)
        return error_usage(error,
                           "train.feature_cache=yes needs model.attention_mask=yes: without it, what is "
                           "made of a clip depends on its batch");
    if (e->family->masks_input && c->apply_spec_augment)
        return error_usage(error,
                           "train.feature_cache=yes needs model.apply_spec_augment=no: a %s is masked "
                           "before its frozen part",
                           e->family->model_type);
    text_add(settings, "%s, %lld layers, %lld samples of context\n", e->family->model_type, (long long)layers,
             (long long)e->context);
    describe_config(model->json, settings);
    if (layers == 0 && e->frozen_layers > 0)
        log_info("features: of the feature encoder alone are kept; those of the frozen layers could be with "
                 "model.apply_spec_augment=no, and model.layerdrop and the dropouts but final_dropout 0");
    return true;
}

static int64_t layers_above(const struct model *model, size_t i)
{
    const struct encoder *e = model->state;
    const char *name = model->parameters.items[i].name;
    int64_t depth = layer_mix_depth(&e->mix);
    long long layer;

    if (!text_starts(name, e->family->prefix))
        return -1;
    if (layer_number(e, name, &layer))
        return layer < depth ? depth - 1 - layer : 0;
    return is_final_norm(e, i) ? 0 : depth;
}

static int64_t pooled_width(const struct model *model)
{
    const struct encoder *e = model->state;

    return head_input(&e->head, &model->parameters);
}

/* Layers above the last that is pooled do not count, nor then what norms the last of all. */
static bool reaches_pooled(const struct model *model, size_t i)
{
    const struct encoder *e = model->state;
    int64_t depth = layer_mix_depth(&e->mix);
    long long layer;

    if (i >= head_first(&e->head))
        return false;
    return layer_number(e, model->parameters.items[i].name, &layer)
               ? layer < depth
               : !is_final_norm(e, i) || depth == e->config.num_hidden_layers;
}

static bool scale_of(const struct model *model, size_t *mean, size_t *deviation)
{
    const struct encoder *e = model->state;

    *mean = e->head.mean;
    *deviation = e->head.deviation;
    return e->head.scales;
}

/* ---- writing ---- */

/* The adapter on the linear layer whose weight is parameter i; NULL: there is none. */
static const struct adapter *adapter_on(const struct encoder *e, size_t i)
{
    for (int64_t layer = 0; layer < e->config.num_hidden_layers; layer++)
        for (int k = 0; k < ADAPTABLE; k++) {
            const struct affine *linear = e->adaptable[layer].items[k];
            if (linear && linear->has_adapter && linear->weight == i)
                return &linear->adapter;
        }
    return NULL;
}

static void read_merged(struct et_scope *scope, void *context, float *values)
{
    struct lora_merge *merge = context;
    bool recording = et_grad_mode(false);
    struct et_tensor *change = et_mul_scalar(scope, et_matmul(scope, merge->up, merge->down), merge->scale);
    struct et_tensor *sum = et_add(scope, merge->weight, change);

    et_grad_mode(recording);
    et_read(scope, sum, values, et_numel(merge->weight));
}

/* Adapters are written merged into their weights. */
static bool save_parameter(const struct model *model, size_t i, struct named_tensor *entry)
{
    struct encoder *e = model->state;
    const struct adapter *adapter = adapter_on(e, i);

    if (adapter) {
        struct lora_merge *merge = &e->merges[i];
        *merge = (struct lora_merge){parameters_tensor(&model->parameters, i),
                                     parameters_tensor(&model->parameters, adapter->down),
                                     parameters_tensor(&model->parameters, adapter->up), e->adapter_scale};
        entry->read = read_merged;
        entry->context = merge;
    }
    long long layer;
    return !strstr(entry->name, ".lora_") &&
           !(layer_number(e, entry->name, &layer) && layer >= e->kept_layers);
}

/* What config.json calls the model: transformers' class where that computes this, the class of the 2021
 * notebooks for their head, else a name that no other program takes for its own. */
static void describe_model(const struct model *model, cJSON *json)
{
    const struct encoder *e = model->state;
    bool of_notebooks = e->family == &FAMILY_WAV2VEC2 && e->head.layout == &HEAD_LAYOUTS[HEAD_DENSE];
    const char *architecture = encoder_is_huggingface(model) ? e->family->classification
                               : of_notebooks                ? "Wav2Vec2ForSpeechClassification"
                                                             : "EmotrainSpeechClassification";

    json_put(json, "model_type", cJSON_CreateString(e->family->model_type));
    json_put(json, "architectures", cJSON_CreateStringArray(&architecture, 1));
}

static void describe_extractor(const struct model *model, cJSON *json)
{
    const struct encoder *e = model->state;

    cJSON_AddStringToObject(json, "feature_extractor_type", e->family->extractor);
    if (e->family->describe_extractor)
        e->family->describe_extractor(e, json);
}

/* ---- names ---- */

/* Of pretraining, and of decoders: nothing that emotions are read from. */
static const char *const PRETRAINING[] = {
    "lm_head.",          "quantizer.",   "project_q.", "project_hid.",
    "dropout_features.", "decoder.",     "proj_out.",  "label_embeddings_concat",
    "final_proj.",       "speaker_proj."};

static bool encoder_translate(const struct model *model, const char *checkpoint_name, char name[256])
{
    static const char *const heads[] = {"classifier.",   "projector.",  "pooling.",
                                        "layer_weights", "head_scale.", "ser_model."};
    static const char *const forms[][2] = {{"parametrizations.weight.original0", "weight_g"},
                                           {"parametrizations.weight.original1", "weight_v"}};
    const struct encoder *e = model->state;
    const struct encoder_family *family = e->family;
    char buffer[256], published[256];
    const char *found = text_starts(checkpoint_name, "model.") ? checkpoint_name + 6 : checkpoint_name;

    found = published_rename(found, published);
    if (family->rename) {
        if (!family->rename(e, found, buffer))
            return false;
        found = buffer;
    }
    if (has_prefix(found, PRETRAINING, sizeof PRETRAINING / sizeof PRETRAINING[0]))
        return false;
    bool whole =
        text_starts(found, family->prefix) || has_prefix(found, heads, sizeof heads / sizeof heads[0]);
    snprintf(name, 256, "%s%s", whole ? "" : family->prefix, found);
    for (int i = 0; i < 2; i++)
        if (text_ends(name, forms[i][0]))
            memcpy(name + strlen(name) - strlen(forms[i][0]), forms[i][1], strlen(forms[i][1]) + 1);
    return !text_ends(name, ".num_batches_tracked") && !text_ends(name, ".inv_freq");
}

/* Labels that a model was told not to use, as FunASR marks them, get no probability. */
static bool encoder_load(struct model *model, const char *directory, struct error *error)
{
    const struct encoder *e = model->state;
    struct et_tensor *bias = parameters_tensor(&model->parameters, e->head.out_bias);
    struct et_scope *scope = et_scope_open(NULL);
    int64_t count = et_numel(bias); /* the labels, or so many times them */
    float *values = mem_zero((size_t)count, sizeof *values);

    (void)directory;
    et_read(scope, bias, values, count);
    for (int64_t i = 0; i < count; i++)
        if (text_starts(model->labels.items[(size_t)i % model->labels.count], "unuse"))
            values[i] = -1e9F;
    et_copy_data_(scope, bias, values, ET_FLOAT32);
    free(values);
    return et_scope_close(scope, error);
}

static int64_t layer_count(const struct model *model)
{
    const struct encoder *e = model->state;

    return e->mix.layers;
}

/* What the hidden states depend on, beside the weights. */
static void describe_states(const struct model *model, struct text *settings)
{
    const struct encoder *e = model->state;

    text_add(settings, "%s, %lld samples of context, padding %s\n", e->family->model_type,
             (long long)e->context, model->pooling_includes_padding ? "pooled" : "left out");
    text_add(settings, "signals: mean %.9g, deviation %.9g\n", e->signal_mean, e->signal_deviation);
    describe_config(model->json, settings);
}

static const struct hidden_layers HIDDEN_LAYERS = {layer_count, describe_states, encoder_states,
                                                   encoder_frames};

static const struct frozen_trunk FROZEN_TRUNK = {encoder_steady_layers, owns, describe_frozen,
                                                 encoder_frozen};

/* clang-format off */
#define ENCODER_HOOKS                                                                                        \
    .model_type = "wav2vec2, hubert, wavlm, unispeech, unispeech-sat, data2vec-audio, wav2vec2-conformer, "  \
                  "wav2vec2-bert, whisper, emotion2vec",                                                     \
    .takes = takes,                                                                                          \
    .normalizes = normalizes,                                                                                \
    .describe_model = describe_model,                                                                        \
    .describe_extractor = describe_extractor,                                                                \
    .input = INPUT_WAVEFORM,                                                                                 \
    .forward = encoder_forward,                                                                              \
    .build_onnx = encoder_onnx,                                                                              \
    .hidden = &HIDDEN_LAYERS,                                                                                \
    .translate = encoder_translate,                                                                          \
    .load = encoder_load,                                                                                    \
    .layers_above = layers_above,                                                                            \
    .save_parameter = save_parameter,                                                                        \
    .save_huggingface = encoder_save_huggingface,                                                            \
    .close = encoder_close
/* clang-format on */

const struct model_kind MODEL_ENCODER = {
    .name = "encoder",
    .summary = "a pretrained speech encoder (wav2vec 2.0, HuBERT, WavLM, Whisper, ...) with a head",
    ENCODER_HOOKS,
    .open = encoder_open,
    .freeze = encoder_freeze,
    .frozen = &FROZEN_TRUNK,
    .scale = scale_of,
    .pooled_width = pooled_width,
    .reaches_pooled = reaches_pooled,
};

const struct model_kind MODEL_PROBE = {
    .name = "linear",
    .summary = "a linear classifier on layers of a pretrained encoder",
    ENCODER_HOOKS,
    .open = probe_open,
    .freeze = probe_freeze,
    .scale = scale_of,
    .fit = probe_fit,
};
