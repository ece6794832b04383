/*
 * What goes to stderr: log lines and progress.  Results go to stdout and never through here.
 *
 * On a terminal, progress is one line drawn over itself with rate and time left; into a file it is a plain
 * line now and then.  Safe to call from several threads.
 */
#ifndef EMOTRAIN_BASE_LOG_H
#define EMOTRAIN_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

void log_quiet(bool quiet);   /* drop log_info and progress; warnings stay */
void log_silent(bool silent); /* drop warnings too: another process says the same */
/* For the calling thread alone: drop everything.  Returns what was so before. */
bool log_hush(bool hush);
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct progress {
    const char *what, *unit;
    size_t total, first;
    double started, drawn;
};

/* `what` and `unit` ("step", "clip") must outlive the progress; `first` units were done before. */
void progress_start(struct progress *progress, const char *what, const char *unit, size_t first,
                    size_t total);
void progress_update(struct progress *progress, size_t done, const char *note); /* note may be NULL */
void progress_end(struct progress *progress);

#endif
