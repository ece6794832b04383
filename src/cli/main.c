/* emotrain. */
#include "base/interrupt.h"
#include "base/log.h"
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
    printf("\nemotrain COMMAND --help lists a command's options; the README says the rest.\n");
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
    } else if (strcmp(first, "--manual") == 0) {
        manual_print();
    } else if (strcmp(first, "--completion") == 0) {
        completion_print();
    } else {
        size_t count;
        bool named = first[0] != '-'; /* without a command's name: the main job */
        const struct command *command = named ? find_command(first, &error) : commands(&count);
        if (command)
            run_command(command, argc - 1 - named, argv + 1 + named, &error);
    }
    check_output(&error);
    bool told = error.kind == ERROR_PEER && getenv("EMOTRAIN_LAUNCHED"); /* by emotrain launch */
    if (error.message[0] && !told)
        fprintf(stderr, "emotrain: %s\n", error.message);
    tensor_leave(error_exit_status(&error));
    return error_exit_status(&error);
}
