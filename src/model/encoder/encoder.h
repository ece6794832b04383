/*
 * Pretrained encoders of speech with a head: what all families have in common.
 *
 *     samples --front end--> features (B, T, C) --embedding--> (B, T, H) --layers--> hidden states
 *             --layer mix, pooling over time--> (B, ...) --head--> logits (B, labels)
 *
 * A family (wav2vec 2.0, WavLM, Whisper, ...) is a constant struct encoder_family in a file of its own,
 * listed in encoder.c; config.json's "model_type" says which it is.  What families share stands in blocks.h,
 * transformer.h, conv_frontend.h, conv_positions.h, conformer.h and mel_frontend.h.
 *
 * Shapes: B clips, S samples, T frames, N frames of all clips without padding, C features, H hidden size.
 */
#ifndef EMOTRAIN_MODEL_ENCODER_ENCODER_H
#define EMOTRAIN_MODEL_ENCODER_ENCODER_H

#include "model/head/head.h"
#include "model/head/layer_mix.h"
#include "model/layers/spec_augment.h"
#include "model/model.h"

/* config.json's hyperparameters that most families have, under its names. */
struct encoder_config {
    int64_t hidden_size, num_hidden_layers, num_attention_heads, intermediate_size;
    bool do_stable_layer_norm; /* norms come before attention and feed-forward layers, not after */
    double layer_norm_eps, initializer_range;
    double hidden_dropout, activation_dropout, attention_dropout, feat_proj_dropout, final_dropout, layerdrop;
    double conv_dropout; /* of a conformer's convolutions */
    bool apply_spec_augment;
    struct mask_settings mask_time, mask_feature;
};

/* A low-rank adapter: weight + scale * up * down (Hu et al., "LoRA", 2021).  Indices of parameters. */
struct adapter {
    size_t down, up; /* (rank, in), (out, rank) */
};

/* Weight and bias of a linear layer, a convolution or a norm: indices of parameters. */
struct affine {
    size_t weight, bias;
    bool has_weight, has_bias;
    struct adapter adapter;
    bool has_adapter;
};

/* The projections of an attention. */
enum projection { QUERY, KEY, VALUE, OUT, PROJECTIONS };

struct attention {
    struct affine projections[PROJECTIONS];
};

/* The linear layers of one layer that adapters may be on: NULL where a family has none such. */
enum adaptable { FEED_FORWARD_IN = PROJECTIONS, FEED_FORWARD_OUT, SECOND_IN, SECOND_OUT, ADAPTABLE };

struct adaptable_layers {
    struct affine *items[ADAPTABLE]; /* the first four: of its attention */
};

struct encoder;
struct pass;
struct graph_builder;

/* config.json's names for the sizes in struct encoder_config. */
struct encoder_sizes {
    const char *hidden, *layers, *heads, *intermediate;
};

struct encoder_family {
    const char *model_type;     /* config.json's */
    const char *layers;         /* of its layers' names behind the prefix; NULL: "encoder.layers." */
    const char *prefix;         /* of its parameters' names in transformers' class with a head: "wav2vec2." */
    const char *classification; /* that class */
    const char *extractor;      /* preprocessor_config.json's feature_extractor_type */
    bool normalizes;            /* it was trained on signals of zero mean and unit variance */
    const struct encoder_sizes *sizes; /* NULL: hidden_size, num_hidden_layers and so on */
    int sample_rate;                   /* Hz, the only one that it takes in; 0: any */
    double context;     /* seconds that training lengthens clips to by default, where `longest` is set */
    bool pools_padding; /* its published heads pool over all frames of the context */
    bool masks_input;   /* SpecAugment masks what comes before the feature encoder's convolutions */
    bool fused;         /* its attention has one matrix for queries, keys and values: no adapters */
    bool packs;         /* its layers also take clips one after another without padding: (1, N, H) */
    const char *feature_encoder[3]; /* what model.freeze=feature_encoder freezes: beginnings of names */

