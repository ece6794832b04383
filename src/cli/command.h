/*
 * Commands: a table of constant structs.  To add one, write cli/NAME.c with its function command_NAME,
 * declare it here, and add a row to COMMANDS in commands.c.  A command that computes with tensors goes to
 * cli/tensor/NAME.c, and its row has no function.
 */
#ifndef EMOTRAIN_CLI_COMMAND_H
#define EMOTRAIN_CLI_COMMAND_H

#include "base/files.h"
#include "base/strings.h"
#include "config/load.h"

/* What the user gave.  Only options that the command accepts can be set. */
struct options {
    const char *config, *run, *part, *list, *format, *output, *seeds, *jobs, *baseline, *sort, *state, *steps,
        *processes, *as, *folds, *layer, *pooling, *reject;
    bool resume, quiet, windows, no_decode, weigh;
    struct strings sets;      /* of --set */
    struct strings grid;      /* of --grid */
    struct strings where;     /* of --where */
    struct strings distort;   /* of --distort */
    struct strings arguments; /* what is no option */
};

/* Returns with an error set, or true. */
typedef bool command_function(const struct options *options, struct error *error);

struct command {
    const char *name, *usage, *summary;
    const char *accepts; /* names of options, each followed by a space */
    size_t least, most;  /* arguments */

    command_function *run; /* NULL: command_NAME of the tensor module */
};

/* All of them; the first is the main job. */
const struct command *commands(size_t *count);

/* A manual page and completion for bash, to stdout: `emotrain --manual` and `emotrain --completion`. */
void manual_print(void);
void completion_print(void);

/* docs/settings.md, to stdout: `emotrain --settings`. */
void settings_print(void);

bool command_corpora(const struct options *options, struct error *error);
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
bool command_ensemble(const struct options *options, struct error *error);
bool command_predict(const struct options *options, struct error *error);
bool command_bench(const struct options *options, struct error *error);
bool command_export(const struct options *options, struct error *error);
bool command_fetch(const struct options *options, struct error *error);
bool command_doctor(const struct options *options, struct error *error);

/* The recordings that emotrain features names, appended; at least one. */
bool features_paths(const struct options *options, struct strings *paths, struct error *error);

/* emotrain features of an encoder, behind command_features. */
bool command_encoder_features(const struct options *options, struct error *error);

/* The accuracy that --reject asks for, above 0 and at most 1. */
bool reject_read(const char *text, double *accuracy, struct error *error);

/* Parses what follows the command's name. */
bool options_parse(struct options *options, const struct command *command, int count, char **words,
                   struct error *error);
void options_free(struct options *options);
/* Option i of all commands', until there are no more; argument: NULL for a flag. */
bool options_describe(size_t i, const char **name, const char **argument, const char **help);
void options_help(const struct command *command); /* to stdout */

/* The configuration that --config and --set make; defaults where there is no --config.  NULL on error. */
struct config *options_config(const struct options *options, struct error *error);

/* Loads the module with the tensor commands, once threads and waiting are set up for it, and finds one. */
bool tensor_run(const char *name, const struct options *options, struct error *error);

/* Ends the process at once if the module is loaded: libtorch's destructors, which free what the system frees
 * anyway, take a tenth of a short command's time.  Else it returns. */
void tensor_leave(int status);

#endif
