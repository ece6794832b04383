#include "train/ranks.h"

#include "base/digest.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

bool ranks_are_several(const struct ranks *ranks)
{
    return ranks && ranks->group;
}

bool ranks_write(const struct ranks *ranks)
{
    return !ranks_are_several(ranks) || ranks->place.rank == 0;
}

bool ranks_deal(const struct ranks *ranks, int64_t index)
{
    return !ranks_are_several(ranks) || index % ranks->place.size == ranks->place.rank;
}

bool ranks_join(struct ranks *ranks, const struct place *place, int device, double timeout,
                struct error *error)
{
    char *prefix = mem_format("emotrain/%s", place->attempt);
    const struct et_group_place where = {.rank = place->rank,
                                         .size = place->size,
                                         .address = place->address,
                                         .port = place->port,
                                         .store_is_there = place->store_is_there,
                                         .prefix = prefix,
                                         .timeout = timeout,
                                         .device = device};

    *ranks = (struct ranks){.place = *place};
    if (place->size > 1 || (place->started && device != ET_CPU)) {
        log_silent(place->rank > 0);
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

bool ranks_sum(const struct ranks *ranks, double *values, size_t count, struct error *error)
{
    return !ranks_are_several(ranks) || et_group_reduce(ranks->group, values, count, ET_SUM, error);
}

bool ranks_agree(const struct ranks *ranks, struct error *error)
{
    int size = ranks_are_several(ranks) ? ranks->place.size : 0, rank = ranks ? ranks->place.rank : 0;
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

bool ranks_share_text(const struct ranks *ranks, char **text, struct error *error)
{
    double size = *text ? (double)strlen(*text) : -1;

    if (!ranks_are_several(ranks))
        return true;
    if (!et_group_broadcast(ranks->group, &size, sizeof size, error))
        return false;
    char *shared = size < 0 ? NULL : mem_zero((size_t)size + 1, 1);
    if (shared && *text && ranks->place.rank == 0)
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
                                                 ranks->place.rank, ranks->place.size, what));
}

bool ranks_check(const struct ranks *ranks, const struct config *config, const struct model_kind *kind,
                 struct error *error)
{
    long long size = ranks_are_several(ranks) ? ranks->place.size : 1,
              accumulate = (long long)config_integer(config, "train.accumulate"),
              clips = accumulate * (long long)config_integer(config, "train.batch_size");

    if (size > 1 && kind->fit)
        return error_usage(error, "model.kind=%s: it is fitted at once, by one process", kind->name);
    if (accumulate >= size)
        return true;
    return error_usage(
        error,
        "train.accumulate=%lld: a step's batches are dealt to the ranks, of which there are %lld; "
        "train.batch_size=%lld train.accumulate=%lld would be a step at least as large",
        accumulate, size, (clips + size - 1) / size, size);
}

bool ranks_share_parameters(const struct ranks *ranks, const struct parameters *parameters,
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

bool ranks_in_turn(const struct ranks *ranks, bool (*work)(void *context, struct error *error), void *context,
                   struct error *error)
{
    const struct place *place = &ranks->place;
    int turn = place->rank == 0 ? 0 : place->local_rank == 0 ? 1 : 2;

    for (int now = 0; now < (ranks_are_several(ranks) ? 3 : 1); now++) {
        if (now == turn && !error->kind)
            work(context, error);
        if (!ranks_agree(ranks, error))
            return false;
    }
    return true;
}
