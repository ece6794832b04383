/* Device, threads and precision: what run.device, run.threads and run.precision come to on this machine. */
#ifndef EMOTRAIN_TRAIN_COMPUTE_H
#define EMOTRAIN_TRAIN_COMPUTE_H

#include "train/evaluate.h"

/* Chooses, sets libtorch's threads, and writes what was chosen into the configuration.  place: this process's
 * among those that train together, each of which has a card and a share of the processors; NULL: it is alone.
 */
bool compute_choose(struct config *config, const struct place *place, struct compute *compute,
                    struct error *error);

#endif
