/*
 * model.speeds: a recording is taken in at each of several speeds, its tempo and pitch changed together, and
 * the mean of their predictions is the model's.  Linear classifiers are fitted to the training clips at each
 * speed (speed perturbation: Ko et al., Interspeech 2015).
 */
#ifndef EMOTRAIN_MODEL_SPEEDS_H
#define EMOTRAIN_MODEL_SPEEDS_H

#include "audio/audio.h"
#include "base/json.h"
#include "base/text.h"

enum { SPEEDS_MOST = 8 };

struct speeds {
    double values[SPEEDS_MOST]; /* 1: as recorded; from small to large */
    size_t count;
};

extern const struct speeds SPEEDS_AS_RECORDED; /* 1 alone; any other set has several */

bool speeds_are_as_recorded(const struct speeds *speeds);

/* Of the setting: 1, or several numbers with commas between them. */
bool speeds_parse(struct speeds *speeds, const char *text, struct error *error);

/* Of a config.json, where they stand as "emotrain_speeds"; as recorded where they do not.  `path`: of the
 * model, for messages. */
bool speeds_read(struct speeds *speeds, const cJSON *config, const char *path, struct error *error);
void speeds_describe(const struct speeds *speeds, cJSON *config);

/* "0.9, 1 and 1.1" */
void speeds_print(const struct speeds *speeds, struct text *out);

/* Plays the signal that many times as fast, by resampling as recordings are resampled; augment.speed, which
 * draws a speed for each clip and step, interpolates. */
bool signal_change_speed(struct signal *signal, double speed, struct error *error);

#endif
