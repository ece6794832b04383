#include "cli/command.h"

const struct tensor_command TENSOR_COMMANDS[] = {
    {"train", command_train},     {"eval", command_eval},
    {"predict", command_predict}, {"bench", command_bench},
    {"export", command_export},   {"fetch", command_fetch},
    {"doctor", command_doctor},   {NULL, NULL},
};
