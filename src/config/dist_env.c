/* The environment of processes that train together: see dist_env.h. */
#include "config/dist_env.h"

#include "base/parallel.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct dist_env DIST_ENV_ALONE = {.world_size = 1, .local_size = 1};

enum { FIRST_PORT = 29500, SLURM_PORTS = 15000, SLURM_PORT_COUNT = 20000 };

/* Variables that tell one number, by who sets them. */
static const struct starter {
    const char *name, *rank, *size, *local_rank, *local_size;
} STARTERS[] = {
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"},
    /* Not SLURM_NTASKS, which a batch script outside srun has too. */
    {"Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", NULL},
};

/* The variable's number; `fallback` where it is not set. */
static bool read_number(const char *name, int low, int high, int fallback, int *value, struct error *error)
{
    const char *text = name ? getenv(name) : NULL;
    long long read;

    *value = fallback;
    if (!text || !*text)
        return true;
    if (!text_to_integer(text, &read) || read < low || read > high)
        return error_usage(error, "the environment's %s=%s: a number from %d to %d is wanted", name, text,
                           low, high);
    *value = (int)read;
    return true;
}

/* Slurm says "4(x2),3": tasks on each of its nodes; the first number is as good for threads as any. */
static int slurm_local_size(void)
{
    const char *text = getenv("SLURM_STEP_TASKS_PER_NODE");
    long count = text ? strtol(text, NULL, 10) : 0;

    return count > 0 && count < 1 << 20 ? (int)count : 1;
}

/* The host and port of rank 0. */
static bool find_meeting(struct dist_env *env, struct error *error)
{
    const char *address = getenv("MASTER_ADDR"), *job = getenv("SLURM_JOB_ID");
    int port = job ? SLURM_PORTS + (int)(strtoul(job, NULL, 10) % SLURM_PORT_COUNT) : FIRST_PORT;

    if (!address || !*address)
        address = getenv("SLURM_LAUNCH_NODE_IPADDR");
    if ((!address || !*address) && env->local_size == env->world_size)
        address = "127.0.0.1";
    if (!address || !*address)
        return error_usage(
            error, "rank %d of %d: where is rank 0? Set MASTER_ADDR to its host (and MASTER_PORT, %d)",
            env->rank, env->world_size, port);
    snprintf(env->address, sizeof env->address, "%s", address);
    return read_number("MASTER_PORT", 1, 65535, port, &env->port, error);
}

bool dist_env_read(struct dist_env *env, struct error *error)
{
    const struct starter *s = STARTERS, *end = STARTERS + sizeof STARTERS / sizeof STARTERS[0];
    const char *agent = getenv("TORCHELASTIC_USE_AGENT_STORE"), *again = getenv("TORCHELASTIC_RESTART_COUNT");

    *env = DIST_ENV_ALONE;
    while (s < end && !(getenv(s->rank) && getenv(s->size)))
        s++;
    if (s == end)
        return true;
    if (!read_number(s->size, 1, 1 << 20, 1, &env->world_size, error) ||
        !read_number(s->rank, 0, env->world_size - 1, 0, &env->rank, error) ||
        !read_number(s->local_size, 1, env->world_size, s->local_size ? env->world_size : slurm_local_size(),
                     &env->local_size, error) ||
        !read_number(s->local_rank, 0, env->world_size - 1, env->rank % env->local_size, &env->local_rank,
                     error))
        return false;
    env->launched = true;
    snprintf(env->store, sizeof env->store, "%s", getenv("EMOTRAIN_STORE") ? getenv("EMOTRAIN_STORE") : "");
    env->external_store = agent && strcmp(agent, "True") == 0;
    snprintf(env->attempt, sizeof env->attempt, "%s", again ? again : "0");
    return find_meeting(env, error);
}

int dist_env_threads(const struct dist_env *env, long long wanted)
{
    int share = thread_count(0) / env->local_size;

    return wanted > 0 ? thread_count(wanted) : share > 0 ? share : 1;
}
