/* Options of commands: parsing them, and their help. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum shape { FLAG, VALUE, VALUES };

static const struct option_row {
    const char *name, *argument, *help;
    enum shape shape;
    size_t offset; /* into struct options */
} OPTIONS[] = {
    {"config", "FILE", "the experiment's configuration", VALUE, offsetof(struct options, config)},
    {"set", "section.key=value", "overrides one setting; may be given again", VALUES,
     offsetof(struct options, sets)},
    {"run", "NAME", "the run's name", VALUE, offsetof(struct options, run)},
    {"grid", "section.key=a,b,c", "values to try; may be given again: the product", VALUES,
     offsetof(struct options, grid)},
    {"seeds", "1,2,3", "seeds to run each setting from", VALUE, offsetof(struct options, seeds)},
    {"folds", "all", "run every fold of the split and pool their predictions in one report", VALUE,
     offsetof(struct options, folds)},
    {"jobs", "N", "runs at a time", VALUE, offsetof(struct options, jobs)},
    {"processes", "N", "processes that train together; as many as there are processors", VALUE,
     offsetof(struct options, processes)},
    {"as", "FORM", "classification (emotrain's own), sequence-classification (Hugging Face's) or onnx", VALUE,
     offsetof(struct options, as)},
    {"baseline", "RUN", "say what changed against that run", VALUE, offsetof(struct options, baseline)},
    {"sort", "COLUMN", "started, name, state, clips or a metric: accuracy, uar, ...", VALUE,
     offsetof(struct options, sort)},
    {"where", "section.key=value", "only runs with that setting; may be given again", VALUES,
     offsetof(struct options, where)},
    {"distort", "DISTORTION|all",
     "also on distorted recordings, as augment.distort has them: noise:10dB; may be given again; all: a "
     "usual choice",
     VALUES, offsetof(struct options, distort)},
    {"state", "STATE", "only running, interrupted, killed, failed or finished runs", VALUE,
     offsetof(struct options, state)},
    {"steps", "N", "optimizer steps to measure, after one that is not; 5", VALUE,
     offsetof(struct options, steps)},
    {"resume", NULL, "go on with an interrupted run", FLAG, offsetof(struct options, resume)},
    {"part", "PART", "train, validation or test", VALUE, offsetof(struct options, part)},
    {"list", "PART", "print the names of a part's clips", VALUE, offsetof(struct options, list)},
    {"no-decode", NULL,
     "list the clips without opening their files, which the next command that needs them does", FLAG,
     offsetof(struct options, no_decode)},
    {"format", "FORMAT", "table, csv or json; of runs list also html: a page", VALUE,
     offsetof(struct options, format)},
    {"layer", "N|all", "hidden state of the encoder: last, a number, several as 2,3,4, or all; last", VALUE,
     offsetof(struct options, layer)},
    {"pooling", "POOLING", "over time: mean, mean+std, or none for every frame; mean", VALUE,
     offsetof(struct options, pooling)},
    {"windows", NULL,
     "a prediction for every window: recordings are cut into equal parts of at most "
     "audio.max_seconds",
     FLAG, offsetof(struct options, windows)},
    {"reject", "ACCURACY",
     "withhold unsure predictions, so that the others are right as often as this on the validation part: 0.9",
     VALUE, offsetof(struct options, reject)},
    {"weigh", NULL, "weights that maximise the likelihood of the validation labels, in place of equal ones",
     FLAG, offsetof(struct options, weigh)},
    {"output", "FILE", "write there (also -o)", VALUE, offsetof(struct options, output)},
    {"quiet", NULL, "only warnings and errors on standard error", FLAG, offsetof(struct options, quiet)},
};

enum { OPTION_COUNT = sizeof OPTIONS / sizeof OPTIONS[0] };

static bool accepts_option(const struct command *command, const char *name)
{
    char *wanted = mem_format("%s ", name);
    bool found = strcmp(name, "quiet") == 0 || strstr(command->accepts, wanted) != NULL;

    free(wanted);
    return found;
}

