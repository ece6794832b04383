/*
 * Models: one interface, so that neither trainer nor commands ask which kind they have.
 *
 *     struct model *model = model_open(&source, &error);
 *     struct et_tensor *logits = model_forward(model, scope, &batch, &mode);    (clips, labels)
 *     model_save(model, directory, &error);
 *     model_close(model);
 *
 * A kind is a constant struct in KINDS (model.c): to add one, write a file like cnn.c and list it there.
 */
#ifndef EMOTRAIN_MODEL_MODEL_H
#define EMOTRAIN_MODEL_MODEL_H

#include "base/files.h"
#include "base/json.h"
#include "base/strings.h"
#include "base/text.h"
#include "config/config.h"
#include "config/task.h"
#include "model/head/pooling.h"
#include "model/known_clips.h"
#include "model/onnx/onnx.h"
#include "model/preprocessing.h"
#include "model/weights/parameters.h"
#include "model/weights/weights.h"

/* What a model takes in of a clip. */
enum model_input {
    INPUT_WAVEFORM, /* its samples */
    INPUT_FEATURES, /* some numbers: acoustic functionals, or what a list says */
    INPUT_TEXT,     /* what is said */
    INPUT_COUNT
};

extern const char *const MODEL_INPUT_NAMES[INPUT_COUNT]; /* "waveform", "features", "text" */

/* A batch of clips: the inputs of the model, and the targets. */
struct batch {
    int64_t count; /* clips */

    /* INPUT_WAVEFORM: padded with zeros at their end to the longest */
    int64_t width;    /* samples of the longest */
    float *samples;   /* (count, width) */
    int64_t *lengths; /* (count), samples of each */

    uint16_t *frozen; /* in place of samples: what frozen_trunk makes of them, (count, frozen_width frames,
                         frozen_channels), float16, padded with zeros; or NULL */
    int64_t frozen_width, frozen_channels;
    int64_t frozen_layers; /* behind the feature encoder that are in it */

    struct batch *members; /* the same clips for each of an ensemble's members, in place of all below */
    size_t member_count;

    float *features; /* INPUT_FEATURES: (count, model->features.count) */
    float *states; /* in place of samples: means and deviations over time of hidden states 0 .. state_count -
                      1, (count, state_count, 2, state_width); or NULL */
    int64_t state_count, state_width;
    bool by_speaker; /* states or features are standardised by speaker */
    char **texts;    /* INPUT_TEXT: (count) */

    int64_t *labels;    /* (count), indices, of single_label; unused where nothing is learned */
    int64_t *auxiliary; /* (count), classes of train.auxiliary_task, -100 where unknown; or NULL */
    float *shares;  /* (count, labels), of train.loss=kl: a clip's labels, as its annotators voted; or NULL */
    float *targets; /* (count, labels), of the other tasks: 0 or 1, or standardised numbers; may be NULL */
};

/* All clips that a model is fitted to at once (model_kind.fit). */
struct examples {
    size_t count;
    const float *features;       /* (count, states, parts, width) */
    size_t states, parts, width; /* of an encoder: layers; mean and deviation; their width.  Of other
                                    features: 1, 1, and how many */
    const int64_t *labels;       /* (count), or NULL */
    const float *targets;        /* (count, labels), or NULL */
    const size_t
        *groups; /* (count): clips of one group stay together in cross-validation; NULL: each by itself */
    size_t group_count;
    const struct linear_settings *settings;
    uint64_t seed; /* of the deal of folds */
    int threads;
    bool class_weights; /* weigh classes by their inverse frequency */
    bool by_recall;     /* candidates are compared by UAR, not accuracy */
};

/* How to run a model forward. */
struct forward_mode {
    bool training; /* dropout, layer drop and masks are on, gradients are recorded */
    uint64_t seed; /* of what is random in training: another one for each forward pass */

    /* If set, is shown intermediate results by name; they are borrowed. */
    void (*observe)(void *context, const char *name, const struct et_tensor *tensor);
    void *context;

