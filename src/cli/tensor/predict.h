/* Inside cli/ only: what predict found out, and the formats it is printed in. */
#ifndef EMOTRAIN_CLI_PREDICT_H
#define EMOTRAIN_CLI_PREDICT_H

#include "base/text.h"
#include "eval/predictions.h"

/* One stretch of a recording, as long as the model takes in at once. */
struct window {
    size_t recording;  /* index into the predictions for whole recordings */
    double start, end; /* seconds */
};

struct replies {
    struct prediction_list whole;   /* one per recording */
    struct prediction_list windows; /* those of all recordings, in order; a short recording has one */
    struct window *spans;           /* one per window */
    size_t capacity;
};

struct predict_format {
    const char *name;
    void (*print)(const struct replies *replies, bool windows, struct text *out);
};

const struct predict_format *predict_format_find(const char *name, struct error *error);

#endif
