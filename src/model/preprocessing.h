/* What a recording becomes before a model takes it in: settings of [audio] that were settled when the model
 * was trained.  preprocessor_config.json beside its weights says them, under transformers' names and, where
 * transformers has none, as "emotrain_channel", "emotrain_resampler" and "emotrain_max_seconds". */
#ifndef EMOTRAIN_MODEL_PREPROCESSING_H
#define EMOTRAIN_MODEL_PREPROCESSING_H

#include "base/json.h"
#include "config/settings.h"

struct preprocessing {
    int sample_rate;           /* Hz; 0: as recorded */
    bool normalize;            /* to zero mean and unit variance */
    char *channel, *resampler; /* as audio.channel and audio.resampler; NULL: other programs say none */
    double max_seconds;        /* as audio.max_seconds; 0: recordings are taken in whole */
};

/* As settings have it; audio.normalize=auto leaves `normalize` as it is. */
void preprocessing_choose(struct preprocessing *p, const struct audio_settings *settings);

/* Takes from settings what *p has not: what only emotrain's own models say. */
void preprocessing_complete(struct preprocessing *p, const struct audio_settings *settings);

/* Reads a model directory's file over what *p has.  own: emotrain wrote the directory, which always has the
 * file; may_vary: it may say that sounds are taken as they are recorded. */
bool preprocessing_read(struct preprocessing *p, const char *directory, bool own, bool may_vary,
                        struct error *error);

/* Adds it to what `json` has, and writes the file. */
bool preprocessing_write(const struct preprocessing *p, cJSON *json, const char *directory,
                         struct error *error);

void preprocessing_free(struct preprocessing *p);

#endif
