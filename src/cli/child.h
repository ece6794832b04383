/* This program again, as a child process. */
#ifndef EMOTRAIN_CLI_CHILD_H
#define EMOTRAIN_CLI_CHILD_H

#include "base/error.h"
#include "base/strings.h"

#include <sys/types.h>

struct child_settings {
    const struct strings *words;       /* its command line, from the program's name on */
    const char *log;                   /* where what it writes goes; NULL: to this process's own */
    const struct strings *environment; /* "NAME=VALUE", besides this process's; or NULL */
};

/* Starts it.  It ends with this process: killed, if need be.  -1 on error. */
pid_t child_start(const struct child_settings *settings, struct error *error);

#endif
