/*
 * Data parallelism: processes that train one model together, each on other clips (Li et al., "PyTorch
 * Distributed", 2020).
 *
 * What a step is, the configuration says, not the number of ranks: train.gradient_accumulation_steps batches,
 * which are dealt to the ranks one by one.  So one process, two, or a run that goes on with another number of
 * them do the same steps with the same random numbers, and differ by no more than the order in which
 * gradients are added up.  Rank 0 alone writes.
 *
 * All functions are collective: every rank calls them alike.  With ranks == NULL, or one rank, they do
 * nothing.
 */
#ifndef EMOTRAIN_TRAIN_RANKS_H
#define EMOTRAIN_TRAIN_RANKS_H

#include "config/config.h"
#include "config/dist_env.h"
#include "model/model.h"

#include <stdint.h>

struct ranks {
    struct dist_env env;
    struct et_group *group; /* NULL: this process is alone */
};

/* Finds the others, if there are any (on a GPU, one that is alone may join too, by NCCL), waiting `timeout`
 * seconds for them, now and whenever one is waited for.  device: this process's. Ranks other than 0 log
 * errors only. */
bool ranks_join(struct ranks *ranks, const struct dist_env *env, int device, double timeout,
                struct error *error);

/* failed: some rank did, so that the others are not waited for. */
void ranks_leave(struct ranks *ranks, bool failed);

bool ranks_are_several(const struct ranks *ranks);
bool ranks_write(const struct ranks *ranks); /* whether this process is the one that writes */

/* Whether the calling rank deals with item `index` of those that are dealt one by one from index 0. */
bool ranks_deal(const struct ranks *ranks, int64_t index);

/* Whether no rank has failed so far: the lowest that has keeps its error, the others get one that names it.
 * An interruption of any is one of all. */
bool ranks_agree(const struct ranks *ranks, struct error *error);

/* Sums over the ranks, the same to the bit on all of them. */
bool ranks_allreduce(const struct ranks *ranks, double *values, size_t count, struct error *error);

/* Rank 0's text in the place of *text, which may be NULL; caller frees as before. */
bool ranks_broadcast_text(const struct ranks *ranks, char **text, struct error *error);

/* Fails unless the checksum is the same on all ranks; `what`: of what, for the message. */
bool ranks_compare(const struct ranks *ranks, uint32_t checksum, const char *what, struct error *error);

/* Fails, naming the setting, unless the configurations are the same on all ranks in what they do: names,
 * paths, devices and threads may differ from host to host. */
bool ranks_compare_config(const struct ranks *ranks, const struct config *config, struct error *error);

/* Fails where a step of the configuration, or a model that is not trained by steps, cannot be shared by so
 * many. */
bool ranks_check(const struct ranks *ranks, const struct train_settings *settings, bool by_steps,
                 struct error *error);

/* Rank 0's parameters on all ranks. */
bool ranks_broadcast_parameters(const struct ranks *ranks, const struct parameters *parameters,
                                struct error *error);

/* Fails unless all ranks' parameters are the same to the bit. */
bool ranks_compare_parameters(const struct ranks *ranks, const struct parameters *parameters,
                              struct error *error);

/* Rank 0 does the work alone; returns whether it did not fail. */
bool ranks_lead(const struct ranks *ranks, bool (*work)(void *context, struct error *error), void *context,
                struct error *error);

/* In turns: rank 0 by itself first, then the first rank of each other host, then the rest; returns whether
 * none failed. What is made for all by the first is there for the others. */
bool ranks_in_turn(const struct ranks *ranks, bool (*work)(void *context, struct error *error), void *context,
                   struct error *error);

#endif