    /* Our name for a checkpoint's, without a prefix; false: it is of pretraining alone.  NULL: they are
     * alike. */
    bool (*rename)(const struct encoder *encoder, const char *name, char out[256]);

    /* Reads what config.json has of the family's own; encoder->config holds its defaults by then. */
    bool (*configure)(struct encoder *encoder, cJSON *json, struct error *error);

    /* Declares the parameters up to the first layer (and final_norm), and those of layer i. */
    void (*declare)(struct encoder *encoder, struct parameters *parameters);
    void (*declare_layer)(struct encoder *encoder, struct parameters *parameters, int64_t i);

    /* Frames made of so many samples; 0 if there are too few. */
    int64_t (*frames)(const struct encoder *encoder, int64_t samples);

    /* Samples -> features (B, T, C). */
    struct et_tensor *(*features)(struct pass *pass, struct et_scope *scope, const struct batch *batch);

    /* What its layers need to know of T frames, made once for all; NULL: nothing. */
    struct et_tensor *(*positions)(const struct pass *pass, struct et_scope *scope);

    /* features (B, T, C) -> what goes into the first layer, (B, T, H) */
    struct et_tensor *(*embed)(const struct pass *pass, struct et_scope *scope, struct et_tensor *features);

    /* x (B, T, H) or (1, N, H) -> the same */
    struct et_tensor *(*run_layer)(const struct pass *pass, struct et_scope *scope, struct et_tensor *x,
                                   int64_t i);

    /* The same in ONNX, of clips of one length: samples (B, S) -> (B, T, H); one layer. */
    const char *(*onnx_embed)(const struct graph_builder *builder, const char *samples);
    const char *(*onnx_layer)(const struct graph_builder *builder, const char *x, int64_t i);

    /* In ONNX, a clip's own frames, as an integer (1), where its context is longer; NULL: there is no
     * context. */
    const char *(*onnx_frames)(const struct graph_builder *builder, const char *samples);

    /* What preprocessor_config.json says besides; NULL: nothing. */
    void (*describe_extractor)(const struct encoder *encoder, cJSON *json);

    /* Frees what the family keeps in encoder->own, beside the struct itself; NULL: nothing. */
    void (*close)(struct encoder *encoder);
};

extern const struct encoder_family FAMILY_WAV2VEC2, FAMILY_HUBERT, FAMILY_UNISPEECH, FAMILY_UNISPEECH_SAT,
    FAMILY_WAVLM, FAMILY_DATA2VEC_AUDIO, FAMILY_WAV2VEC2_CONFORMER, FAMILY_WAV2VEC2_BERT, FAMILY_WHISPER,
    FAMILY_EMOTION2VEC;

/* A weight with its adapter, to be written as one. */
struct lora_merge {
    struct et_tensor *weight, *down, *up;
    double scale;
};

struct conv_frontend;

/* Added to the variance where a clip's last hidden state is normed. */
extern const double ENCODER_OUTPUT_NORM_EPS;

struct encoder {
    const struct encoder_family *family;
    struct encoder_config config;
    void *own;                   /* the family's: settings and indices of parameters */
    struct conv_frontend *front; /* of families that begin with it; in `own` */
    int64_t feature_width;       /* C */
    int64_t minimum_samples;     /* for one frame */
    int64_t context;             /* samples that shorter clips are zero-padded to; 0: none are */
    int64_t longest;             /* samples that it can take in; 0: any number */
    int64_t extra;               /* tokens that its layers have before the frames */
    size_t mask_embedding;       /* index, where has_mask_embedding */
    bool has_mask_embedding;
    bool group_norm;                    /* its feature encoder norms over a whole clip */
    struct affine final_norm;           /* after the last layer, where it has_weight */
    struct adaptable_layers *adaptable; /* (layers) */
    int64_t adapter_rank;               /* 0: there are no adapters */
    double adapter_scale;               /* alpha / rank */
    struct lora_merge *merges;          /* by index of parameter; of those with an adapter */
    bool wants_adapter[ADAPTABLE];
    struct layer_mix mix;
    size_t pooling; /* index of the first parameter of the pooling */
    struct head head;
    double signal_mean, signal_deviation; /* of its training clips: samples are scaled by them; 0: not */
    bool norms_output;     /* a clip's last hidden state to zero mean and unit variance, as one */
    bool hides_padding;    /* padding is hidden from the encoder (attention mask) */
    int64_t frozen_layers; /* of the transformer, from the first on */
    int64_t kept_layers;   /* those that are saved: of a linear model, no more than it reads */
};