static const struct option_row *find_option(const struct command *command, const char *name, size_t length)
{
    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (strlen(OPTIONS[i].name) == length && strncmp(OPTIONS[i].name, name, length) == 0 &&
            accepts_option(command, OPTIONS[i].name))
            return &OPTIONS[i];
    return NULL;
}

static bool unknown_option(const struct command *command, const char *word, struct error *error)
{
    const char *best = "help";
    size_t distance = SIZE_MAX;

    for (size_t i = 0; i < OPTION_COUNT; i++)
        if (accepts_option(command, OPTIONS[i].name) &&
            nearest_name(word + strspn(word, "-"), OPTIONS[i].name, &distance))
            best = OPTIONS[i].name;
    return error_usage(error, "%s: unknown option %s; the nearest is --%s (see emotrain %s --help)",
                       command->name, word, best, command->name);
}

static void store_option(struct options *options, const struct option_row *row, const char *value)
{
    void *field = (char *)options + row->offset;

    if (row->shape == FLAG)
        *(bool *)field = true;
    else if (row->shape == VALUE)
        *(const char **)field = value;
    else
        strings_add(field, value);
}

/* Takes one option and its value; returns how many words it used, 0 on error. */
static int take_option(struct options *options, const struct command *command, int count, char **words,
                       struct error *error)
{
    const char *word = strcmp(words[0], "-o") == 0 ? "--output" : words[0], *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
    const struct option_row *row = text_starts(word, "--") ? find_option(command, word + 2, length) : NULL;

    if (!row) {
        unknown_option(command, word, error);
        return 0;
    }
    if (row->shape == FLAG && equals) {
        error_usage(error, "%s: --%s takes no value", command->name, row->name);
        return 0;
    }
    if (row->shape == FLAG || equals) {
        store_option(options, row, equals ? equals + 1 : NULL);
        return 1;
    }
    if (count < 2) {
        error_usage(error, "%s: --%s needs a value: --%s %s", command->name, row->name, row->name,
                    row->argument);
        return 0;
    }
    store_option(options, row, words[1]);
    return 2;
}

bool options_parse(struct options *options, const struct command *command, int count, char **words,
                   struct error *error)
{
    bool only_arguments = false;

    *options = (struct options){0};
    for (int i = 0; i < count;) {
        if (!only_arguments && strcmp(words[i], "--") == 0) {
            only_arguments = true;
            i++;
        } else if (!only_arguments && words[i][0] == '-' && words[i][1]) {
            int used = take_option(options, command, count - i, words + i, error);
            if (used == 0)
                return false;
            i += used;
        } else {
            strings_add(&options->arguments, words[i++]);
        }
    }
    if (options->arguments.count < command->least || options->arguments.count > command->most)
        return error_usage(error, "usage: emotrain %s %s", command->name, command->usage);
    return true;
}

void options_free(struct options *options)
{
    strings_free(&options->sets);
    strings_free(&options->grid);
    strings_free(&options->where);
    strings_free(&options->distort);
    strings_free(&options->arguments);
}

bool options_describe(size_t i, const char **name, const char **argument, const char **help)
{
    if (i >= OPTION_COUNT)
        return false;
    *name = OPTIONS[i].name;
    *argument = OPTIONS[i].argument;
    *help = OPTIONS[i].help;
    return true;
}

void options_help(const struct command *command)
{
    printf("emotrain %s %s\n\n%s\n\n", command->name, command->usage, command->summary);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!accepts_option(command, OPTIONS[i].name))
            continue;
        char *left = mem_format("--%s %s", OPTIONS[i].name, OPTIONS[i].argument ? OPTIONS[i].argument : "");
        printf("  %-26s %s\n", left, OPTIONS[i].help);
        free(left);
    }
}

struct config *options_config(const struct options *options, struct error *error)
{
    return config_load(options->config, &options->sets, error);
}

bool reject_read(const char *text, double *accuracy, struct error *error)
{
    return (text_to_number(text, accuracy) && *accuracy > 0 && *accuracy <= 1) ||
           error_usage(error, "--reject %s: expected an accuracy above 0 and up to 1, as 0.9", text);
}
