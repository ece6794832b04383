/*
 * wav2vec 2.0 (Baevski, Zhou, Mohamed and Auli, 2020) with a classifier, as Hugging Face's config.json
 * describes it: XLSR and 300M to 2B ("layer" extractor norm, "stable" layer norm), base ("group").
 *
 * Here are its parameters, what is frozen, and how checkpoints name them; wav2vec2_config.c reads
 * config.json, wav2vec2_forward.c computes.
 */
#include "model/encoder/wav2vec2.h"
#include "base/log.h"
#include "base/text.h"
#include "config/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- parameters ---- */

static struct affine declare_linear(struct parameters *p, int64_t out, int64_t in, enum initialisation kind,
                                    double weight_scale, double bias_scale, const char *name)
{
    const int64_t weight[4] = {out, in}, bias[4] = {out};
    struct affine a = {.has_bias = true};

    a.weight = parameters_add(p, true, kind, weight_scale, weight, "wav2vec2.%s.weight", name);
    a.bias = parameters_add(p, true, bias_scale > 0 ? INIT_UNIFORM : INIT_ZEROS, bias_scale, bias,
                            "wav2vec2.%s.bias", name);
    return a;
}

static struct affine declare_norm(struct parameters *p, int64_t width, const char *name)
{
    const int64_t shape[4] = {width};
    struct affine a = {.has_bias = true};

    a.weight = parameters_add(p, true, INIT_ONES, 0, shape, "wav2vec2.%s.weight", name);
    a.bias = parameters_add(p, true, INIT_ZEROS, 0, shape, "wav2vec2.%s.bias", name);
    return a;
}

static void declare_conv(struct wav2vec2 *w, struct parameters *p, int i)
{
    const struct wav2vec2_config *c = &w->config;
    int64_t in = i ? c->conv_dim[i - 1] : 1, fan = in * c->conv_kernel[i];
    const int64_t weight[4] = {c->conv_dim[i], in, c->conv_kernel[i]}, bias[4] = {c->conv_dim[i]};
    const char *stem = "wav2vec2.feature_extractor.conv_layers";
    char norm[64];

    w->conv[i].has_bias = c->conv_bias;
    w->conv[i].weight =
        parameters_add(p, true, INIT_NORMAL, sqrt(2.0 / (double)fan), weight, "%s.%d.conv.weight", stem, i);
    if (c->conv_bias)
        w->conv[i].bias =
            parameters_add(p, true, INIT_UNIFORM, 1 / sqrt((double)fan), bias, "%s.%d.conv.bias", stem, i);
    w->conv_has_norm[i] = !c->group_norm || i == 0;
    snprintf(norm, sizeof norm, "feature_extractor.conv_layers.%d.layer_norm", i);
    if (w->conv_has_norm[i])
        w->conv_norm[i] = declare_norm(p, c->conv_dim[i], norm);
}

static const char *const PROJECTION_NAMES[PROJECTIONS] = {"q_proj", "k_proj", "v_proj", "out_proj"};

/* Adapters begin at no change: the down projection as a linear layer does, the up projection at zero. */
static void declare_adapters(struct wav2vec2 *w, struct parameters *p, int64_t i)
{
    int64_t hidden = w->config.hidden_size;
    const int64_t down[4] = {w->adapter_rank, hidden}, up[4] = {hidden, w->adapter_rank};

    for (int k = 0; k < PROJECTIONS; k++) {
        struct adapter *adapter = &w->layers[i].adapters[k];
        if (!w->has_adapter[k])
            continue;
        adapter->down = parameters_add(p, false, INIT_UNIFORM, 1 / sqrt((double)hidden), down,
                                       "wav2vec2.encoder.layers.%lld.attention.%s.lora_A.weight",
                                       (long long)i, PROJECTION_NAMES[k]);
        adapter->up = parameters_add(p, false, INIT_ZEROS, 0, up,
                                     "wav2vec2.encoder.layers.%lld.attention.%s.lora_B.weight", (long long)i,
                                     PROJECTION_NAMES[k]);
    }
}

static void declare_layer(struct wav2vec2 *w, struct parameters *p, int64_t i)
{
    const struct wav2vec2_config *c = &w->config;
    struct wav2vec2_layer *layer = &w->layers[i];
    const struct {
        struct affine *affine;
        const char *name;
        int64_t out, in; /* in 0: a norm */
    } parts[] = {
        {&layer->projections[KEY], "attention.k_proj", c->hidden_size, c->hidden_size},
        {&layer->projections[VALUE], "attention.v_proj", c->hidden_size, c->hidden_size},
        {&layer->projections[QUERY], "attention.q_proj", c->hidden_size, c->hidden_size},
        {&layer->projections[OUT], "attention.out_proj", c->hidden_size, c->hidden_size},
        {&layer->attention_norm, "layer_norm", c->hidden_size, 0},
        {&layer->intermediate, "feed_forward.intermediate_dense", c->intermediate_size, c->hidden_size},
        {&layer->output, "feed_forward.output_dense", c->hidden_size, c->intermediate_size},
        {&layer->final_norm, "final_layer_norm", c->hidden_size, 0}};

    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        char name[96];
        snprintf(name, sizeof name, "encoder.layers.%lld.%s", (long long)i, parts[k].name);
        *parts[k].affine = parts[k].in ? declare_linear(p, parts[k].out, parts[k].in, INIT_NORMAL,
                                                        c->initializer_range, 0, name)
                                       : declare_norm(p, parts[k].out, name);
    }
    declare_adapters(w, p, i);
}

