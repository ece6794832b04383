/* What a run leaves of itself, in its folder and in the catalogue; for every command that makes runs. */
#ifndef EMOTRAIN_RUN_RUN_RECORD_H
#define EMOTRAIN_RUN_RUN_RECORD_H

#include "config/settings.h"
#include "report/report.h"

/* The run's information, in its folder: the same as in the catalogue. */
extern const char RUN_INFO_FILE[];

/* environment.json and config.ini, of which the text is given. */
bool run_record_begin(const char *folder, const char *config, struct error *error);

/* The information, in the folder and in the catalogue. */
bool run_record_info(struct catalogue *catalogue, int64_t run, const char *folder,
                     const struct run_info *info, struct error *error);

#endif
