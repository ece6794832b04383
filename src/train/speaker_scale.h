/*
 * linear.scale=speaker: the features of a clip, standardised by the mean and standard deviation over all
 * clips of its speaker, of whatever part, without their labels.  What is predicted of a speaker then depends
 * on that speaker's other clips.
 */
#ifndef EMOTRAIN_TRAIN_SPEAKER_SCALE_H
#define EMOTRAIN_TRAIN_SPEAKER_SCALE_H

#include "train/dataset.h"

struct speaker_scale;

/* Whether a trained model takes in what can be standardised so: an encoder that a linear classifier was
 * fitted to reads layers that only the run had. */
bool speaker_scale_applies(const struct model *model);

/* Of the clips of all datasets, which must not share any.  Fails where a clip has no speaker.  NULL on error.
 */
struct speaker_scale *speaker_scale_make(struct dataset *const *datasets, size_t count,
                                         const struct model *model, struct error *error);
void speaker_scale_free(struct speaker_scale *scale); /* NULL does nothing */

/* Standardises a clip's features in place. */
void speaker_scale_apply(const struct speaker_scale *scale, const char *speaker, float *features);

#endif
