/* Runs and their metrics in the catalogue. */
#ifndef EMOTRAIN_STORE_RUNS_H
#define EMOTRAIN_STORE_RUNS_H

#include "base/memory.h"
#include "config/task.h"
#include "store/catalogue.h"

#include <stddef.h>
#include <stdint.h>

struct run_row {
    int64_t id;
    const char *name, *directory; /* directory: absolute path, unique */
    const char *state;            /* running, interrupted, failed, finished */
    const char *started, *finished, *config;
    enum task task;
    const char *info; /* JSON of what the run found and used (run_info.h); NULL before it has any */
};

/* Inserts the run.  What an earlier run left of that directory is removed, unless this one goes on with it.
 */
bool run_begin(struct catalogue *catalogue, const char *name, const char *directory, const char *config,
               enum task task, bool resumed, int64_t *id, struct error *error);
bool run_set_state(struct catalogue *catalogue, int64_t run, const char *state, struct error *error);

bool run_set_info(struct catalogue *catalogue, int64_t run, const char *info, struct error *error);

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

struct metric_point {
    int64_t step;
    double epoch;
    const char *name; /* "loss", "learning_rate", "eval_loss", "accuracy", ... */
    double value;
};

struct metric_list {
    struct metric_point *items;
    size_t count, capacity;
    struct arena arena;
};

void metric_list_add(struct metric_list *list, int64_t step, double epoch, const char *name, double value);
void metric_list_free(struct metric_list *list);

/* Adds the metrics in one transaction, replacing values of the same step and name. */
bool metrics_write(struct catalogue *catalogue, int64_t run, const struct metric_list *list,
                   struct error *error);
/* The metrics of the run's predictions for `part`, once: what is read of them where predictions are not. */
bool scores_write(struct catalogue *catalogue, int64_t run, const char *part, const struct metric_list *list,
                  struct error *error);

/* Tells of each score of that part, of all runs. */
typedef void score_take(void *context, int64_t run, const char *name, double value);
bool scores_read(struct catalogue *catalogue, const char *part, score_take *take, void *context,
                 struct error *error);

bool metrics_remove(struct catalogue *catalogue, int64_t run, struct error *error);

/* Appends the run's metrics, sorted by step, then name. */
bool metrics_read(struct catalogue *catalogue, int64_t run, struct metric_list *list, struct error *error);

#endif
