/*
 * This process among those that train together (rank, world size), as torchrun, mpirun, Slurm and `emotrain
 * launch` tell it in the environment.
 */
#ifndef EMOTRAIN_CONFIG_DIST_ENV_H
#define EMOTRAIN_CONFIG_DIST_ENV_H

#include "base/error.h"

struct dist_env {
    int rank, world_size;       /* 0 and 1: it is alone */
    int local_rank, local_size; /* among those on this host */
    char address[256];          /* host of rank 0 */
    int port;                   /* on it */
    char store[256];            /* a file in place of that port: of processes of this machine; "": none */
    bool external_store;        /* torchrun's agent runs the store, not rank 0 */
    char attempt[32];           /* tells one start of the same processes from the next */
    bool launched;              /* by a launcher, be it as the only process */
};

extern const struct dist_env DIST_ENV_ALONE;

/* Fails where the environment is contradictory. */
bool dist_env_read(struct dist_env *env, struct error *error);

/* Threads to use where `wanted` are asked for: 0 means this process's share of the processors. */
int dist_env_threads(const struct dist_env *env, long long wanted);

#endif
