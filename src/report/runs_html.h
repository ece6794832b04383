/* The page of all runs: a table to sort and filter, with links to their reports and sweeps, and the newest
 * runs' curves. */
#ifndef EMOTRAIN_REPORT_RUNS_HTML_H
#define EMOTRAIN_REPORT_RUNS_HTML_H

#include "eval/metrics.h"

/* A run as it is listed. */
struct listed_run {
    const struct run_row *row;
    const char *state;
    size_t clips; /* of the test part; 0: not tested */
    double metrics[METRIC_COUNT];
    bool has[METRIC_COUNT];
};

/* The page of these runs, in their order; `folder`: the absolute one that it will lie in. */
bool runs_html(struct text *page, struct catalogue *catalogue, const struct listed_run *runs, size_t count,
               const char *folder, struct error *error);

#endif
