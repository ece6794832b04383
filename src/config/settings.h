/*
 * The settings of an experiment as values: one struct for each section of its configuration.
 *
 * config.h reads INI files and `--set` into these structs; every room but config/, run/ and cli/ takes the
 * struct of its section and names no key.  A test sets fields:
 *
 *     struct split_settings split = settings_default()->split;
 *     split.test = 0.25;
 *
 * Numbers that may be left to a checkpoint's config.json are NAN, SETTING_UNSET or TRI_UNSET where they are
 * not given. Strings are never NULL.  Meaning, range and default of each key stand in settings.c, in the
 * order of these fields.
 */
#ifndef EMOTRAIN_CONFIG_SETTINGS_H
#define EMOTRAIN_CONFIG_SETTINGS_H

#include "config/task.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SETTING_UNSET = -1, SETTING_WORD = -2 }; /* of whole numbers; WORD: the word that may stand for one */

enum tristate { TRI_UNSET = -1, TRI_NO, TRI_YES };

enum automatic { CHOOSE_AUTO, CHOOSE_YES, CHOOSE_NO };
enum precision { PRECISION_AUTO, PRECISION_FLOAT32, PRECISION_BFLOAT16, PRECISION_FLOAT16 };
enum pooling_padding { PADDING_EXCLUDED, PADDING_INCLUDED };
enum head_scale { SCALE_NONE, SCALE_STANDARD };
enum head_kind { HEAD_DENSE, HEAD_LINEAR, HEAD_PROJECTOR, HEAD_RELU, HEAD_NORM, HEAD_COUNT };
enum linear_classifier { CLASSIFIER_AUTO, CLASSIFIER_LOGISTIC, CLASSIFIER_SVM };
enum linear_scale { LINEAR_SCALE_STANDARD, LINEAR_SCALE_NONE, LINEAR_SCALE_SPEAKER };
enum svm_kernel { KERNEL_AUTO, KERNEL_LINEAR, KERNEL_RBF };
enum optimizer_kind { OPTIMIZER_ADAMW, OPTIMIZER_ADAMW_8BIT };

struct run_settings {
    const char *name, *directory, *database;
    int64_t seed;
    const char *device;
    int64_t threads;
    double timeout; /* seconds */
    enum precision precision;
};

/* One corpus: [corpus], or [corpus.NAME]. */
struct corpus_settings {
    const char *name; /* "" of the first */
    const char *kind, *root, *file, *columns, *part_map, *votes, *filter, *label_map, *part;
};

/* All of them, the first one first, and what is said once for all. */
struct corpora_settings {
    const struct corpus_settings *items;
    size_t count;
    const char *labels;
    bool strict;
    const char *note;
    enum task task;      /* of [model]: how labels are read */
    const char *channel; /* of [audio], as min_seconds */
    double min_seconds;
};

struct audio_settings {
    int64_t sample_rate; /* Hz; SETTING_WORD: as recorded */
    const char *resampler, *channel;
    enum automatic normalize;
    double max_seconds, min_seconds; /* 0: no limit */
    double crop_seconds;             /* 0: never */
    const char *cache;
};

struct split_settings {
    const char *protocol, *test_speakers, *validation_speakers;
    double test, validation; /* a fraction below 1, or clips */
    int64_t seed, folds /* SETTING_WORD: as many as there are speakers */, fold;
    const char *file, *copies;
    bool recordings_together;
};

struct model_settings {
    const char *kind, *pretrained, *revision, *head_from, *layer, *pooling;
    enum pooling_padding pooling_padding;
    enum automatic attention_mask;
    double context_seconds;
    enum head_kind head;
    enum head_scale head_scale;
    const char *freeze;
    int64_t lora_rank;
    double lora_alpha;
    const char *lora_targets;
    enum task task;
    bool gradient_checkpointing;
    double hidden_dropout, activation_dropout, attention_dropout, feat_proj_dropout, final_dropout, layerdrop;
    enum tristate apply_spec_augment;
    double mask_time_prob;
    int64_t mask_time_length, mask_time_min_masks;
    double mask_feature_prob;
    int64_t mask_feature_length, mask_feature_min_masks;
};

/* Models that are fitted at once to a vector of features for each clip. */
struct linear_settings {
    const char *features; /* "encoder", "egemaps", or a CSV file */
    enum linear_classifier classifier;
    const char *layer, *pooling, *combine; /* of features=encoder */
    enum linear_scale scale;
    bool wccn;
    enum svm_kernel kernel;
    const char *C; /* "auto", or numbers */
    double gamma;  /* NAN: chosen by cross-validation */
    int64_t folds;
};

