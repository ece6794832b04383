/*
 * Commands: a table of constant structs.  To add one, write cli/NAME.c with its function, declare it here,
 * and add a row to COMMANDS in commands.c (or, if it computes with tensors, to TENSOR_COMMANDS in
 * tensor_commands.c and a row without a function in COMMANDS).
 */
#ifndef EMOTRAIN_CLI_COMMAND_H
#define EMOTRAIN_CLI_COMMAND_H

#include "base/config.h"
#include "base/strings.h"

/* What the user gave.  Only options that the command accepts can be set. */
struct options {
    const char *config, *run, *part, *list, *format, *output, *seeds, *jobs, *baseline, *sort, *state, *steps,
        *processes, *as;
    bool resume, quiet, windows, no_decode;
    struct strings sets;      /* of --set */
    struct strings grid;      /* of --grid */
    struct strings where;     /* of --where */
    struct strings arguments; /* what is no option */
};

struct command {
    const char *name, *usage, *summary;
    const char *accepts; /* names of options, each followed by a space */
    size_t least, most;  /* arguments */

    /* Returns with an error set, or 0.  NULL: it is in the tensor module. */
    bool (*run)(const struct options *options, struct error *error);
};

/* The functions of the tensor module, by name. */
struct tensor_command {
    const char *name;
    bool (*run)(const struct options *options, struct error *error);
};

extern const struct tensor_command TENSOR_COMMANDS[]; /* ends with a NULL name */

/* All of them; the first is the main job. */
const struct command *commands(size_t *count);

/* A manual page and completion for bash, to stdout: `emotrain --manual` and `emotrain --completion`. */
void manual_print(void);
void completion_print(void);

bool command_index(const struct options *options, struct error *error);
bool command_launch(const struct options *options, struct error *error);
bool command_split(const struct options *options, struct error *error);
bool command_plot(const struct options *options, struct error *error);
bool command_compare(const struct options *options, struct error *error);
bool command_features(const struct options *options, struct error *error);
bool command_sweep(const struct options *options, struct error *error);
bool command_runs(const struct options *options, struct error *error);
bool command_report(const struct options *options, struct error *error);
bool command_train(const struct options *options, struct error *error);
bool command_eval(const struct options *options, struct error *error);
bool command_predict(const struct options *options, struct error *error);
bool command_bench(const struct options *options, struct error *error);
bool command_export(const struct options *options, struct error *error);
bool command_fetch(const struct options *options, struct error *error);
bool command_doctor(const struct options *options, struct error *error);

/* Parses what follows the command's name. */
bool options_parse(struct options *options, const struct command *command, int count, char **words,
                   struct error *error);
void options_free(struct options *options);
/* Option i of all commands', until there are no more; argument: NULL for a flag. */
bool options_describe(size_t i, const char **name, const char **argument, const char **help);
void options_help(const struct command *command); /* to stdout */

/* The configuration that --config and --set make; defaults where there is no --config.  NULL on error. */
struct config *options_config(const struct options *options, struct error *error);

/* The settings of --set over a configuration. */
bool options_apply_sets(const struct options *options, struct config *config, struct error *error);

/* Loads the module with the tensor commands, once threads and waiting are set up for it, and finds one. */
bool tensor_run(const char *name, const struct options *options, struct error *error);

/* Ends the process at once if the module is loaded: libtorch's destructors, which free what the system frees
 * anyway, take a tenth of a short command's time.  Else it returns. */
void tensor_leave(int status);

/* The folder of a run, given by folder or by name (under `directory`), as an absolute path; caller frees.
 * NULL, with an error if `required`, where there is no such run. */
char *run_folder_find(const char *run, const char *directory, bool required, struct error *error);

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
bool run_folder_sweep(const char *folder, struct error *error);

/* A name from the configuration file's and the time: ravdess-20260131-173000; caller frees. */
char *run_folder_default_name(const char *config_path);

/* The configuration in a run's folder. */
struct config *run_folder_config(const char *folder, struct error *error);

#endif
