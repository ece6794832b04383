/* Inside cli/ only: what emotrain bench measured, and the formats it is printed in. */
#ifndef EMOTRAIN_CLI_BENCH_H
#define EMOTRAIN_CLI_BENCH_H

#include "base/text.h"
#include "run/experiment.h"
#include "train/trainer.h"

/* Of one stage, or of several together. */
struct bench_stage {
    double seconds; /* per step */
    double flop;    /* per step, of matrix products */
    double ideal;   /* seconds per step that those take by themselves */
};

struct bench {
    const struct experiment *experiment;
    int64_t steps;        /* measured, after one that was not; 0: predictions alone are measured */
    int workers;          /* batches that run at the same time */
    double *step_seconds; /* (steps) */
    double clips, audio;  /* per step: clips, and seconds of audio in them */
    struct bench_stage stages[STAGE_COUNT];
    int64_t *samples; /* (sample_count): of each clip of all steps, also the first, in order */
    size_t sample_count;
    double predicted_clips, predicted_audio, prediction_seconds;
    double memory; /* MiB at most, of training; of predictions where they alone are measured */
};

struct bench_format {
    const char *name;
    void (*print)(const struct bench *bench, struct text *out);
};

const struct bench_format *bench_format_find(const char *name, struct error *error);

/* The middle one, or the mean of the middle two. */
double bench_median(const double *values, size_t count);

#endif
