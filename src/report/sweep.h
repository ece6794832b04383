/*
 * What a sweep's runs say together: settings ranked by the metric, how sure, and which differences are more
 * than chance.  Read at any time from the catalogue and FOLDER/sweep.ini, which holds the experiment and its
 * grid.
 *
 *     sweep_read     the catalogue -> struct sweep, ranked and compared
 *     sweep_json     struct sweep -> sweep.json, as an object in memory
 *     sweep_text, sweep_csv, sweep_html     that object -> tables and page
 */
#ifndef EMOTRAIN_REPORT_SWEEP_H
#define EMOTRAIN_REPORT_SWEEP_H

#include "base/json.h"
#include "config/grid.h"
#include "eval/statistics.h"

/* What one fold came to by itself. */
struct sweep_fold {
    size_t clips;
    double metrics[METRIC_COUNT];
};

/* One setting from one seed, over all its folds. */
struct sweep_run {
    const char *seed;
    char *name;   /* as in FOLDER/NAME */
    char *folder; /* absolute */
    bool finished;
    char *unfinished;             /* why it is not finished; "" if it has not run */
    double seconds, test_seconds; /* of training, and of predicting the test part */
    double parameters, memory;    /* memory: MiB at most */
    double metrics[METRIC_COUNT];
    double selection; /* the metric of its best checkpoint on the validation part; NaN without one */
    struct prediction_list predictions;
    struct sweep_fold *folds; /* (folds of the grid); zero where one is not finished */
    bool test_chose;          /* its best checkpoint, of a fold at least */
    char *corpus;             /* what all clips were (run_info.h) when it ran; NULL where it is not known */
    bool is_mixed;            /* its folds had different ones */
};

/* One setting over its seeds. */
struct sweep_row {
    size_t setting;
    bool is_ensemble; /* compare.ensemble: the mean of all other rows' predictions; no setting, no folders */
    char *label;
    struct sweep_run *runs;                           /* one per seed of the grid */
    size_t finished;                                  /* how many of them are */
    double means[METRIC_COUNT], deviation, selection; /* deviation, interval: of the metric */
    struct interval interval, intervals[METRIC_COUNT];
    double parameters, seconds, test_rate,
        memory;    /* means over runs; test_rate: clips a second; memory: the most, MiB */
    bool compared; /* with the best setting, over the seeds that both have finished */
    struct comparison comparison;
    double mcnemar_adjusted, permutation_adjusted; /* Holm, over all comparisons */
};

struct sweep {
    const char *folder;
    struct config *config;
    struct grid grid;
    enum task task;
    enum metric metric;
    const char *ended;      /* when its last finished run did; NULL before there is one */
    struct sweep_row *rows; /* the best first; those without a finished run last */
    size_t count, clips;    /* clips: of the test part; 0 if the runs' test parts differ */
    size_t clusters;
    const char *cluster_unit;
    struct arena arena;
};

/* Whether the folder is a sweep's. */
bool sweep_is(const char *folder);

/* Whether runs that should have had one corpus had different ones, which settings of a grid may ask for; and
 * what is said then. */
bool sweep_corpus_changed(const struct sweep *sweep);
extern const char CORPUS_CHANGED[];

/* What settings are compared by: sweep.metric, or where it is empty what checkpoints are chosen by. */
enum metric sweep_metric(const struct settings *settings, enum task task);

/* `folder`: an absolute path, as the catalogue has its runs. */
bool sweep_read(struct sweep *sweep, struct catalogue *catalogue, const char *folder, struct error *error);
void sweep_free(struct sweep *sweep);

/* Writes sweep.json, sweep.txt, sweep.csv and sweep.html into the sweep's folder. */
bool sweep_write(const struct sweep *sweep, struct error *error);

/* Plots sweep.svg and sweep.png into `folder`. */
bool sweep_chart(const struct sweep *sweep, const char *folder, struct error *error);

/* The table of sweep.txt. */
void sweep_print(const struct sweep *sweep, struct text *out);

/* sweep.json (sweep_json.c); caller cJSON_Deletes. */
cJSON *sweep_json(const struct sweep *sweep);

/* What is made from it: sweep.txt, sweep.csv (sweep_text.c), sweep.html (sweep_html.c). */
void sweep_text(const cJSON *json, struct text *out);
void sweep_csv(const cJSON *json, struct text *out);
void sweep_html(const cJSON *json, struct text *page);

/* Whether a sweep's settings are chosen, and ranked, by the validation part. */
bool sweep_chooses_on_validation(const struct config *config);

/* The metric of a finished run's best checkpoint on the validation part; NaN without one. */
bool sweep_run_selection(struct catalogue *catalogue, const struct run_row *row, enum metric metric,
                         double *value, struct error *error);

/* Finds the run of `folder`, and whether it has ended well; one whose files have gone has not. */
bool sweep_run_finished(struct catalogue *catalogue, const char *folder, struct run_row *row, bool *finished,
                        struct arena *arena, struct error *error);

/* A run's last words: the line "emotrain: ..." of its log, FOLDER/logs/NAME.log; "" if there is none. */
char *sweep_last_words(const char *folder, const char *name);

#endif