static void declare_position(struct wav2vec2 *w, struct parameters *p)
{
    const struct wav2vec2_config *c = &w->config;
    int64_t in = c->hidden_size / c->num_conv_pos_embedding_groups;
    const int64_t v[4] = {c->hidden_size, in, c->num_conv_pos_embeddings},
                  g[4] = {1, 1, c->num_conv_pos_embeddings};
    const int64_t bias[4] = {c->hidden_size};
    double scale = 2 * sqrt(1.0 / (double)(c->num_conv_pos_embeddings * c->hidden_size));

    w->position_v =
        parameters_add(p, true, INIT_NORMAL, scale, v, "wav2vec2.encoder.pos_conv_embed.conv.weight_v");
    w->position_g =
        parameters_add(p, true, INIT_NORM_OF, 0, g, "wav2vec2.encoder.pos_conv_embed.conv.weight_g");
    w->position_bias =
        parameters_add(p, true, INIT_ZEROS, 0, bias, "wav2vec2.encoder.pos_conv_embed.conv.bias");
}

static void wav2vec2_declare(struct wav2vec2 *w, struct model *model, bool linear_head)
{
    const struct wav2vec2_config *c = &w->config;
    struct parameters *p = &model->parameters;
    int64_t channels = c->conv_dim[c->conv_layers - 1];
    const int64_t embedding[4] = {c->hidden_size};
    double projection = sqrt(1.0 / (double)channels);

    w->mask_embedding = parameters_add(p, false, INIT_UNIT, 0, embedding, "wav2vec2.masked_spec_embed");
    for (int i = 0; i < c->conv_layers; i++)
        declare_conv(w, p, i);
    w->projection_norm = declare_norm(p, channels, "feature_projection.layer_norm");
    w->projection = declare_linear(p, c->hidden_size, channels, INIT_UNIFORM, projection, projection,
                                   "feature_projection.projection");
    declare_position(w, p);
    w->encoder_norm = declare_norm(p, c->hidden_size, "encoder.layer_norm");
    w->layers = mem_zero((size_t)c->num_hidden_layers, sizeof *w->layers);
    for (int64_t i = 0; i < c->num_hidden_layers; i++)
        declare_layer(w, p, i);
    w->merges = mem_zero(p->count, sizeof *w->merges);
    w->pooling = p->count;
    if (model->pooling->declare)
        model->pooling->declare(p, c->hidden_size, c->initializer_range);
    head_declare(&w->head, p, model->pooling->outputs * c->hidden_size, linear_head ? 0 : c->hidden_size,
                 (int64_t)model->labels.count, c->initializer_range, c->final_dropout);
}

/* ---- opening ---- */

/* attention_mask: yes, no, or auto: hidden, but for group-norm checkpoints pooled over padding, which are
 * what the reference ran without a mask. */
static bool hides_padding(const struct model *model, const struct wav2vec2 *w, const char *setting)
{
    if (strcmp(setting, "auto") != 0)
        return strcmp(setting, "yes") == 0;
    return !w->config.group_norm || !model->pooling_includes_padding;
}

/* model.lora_rank, lora_alpha and lora_targets.  They are not the checkpoint's: what is saved has them merged
 * in. */
static bool read_adapters(struct wav2vec2 *w, const struct model_settings *settings, struct error *error)
{
    if (!settings || (w->adapter_rank = settings->lora_rank) == 0)
        return true;
    w->adapter_scale = settings->lora_alpha / (double)w->adapter_rank;
    const char *rest = settings->lora_targets;
    for (char *name; (name = list_next(&rest, ',')); free(name)) {
        int k = 0;
        while (k < PROJECTIONS && strcmp(PROJECTION_NAMES[k], name) != 0)
            k++;
        if (k < PROJECTIONS)
            w->has_adapter[k] = true;
        else
            error_usage(error, "model.lora_targets: \"%s\" is none of q_proj, k_proj, v_proj, out_proj",
                        name);
    }
    bool any = false;
    for (int k = 0; k < PROJECTIONS; k++)
        any = any || w->has_adapter[k];
    return any ? !error->kind
               : error_usage(error, "model.lora_targets: name one of q_proj, k_proj, v_proj, out_proj");
}

