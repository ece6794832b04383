/* Runs' folders: finding, naming, locking. */
#ifndef EMOTRAIN_RUN_RUN_FOLDER_H
#define EMOTRAIN_RUN_RUN_FOLDER_H

#include "base/error.h"
#include "config/config.h"

/* The folder of a run, given by folder or by name (under `directory`), as an absolute path; caller frees.
 * NULL, with an error if `required`, where there is no such run. */
char *run_folder_find(const char *run, const char *directory, bool required, struct error *error);

/* The same of another run that `run` is compared with or begins at; where `other` is a sweep, its run that is
 * named alike (the same setting, seed and fold). */
char *run_folder_find_counterpart(const char *other, const char *run, const char *directory,
                                  struct error *error);

/* The folder of a sweep, given likewise; NULL if it is none; caller frees. */
char *sweep_folder_find(const char *sweep, const char *directory);

/* One process at a time writes to a run's folder: a lock that goes with the process, however it ends. Returns
 * a descriptor to close, or -1 with an error. */
int run_folder_lock(const char *folder, struct error *error);

/* Whether a process is writing to the run's folder. */
bool run_folder_is_busy(const char *folder);

/* Whether a new run may take the folder: it is absent, or holds no more than what a run killed while it began
 * left. */
bool run_folder_is_free(const char *folder);

/* Whether a run may have that name: a path below run.directory, "night/one", that does not lead out of it. */
bool run_name_check(const char *name, const char *directory, struct error *error);

/* Whether the folder is a run's: it has a config.ini. */
bool run_folder_is_run(const char *folder);

/* Removes what a kill left half-written in the folder of a run or sweep, and in its charts. */
bool run_folder_clean_up(const char *folder, struct error *error);

/* A name from the configuration file's and the time: ravdess-20260131-173000; caller frees. */
char *run_folder_default_name(const char *config_path);

/* The configuration in a run's folder. */
struct config *run_folder_config(const char *folder, struct error *error);

#endif
