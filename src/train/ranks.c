/* Data parallelism over process groups: see ranks.h. */
#include "train/ranks.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

bool ranks_are_several(const struct ranks *ranks)
{
    return ranks && ranks->group;
}

bool ranks_write(const struct ranks *ranks)
{
    return !ranks_are_several(ranks) || ranks->env.rank == 0;
}

bool ranks_deal(const struct ranks *ranks, int64_t index)
{
    return !ranks_are_several(ranks) || index % ranks->env.world_size == ranks->env.rank;
}

bool ranks_join(struct ranks *ranks, const struct dist_env *env, int device, double timeout,
                struct error *error)
{
    char *prefix = mem_format("emotrain/%s", env->attempt);
    const struct et_group_env where = {.rank = env->rank,
                                       .size = env->world_size,
                                       .address = env->address,
                                       .port = env->port,
                                       .store = env->store,
                                       .external_store = env->external_store,
                                       .prefix = prefix,
                                       .timeout = timeout,
                                       .device = device};

    *ranks = (struct ranks){.env = *env};
    if (env->world_size > 1 || (env->launched && device != ET_CPU)) {
        log_silent(env->rank > 0);
        ranks->group = et_group_join(&where, error);
    }
    free(prefix);
    return !error->kind;
}

void ranks_leave(struct ranks *ranks, bool failed)
{
    et_group_leave(ranks->group, failed);
    ranks->group = NULL;
}

bool ranks_allreduce(const struct ranks *ranks, double *values, size_t count, struct error *error)
{
    return !ranks_are_several(ranks) || et_group_reduce(ranks->group, values, count, ET_SUM, error);
}

bool ranks_agree(const struct ranks *ranks, struct error *error)
{
    int size = ranks_are_several(ranks) ? ranks->env.world_size : 0, rank = ranks ? ranks->env.rank : 0;
    bool interrupted = error->kind == ERROR_INTERRUPTED;
    struct error lost = {0};

    if (size == 0 || error->kind == ERROR_PEER)
        return !error->kind;
    /* The lowest rank that failed has the largest number; an interruption is less than any failure. */
    double own = !error->kind ? 0 : interrupted ? size - rank : 2 * size - rank, worst = own;
    if (!et_group_reduce(ranks->group, &worst, 1, ET_MAX, &lost)) {
        if (!error->kind)
            *error = lost;
    } else if (worst > size && worst != own) {
        *error = (struct error){0};
        error_peer(error, "rank %d stops, as rank %d failed", rank, 2 * size - (int)worst);
    } else if (worst > 0 && worst <= size && (rank > 0 || !interrupted)) {
        *error = (struct error){0};
        if (rank == 0)
            error_interrupted(error, "interrupted; a run goes on with --resume");
        else
            error_said(error, ERROR_INTERRUPTED); /* rank 0 says so */
    }
    return !error->kind;
}

bool ranks_broadcast_text(const struct ranks *ranks, char **text, struct error *error)
{
    double size = *text ? (double)strlen(*text) : -1;

    if (!ranks_are_several(ranks))
        return true;
    if (!et_group_broadcast(ranks->group, &size, sizeof size, error))
        return false;
    char *shared = size < 0 ? NULL : mem_zero((size_t)size + 1, 1);
    if (shared && *text && ranks->env.rank == 0)
        memcpy(shared, *text, (size_t)size);
    free(*text);
    *text = shared;
    return size <= 0 || et_group_broadcast(ranks->group, shared, (size_t)size, error);
}

bool ranks_compare(const struct ranks *ranks, uint32_t checksum, const char *what, struct error *error)
{
    double bounds[2] = {checksum, -(double)checksum};

    if (!ranks_are_several(ranks))
        return true;
    return et_group_reduce(ranks->group, bounds, 2, ET_MAX, error) &&
           (bounds[0] == -bounds[1] || error_set(error, "rank %d of %d: %s not the same on all ranks",
                                                 ranks->env.rank, ranks->env.world_size, what));
}

