/* Runs, their metrics and their predictions in the catalogue. */
#ifndef EMOTRAIN_STORE_RUNS_H
#define EMOTRAIN_STORE_RUNS_H

#include "base/memory.h"
#include "base/problem.h"
#include "store/catalogue.h"

#include <stddef.h>
#include <stdint.h>

struct run_row {
    int64_t id;
    const char *name, *directory; /* directory: absolute path, unique */
    const char *state;            /* running, interrupted, failed, finished */
    const char *started, *finished, *config;
    const char *facts; /* JSON of what the run found and used, for its report; NULL before it has any */
};

/* Inserts the run.  What an earlier run left of that directory is removed, unless this one goes on with it.
 */
bool run_begin(struct catalogue *catalogue, const char *name, const char *directory, const char *config,
               enum problem problem, bool resumed, int64_t *id, struct error *error);
bool run_set_state(struct catalogue *catalogue, int64_t run, const char *state, struct error *error);

bool run_set_facts(struct catalogue *catalogue, int64_t run, const char *facts, struct error *error);

/* The run of that directory; row->id is 0 if there is none. */
bool run_find(struct catalogue *catalogue, const char *directory, struct run_row *row, struct arena *arena,
              struct error *error);

bool run_remove(struct catalogue *catalogue, int64_t run,
                struct error *error); /* metrics and predictions too */

struct run_list {
    struct run_row *rows;
    size_t count, capacity;
    struct arena arena;
};

/* Appends all runs, the newest first. */
bool runs_read(struct catalogue *catalogue, struct run_list *list, struct error *error);
void run_list_free(struct run_list *list);

struct metric {
    int64_t step;
    double epoch;
    const char *name; /* "loss", "learning_rate", "eval_loss", "accuracy", ... */
    double value;
};

struct metric_list {
    struct metric *items;
    size_t count, capacity;
    struct arena arena;
};

void metric_list_add(struct metric_list *list, int64_t step, double epoch, const char *name, double value);
void metric_list_free(struct metric_list *list);

/* Adds the metrics in one transaction, replacing values of the same step and name. */
bool metrics_write(struct catalogue *catalogue, int64_t run, const struct metric_list *list,
                   struct error *error);
bool metrics_remove(struct catalogue *catalogue, int64_t run, struct error *error);

/* Appends the run's metrics, sorted by step, then name. */
bool metrics_read(struct catalogue *catalogue, int64_t run, struct metric_list *list, struct error *error);

/* One clip's answer.  Arrays have one value per label of the list that holds it. */
struct prediction {
    const char *path;
    int label, predicted;  /* single_label: indices; label is -1 where there is none */
    double *probabilities; /* of regression: the numbers answered */
    double *targets; /* of the other problems: what is so, 0 or 1 or numbers; NULL where that is not known */
    double *decisions; /* multi_label: 1 for the labels given */
};

struct prediction_list {
    enum problem problem;
    const char **labels;
    size_t label_count;
    struct prediction *items;
    size_t count, capacity;
    struct arena arena;
};

void prediction_list_start(struct prediction_list *list, enum problem problem, const char *const *labels,
                           size_t count);

/* Appends an answer, all zero.  `label` and `targets` (copied), whichever the problem has: what is so; -1 and
 * NULL where that is not known. */
struct prediction *prediction_list_add(struct prediction_list *list, const char *path, int label,
                                       const double *targets);

/* Makes an answer of a row, a number per label: the largest is the label predicted; of multi_label, those
 * above their thresholds are given. */
void prediction_fill(const struct prediction_list *list, struct prediction *prediction, const float *row,
                     const double *thresholds);

/* Of multi_label: decides anew for all, by their probabilities. */
void predictions_decide(struct prediction_list *list, const double *thresholds);

/* Appends the answers of another list of the same problem and labels. */
void prediction_list_append(struct prediction_list *list, const struct prediction_list *other);

/* Whether it is known what should have been answered. */
bool prediction_is_known(const struct prediction *prediction);

/* Whether the answer is all right; of regression, none is wrong. */
bool prediction_is_right(const struct prediction_list *list, const struct prediction *prediction);

/* Appends what is so, or was answered, as text: "happy", "happy;surprised", "3.5". */
void prediction_print_target(const struct prediction_list *list, const struct prediction *prediction,
                             struct text *out);
void prediction_print_answer(const struct prediction_list *list, const struct prediction *prediction,
                             struct text *out);
void prediction_list_free(struct prediction_list *list);

/* Replaces the run's predictions for `part`. */
bool predictions_write(struct catalogue *catalogue, int64_t run, const char *part,
                       const struct prediction_list *list, struct error *error);

/* Reads a part back; labels are those of the stored probabilities, in their order. */
bool predictions_read(struct catalogue *catalogue, int64_t run, const char *part,
                      struct prediction_list *list, struct error *error);

#endif