    const struct et_tensor **pooled; /* if set, gets the pooled vectors (clips, width), borrowed */
};

/* Where a model comes from. */
struct model_source {
    const char
        *path; /* model directory, or a config.json for random weights; "" where the kind needs no files */
    const struct settings *settings; /* the experiment's; NULL: all as the directory's config.json says */
    const struct strings *labels;    /* NULL: as the directory's config.json says */
    const struct strings
        *features;            /* names of the features there are for training; NULL: as config.json says */
    bool features_from_table; /* those: of linear.features=FILE */
    int device;
    uint64_t seed;             /* of what is initialised anew */
    bool is_member;            /* of an ensemble: it cannot be one itself */
    int64_t auxiliary_classes; /* of train.auxiliary_task; 0: there is none */
};

/* single_label: the accuracy of the surest predictions for the validation part, that share of them;
 * `threshold` is the least probability among those. */
struct kept_share {
    double share, threshold, accuracy;
};
enum { KEPT_SHARES = 20 };

struct model {
    const struct model_kind *kind;
    char *path;
    enum task task;
    struct strings labels;
    struct strings features;             /* INPUT_FEATURES: their names, in order */
    bool from_table;                     /* they came from a file, not from sounds */
    double temperature;                  /* single_label: logits are divided by it; 1: they are not */
    struct kept_share kept[KEPT_SHARES]; /* from all down; none where there was no validation part */
    size_t kept_count;
    double *thresholds;         /* (labels) multi_label: a probability above it gives the label */
    double *means, *deviations; /* (labels) regression: of the numbers that were learned from */
    struct known_clips known_clips;
    int64_t untrained; /* values that were initialised at random, and that training leaves as they are */
    cJSON *json;       /* config.json: as read, then as it will be saved */
    struct parameters parameters;
    bool trained;            /* it was opened as it is, to be used */
    bool by_speaker;         /* it takes in features standardised by speaker (linear.scale=speaker) */
    struct weights *weights; /* the checkpoint, while the model is being opened; NULL: there is none */
    const struct pooling *pooling;
    bool pooling_includes_padding;
    int64_t attention_width;    /* of the layer that scores frames, where the pooling has one */
    struct preprocessing sound; /* what recordings become before it takes them in */
    int64_t minimum_samples;    /* shorter clips must be padded by zeros */
    int64_t maximum_samples;    /* longer ones are not taken in; 0: any are */
    bool gradient_checkpointing;
    size_t auxiliary_weight, auxiliary_bias; /* parameters of train.auxiliary_task, which are not saved; both
                                                0: there are none */
    struct model **members; /* of an ensemble (ensemble.h), and the weight of each; NULL: it is none */
    double *weights_of_members;
    size_t member_count;
    void *state; /* the kind's own */
};

/* The first part of a model of waveforms, which can be run by itself where it is frozen. */
struct frozen_trunk {
    /* Layers behind the feature encoder that belong to it as the model is frozen now. */
    int64_t (*layers)(const struct model *model);

    /* Whether the parameter is one of its. */
    bool (*owns)(const struct model *model, const char *parameter);

    /* Appends the settings that its output depends on.  Fails where the output depends on the batch too. */
    bool (*describe)(const struct model *model, struct text *settings, struct error *error);

    /* -> (clips, frames, channels), which forward takes in as batch->frozen */
    struct et_tensor *(*forward)(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 const struct forward_mode *mode);
};

/* An encoder's layers, which a linear classifier may be fitted to. */
struct hidden_layers {
    int64_t (*count)(const struct model *model); /* of its layers; hidden states are one more */

    /* Appends the settings that they depend on. */
    void (*describe)(const struct model *model, struct text *settings);

    /* Means and deviations over time of hidden states 0 .. depth -> (clips, depth + 1, 2 * width) */
    struct et_tensor *(*states)(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                int64_t depth);

