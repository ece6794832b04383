/* wav2vec 2.0's config.json: reading, checking, laying the experiment's settings over it. */
#include "base/text.h"
#include "model/encoder/wav2vec2.h"
#include "model/hyperparameter.h"

#include <stdlib.h>
#include <string.h>

static bool read_list(const cJSON *json, const char *name, int64_t *values, int count, struct error *error)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, name), *item = NULL;
    int n = 0;

    if (!list)
        return true;
    cJSON_ArrayForEach(item, list)
    {
        if (n == count || !cJSON_IsNumber(item) || item->valuedouble < 1 || item->valuedouble > 1e6)
            return error_set(error, "\"%s\" must hold as many positive numbers as \"conv_dim\"", name);
        values[n++] = (int64_t)item->valuedouble;
    }
    return n == count || error_set(error, "\"%s\" must hold as many numbers as \"conv_dim\"", name);
}

static bool read_convolutions(struct wav2vec2_config *c, const cJSON *json, struct error *error)
{
    static const int64_t kernels[] = {10, 3, 3, 3, 3, 2, 2}, strides[] = {5, 2, 2, 2, 2, 2, 2};
    const cJSON *dims = cJSON_GetObjectItemCaseSensitive(json, "conv_dim");

    c->conv_layers = dims ? cJSON_GetArraySize(dims) : 7;
    if (c->conv_layers < 1 || c->conv_layers > WAV2VEC2_MAX_CONV)
        return error_set(error, "\"conv_dim\" must hold 1 to %d numbers", WAV2VEC2_MAX_CONV);
    for (int i = 0; i < c->conv_layers; i++) {
        c->conv_dim[i] = 512;
        c->conv_kernel[i] = i < 7 ? kernels[i] : 2;
        c->conv_stride[i] = i < 7 ? strides[i] : 2;
    }
    return read_list(json, "conv_dim", c->conv_dim, c->conv_layers, error) &&
           read_list(json, "conv_kernel", c->conv_kernel, c->conv_layers, error) &&
           read_list(json, "conv_stride", c->conv_stride, c->conv_layers, error);
}

/* What this implementation does not do must not be ignored in silence. */
static bool check_kind(const cJSON *json, bool *group_norm, struct error *error)
{
    const char *type = "wav2vec2", *norm = "group", *extractor = "gelu", *hidden = "gelu";
    bool adapter = false;

    if (!json_string(json, "model_type", &type, error) ||
        !json_string(json, "feat_extract_norm", &norm, error) ||
        !json_string(json, "feat_extract_activation", &extractor, error) ||
        !json_string(json, "hidden_act", &hidden, error) || !json_bool(json, "add_adapter", &adapter, error))
        return false;
    const cJSON *attention_adapter = cJSON_GetObjectItemCaseSensitive(json, "adapter_attn_dim");
    if (strcmp(type, "wav2vec2") != 0)
        return error_set(error, "\"model_type\" is \"%s\", not \"wav2vec2\"", type);
    if (strcmp(norm, "group") != 0 && strcmp(norm, "layer") != 0)
        return error_set(error, "\"feat_extract_norm\" must be \"group\" or \"layer\", not \"%s\"", norm);
    if (strcmp(extractor, "gelu") != 0 || strcmp(hidden, "gelu") != 0)
        return error_set(error, "only the activation \"gelu\" is there, not \"%s\"",
                         strcmp(extractor, "gelu") != 0 ? extractor : hidden);
    if (adapter || (attention_adapter && !cJSON_IsNull(attention_adapter)))
        return error_set(error, "adapters (\"add_adapter\", \"adapter_attn_dim\") are not supported");
    *group_norm = strcmp(norm, "group") == 0;
    return true;
}

