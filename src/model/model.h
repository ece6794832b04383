/*
 * Models: one interface, so that neither trainer nor commands ask which kind they have.
 *
 *     struct model *model = model_open(&source, &error);
 *     struct et_tensor *logits = model_forward(model, scope, &batch, &mode);    (clips, labels)
 *     model_save(model, directory, &error);
 *     model_close(model);
 *
 * A kind is a constant struct in KINDS (model.c): to add one, write a file like wav2vec2.c and list it there.
 */
#ifndef EMOTRAIN_MODEL_MODEL_H
#define EMOTRAIN_MODEL_MODEL_H

#include "base/config.h"
#include "base/files.h"
#include "base/json.h"
#include "model/parameters.h"
#include "model/pooling.h"

/* Clips to answer together, padded with zeros at their end to the longest. */
struct batch {
    int64_t count;    /* clips */
    int64_t width;    /* samples of the longest */
    float *samples;   /* (count, width) */
    int64_t *lengths; /* (count), samples of each */
    int64_t *labels;  /* (count), indices; unused where nothing is learned */
};

/* How to run a model forward. */
struct forward_mode {
    bool training; /* dropout, layer drop and masks are on, gradients are recorded */
    uint64_t seed; /* of what training draws: another one for each forward pass */

    /* If set, is shown intermediate results by name; they are borrowed. */
    void (*observe)(void *context, const char *name, const struct et_tensor *tensor);
    void *context;
};

/* Where a model comes from. */
struct model_source {
    const char *path; /* model directory, or a config.json for random weights */
    const struct config
        *config; /* the experiment's settings; NULL: all as the directory's config.json says */
    const struct strings *labels; /* NULL: as the directory's config.json says */
    int device;
    uint64_t seed; /* of what is initialised anew */
};

struct model {
    const struct model_kind *kind;
    char *path;
    struct strings labels;
    cJSON *json; /* config.json: as read, then as it will be saved */
    struct parameters parameters;
    const struct pooling *pooling;
    bool pooling_includes_padding;
    int sample_rate;         /* Hz, of what it takes in */
    bool normalize;          /* it takes in signals of zero mean and unit variance */
    int64_t minimum_samples; /* shorter clips must be lengthened by zeros */
    bool gradient_checkpointing;
    void *state; /* the kind's own */
};

struct model_kind {
    const char *name, *summary;
    const char *architecture, *extractor; /* what config.json and preprocessor_config.json call it */

    /* Reads model->json and the settings, declares the parameters, sets minimum_samples. */
    bool (*open)(struct model *model, const struct config *config, struct error *error);

    /* Sets `trainable` from model.freeze. */
    bool (*freeze)(struct model *model, const char *freeze, struct error *error);

    /* -> (clips, labels) logits */
    struct et_tensor *(*forward)(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                 const struct forward_mode *mode);

    /* The parameter's name for a name that a checkpoint uses, written to `name`; false: ignored by name. */
    bool (*translate)(const char *checkpoint_name, char name[256]);

    void (*close)(struct model *model);
};

extern const struct model_kind MODEL_WAV2VEC2, MODEL_CNN;

/* Opens a model and says in the log what was loaded, initialised anew or ignored. */
struct model *model_open(const struct model_source *source, struct error *error);
void model_close(struct model *model); /* NULL does nothing */

struct et_tensor *model_forward(const struct model *model, struct et_scope *scope, const struct batch *batch,
                                const struct forward_mode *mode);

/* Writes config.json, preprocessor_config.json and model.safetensors into an existing folder. */
bool model_save(const struct model *model, const char *directory, struct error *error);

#endif
