/* Device, precision and threads: what run.device, run.precision and run.threads come to on this machine. */
#ifndef EMOTRAIN_TRAIN_COMPUTE_H
#define EMOTRAIN_TRAIN_COMPUTE_H

#include "config/dist_env.h"
#include "config/settings.h"
#include "model/model.h"
#include "train/ranks.h"

/* How to compute: device, the type of matrix products, and with whom. */
struct compute {
    int device; /* ET_CPU, or a GPU's index */
    enum et_dtype precision;
    enum precision wanted; /* run.precision */
    int threads;
    const struct ranks *ranks; /* NULL: alone */
};

enum { COMPUTE_NAME_SIZE = 16 };

/* Chooses, and sets libtorch's threads.  env: this process among those that train together, each of which has
 * a GPU and a part of the processors; NULL: it is alone. */
bool compute_choose(const struct run_settings *settings, const struct dist_env *env, struct compute *compute,
                    struct error *error);

/* Once the model is open: run.precision=auto takes what this model is faster in. */
void compute_suit(struct compute *compute, const struct model *model);

/* "cpu", "cuda:1"; returns `name`. */
const char *compute_device_name(const struct compute *compute, char name[COMPUTE_NAME_SIZE]);

/* "float32", "bfloat16" or "float16". */
const char *compute_precision_name(const struct compute *compute);

#endif