static bool check_sizes(const struct wav2vec2_config *c, struct error *error)
{
    const struct {
        const char *name;
        int64_t value, maximum;
    } sizes[] = {{"hidden_size", c->hidden_size, 1 << 16},
                 {"num_hidden_layers", c->num_hidden_layers, 1 << 10},
                 {"num_attention_heads", c->num_attention_heads, 1 << 10},
                 {"intermediate_size", c->intermediate_size, 1 << 18},
                 {"num_conv_pos_embeddings", c->num_conv_pos_embeddings, 1 << 12},
                 {"num_conv_pos_embedding_groups", c->num_conv_pos_embedding_groups, 1 << 12},
                 {"mask_time_length", c->mask_time.length, 1 << 20},
                 {"mask_feature_length", c->mask_feature.length, 1 << 20},
                 {"samples per frame", wav2vec2_minimum_samples(c), 1 << 24}};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (sizes[i].value < 1 || sizes[i].value > sizes[i].maximum)
            return error_set(error, "\"%s\" must be from 1 to %lld", sizes[i].name,
                             (long long)sizes[i].maximum);
    if (!(c->layer_norm_eps > 0) || !(c->initializer_range >= 0))
        return error_set(error, "\"layer_norm_eps\" must be above 0 and \"initializer_range\" at least 0");
    if (c->mask_time.minimum < 0 || c->mask_time.minimum > 1 << 20 || c->mask_feature.minimum < 0 ||
        c->mask_feature.minimum > 1 << 20)
        return error_set(error, "\"mask_time_min_masks\" and \"mask_feature_min_masks\" must be from 0 to %d",
                         1 << 20);
    if (c->hidden_size % c->num_attention_heads != 0)
        return error_set(error, "\"hidden_size\" %lld is no multiple of \"num_attention_heads\" %lld",
                         (long long)c->hidden_size, (long long)c->num_attention_heads);
    if (c->hidden_size % c->num_conv_pos_embedding_groups != 0)
        return error_set(error,
                         "\"hidden_size\" %lld is no multiple of \"num_conv_pos_embedding_groups\" %lld",
                         (long long)c->hidden_size, (long long)c->num_conv_pos_embedding_groups);
    return true;
}

/* The settings that an experiment may change, under one name in both files. */
static bool read_hyperparameters(struct wav2vec2_config *c, cJSON *json, const struct model_settings *given,
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
                               error);
}

bool wav2vec2_config_read(struct wav2vec2_config *c, cJSON *json, const struct model_settings *settings,
                          struct error *error)
{
    *c = (struct wav2vec2_config){.hidden_size = 768,
                                  .num_hidden_layers = 12,
                                  .num_attention_heads = 12,
                                  .intermediate_size = 3072,
                                  .num_conv_pos_embeddings = 128,
                                  .num_conv_pos_embedding_groups = 16,
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
    const struct {
        const char *name;
        int64_t *value;
    } integers[] = {{"hidden_size", &c->hidden_size},
                    {"num_hidden_layers", &c->num_hidden_layers},
                    {"num_attention_heads", &c->num_attention_heads},
                    {"intermediate_size", &c->intermediate_size},
                    {"num_conv_pos_embeddings", &c->num_conv_pos_embeddings},
                    {"num_conv_pos_embedding_groups", &c->num_conv_pos_embedding_groups}};

    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
        if (!json_integer(json, integers[i].name, integers[i].value, error))
            return false;
    return check_kind(json, &c->group_norm, error) && read_convolutions(c, json, error) &&
           json_bool(json, "conv_bias", &c->conv_bias, error) &&
           json_bool(json, "do_stable_layer_norm", &c->do_stable_layer_norm, error) &&
           json_number(json, "layer_norm_eps", &c->layer_norm_eps, error) &&
           json_number(json, "initializer_range", &c->initializer_range, error) &&
           read_hyperparameters(c, json, settings ? settings : &settings_default()->model, error) &&
           check_sizes(c, error);
}

int64_t wav2vec2_frames(const struct wav2vec2_config *c, int64_t samples)
{
    for (int i = 0; i < c->conv_layers; i++)
        samples = samples < c->conv_kernel[i] ? 0 : (samples - c->conv_kernel[i]) / c->conv_stride[i] + 1;
    return samples;
}

int64_t wav2vec2_minimum_samples(const struct wav2vec2_config *c)
{
    int64_t samples = 1;

    for (int i = c->conv_layers - 1; i >= 0; i--)
        if (__builtin_mul_overflow(samples - 1, c->conv_stride[i], &samples) ||
            __builtin_add_overflow(samples, c->conv_kernel[i], &samples))
            return INT64_MAX;
    return samples;
}