/* "section.key=value" on a line each, of the settings that must be the same. */
static char *shared_settings(const struct config *config)
{
    struct config_entry entry;
    struct text text = {0};

    text_add_bytes(&text, "", 0);
    for (size_t i = 0; config_entry(config, i, &entry); i++)
        if (!setting_is_local(entry.setting))
            text_add(&text, "%s=%s\n", entry.name, entry.value);
    return text.text;
}

bool ranks_compare_config(const struct ranks *ranks, const struct config *config, struct error *error)
{
    char *own = shared_settings(config), *first = mem_string(own);
    bool done = ranks_broadcast_text(ranks, &first, error);

    if (done && strcmp(own, first) != 0) {
        size_t at = 0, line = 0;
        for (; own[at] == first[at]; at++)
            line = own[at] == '\n' ? at + 1 : line;
        done = error_usage(error, "rank %d has %.*s, rank 0 has %.*s: give all ranks one configuration",
                           ranks->env.rank, (int)strcspn(own + line, "\n"), own + line,
                           (int)strcspn(first + line, "\n"), first + line);
    }
    free(own);
    free(first);
    return ranks_agree(ranks, error) && done;
}

bool ranks_check(const struct ranks *ranks, const struct train_settings *settings, bool by_steps,
                 struct error *error)
{
    long long size = ranks_are_several(ranks) ? ranks->env.world_size : 1,
              accumulate = (long long)settings->gradient_accumulation_steps,
              clips = accumulate * (long long)settings->batch_size;

    if (size > 1 && !by_steps)
        return error_usage(error, "model.kind=linear: it is fitted at once, by one process");
    if (accumulate >= size)
        return true;
    return error_usage(
        error,
        "train.gradient_accumulation_steps=%lld: a step's batches are dealt to the ranks, of which there are "
        "%lld; "
        "train.batch_size=%lld train.gradient_accumulation_steps=%lld would be a step at least as large",
        accumulate, size, (clips + size - 1) / size, size);
}

bool ranks_broadcast_parameters(const struct ranks *ranks, const struct parameters *parameters,
                                struct error *error)
{
    bool done = true;

    for (size_t i = 0; ranks_are_several(ranks) && done && i < parameters->count; i++)
        done = et_group_broadcast_tensor_(ranks->group, parameters->items[i].tensor, error);
    return done;
}

bool ranks_compare_parameters(const struct ranks *ranks, const struct parameters *parameters,
                              struct error *error)
{
    uint32_t *sums = mem_zero(parameters->count + 1, sizeof *sums);
    struct et_scope *scope = et_scope_open(NULL);

    for (size_t i = 0; ranks_are_several(ranks) && i < parameters->count; i++) {
        int64_t count = et_numel(parameters->items[i].tensor);
        float *values = mem_zero((size_t)count + 1, sizeof *values);
        et_read(scope, parameters->items[i].tensor, values, count);
        sums[i] = checksum(values, (size_t)count * sizeof *values);
        free(values);
    }
    uint32_t sum = checksum(sums, parameters->count * sizeof *sums);
    free(sums);
    return et_scope_close(scope, error) && ranks_compare(ranks, sum, "the model's parameters are", error);
}

bool ranks_lead(const struct ranks *ranks, bool (*work)(void *context, struct error *error), void *context,
                struct error *error)
{
    if (ranks_write(ranks))
        work(context, error);
    return ranks_agree(ranks, error);
}

bool ranks_in_turn(const struct ranks *ranks, bool (*work)(void *context, struct error *error), void *context,
                   struct error *error)
{
    const struct dist_env *env = &ranks->env;
    int turn = env->rank == 0 ? 0 : env->local_rank == 0 ? 1 : 2;

    for (int now = 0; now < (ranks_are_several(ranks) ? 3 : 1); now++) {
        if (now == turn && !error->kind)
            work(context, error);
        if (!ranks_agree(ranks, error))
            return false;
    }
    return true;
}
