/*
 * This process's place among those that train together, as torchrun, mpirun, Slurm and `emotrain launch` tell
 * it in the environment.
 */
#ifndef EMOTRAIN_BASE_PLACE_H
#define EMOTRAIN_BASE_PLACE_H

#include "base/error.h"

struct place {
    int rank, size;             /* 0 and 1: it is alone */
    int local_rank, local_size; /* among those on this host */
    char address[256];          /* host of rank 0 */
    int port;                   /* on it */
    bool store_is_there;        /* torchrun's agent answers there, not rank 0 */
    char attempt[32];           /* tells one start of the same processes from the next */
    bool started;               /* by one that tells places, be it to one process */
};

extern const struct place PLACE_ALONE;

/* Fails where the environment names a place that cannot be. */
bool place_find(struct place *place, struct error *error);

/* Threads to use where `wanted` are asked for: 0 means this process's share of the processors. */
int place_threads(const struct place *place, long long wanted);

#endif
