/*
 * A grid: the product of some values of some settings, each run from several seeds.
 *
 *     [sweep]
 *     grid = model.pooling=mean,max train.batch_size=2,4      four settings
 *     seeds = 1,2,3                                           twelve runs
 *
 * Settings are numbered with the last axis running fastest.
 *
 * Instead of values of settings, whole experiments can be the one axis: compare.models names a configuration
 * file for each (emotrain compare).  With sweep.folds each setting and seed is run once for every fold of the
 * split.
 */
#ifndef EMOTRAIN_CONFIG_GRID_H
#define EMOTRAIN_CONFIG_GRID_H

#include "base/files.h"
#include "base/strings.h"
#include "config/config.h"

struct grid_axis {
    char *name;        /* "model.pooling" */
    const char *label; /* "pooling"; the whole name where several sections have that key */
    struct strings values;
};

struct grid {
    struct grid_axis *axes;
    size_t axis_count, settings; /* settings: how many are run */
    size_t
        *chosen; /* (settings): which of the product they are, by sweep.search and sweep.trials; NULL: all */
    struct strings seeds;
    size_t folds; /* 1: the split's one fold */

    /* compare.models: the files, and once loaded what is in them with the comparison's own settings over it
     */
    struct strings files;
    struct config **experiments; /* (files.count), or NULL */
};

/* Reads the axes and sweep.seeds, and checks every value against its setting. */
bool grid_read(struct grid *grid, const struct config *config, struct error *error);

/* Reads the files of compare.models.  Over what they say stand run but its precision, corpora, split and
 * model.task of `config`, all else that it has other than by default, and what --set gave it. */
bool grid_load_experiments(struct grid *grid, const struct config *config, struct error *error);
void grid_free(struct grid *grid);

const char *grid_value(const struct grid *grid, size_t setting, size_t axis);

/* "pooling=mean batch_size=4"; caller frees. */
char *grid_label(const struct grid *grid, size_t setting);

/* A file name, "pooling=mean,batch_size=4,seed=1", other for each run; of fold grid->folds it is that of what
 * all folds come to: "seed=1,fold=all".  Caller frees. */
char *grid_run_name(const struct grid *grid, size_t setting, const char *seed, size_t fold);

/* The values of a setting, or its experiment, with the seed over `config`. */
void grid_apply(const struct grid *grid, size_t setting, const char *seed, struct config *config);

#endif
