/* emotrain: the table of commands. */
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/command.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command COMMANDS[] = {
    {"train", "--config FILE [--set section.key=value]... [--run NAME] [--resume]",
     "index, split, train, evaluate, report: the main job (the command's name may be left out)",
     "config set run resume ", 0, 0, NULL},
    {"launch", "--processes N --config FILE [--set section.key=value]... [--run NAME] [--resume]",
     "the main job by several processes of this machine that train together",
     "processes config set run resume ", 0, 0, command_launch},
    {"index", "--config FILE [--no-decode]", "scan the corpus into the catalogue", "config set no-decode ", 0,
     0, command_index},
    {"split", "--config FILE [--list PART] [--no-decode]",
     "make and show the split: clips per label and part", "config set list no-decode ", 0, 0, command_split},
    {"eval", "RUN|MODEL [--config FILE] [--part PART]", "a trained model's report on a part of a corpus",
     "config set part ", 1, 1, NULL},
    {"predict", "RUN|MODEL PATH|-... [--windows] [--format table|csv|json] [-o FILE]",
     "what a trained model hears in recordings", "set format windows output ", 2, SIZE_MAX, NULL},
    {"sweep", "--config FILE [--grid section.key=a,b,c]... [--seeds 1,2,3] [--jobs N] [--run NAME]",
     "the main job over a grid of settings and seeds; again, it runs what is missing",
     "config set grid seeds jobs run ", 0, 0, command_sweep},
    {"compare", "--config FILE [--seeds 1,2,3] [--jobs N] [--run NAME]",
     "the models of compare.models on one corpus and split, in one table; again, it runs what is missing",
     "config set seeds jobs run ", 0, 0, command_compare},
    {"features", "PATH... [-o FILE]", "the 88 acoustic functionals of eGeMAPS v02 of recordings, as CSV",
     "output ", 1, SIZE_MAX, command_features},
    {"plot", "RUN|SWEEP... [-o FOLDER]", "draw charts again from what was recorded; several runs in one",
     "set output ", 1, SIZE_MAX, command_plot},
    {"report", "RUN|SWEEP... [--baseline RUN]", "write a report again from what was recorded",
     "set baseline ", 1, SIZE_MAX, command_report},
    {"runs",
     "[list [PATTERN]... | show RUN... | compare RUN RUN... | rm RUN...] [--where section.key=value]... "
     "[--sort COLUMN]",
     "what runs there are, what one was, where they differ; remove some", "set where sort state format ", 0,
     SIZE_MAX, command_runs},
    {"export", "RUN|MODEL FOLDER [--as classification|sequence-classification|onnx]",
     "a trained model for use elsewhere, with a model card", "as set ", 2, 2, NULL},
    {"fetch", "ravdess|OWNER/NAME[@REVISION] [FOLDER]",
     "a corpus from Zenodo, or a model from the Hugging Face hub into its cache or a folder", "", 1, 2, NULL},
    {"bench", "--config FILE [--steps N] [--format table|json] [-o FILE]",
     "speed and memory of training steps, against what the machine's own products take",
     "config set steps format output ", 0, 0, NULL},
    {"doctor", "", "versions, devices, threads, what is missing and how to get it", "", 0, 0, NULL},
};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

static void print_help(void)
{
    printf("emotrain " EMOTRAIN_VERSION ": trains and evaluates speech-emotion classifiers\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  emotrain %s %s\n      %s\n", COMMANDS[i].name, COMMANDS[i].usage, COMMANDS[i].summary);
    printf("\nemotrain COMMAND --help lists a command's options; the README says the rest.\n");
}

static const struct command *find(const char *name, struct error *error)
{
    size_t best = 0, distance = SIZE_MAX;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t d = text_distance(name, COMMANDS[i].name);
        if (d == 0)
            return &COMMANDS[i];
        if (d < distance) {
            distance = d;
            best = i;
        }
    }
    error_usage(error, "no command \"%s\"; the nearest is \"%s\" (see emotrain --help)", name,
                COMMANDS[best].name);
    return NULL;
}

static bool asks_for_help(int count, char **words)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    return false;
}

static bool run(const struct command *command, int count, char **words, struct error *error)
{
    struct options options;

    if (asks_for_help(count, words)) {
        options_help(command);
        return true;
    }
    bool done = options_parse(&options, command, count, words, error);
    if (done) {
        log_quiet(options.quiet);
        interrupt_catch();
        done = command->run ? command->run(&options, error) : tensor_run(command->name, &options, error);
    }
    options_free(&options);
    return done;
}

/* Output that could not be written is a failure, not a success with less to show. */
static void check_output(struct error *error)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        error_set(error, "standard output: cannot write: %s", strerror(errno));
}

int main(int argc, char **argv)
{
    struct error error = {0};
    const char *first = argc > 1 ? argv[1] : "--help";

    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0) {
        print_help();
    } else if (strcmp(first, "--version") == 0) {
        printf("emotrain " EMOTRAIN_VERSION "\n");
    } else {
        bool named = first[0] != '-'; /* without a command's name: the main job */
        const struct command *command = named ? find(first, &error) : &COMMANDS[0];
        if (command)
            run(command, argc - 1 - named, argv + 1 + named, &error);
    }
    check_output(&error);
    bool told = error.kind == ERROR_PEER && getenv("EMOTRAIN_LAUNCHED"); /* by emotrain launch */
    if (error.message[0] && !told)
        fprintf(stderr, "emotrain: %s\n", error.message);
    return error_exit_status(&error);
}