struct train_settings {
    int64_t epochs, max_steps, batch_size;
    double batch_seconds; /* above 0: in place of batch_size */
    int64_t gradient_accumulation_steps, concurrent_batches;
    enum optimizer_kind optimizer;
    double learning_rate, head_learning_rate /* NAN: the same */, layer_decay, weight_decay;
    const char *lr_scheduler;
    int64_t warmup_steps;
    double warmup_ratio; /* above 0: in place of warmup_steps */
    int64_t plateau_patience;
    double plateau_factor;
    int64_t early_stopping_patience; /* 0: never */
    double max_grad_norm;
    int64_t max_nonfinite_steps;
    const char *sampler;
    bool shuffle, group_by_length, feature_cache;
    int64_t log_steps;
    bool class_weights;
    const char *loss;
    double focal_gamma;
    const char *auxiliary_task;
    double auxiliary_weight;
    double ema_decay, label_smoothing;
};

struct augment_settings {
    double speed, shift, noise, noise_snr, mixup; /* shift: seconds; noise_snr: dB */
    const char *distort;                          /* audio/distort.h, several */
    double distort_probability;
};

struct eval_settings {
    int64_t batch_size, every_steps, every_epochs;
    const char *best_metric;
    bool temperature_scaling;
};

struct checkpoint_settings {
    int64_t every_steps, every_epochs, keep;
};

struct report_settings {
    const char *baseline;
    bool audio;
};

/* Which settings of the grid a sweep runs, and for how long. */
enum sweep_search { SEARCH_GRID, SEARCH_RANDOM, SEARCH_HALVING };

struct sweep_settings {
    const char *grid;
    bool folds;
    const char *seeds;
    int64_t jobs;
    const char *metric;
    enum sweep_search search;
    int64_t trials; /* 0: every setting of the grid */
    double hours;   /* 0: no limit */
};

struct compare_settings {
    const char *models;
    bool ensemble;
};

struct settings {
    struct run_settings run;
    struct corpora_settings corpora;
    struct audio_settings audio;
    struct split_settings split;
    struct model_settings model;
    struct linear_settings linear;
    struct train_settings train;
    struct augment_settings augment;
    struct eval_settings eval;
    struct checkpoint_settings checkpoint;
    struct report_settings report;
    struct sweep_settings sweep;
    struct compare_settings compare;
};

/* audio.sample_rate in Hz; 0: as recorded. */
int settings_rate(const struct audio_settings *audio);

/* Every setting at its default; one corpus. */
const struct settings *settings_default(void);

/* What run.precision and the other enumerations are called in a configuration. */
extern const char *const PRECISION_NAMES[];

/* ---- the table of settings ---- */

enum setting_type {
    SETTING_TEXT,    /* const char * */
    SETTING_PATH,    /* const char *: of a file or folder; relative to the file that it stands in */
    SETTING_MODEL,   /* const char *: a path if there is such a file or folder, else a name */
    SETTING_NAME,    /* const char *: one of `choices` */
    SETTING_LIST,    /* const char *: items between `separator`s; a file may repeat the key */
    SETTING_PATHS,   /* both; an item may have words before its path (setting->colons) */
    SETTING_INTEGER, /* int64_t */
    SETTING_NUMBER,  /* double */
    SETTING_BOOL,    /* bool */
    SETTING_TRI,     /* enum tristate: yes, no or empty */
    SETTING_CHOICE   /* an enum, numbered as `choices` are */
};

struct setting {
    const char *section, *key, *fallback; /* fallback: the default, as text */
    const char *choices, *help;           /* choices: "mean|sum|max" */
    const char *word;        /* of whole numbers: what may stand in place of one; NULL: nothing */
    double minimum, maximum; /* of numbers; an empty value is allowed where the default is empty */
    size_t offset;           /* into struct settings */
    enum setting_type type;
    char separator;
    int colons;          /* of SETTING_PATHS: the path of an item begins after so many colons */
    bool of_each_corpus; /* offset is into struct corpus_settings; [corpus.NAME] has it too */
};

extern const struct setting SETTINGS[]; /* each section's in one run of rows */
extern const size_t SETTINGS_COUNT;

/* What earlier versions and other programs call a setting: "train.lr" is "train.learning_rate".  NULL:
 * nothing. */
const char *setting_renamed(const char *section, const char *key);

/* Writes the value, which must have been checked, to the setting's field in `base` (struct settings, or
 * struct corpus_settings where it is one of each corpus).  The string must outlive it. */
void setting_store(const struct setting *setting, const char *value, void *base);

/* "yes" and "no" and what else means them. */
bool setting_bool(const char *value, bool *truth);

/* Index of a value among the choices, or -1. */
int setting_choice(const char *choices, const char *value);

#endif
