/* Predictions of a set of clips, beside their targets: what is evaluated, stored and reported. */
#ifndef EMOTRAIN_EVAL_PREDICTIONS_H
#define EMOTRAIN_EVAL_PREDICTIONS_H

#include "base/memory.h"
#include "base/text.h"
#include "config/task.h"
#include "store/catalogue.h"

#include <stddef.h>
#include <stdint.h>

/* One clip's prediction.  Arrays have one value per label of the list that holds it. */
struct prediction {
    const char *path;
    int label, predicted;  /* single_label: indices; -1: a label that is not known, a prediction withheld */
    double *probabilities; /* of regression: the numbers predicted */
    double *targets;   /* of the other tasks: the targets, 0 or 1 or numbers; NULL where that is not known */
    double *decisions; /* multi_label: 1 for the labels given */
    bool has_facts;    /* of the clip, as they were: */
    const char *speaker, *sex, *intensity, *text; /* NULL where unknown */
};

struct prediction_list {
    enum task task;
    const char **labels;
    size_t label_count;
    struct prediction *items;
    size_t count, capacity;
    struct arena arena;
};

void prediction_list_start(struct prediction_list *list, enum task task, const char *const *labels,
                           size_t count);

/* Appends a prediction, all zero.  `label` and `targets` (copied), whichever the task has: the targets; -1
 * and NULL where that is not known. */
struct prediction *prediction_list_add(struct prediction_list *list, const char *path, int label,
                                       const double *targets);

/* Records the clip's facts with its prediction. */
void prediction_set_facts(struct prediction_list *list, struct prediction *prediction, const char *speaker,
                          const char *sex, const char *intensity, const char *text);

/* Makes a prediction of a row, a number per label: the largest is the label predicted; of multi_label, those
 * above their thresholds are. */
void prediction_fill(const struct prediction_list *list, struct prediction *prediction, const float *row,
                     const double *thresholds);

/* Of multi_label: decides anew for all, by their probabilities. */
void predictions_decide(struct prediction_list *list, const double *thresholds);

/* Appends the predictions of another list of the same task and labels. */
void prediction_list_append(struct prediction_list *list, const struct prediction_list *other);

/* Whether it is known what should have been predicted. */
bool prediction_is_known(const struct prediction *prediction);

/* Whether the prediction is all right; of regression, none is wrong. */
bool prediction_is_right(const struct prediction_list *list, const struct prediction *prediction);

/* Whether both predict the same label, or labels; numbers are never compared. */
bool prediction_is_the_same(const struct prediction_list *list, const struct prediction *a,
                            const struct prediction *b);

/* Appends the targets, or what was predicted, as text: "happy", "happy;surprised", "3.5". */
void prediction_print_target(const struct prediction_list *list, const struct prediction *prediction,
                             struct text *out);
void prediction_print_predicted(const struct prediction_list *list, const struct prediction *prediction,
                                struct text *out);
void prediction_list_free(struct prediction_list *list);

/* Replaces the run's predictions for `part` in the catalogue, and their scores: METRICS by their names, and
 * how many clips have a known target. */
#define SCORE_CLIPS "clips"
bool predictions_write(struct catalogue *catalogue, int64_t run, const char *part,
                       const struct prediction_list *list, struct error *error);

/* Reads a part back; labels are those of the stored probabilities, in their order. */
bool predictions_read(struct catalogue *catalogue, int64_t run, const char *part,
                      struct prediction_list *list, struct error *error);

#endif
