/* What families' config.json have in common: reading, checking, laying the experiment's settings over it. */
#include "base/text.h"
#include "model/encoder/encoder.h"
#include "model/hyperparameter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char CONTEXT[] = "emotrain_context_seconds";

bool encoder_config_size(const cJSON *json, const char *name, int64_t *value, int64_t maximum,
                         struct error *error)
{
    return json_integer(json, name, value, error) &&
           ((*value >= 1 && *value <= maximum) ||
            error_set(error, "\"%s\" must be from 1 to %lld", name, (long long)maximum));
}

bool encoder_config_refuse(const cJSON *json, const char *const *names, struct error *error)
{
    for (; *names; names++) {
        bool set = false;
        if (!json_bool(json, *names, &set, error))
            return false;
        if (set)
            return error_set(error, "\"%s\" is not supported: the encoder would be another", *names);
    }
    return true;
}

bool encoder_config_choice(const cJSON *json, const char *name, const char *fallback,
                           const char *const *choices, size_t count, size_t *chosen, struct error *error)
{
    const char *text = fallback;
    struct text known = {0};

    if (!json_string(json, name, &text, error))
        return false;
    for (*chosen = 0; *chosen < count; ++*chosen) {
        if (strcmp(choices[*chosen], text) == 0) {
            text_free(&known);
            return true;
        }
        text_add(&known, "%s\"%s\"", *chosen ? " or " : "", choices[*chosen]);
    }
    error_set(error, "\"%s\" must be %s, not \"%s\"", name, known.text, text);
    text_free(&known);
    return false;
}

static bool check_masks(const struct encoder_config *c, struct error *error)
{
    const struct {
        const char *length_name, *minimum_name;
        const struct mask_settings *mask;
    } masks[] = {{"mask_time_length", "mask_time_min_masks", &c->mask_time},
                 {"mask_feature_length", "mask_feature_min_masks", &c->mask_feature}};

    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        if (masks[i].mask->length < 1 || masks[i].mask->length > 1 << 20)
            return error_set(error, "\"%s\" must be from 1 to %d", masks[i].length_name, 1 << 20);
        if (masks[i].mask->minimum < 0 || masks[i].mask->minimum > 1 << 20)
            return error_set(error, "\"%s\" must be from 0 to %d", masks[i].minimum_name, 1 << 20);
    }
    return true;
}

/* The settings that an experiment may change, under one name in both files. */
static bool read_hyperparameters(struct encoder_config *c, cJSON *json, const struct model_settings *given,
                                 struct error *error)
{
    const struct {
        const char *name;
        double *value, given;
    } numbers[] = {{"hidden_dropout", &c->hidden_dropout, given->hidden_dropout},
                   {"activation_dropout", &c->activation_dropout, given->activation_dropout},
                   {"attention_dropout", &c->attention_dropout, given->attention_dropout},
                   {"feat_proj_dropout", &c->feat_proj_dropout, given->feat_proj_dropout},
                   {"final_dropout", &c->final_dropout, given->final_dropout},
                   {"layerdrop", &c->layerdrop, given->layerdrop},
                   {"mask_time_prob", &c->mask_time.probability, given->mask_time_prob},
                   {"mask_feature_prob", &c->mask_feature.probability, given->mask_feature_prob}};
    const struct {
        const char *name;
        int64_t *value, given;
    } integers[] = {{"mask_time_length", &c->mask_time.length, given->mask_time_length},
                    {"mask_time_min_masks", &c->mask_time.minimum, given->mask_time_min_masks},
                    {"mask_feature_length", &c->mask_feature.length, given->mask_feature_length},
                    {"mask_feature_min_masks", &c->mask_feature.minimum, given->mask_feature_min_masks}};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (!hyperparameter_number(numbers[i].value, numbers[i].name, numbers[i].given, json, error))
            return false;
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        if (!hyperparameter_integer(integers[i].value, integers[i].name, integers[i].given, json, error))
            return false;
    return hyperparameter_bool(&c->apply_spec_augment, "apply_spec_augment", given->apply_spec_augment, json,
                               error) &&
           check_masks(c, error);
}

