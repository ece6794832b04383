/*
 * A model's parameters: named tensors (Hugging Face's names), how each begins, whether it is trained.
 *
 * A model declares them all first, then fills them from a checkpoint or from random numbers.  Names are kept
 * in one form, with the prefix and with weight_g / weight_v for weight norm, whatever form a checkpoint uses.
 */
#ifndef EMOTRAIN_MODEL_WEIGHTS_PARAMETERS_H
#define EMOTRAIN_MODEL_WEIGHTS_PARAMETERS_H

#include "base/memory.h"
#include "torch/torch.h"

enum { PARAMETER_MAX_DIMS = 4 };

/* How a parameter begins where no checkpoint gives it. */
enum initialisation {
    INIT_ZEROS,
    INIT_ONES,
    INIT_NORMAL,    /* mean 0, standard deviation `scale` */
    INIT_UNIFORM,   /* -scale .. scale */
    INIT_UNIT,      /* 0 .. 1 */
    INIT_SINUSOIDS, /* row t: sines, then cosines, of t by wavelengths from 2 pi to 20000 pi */
    INIT_NORM_OF,   /* weight_g: the norm of the weight_v declared just before it */
};

struct parameter {
    const char *name;
    int64_t shape[PARAMETER_MAX_DIMS];
    int dims;
    enum initialisation initialisation;
    double scale;
    bool required; /* a checkpoint without it is an error; else it is initialised anew */
    bool loaded;
    bool trainable;
    bool is_buffer;           /* a statistic that the forward pass updates in training */
    bool of_labels;           /* it has a row for each label: of no use where a checkpoint's labels differ */
    bool begins_anew;         /* what a checkpoint has by its name is of another head */
    bool may_lack;            /* where a checkpoint lacks it, it is as it begins, which is right */
    bool training_only;       /* predictions do not depend on it */
    int phase;                /* of model_kind.phases: the one that trains it before the last */
    struct et_tensor *tensor; /* float32, on the model's device */
};

struct parameters {
    struct parameter *items;
    size_t count, capacity;
    int device;
    struct et_scope *scope; /* owns the tensors */
    struct arena arena;
};

void parameters_start(struct parameters *parameters, int device);
void parameters_free(struct parameters *parameters);

/* Declares a parameter; up to four sizes, ended by 0.  Returns its index. */
size_t parameters_add(struct parameters *parameters, bool required, enum initialisation initialisation,
                      double scale, const int64_t shape[PARAMETER_MAX_DIMS], const char *name, ...)
    __attribute__((format(printf, 6, 7)));

/* The tensor of a declared parameter (index from parameters_add). */
struct et_tensor *parameters_tensor(const struct parameters *parameters, size_t index);

/* Makes the tensors of all declared parameters; those not `loaded` are initialised when load is over. */
bool parameters_allocate(struct parameters *parameters, struct error *error);
bool parameters_initialise(struct parameters *parameters, uint64_t seed, struct error *error);

/* Sets which gradients are recorded, from `trainable`; of those, `phase` from 0 on only its own; -1: all. */
bool parameters_apply_trainable(struct parameters *parameters, int phase, struct error *error);

size_t parameters_index(const struct parameters *parameters, const char *name); /* count if there is none */
int64_t parameters_elements(const struct parameters *parameters, bool only_trainable);

#endif
