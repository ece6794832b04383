/*
 * One error, passed in by the caller.
 *
 *     struct error error = {0};
 *     struct catalogue *catalogue = catalogue_open(path, &error);
 *     if (!catalogue) {
 *         fprintf(stderr, "emotrain: %s\n", error.message);
 *         return error_exit_status(&error);
 *     }
 *
 * A function that can fail takes `struct error *` last and returns bool (or a pointer).  On success the
 * error is untouched, so calls chain with &&.  The first failure is kept; later ones do not overwrite it.
 * The message is one line that says what, where and what to do.  No library function prints or exits.
 */
#ifndef EMOTRAIN_BASE_ERROR_H
#define EMOTRAIN_BASE_ERROR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum error_kind {
    ERROR_NONE = 0,
    ERROR_FAILED,      /* the work failed: exit status 1 */
    ERROR_USAGE,       /* bad usage or configuration: exit status 2 */
    ERROR_MEMORY,      /* memory ran out: exit status 1 */
    ERROR_PEER,        /* another process of those that train together failed: exit status 1 */
    ERROR_INTERRUPTED, /* stopped by the user, state saved: exit status 130 */
};

struct error {
    enum error_kind kind;
    char message[1024];
};

/* Records a failure unless one is recorded already.  Always returns false, so `return error_set(...)`. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, for bad usage or configuration. */
bool error_usage(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, for memory that ran out. */
bool error_memory(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, for what another process did. */
bool error_peer(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, for an interruption. */
bool error_interrupted(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, of what another process has told the user already: there is no message. */
bool error_said(struct error *error, enum error_kind kind);

/* Puts "prefix: " before the recorded message.  Returns false. */
bool error_prefix(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* 0 done, 1 failed, 2 bad usage or configuration, 130 interrupted. */
int error_exit_status(const struct error *error);

#ifdef __cplusplus
}
#endif

#endif
