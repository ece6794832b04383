/* The program: finds the command, runs it, and says what failed. */
#include "base/interrupt.h"
#include "base/log.h"
#include "base/terminal.h"
#include "base/text.h"
#include "cli/command.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_help(void)
{
    size_t count;
    const struct command *list = commands(&count);

    printf("emotrain " EMOTRAIN_VERSION ": trains and evaluates speech-emotion classifiers\n\n");
    for (size_t i = 0; i < count; i++)
        printf("  emotrain %s %s\n      %s\n", list[i].name, list[i].usage, list[i].summary);
    printf("\nemotrain COMMAND --help lists a command's options, emotrain --settings all settings.\n");
}

static const struct command *find_command(const char *name, struct error *error)
{
    size_t best = 0, distance = SIZE_MAX, count;
    const struct command *list = commands(&count);

    for (size_t i = 0; i < count; i++) {
        if (nearest_name(name, list[i].name, &distance))
            best = i;
        if (distance == 0)
            return &list[i];
    }
    error_usage(error, "no command \"%s\"; the nearest is \"%s\" (see emotrain --help)", name,
                list[best].name);
    return NULL;
}

static bool asks_for_help(int count, char **words)
{
    for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++)
        if (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)
            return true;
    return false;
}

static bool run_command(const struct command *command, int count, char **words, struct error *error)
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
        if (!command->run && options.folds) /* the main job over several folds is a sweep */
            done = command_sweep(&options, error);
        else if (!command->run && options.jobs)
            done = error_usage(error, "--jobs is of --folds all: one run takes run.threads");
        else
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

/* emotrain --help, emotrain help, emotrain help COMMAND. */
static void help(int count, char **words, struct error *error)
{
    const struct command *command = count > 0 ? find_command(words[0], error) : NULL;

    if (command)
        options_help(command);
    else if (count == 0)
        print_help();
}

/* Words that print something and are no command; false where it is none of them. */
static bool print_about(int count, char **words, struct error *error)
{
    const char *word = count > 0 ? words[0] : "--help";

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        help(count > 0 ? count - 1 : 0, words + 1, error);
    else if (strcmp(word, "--version") == 0)
        printf("emotrain " EMOTRAIN_VERSION "\n");
    else if (strcmp(word, "--manual") == 0)
        manual_print();
    else if (strcmp(word, "--settings") == 0)
        settings_print();
    else if (strcmp(word, "--completion") == 0)
        completion_print();
    else
        return false;
    return true;
}

static void print_error(const char *message)
{
    struct text shown = {0};

    text_add_printable(&shown, message);
    fprintf(stderr, "emotrain: %s\n", shown.text ? shown.text : "");
    text_free(&shown);
}

int main(int argc, char **argv)
{
    struct error error = {0};

    terminal_protect();
    if (!print_about(argc - 1, argv + 1, &error)) {
        size_t count;
        bool named = argv[1][0] != '-'; /* without a command's name: the main job */
        const struct command *command = named ? find_command(argv[1], &error) : commands(&count);
        if (command)
            run_command(command, argc - 1 - named, argv + 1 + named, &error);
    }
    check_output(&error);
    bool said = error.kind == ERROR_PEER && getenv("EMOTRAIN_LAUNCHED"); /* by emotrain launch */
    if (error.message[0] && !said)
        print_error(error.message);
    tensor_leave(error_exit_status(&error));
    return error_exit_status(&error);
}
