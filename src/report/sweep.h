/*
 * What a sweep's runs say together: settings ranked by the metric, how sure, and which differences are more
 * than chance.  Read at any time from the catalogue and FOLDER/sweep.ini, which holds the experiment and its
 * grid.
 */
#ifndef EMOTRAIN_REPORT_SWEEP_H
#define EMOTRAIN_REPORT_SWEEP_H

#include "config/grid.h"
#include "eval/statistics.h"

/* One setting from one seed, over all its folds. */
struct sweep_run {
    const char *seed;
    char *name;   /* as in FOLDER/NAME */
    char *folder; /* absolute */
    bool finished;
    char *unfinished;          /* why it is not finished; "" if it has not run */
    double seconds, test_seconds; /* of training, and of answering for the test part */
    double parameters, memory;    /* memory: MiB at most */
    double metrics[METRIC_COUNT];
    double selection; /* the metric of its best checkpoint on the validation part; NaN without one */
    struct prediction_list predictions;
};

/* One setting over its seeds. */
struct sweep_row {
    size_t setting;
    char *label;
    struct sweep_run *runs;                           /* one per seed of the grid */
    size_t finished;                                  /* how many of them are */
    double means[METRIC_COUNT], deviation, selection; /* deviation, interval: of the metric */
    struct interval interval, intervals[METRIC_COUNT];
    double parameters, seconds, test_rate,
        memory;    /* means over runs; test_rate: clips a second; memory: the most, MiB */
    bool compared; /* with the best setting, over the seeds that both have finished */
    struct comparison comparison;
    double mcnemar_adjusted, bootstrap_adjusted; /* Holm, over all comparisons */
};

struct sweep {
    const char *folder;
    struct config *config;
    struct grid grid;
    enum task task;
    enum metric metric;
    struct sweep_row *rows; /* the best first; those without a finished run last */
    size_t count, clips;    /* clips: of the test part; 0 if the runs' test parts differ */
    size_t clusters;
    const char *cluster_unit;
    struct arena arena;
};

/* Whether the folder is a sweep's. */
bool sweep_is(const char *folder);

/* `folder`: an absolute path, as the catalogue has its runs. */
bool sweep_read(struct sweep *sweep, struct catalogue *catalogue, const char *folder, struct error *error);
void sweep_free(struct sweep *sweep);

/* Writes sweep.txt, sweep.csv, sweep.json and, with the chart if it is there, sweep.html into the sweep's
 * folder. */
bool sweep_write(const struct sweep *sweep, struct error *error);

/* Draws sweep.svg and sweep.png into `folder`. */
bool sweep_chart(const struct sweep *sweep, const char *folder, struct error *error);

/* How the intervals and p-values came about, and what is not finished. */
void sweep_notes(const struct sweep *sweep, struct text *out);

/* The page (sweep_html.c). */
bool sweep_html(const struct sweep *sweep, struct error *error);

/* The table of sweep.txt. */
void sweep_print(const struct sweep *sweep, struct text *out);

/* Finds the run of `folder`, and whether it has ended well; one whose files have gone has not. */
bool sweep_run_finished(struct catalogue *catalogue, const char *folder, struct run_row *row, bool *finished,
                        struct arena *arena, struct error *error);

/* A run's last words: the line "emotrain: ..." of its log, FOLDER/logs/NAME.log; "" if there is none. */
char *sweep_last_words(const char *folder, const char *name);

#endif
