/* Inside train/: models that are fitted to all clips at once, as one step. */
#ifndef EMOTRAIN_TRAIN_FIT_H
#define EMOTRAIN_TRAIN_FIT_H

#include "base/log.h"
#include "train/trainer.h"

/* In the run folder: the candidates of a linear classifier, as choice.h has them. */
#define FIT_TABLE "candidates.csv"

/* In the place of trainer_start and a step. */
bool fit_start(struct trainer *trainer, struct error *error);
bool fit_step(struct trainer *trainer, struct progress *progress, struct error *error);

#endif
