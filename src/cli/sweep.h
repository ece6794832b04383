/* Inside cli/ only: a sweep under way, for its command (sweep.c) and its runs (sweep_runs.c). */
#ifndef EMOTRAIN_CLI_SWEEP_H
#define EMOTRAIN_CLI_SWEEP_H

#include "config/grid.h"
#include "store/catalogue.h"

#include <sys/types.h>

/* One run to do. */
struct planned_run {
    size_t setting;
    const char *seed;
    size_t fold;
    int64_t epochs; /* in place of train.epochs; 0: as it is */
    char *name;     /* in the sweep's folder */
    pid_t child;
    double started;
};

/* The sweep under way. */
struct sweep_job {
    struct config *config;
    struct grid grid;
    char *folder, *name; /* of the sweep; the folder absolute once it exists */
    int lock;
    struct catalogue *catalogue;
    struct planned_run *runs;
    size_t count, next, running, ended, failed, jobs, done_before;
    bool is_out_of_time;
    size_t failed_before; /* in earlier stages of halving */
    double until;         /* when sweep.hours are over; 0: no limit */
    double began, best;   /* when the first run was started; the best metric of those that have ended */
};

/* The file that an experiment of a comparison is run from: FOLDER/models/NAME.ini; caller frees. */
char *sweep_experiment_path(const struct sweep_job *job, size_t setting);

/* The settings to run, and for how many epochs; 0: as configured. */
struct sweep_stage {
    const size_t *settings;
    size_t count;
    int64_t epochs;
};

/* The name of a run; caller frees. */
char *sweep_run_name(const struct sweep_job *job, size_t setting, const char *seed, size_t fold,
                     int64_t epochs);

/* Lists what is missing, the first seed of every setting first: what cannot work shows early. */
bool sweep_list_runs(struct sweep_job *job, const struct sweep_stage *stage, struct error *error);

void sweep_forget_runs(struct sweep_job *job);

/* The fewest train.epochs that sweep.search=halving can divide among the stages of so many settings. */
int64_t sweep_halving_epochs(size_t settings);

/* sweep.search=halving: runs all but the last stage, writes halving.csv, and leaves in `settings` (job->grid
 * .settings of them) the *count that are left for it. */
bool sweep_halve(struct sweep_job *job, size_t *settings, size_t *count, struct error *error);

/* Runs them, job->jobs at a time, until all have ended or the user stops them; counts those that failed.
 */
bool sweep_run_all(struct sweep_job *job, struct error *error);

#endif