    /* The same as they are, of a batch of one clip -> (depth + 1, frames, width) */
    struct et_tensor *(*frames)(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                int64_t depth);
};

struct model_kind {
    const char *name, *summary;
    const char *model_type, *architecture, *extractor; /* what config.json and preprocessor_config.json call
                                                          it; of `takes` a list, for messages */
    enum model_input input;
    /* Of a kind that goes by several names in config.json: whether this is one, what model and extractor are
     * called, whether it wants signals of zero mean and unit variance (audio.normalize=auto).  NULL: as the
     * constants above say; no. */
    bool (*takes)(const cJSON *config);
    bool (*normalizes)(const cJSON *config);
    void (*describe_model)(const struct model *model, cJSON *config);
    void (*describe_extractor)(const struct model *model, cJSON *config);

    bool needs_no_files; /* begins without model.pretrained */

    /* Reads model->json and the settings (or NULL), declares the parameters, sets minimum_samples. */
    bool (*open)(struct model *model, const struct model_settings *settings, struct error *error);

    /* Sets `trainable` from model.freeze. */
    bool (*freeze)(struct model *model, const char *freeze, struct error *error);

    /* -> (clips, labels) logits, or standardised numbers.  NULL where `fit` and `prediction` are in its
     * place. */
    struct et_tensor *(*forward)(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 const struct forward_mode *mode);

    bool small; /* its time goes to memory rather than to products: bfloat16 is faster wherever a processor
                   has it, also where it multiplies it more slowly */

    const struct frozen_trunk *frozen; /* NULL: none */

    /* The parameter's name for a name that a checkpoint uses, written to `name`; false: it is of pretraining
     * and of no use here.  NULL: checkpoints use the parameters' own. */
    bool (*translate)(const struct model *model, const char *checkpoint_name, char name[256]);

    void (*close)(struct model *model);

    /* Logits as a graph, of samples (clips, samples) as they are recorded.  NULL: it has no ONNX graph. */
    const char *(*build_onnx)(const struct model *model, struct onnx *graph, const char *samples);

    /* Instead of training step by step: once, with all clips.  *table: what was tried, as CSV, where the kind
     * says so; caller frees. */
    bool (*fit)(struct model *model, const struct examples *examples, char **table, struct error *error);

    /* Instead of forward: probabilities, or numbers (clips, labels). */
    bool (*predict)(const struct model *model, const struct batch *batch, float *outputs,
                    struct error *error);

    /* How parameter `i` is written, where not as it is: sets entry->read, or returns false for one that is
     * not written.  NULL: all are as they are. */
    bool (*save_parameter)(const struct model *model, size_t i, struct named_tensor *entry);

    /* Writes config.json and weights as the architecture that Hugging Face's library has, where that is
     * exactly this model; fails where not.  NULL: it never is. */
    bool (*save_huggingface)(const struct model *model, const char *directory, struct error *error);

    /* What a directory holds beside config.json and the parameters; NULL: nothing. */
    bool (*load)(struct model *model, const char *directory, struct error *error);
    bool (*save)(const struct model *model, const char *directory, struct error *error);

    const struct hidden_layers *hidden; /* NULL: it is no encoder */

    /* Layers of the encoder above the one that has parameter i; -1: it is of the head.  NULL: none has any.
     */
    int64_t (*layers_above)(const struct model *model, size_t i);

    /* The parameters that scale pooled vectors, mean and deviation, and are measured before training (forward
     * shows "pooled"); NULL, or false: there are none. */
    bool (*scale)(const struct model *model, size_t *mean, size_t *deviation);

    /* Values of the pooled vector that forward shows, and whether it depends on parameter i.  NULL: it shows
     * none. */
    int64_t (*pooled_width)(const struct model *model);
    bool (*reaches_pooled)(const struct model *model, size_t i);

    /* Phases of training that each train some parameters only (parameter.phase), before the last, which
     * trains all; NULL: there is but that one. */
    int (*phases)(const struct model *model);
};