static const struct encoder_config DEFAULTS = {.hidden_size = 768,
                                               .num_hidden_layers = 12,
                                               .num_attention_heads = 12,
                                               .intermediate_size = 3072,
                                               .layer_norm_eps = 1e-5,
                                               .initializer_range = 0.02,
                                               .hidden_dropout = 0.1,
                                               .activation_dropout = 0.1,
                                               .attention_dropout = 0.1,
                                               .final_dropout = 0.1,
                                               .layerdrop = 0.1,
                                               .apply_spec_augment = true,
                                               .mask_time = {0.05, 10, 2},
                                               .mask_feature = {0, 10, 0}};

static bool check(const struct encoder *encoder, struct error *error)
{
    const struct encoder_config *c = &encoder->config;

    if (!(c->layer_norm_eps > 0 && c->layer_norm_eps < 1) || !(c->initializer_range >= 0))
        return error_set(error,
                         "\"layer_norm_eps\" must be between 0 and 1, and \"initializer_range\" at least 0");
    return c->hidden_size % c->num_attention_heads == 0 ||
           error_set(error, "\"hidden_size\" %lld is no multiple of \"num_attention_heads\" %lld",
                     (long long)c->hidden_size, (long long)c->num_attention_heads);
}

/* Clips are zero-padded to so many seconds: in training model.context_seconds or the family's
 * default; of a trained model config.json's, or as the family was pretrained. */
static bool read_context(struct encoder *encoder, cJSON *json, const struct model_settings *settings,
                         int sample_rate, struct error *error)
{
    double seconds = (double)encoder->longest / sample_rate;

    if (encoder->longest == 0)
        return !settings || isnan(settings->context_seconds) ||
               error_usage(error, "model.context_seconds: a %s takes in clips as long as they are",
                           encoder->family->model_type);
    if (!settings && !json_number(json, CONTEXT, &seconds, error))
        return false;
    if (settings)
        seconds = isnan(settings->context_seconds) ? fmin(encoder->family->context, seconds)
                                                   : settings->context_seconds;
    if (!(seconds >= 0) || seconds * sample_rate > (double)encoder->longest)
        return error_usage(error, "model.context_seconds must be from 0 to %g, what this encoder takes in",
                           (double)encoder->longest / sample_rate);
    encoder->context = llround(seconds * sample_rate);
    json_put(json, CONTEXT, cJSON_CreateNumber(seconds));
    return true;
}

bool encoder_config_read(struct encoder *encoder, cJSON *json, const struct model_settings *settings,
                         int sample_rate, struct error *error)
{
    struct encoder_config *c = &encoder->config;
    const struct encoder_sizes *n = encoder->family->sizes;

    *c = DEFAULTS;
    if (encoder->family->sample_rate > 0 && sample_rate != encoder->family->sample_rate)
        return error_set(error,
                         "a %s takes in %d Hz, not %d (audio.sample_rate, or \"sampling_rate\" in "
                         "preprocessor_config.json)",
                         encoder->family->model_type, encoder->family->sample_rate, sample_rate);
    return encoder_config_size(json, n ? n->hidden : "hidden_size", &c->hidden_size, 1 << 16, error) &&
           encoder_config_size(json, n ? n->layers : "num_hidden_layers", &c->num_hidden_layers, 1 << 10,
                               error) &&
           encoder_config_size(json, n ? n->heads : "num_attention_heads", &c->num_attention_heads, 1 << 10,
                               error) &&
           encoder_config_size(json, n ? n->intermediate : "intermediate_size", &c->intermediate_size,
                               1 << 18, error) &&
           json_bool(json, "do_stable_layer_norm", &c->do_stable_layer_norm, error) &&
           json_number(json, "layer_norm_eps", &c->layer_norm_eps, error) &&
           json_number(json, "initializer_range", &c->initializer_range, error) && check(encoder, error) &&
           encoder->family->configure(encoder, json, error) &&
           read_context(encoder, json, settings, sample_rate, error) &&
           read_hyperparameters(c, json, settings ? settings : &settings_default()->model, error);
}
