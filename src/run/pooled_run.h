/*
 * All folds of one setting of a sweep as one run: the predictions of every fold together, each made by a
 * model that did not train on that fold, with a report of their own.  It has no checkpoint.
 */
#ifndef EMOTRAIN_RUN_POOLED_RUN_H
#define EMOTRAIN_RUN_POOLED_RUN_H

#include "report/report.h"
#include "report/sweep.h"

/* Its folder, FOLDER/seed=1,fold=all; caller frees. */
char *pooled_run_folder(const struct sweep *sweep, const struct sweep_row *row, const struct sweep_run *run);

/* Writes its folder and its row in the catalogue, again where they are there, and its report.  All folds are
 * finished.  summary: of the report, appended; may be NULL. */
bool pooled_run_write(struct catalogue *catalogue, const struct sweep *sweep, const struct sweep_row *row,
                      const struct sweep_run *run, struct text *summary, struct error *error);

#endif