static bool wav2vec2_open(struct model *model, const struct model_settings *settings, struct error *error)
{
    struct wav2vec2 *w = mem_zero(1, sizeof *w);
    static const char *const masks[] = {"auto", "yes", "no"}; /* as enum automatic */
    const char *mask = "auto", *layers = "last", *head = "dense";

    model->state = w;
    if (!wav2vec2_config_read(&w->config, model->json, settings, error) ||
        !json_string(model->json, "emotrain_attention_mask", &mask, error) ||
        !json_string(model->json, "emotrain_layers", &layers, error) ||
        !json_string(model->json, "emotrain_head", &head, error))
        return error_prefix(error, "%s", model->path);
    if (settings) {
        mask = masks[settings->attention_mask];
        layers = settings->layer;
        head = settings->head == HEAD_LINEAR ? "linear" : "dense";
    }
    if (!read_adapters(w, settings, error) ||
        !layer_mix_start(&w->mix, layers, w->config.num_hidden_layers, &model->parameters, error))
        return false;
    w->hides_padding = hides_padding(model, w, mask);
    model->minimum_samples = wav2vec2_minimum_samples(&w->config);
    bool linear_head = strcmp(head, "linear") == 0;
    json_put(model->json, "emotrain_head", cJSON_CreateString(linear_head ? "linear" : "dense"));
    json_put(model->json, "emotrain_layers", cJSON_CreateString(layers));
    json_put(model->json, "emotrain_attention_mask", cJSON_CreateString(w->hides_padding ? "yes" : "no"));
    wav2vec2_declare(w, model, linear_head);
    return true;
}

static void wav2vec2_close(struct model *model)
{
    struct wav2vec2 *w = model->state;

    if (w) {
        free(w->layers);
        free(w->merges);
    }
    free(w);
}

/* Whether a parameter is what pretraining made: not of the head, the pooling, adapters. */
static bool is_pretrained(const char *name)
{
    return text_starts(name, "wav2vec2.") && !strstr(name, ".lora_");
}

/* Whether a parameter comes in before the end of the feature encoder or, if there are any, of so many layers.
 */
static bool comes_before(const struct wav2vec2 *w, const char *name, int64_t layers)
{
    long long layer;
    const char *digits = name + strlen("wav2vec2.encoder.layers.");

    if (!is_pretrained(name) || (layers == 0 && !text_starts(name, "wav2vec2.feature_extractor.")))
        return false;
    if (!text_starts(name, "wav2vec2.encoder.layers."))
        return !text_starts(name, "wav2vec2.encoder.layer_norm.") || !w->config.do_stable_layer_norm;
    char *number = mem_format("%.*s", (int)strcspn(digits, "."), digits);
    bool before = text_to_integer(number, &layer) && layer < layers;
    free(number);
    return before;
}

static bool wav2vec2_freeze(struct model *model, const char *what, struct error *error)
{
    struct wav2vec2 *w = model->state;
    long long layers = 0;
    bool encoder = strcmp(what, "encoder") == 0, known = encoder || strcmp(what, "feature_encoder") == 0;

    if (text_starts(what, "layers:"))
        known = text_to_integer(what + strlen("layers:"), &layers) && layers >= 1 &&
                layers <= w->config.num_hidden_layers;
    if (strcmp(what, "none") == 0 && w->adapter_rank == 0)
        return true;
    known = known || strcmp(what, "none") == 0;
    if (!known)
        return error_usage(error,
                           "model.freeze must be none, feature_encoder, layers:N (N from 1 to %lld) or "
                           "encoder, not \"%s\"",
                           (long long)w->config.num_hidden_layers, what);
    w->frozen_layers = encoder ? w->config.num_hidden_layers : layers;
    for (size_t i = 0; i < model->parameters.count; i++) {
        struct parameter *p = &model->parameters.items[i];
        bool all = (encoder || w->adapter_rank > 0) && is_pretrained(p->name);
        p->trainable = !all && !comes_before(w, p->name, layers);
    }
    return true;
}

/* The layer and projection whose weight is parameter i and has an adapter. */
static const struct adapter *adapter_on(const struct wav2vec2 *w, size_t i)
{
    for (int64_t layer = 0; layer < w->config.num_hidden_layers; layer++)
        for (int k = 0; k < PROJECTIONS; k++)
            if (w->has_adapter[k] && w->layers[layer].projections[k].weight == i)
                return &w->layers[layer].adapters[k];
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
    struct wav2vec2 *w = model->state;
    const struct adapter *adapter = adapter_on(w, i);

    if (adapter) {
        struct lora_merge *merge = &w->merges[i];
        *merge = (struct lora_merge){parameters_tensor(&model->parameters, i),
                                     parameters_tensor(&model->parameters, adapter->down),
                                     parameters_tensor(&model->parameters, adapter->up), w->adapter_scale};
        entry->read = read_merged;
        entry->context = merge;
    }
    return !strstr(entry->name, ".lora_");
}

