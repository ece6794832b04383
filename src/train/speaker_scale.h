/*
 * Features standardised by the mean and standard deviation over all clips of their speaker, of whatever part,
 * without their labels.  What is predicted of a speaker then depends on that speaker's other clips.
 *
 * The features are a clip's, where linear.scale=speaker, or of each frame, where the kind has speaker_frames
 * (cepstral mean and variance normalisation by speaker, as speech recognition has it: Viikki and Laurila,
 * 1998).
 */
#ifndef EMOTRAIN_TRAIN_SPEAKER_SCALE_H
#define EMOTRAIN_TRAIN_SPEAKER_SCALE_H

#include "train/compute.h"
#include "train/dataset.h"

struct speaker_scale;

/* Whether a trained model takes in what can be standardised so: an encoder that a linear classifier was
 * fitted to reads layers that only the run had. */
bool speaker_scale_applies(const struct model *model);

/* Of the clips of all datasets, which must not share any.  Fails where a clip has no speaker.  NULL on error.
 */
struct speaker_scale *speaker_scale_make(struct dataset *const *datasets, size_t count,
                                         const struct model *model, const struct compute *compute,
                                         struct error *error);
void speaker_scale_free(struct speaker_scale *scale); /* NULL does nothing */

/* How many features there are. */
size_t speaker_scale_width(const struct speaker_scale *scale);

/* Standardises a clip's features in place. */
void speaker_scale_apply(const struct speaker_scale *scale, const char *speaker, float *features);

/* The mean of each feature, then its standard deviation: values (2, width). */
void speaker_scale_read(const struct speaker_scale *scale, const char *speaker, float *values);

#endif
