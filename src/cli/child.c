/* Child processes that run this program: see child.h. */
#include "cli/child.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const int STOP_SIGNALS[] = {SIGINT, SIGTERM, SIGHUP};

static bool redirect(const char *log)
{
    int input = open("/dev/null", O_RDONLY),
        output = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666) : STDOUT_FILENO;

    return input >= 0 && output >= 0 && dup2(input, STDIN_FILENO) >= 0 &&
           (!log || (dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0));
}

/* In the child, whose signals are blocked. */
static void become(char *const *words, const struct child_settings *settings, pid_t parent,
                   const sigset_t *mask)
{
    for (size_t i = 0; i < sizeof STOP_SIGNALS / sizeof STOP_SIGNALS[0]; i++)
        if (STOP_SIGNALS[i] != SIGHUP)
            signal(STOP_SIGNALS[i], SIG_DFL); /* one that comes before the child catches it ends it */
    sigprocmask(SIG_SETMASK, mask, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a killed parent leaves nothing behind */
    for (size_t i = 0; settings->environment && i < settings->environment->count; i++)
        putenv(settings->environment->items[i]);
    if (getppid() == parent && redirect(settings->log))
        execv("/proc/self/exe", words);
    _exit(127);
}

pid_t child_start(const struct child_settings *settings, struct error *error)
{
    char **words = mem_zero(settings->words->count + 1, sizeof *words); /* argv ends with NULL */
    pid_t parent = getpid();
    sigset_t stops, mask;

    memcpy(words, settings->words->items, settings->words->count * sizeof *words);
    fflush(NULL);
    sigemptyset(&stops);
    for (size_t i = 0; i < sizeof STOP_SIGNALS / sizeof STOP_SIGNALS[0]; i++)
        sigaddset(&stops, STOP_SIGNALS[i]);
    sigprocmask(SIG_BLOCK, &stops, &mask); /* none is lost between fork and exec */
    pid_t child = fork();
    if (child == 0)
        become(words, settings, parent, &mask);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    if (child < 0)
        error_set(error, "cannot start a process: %s", strerror(errno));
    free(words);
    return child;
}
