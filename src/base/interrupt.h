/* Ctrl-C, SIGTERM and SIGHUP ask for a clean stop; a second one ends the process at once. */
#ifndef EMOTRAIN_BASE_INTERRUPT_H
#define EMOTRAIN_BASE_INTERRUPT_H

#include <stdbool.h>

void interrupt_catch(void); /* from now on these signals only set a flag, the first time */
bool interrupt_requested(void);

#endif
