/*
 * The record of a run: metrics.jsonl in its folder, one line per logged step and per evaluation, the same in
 * the catalogue, and a TensorBoard event file for each time the run was begun or went on.
 */
#ifndef EMOTRAIN_TRAIN_RECORDER_H
#define EMOTRAIN_TRAIN_RECORDER_H

#include "store/runs.h"

#include <stdio.h>

struct recorder {
    char *path;
    FILE *stream;
    char *events_path;
    FILE *events;
    struct catalogue *catalogue;
    int64_t run;
    int64_t bytes; /* written so far */
};

/* Opens the record and drops what was written after its first `bytes` (a killed run's), in file and
 * catalogue. */
bool recorder_open(struct recorder *recorder, const char *run_folder, struct catalogue *catalogue,
                   int64_t run, int64_t bytes, struct error *error);

/* One line {"step", "epoch", name: value, ...}; all metrics have one step.  The catalogue has them before the
 * file does: who sees the line can plot it, even of a run killed in between. */
bool recorder_write(struct recorder *recorder, const struct metric_list *metrics, struct error *error);

/* Makes sure that what was written survives the machine: before a checkpoint claims its step. */
bool recorder_sync(struct recorder *recorder, struct error *error);
void recorder_close(struct recorder *recorder);

#endif
