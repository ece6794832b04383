/* emotrain launch: the main job by several processes of this machine that train together (train/ranks.h). */
#include "base/clock.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/processor.h"
#include "base/text.h"
#include "cli/child.h"
#include "cli/command.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const double GRACE = 10; /* seconds for ranks to end by themselves once one has failed */

struct rank {
    pid_t process; /* 0: it has ended */
    int status;    /* as waitpid gave it */
};

struct launch {
    struct rank *ranks;
    long long count, running;
    long long first; /* the rank whose end is the reason why all did; -1: all ended well */
    double since;    /* when the first of them did not end well */
    bool killed;     /* the others were, since then: how they end is no news */
    long long stuck; /* the first of those; -1: none */
};

/* A folder of this user's alone, for the file that the processes meet in; caller frees. */
static char *make_meeting(struct error *error)
{
    const char *place = getenv("TMPDIR");
    char *folder = mem_format("%s/emotrain-launch-XXXXXX", place && *place ? place : "/tmp");

    if (mkdtemp(folder))
        return folder;
    error_set(error, "%s: no folder for the processes to meet in: %s", folder, strerror(errno));
    free(folder);
    return NULL;
}

static void add_option(struct strings *words, const char *name, const char *value)
{
    strings_add(words, name);
    strings_add(words, value);
}

static void build_command(const struct options *options, struct strings *words)
{
    add_option(words, "emotrain", "train");
    if (options->config)
        add_option(words, "--config", options->config);
    if (options->run)
        add_option(words, "--run", options->run);
    for (size_t i = 0; i < options->sets.count; i++)
        add_option(words, "--set", options->sets.items[i]);
    if (options->resume)
        strings_add(words, "--resume");
    if (options->quiet)
        strings_add(words, "--quiet");
}

static void add_number(struct strings *environment, const char *name, long long value)
{
    char *text = mem_format("%s=%lld", name, value);

    strings_add(environment, text);
    free(text);
}

static bool start_rank(struct launch *launch, long long rank, const struct strings *words,
                       const char *meeting, struct error *error)
{
    struct strings environment = {0};
    const struct child_settings settings = {.words = words, .environment = &environment};

    add_number(&environment, "RANK", rank);
    add_number(&environment, "LOCAL_RANK", rank);
    add_number(&environment, "WORLD_SIZE", launch->count);
    add_number(&environment, "LOCAL_WORLD_SIZE", launch->count);
    char *store = mem_format("EMOTRAIN_STORE=%s/store", meeting);
    strings_add(&environment, store);
    free(store);
    strings_add(&environment, "MASTER_ADDR=127.0.0.1");
    strings_add(&environment, "EMOTRAIN_LAUNCHED=1");
    launch->ranks[rank].process = child_start(&settings, error);
    strings_free(&environment);
    launch->running += launch->ranks[rank].process > 0;
    return launch->ranks[rank].process > 0;
}

static void signal_all(const struct launch *launch, int number)
{
    for (long long r = 0; r < launch->count; r++)
        if (launch->ranks[r].process > 0)
            kill(launch->ranks[r].process, number);
}

/* How much a rank's end says about why all ended: a signal most, a failure that may be another's least. */
static int status_weight(int status)
{
    return status == 0 ? 0 : WIFSIGNALED(status) ? 3 : WEXITSTATUS(status) != 1 ? 2 : 1;
}

/* Takes note of a rank that did not end well. */
static void note(struct launch *launch, long long r)
{
    if (launch->first < 0)
        launch->since = clock_seconds();
    if (launch->first < 0 ||
        status_weight(launch->ranks[r].status) > status_weight(launch->ranks[launch->first].status))
        launch->first = r;
}

static void reap(struct launch *launch)
{
    for (long long r = 0; r < launch->count; r++) {
        struct rank *rank = &launch->ranks[r];
        if (rank->process <= 0 || waitpid(rank->process, &rank->status, WNOHANG) == 0)
            continue;
        rank->process = 0;
        launch->running--;
        if (rank->status != 0 && !launch->killed)
            note(launch, r);
    }
}

static void wait_for_all(struct launch *launch)
{
    const struct timespec moment = {0, 20 * 1000 * 1000};
    bool stopped = false;

    while (launch->running) {
        nanosleep(&moment, NULL);
        if (interrupt_requested() && !stopped) {
            signal_all(launch, SIGTERM);
            stopped = true;
        }
        reap(launch);
        if (launch->first >= 0 && !launch->killed && clock_seconds() - launch->since > GRACE) {
            for (long long r = launch->count; r-- > 0;)
                launch->stuck = launch->ranks[r].process > 0 ? r : launch->stuck;
            signal_all(launch, SIGKILL);
            launch->killed = true;
        }
    }
}

/* What became of the run; a rank that failed by itself has said why. */
static bool conclude(const struct launch *launch, const struct options *options, struct error *error)
{
    int status = launch->first < 0 ? 0 : launch->ranks[launch->first].status;

    if (status == 0)
        return true;
    if (launch->stuck >= 0)
        return error_set(
            error,
            "rank %lld of %lld answered the others no more (stopped? run.timeout) and was ended; go on "
            "from the last checkpoint with --resume%s%s",
            launch->stuck, launch->count, options->run ? " --run " : "", options->run ? options->run : "");
    if (WIFSIGNALED(status))
        return error_set(
            error,
            "rank %lld of %lld was ended by signal %d (%s), and the others with it; go on from the "
            "last checkpoint with --resume%s%s",
            launch->first, launch->count, WTERMSIG(status), strsignal(WTERMSIG(status)),
            options->run ? " --run " : "", options->run ? options->run : "");
    return error_said(error, WEXITSTATUS(status) == 2     ? ERROR_USAGE
                             : WEXITSTATUS(status) == 130 ? ERROR_INTERRUPTED
                                                          : ERROR_FAILED);
}

/* Checks what every process would say alike. */
static bool check_processes(const struct options *options, long long *count, struct error *error)
{
    struct config *config = options_config(options, error);

    config_free(config);
    if (!config)
        return false;
    if (!options->config && !options->resume)
        return error_usage(error, "which experiment? emotrain launch --processes N --config FILE");
    *count = processor_count();
    if (options->processes && (!text_to_integer(options->processes, count) || *count < 1 || *count > 1024))
        return error_usage(error, "--processes %s: a number from 1 to 1024 is wanted", options->processes);
    return true;
}

bool command_launch(const struct options *options, struct error *error)
{
    struct launch launch = {.first = -1, .stuck = -1};
    struct strings words = {0};

    if (!check_processes(options, &launch.count, error))
        return false;
    char *meeting = make_meeting(error);
    if (!meeting)
        return false;
    launch.ranks = mem_zero((size_t)launch.count, sizeof *launch.ranks);
    build_command(options, &words);
    bool done = true;
    for (long long r = 0; done && r < launch.count; r++)
        done = start_rank(&launch, r, &words, meeting, error);
    if (!done)
        signal_all(&launch, SIGKILL);
    wait_for_all(&launch);
    strings_free(&words);
    struct error left = {0};
    if (!folder_remove(meeting, &left))
        log_warn("%s", left.message);
    free(meeting);
    done = done && conclude(&launch, options, error);
    free(launch.ranks);
    return done;
}