static bool wav2vec2_translate(const char *checkpoint_name, char name[256])
{
    static const char *const ignored[] = {"lm_head.",        "quantizer.",       "project_q.",
                                          "project_hid.",    "projector.",       "classifier.weight",
                                          "classifier.bias", "dropout_features."};
    static const char *const prefixes[] = {"wav2vec2.", "classifier.", "pooling."};
    static const char *const forms[][2] = {{"parametrizations.weight.original0", "weight_g"},
                                           {"parametrizations.weight.original1", "weight_v"}};

    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        if (text_starts(checkpoint_name, ignored[i]))
            return false;
    bool prefixed = strcmp(checkpoint_name, "layer_weights") == 0;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        prefixed = prefixed || text_starts(checkpoint_name, prefixes[i]);
    snprintf(name, 256, "%s%s", prefixed ? "" : "wav2vec2.", checkpoint_name);
    for (int i = 0; i < 2; i++)
        if (text_ends(name, forms[i][0]))
            memcpy(name + strlen(name) - strlen(forms[i][0]), forms[i][1], strlen(forms[i][1]) + 1);
    return true;
}

int64_t wav2vec2_steady_layers(const struct model *model)
{
    const struct wav2vec2 *w = model->state;
    const struct wav2vec2_config *c = &w->config;
    int64_t depth = layer_mix_depth(&w->mix);
    bool masked = c->apply_spec_augment && (c->mask_time.probability > 0 || c->mask_feature.probability > 0);
    bool drops = c->hidden_dropout > 0 || c->activation_dropout > 0 || c->attention_dropout > 0 ||
                 c->feat_proj_dropout > 0 || c->layerdrop > 0;

    if (masked || drops || w->adapter_rank > 0 || w->mix.kind == LAYERS_WEIGHTED)
        return 0;
    return w->frozen_layers < depth ? w->frozen_layers : depth;
}

static bool owns(const struct model *model, const char *parameter)
{
    return comes_before(model->state, parameter, wav2vec2_steady_layers(model));
}

/* The settings that layers depend on. */
static void describe_layers(const struct wav2vec2 *w, int64_t layers, struct text *settings)
{
    const struct wav2vec2_config *c = &w->config;

    text_add(settings, "%lld layers, %lld heads, %s, eps %.9g, positions %lld/%lld\n", (long long)layers,
             (long long)c->num_attention_heads, c->do_stable_layer_norm ? "stable" : "norm last",
             c->layer_norm_eps, (long long)c->num_conv_pos_embeddings,
             (long long)c->num_conv_pos_embedding_groups);
}

/* What the frozen part makes of a clip must not depend on its neighbours' lengths. */
static bool describe_frozen(const struct model *model, struct text *settings, struct error *error)
{
    const struct wav2vec2 *w = model->state;

    if (!w->hides_padding)
        return error_usage(error,
                           "train.feature_cache=yes needs model.attention_mask=yes: without it, what is "
                           "made of a clip depends on its batch");
    for (int i = 0; i < w->config.conv_layers; i++)
        text_add(settings, "%lld/%lld ", (long long)w->config.conv_kernel[i],
                 (long long)w->config.conv_stride[i]);
    text_add(settings, "%s\n", w->config.group_norm ? "group" : "layer");
    if (wav2vec2_steady_layers(model) > 0)
        describe_layers(w, wav2vec2_steady_layers(model), settings);
    else if (w->frozen_layers > 0)
        log_info("features: of the feature encoder alone are kept; those of the frozen layers could be with "
                 "model.apply_spec_augment=no, and model.layerdrop and the dropouts but final_dropout 0");
    return true;
}

static const struct frozen_trunk FROZEN_TRUNK = {wav2vec2_steady_layers, owns, describe_frozen,
                                                 wav2vec2_frozen};

const struct model_kind MODEL_ENCODER = {
    .name = "encoder",
    .summary = "wav2vec 2.0 (XLSR, base, large, 300M to 2B) with a dense-tanh-out head",
    .model_type = "wav2vec2",
    .architecture = "Wav2Vec2ForSpeechClassification",
    .extractor = "Wav2Vec2FeatureExtractor",
    .input = INPUT_WAVEFORM,
    .normalizes = true,
    .open = wav2vec2_open,
    .freeze = wav2vec2_freeze,
    .forward = wav2vec2_forward,
    .build_onnx = wav2vec2_onnx,
    .frozen = &FROZEN_TRUNK,
    .translate = wav2vec2_translate,
    .save_parameter = save_parameter,
    .save_huggingface = wav2vec2_save_huggingface,
    .close = wav2vec2_close,
};
