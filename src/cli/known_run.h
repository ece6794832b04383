/* A run that the user names, with its configuration and what the catalogue knows of it. */
#ifndef EMOTRAIN_CLI_KNOWN_RUN_H
#define EMOTRAIN_CLI_KNOWN_RUN_H

#include "cli/command.h"
#include "report/report.h"

struct known_run {
    char *folder;
    struct config *config;
    struct catalogue *catalogue;
    struct report report;
};

/* `directory`: run.directory, where a name is looked for.  Close it, failed or not. */
bool known_run_open(struct known_run *run, const char *name, const char *directory, struct error *error);
void known_run_close(struct known_run *run);

/* Says in `report` what changed against the run of that name; an empty name does nothing. */
bool known_run_baseline(struct report *report, const char *name, const char *directory, struct error *error);

#endif
