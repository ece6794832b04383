/* Inside cli/ only: what must be set in the process before libtorch is loaded, and how the process ends. */
#ifndef EMOTRAIN_CLI_PROCESS_SETUP_H
#define EMOTRAIN_CLI_PROCESS_SETUP_H

#include "cli/command.h"

/* Sets threads, kernels and allocator up for a command that computes with tensors.  May begin the program
 * again. */
void process_set_up(const char *command, const struct options *options);

/* Ends the process at once, without libtorch's destructors. */
void process_leave(int status);

#endif
