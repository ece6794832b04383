/*
 * A grid: the product of some values of some settings, each run from several seeds.
 *
 *     [sweep]
 *     grid = model.pooling=mean,max train.batch_size=2,4      four settings
 *     seeds = 1,2,3                                           twelve runs
 *
 * Settings are numbered with the last axis running fastest.
 */
#ifndef EMOTRAIN_BASE_GRID_H
#define EMOTRAIN_BASE_GRID_H

#include "base/config.h"
#include "base/files.h"

struct grid_axis {
    char *name;        /* "model.pooling" */
    const char *label; /* "pooling"; the whole name where several sections have that key */
    struct strings values;
};

struct grid {
    struct grid_axis *axes;
    size_t axis_count, settings; /* settings: how many there are */
    struct strings seeds;
};

/* The settings that hold axes: an INI line holds only so much. */
enum { GRID_KEYS = 4 };
extern const char *const GRID_KEY_NAMES[GRID_KEYS];

/* Reads the axes and sweep.seeds, and checks every value against its setting. */
bool grid_read(struct grid *grid, const struct config *config, struct error *error);
void grid_free(struct grid *grid);

const char *grid_value(const struct grid *grid, size_t setting, size_t axis);

/* "pooling=mean batch_size=4"; caller frees. */
char *grid_label(const struct grid *grid, size_t setting);

/* A file name, "pooling=mean,batch_size=4,seed=1", other for each run; caller frees. */
char *grid_run_name(const struct grid *grid, size_t setting, const char *seed);

/* The values of a setting and its seed over `config`. */
void grid_apply(const struct grid *grid, size_t setting, const char *seed, struct config *config);

#endif
