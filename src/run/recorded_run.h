/* A run that the user names, with its configuration and what the catalogue knows of it. */
#ifndef EMOTRAIN_RUN_RECORDED_RUN_H
#define EMOTRAIN_RUN_RECORDED_RUN_H

#include "config/config.h"
#include "report/report.h"

struct recorded_run {
    char *folder;
    struct config *config;
    struct catalogue *catalogue;
    struct report report;
};

/* `directory`: run.directory, where a name is looked for.  Close it, failed or not. */
bool recorded_run_open(struct recorded_run *run, const char *name, const char *directory,
                       struct error *error);
void recorded_run_close(struct recorded_run *run);

/* Says in `report` what changed against the run of that name; an empty name does nothing. */
bool recorded_run_baseline(struct report *report, const char *name, const char *directory,
                           struct error *error);

/* Reads the report of a run that has ended, compares it with report.baseline, writes it and declares the run
 * finished; appends what a terminal shows of it (NULL: nothing). */
bool recorded_run_report(struct catalogue *catalogue, int64_t run, const char *folder,
                         const struct settings *settings, struct text *summary, struct error *error);

#endif
