#include "base/place.h"

#include "base/parallel.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct place PLACE_ALONE = {.size = 1, .local_size = 1};

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
static bool number(const char *name, int low, int high, int fallback, int *value, struct error *error)
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
static bool find_meeting(struct place *place, struct error *error)
{
    const char *address = getenv("MASTER_ADDR"), *job = getenv("SLURM_JOB_ID");
    int port = job ? SLURM_PORTS + (int)(strtoul(job, NULL, 10) % SLURM_PORT_COUNT) : FIRST_PORT;

    if (!address || !*address)
        address = getenv("SLURM_LAUNCH_NODE_IPADDR");
    if ((!address || !*address) && place->local_size == place->size)
        address = "127.0.0.1";
    if (!address || !*address)
        return error_usage(
            error, "rank %d of %d: where is rank 0? Set MASTER_ADDR to its host (and MASTER_PORT, %d)",
            place->rank, place->size, port);
    snprintf(place->address, sizeof place->address, "%s", address);
    return number("MASTER_PORT", 1, 65535, port, &place->port, error);
}

bool place_find(struct place *place, struct error *error)
{
    const struct starter *s = STARTERS, *end = STARTERS + sizeof STARTERS / sizeof STARTERS[0];
    const char *agent = getenv("TORCHELASTIC_USE_AGENT_STORE"), *again = getenv("TORCHELASTIC_RESTART_COUNT");

    *place = PLACE_ALONE;
    while (s < end && !(getenv(s->rank) && getenv(s->size)))
        s++;
    if (s == end)
        return true;
    if (!number(s->size, 1, 1 << 20, 1, &place->size, error) ||
        !number(s->rank, 0, place->size - 1, 0, &place->rank, error) ||
        !number(s->local_size, 1, place->size, s->local_size ? place->size : slurm_local_size(),
                &place->local_size, error) ||
        !number(s->local_rank, 0, place->size - 1, place->rank % place->local_size, &place->local_rank,
                error))
        return false;
    place->started = true;
    place->store_is_there = agent && strcmp(agent, "True") == 0;
    snprintf(place->attempt, sizeof place->attempt, "%s", again ? again : "0");
    return find_meeting(place, error);
}

int place_threads(const struct place *place, long long wanted)
{
    int share = thread_count(0) / place->local_size;

    return wanted > 0 ? thread_count(wanted) : share > 0 ? share : 1;
}
