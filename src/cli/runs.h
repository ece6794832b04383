/* Inside cli/ only: the actions of emotrain runs that have files of their own. */
#ifndef EMOTRAIN_CLI_RUNS_H
#define EMOTRAIN_CLI_RUNS_H

#include "cli/command.h"

bool runs_list(const struct options *options, const struct config *config, struct error *error);

#endif