/* What layers' names begin with, behind the prefix. */
const char *encoder_layers_stem(const struct encoder *encoder);

/* Whether a norm comes after the last layer. */
bool encoder_norms_last(const struct encoder *encoder);

/* Whether transformers' class for the family computes what this model does, as it stands. */
bool encoder_is_huggingface(const struct model *model);

/* The family of that "model_type"; NULL: there is none. */
const struct encoder_family *encoder_family_find(const char *model_type);
int encoder_family_count(void);

/* Reads `json` (with Hugging Face's defaults for what is absent), lays the experiment's settings over it
 * (settings may be NULL) and writes the settings back into `json`. */
bool encoder_config_read(struct encoder *encoder, cJSON *json, const struct model_settings *settings,
                         int sample_rate, struct error *error);

/* A whole number of config.json's that must be from 1 to `maximum`. */
bool encoder_config_size(const cJSON *json, const char *name, int64_t *value, int64_t maximum,
                         struct error *error);

/* Fails where config.json sets one of these to true (the list ends with NULL): the encoder would be another.
 */
bool encoder_config_refuse(const cJSON *json, const char *const *names, struct error *error);

/* One of some names in config.json: fails for another value, which it names with those known. */
bool encoder_config_choice(const cJSON *json, const char *name, const char *fallback,
                           const char *const *choices, size_t count, size_t *chosen, struct error *error);

/* Samples (any shape) as the encoder was trained on them, where it scales them. */
struct et_tensor *encoder_scale_signal(const struct encoder *encoder, struct et_scope *scope,
                                       struct et_tensor *samples);

/* Samples that a clip is padded to before it is taken in. */
int64_t encoder_context(const struct encoder *encoder, int64_t samples);

/* Frozen layers whose output is the same in every pass over a clip, so that it can be kept: none where
 * dropout, masks, adapters or a mix of all layers come in between. */
int64_t encoder_steady_layers(const struct model *model);

/* (clips, labels) logits; model->state is a struct encoder. */
struct et_tensor *encoder_forward(const struct model *model, struct et_scope *scope,
                                  const struct batch *batch, const struct forward_mode *mode);

/* Logits as a graph (encoder_onnx.c). */
const char *encoder_onnx(const struct model *model, struct onnx *graph, const char *samples);

/* Of a linear classifier on the encoder (encoder_probe.c): model_kind.open, freeze and fit. */
bool probe_open(struct model *model, const struct model_settings *settings, struct error *error);
bool probe_freeze(struct model *model, const char *what, struct error *error);
bool probe_fit(struct model *model, const struct examples *examples, char **table, struct error *error);

/* Hidden states 0 .. depth, pooled over time or as they are (hidden_layers; encoder_forward.c). */
struct et_tensor *encoder_states(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 int64_t depth);
struct et_tensor *encoder_frames(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 int64_t depth);

/* As transformers' class with a head, where that is exactly this model (encoder_huggingface.c). */
bool encoder_save_huggingface(const struct model *model, const char *directory, struct error *error);

/* The feature encoder by itself, (clips, frames, features), and the steady layers, (clips, frames, hidden).
 */
struct et_tensor *encoder_frozen(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 const struct forward_mode *mode);

#endif
