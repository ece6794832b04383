/*
 * Choosing a linear classifier on fixed features: which of several vectors of a clip (an encoder's layers)
 * and which C, by cross-validation inside the training part; then fitting it to the whole of that part.
 *
 * Folds are those of scikit-learn's GroupKFold where clips have groups (speakers): the largest group first,
 * each to the fold with the fewest clips; of equals the first.  Without groups the clips of each label are
 * dealt out in turn.  Features are standardised, and with linear.wccn normalised (wccn.h), by what each fold
 * trains on.  All clips' predictions, each made by the fold that does not know the clip, are scored together;
 * of equal candidates the first is chosen: the lowest layer, then the smallest C.
 */
#ifndef EMOTRAIN_MODEL_LINEAR_CHOICE_H
#define EMOTRAIN_MODEL_LINEAR_CHOICE_H

#include "model/head/layer_mix.h"
#include "model/model.h"

enum { CHOICE_LAYERS_MOST = LAYERS_MOST };

struct linear_candidate {
    size_t layers[CHOICE_LAYERS_MOST], layer_count;
    size_t parts; /* 1: means over time; 2: deviations too */
    double C;
    double score; /* NAN: it is the only one and was not tried */
};

struct linear_choice {
    struct linear_candidate *candidates; /* in the order of trial */
    size_t count, best;

    /* The classifier: members are one, or with linear.combine=mean one for each layer.  Of one label out of
     * two there are two columns, alike but for their signs. */
    size_t members, columns, width; /* width: of all layers together; the means of a set's layers, then their
                                       deviations */
    double *means, *deviations;     /* (width) */
    double *weights;                /* (members, columns, width / members) */
    double *biases;                 /* (members, columns) */
};

/* Chooses and fits. */
bool linear_choose(struct linear_choice *choice, const struct examples *examples, enum task task,
                   size_t labels, struct error *error);
void linear_choice_free(struct linear_choice *choice);

/* Says what was chosen, of how many. */
void linear_choice_log(const struct linear_choice *choice, const char *what, const char *layers);

/* "2,3,4"; caller frees. */
char *linear_candidate_layers(const struct linear_candidate *candidate);

/* The table as CSV: layer, pooling, C, score. */
char *linear_choice_table(const struct linear_choice *choice);

#endif
