/* Log lines and progress on standard error: see log.h. */
#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static bool quiet_wanted, silent_wanted, line_open;
static _Thread_local bool hushed;

static const double TERMINAL_INTERVAL = 0.1, FILE_INTERVAL = 10; /* seconds between two drawings */

void log_quiet(bool quiet)
{
    quiet_wanted = quiet;
}

void log_silent(bool silent)
{
    silent_wanted = silent;
    quiet_wanted = quiet_wanted || silent;
}

bool log_hush(bool hush)
{
    bool before = hushed;

    hushed = hush;
    return before;
}

/* Ends a progress line that is being drawn over itself.  Call with the mutex held. */
static void close_line(void)
{
    if (line_open)
        fputs("\r\033[K", stderr);
    line_open = false;
}

static void line(const char *prefix, const char *format, va_list arguments)
{
    char *message = NULL;
    struct text shown = {0};

    if (vasprintf(&message, format, arguments) < 0)
        return;
    text_add_printable(&shown, message);
    pthread_mutex_lock(&mutex);
    close_line();
    fprintf(stderr, "%s%s\n", prefix, shown.text ? shown.text : "");
    pthread_mutex_unlock(&mutex);
    text_free(&shown);
    free(message);
}

void log_info(const char *format, ...)
{
    va_list arguments;

    if (quiet_wanted || hushed)
        return;
    va_start(arguments, format);
    line("", format, arguments);
    va_end(arguments);
}

void log_warn(const char *format, ...)
{
    va_list arguments;

    if (silent_wanted || hushed)
        return;
    va_start(arguments, format);
    line("warning: ", format, arguments);
    va_end(arguments);
}

void progress_start(struct progress *progress, const char *what, const char *unit, size_t first, size_t total)
{
    double now = clock_seconds();

    *progress = (struct progress){what, unit, total, first, now, now};
}

static void time_left(char *text, size_t size, double seconds)
{
    long whole = (long)(seconds + 0.5);

    if (whole >= 3600)
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
}

void progress_update(struct progress *progress, size_t done, const char *note)
{
    bool terminal = isatty(STDERR_FILENO) != 0;
    double now = clock_seconds();

    if (quiet_wanted || hushed || now - progress->drawn < (terminal ? TERMINAL_INTERVAL : FILE_INTERVAL))
        return;
    progress->drawn = now;
    double rate = (double)(done - progress->first) / (now - progress->started);
    char left[32] = "?";
    if (rate > 0)
        time_left(left, sizeof left, (double)(progress->total - done) / rate);
    pthread_mutex_lock(&mutex);
    close_line();
    fprintf(stderr, "%s %zu/%zu  %.3g %ss/s  %s left%s%s", progress->what, done, progress->total, rate,
            progress->unit, left, note ? "  " : "", note ? note : "");
    if (terminal)
        line_open = true;
    else
        fputc('\n', stderr);
    fflush(stderr);
    pthread_mutex_unlock(&mutex);
}

void progress_end(struct progress *progress)
{
    (void)progress;
    pthread_mutex_lock(&mutex);
    close_line();
    pthread_mutex_unlock(&mutex);
}