extern const struct model_kind MODEL_ENCODER, MODEL_CNN, MODEL_VGGISH, MODEL_DEEPMOJI, MODEL_LINEAR;

/* What emotrain ensemble makes of several; it is not trained (ensemble.h). */
extern const struct model_kind MODEL_ENSEMBLE;

/* model.kind=linear with other features or another classifier than MODEL_LINEAR's: what MODEL_PROBE makes is
 * saved as an encoder. */
extern const struct model_kind MODEL_PROBE, MODEL_LOGISTIC;

/* The kind that settings ask for; NULL with an error. */
const struct model_kind *model_kind_of(const struct settings *settings, struct error *error);

/* The kind of that name; NULL with an error. */
const struct model_kind *model_kind_find(const char *name, struct error *error);

/* Whether a path is a model directory: it has a config.json, or FunASR's config.yaml and model.pt. */
bool model_is_directory(const char *path);

/* Opens a model and says in the log what was loaded, initialised anew or ignored. */
struct model *model_open(const struct model_source *source, struct error *error);
void model_close(struct model *model); /* NULL does nothing */

/* Fails for a model that learned from a table of features: how they were made of sounds is not known. */
bool model_describes_sounds(const struct model *model, struct error *error);

/* Fails for a model that takes in features standardised by speaker: it cannot predict a recording alone. */
bool model_stands_alone(const struct model *model, struct error *error);

/* Has the scale of pooled vectors measured, whatever the checkpoint said of it. */
void model_forget_scale(struct model *model);

struct et_tensor *model_forward(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                const struct forward_mode *mode);

/* Inside model/: what forward has pooled, for who asks for it: as "pooled", and in mode->pooled. */
void forward_show_pooled(const struct forward_mode *mode, const struct et_tensor *pooled);

/* Whether some parameter that the pooled vector depends on is trained. */
bool model_trains_pooled(const struct model *model);

/* Model outputs (clips, labels), as forward gives them, to predictions: probabilities by softmax or sigmoid,
 * or numbers. */
void model_probabilities(const struct model *model, float *outputs, int64_t clips);

/* The largest share of predictions that had at least that accuracy on the validation part; NULL, with a usage
 * error, where there is none. */
const struct kept_share *model_reject(const struct model *model, double accuracy, struct error *error);

/* Sets model->means and deviations to those of the targets (clips, labels). */
void model_learn_scale(struct model *model, const double *const *targets, size_t count);

/* Writes config.json, preprocessor_config.json, model.safetensors and what the kind has besides into an
 * existing folder. */
bool model_save(const struct model *model, const char *directory, struct error *error);

/* Writes the classifier in ONNX: "samples" (batch, samples) at model->sample_rate -> "probabilities" (batch,
 * labels), or of regression "numbers".  All clips of a batch are of one length. */
bool model_write_onnx(const struct model *model, const char *path, struct error *error);

/* The nodes from samples (clips, samples) to what that has; NULL where the kind has no graph. */
const char *model_build_onnx(const struct model *model, struct onnx *graph, const char *samples);

/* Divides the last layer's weights by the temperature, which is then 1: for programs that know of none. */
bool model_fold_temperature(struct model *model, struct error *error);

/* The same of a regression's numbers, which the last layer then gives as they are, not standardised. */
bool model_fold_scale(struct model *model, struct error *error);

/* Takes the head (and the pooling's parameters) over from a model directory with the same labels, which must
 * fit. */
bool model_take_head(struct model *model, const char *directory, struct error *error);

/* Whether model_save writes parameter i as it is. */
bool model_saves_as_is(const struct model *model, size_t i);

/* Writes preprocessor_config.json alone. */
bool model_save_preprocessing(const struct model *model, const char *directory, struct error *error);

/* Writes config.json alone again: what an evaluation found, thresholds, stands there. */
bool model_save_config(const struct model *model, const char *directory, struct error *error);

#endif
