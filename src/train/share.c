#include "train/share.h"

#include "base/interrupt.h"

#include <stdlib.h>

bool share_takes(const struct training *training, int64_t index)
{
    return ranks_deal(training->trainer->compute.ranks, index % training->accumulate);
}

int64_t share_last(const struct training *training, int64_t first, int64_t last)
{
    while (last > first && !share_takes(training, last - 1))
        last--;
    return last > first ? last - 1 : -1;
}

/* What a step's forward passes moved beside the optimizer: its mean over the ranks, each by its batches. */
static bool sum_moving(const struct training *training, double share, struct error *error)
{
    const struct ranks *ranks = training->trainer->compute.ranks;
    bool done = true;

    for (size_t i = 0; done && i < training->moving_count; i++) {
        struct et_tensor *tensor = training->moving[i].tensor;
        size_t count = (size_t)et_numel(tensor);
        struct et_scope *scope = et_scope_open(NULL);
        float *values = mem_zero(count + 1, sizeof *values);
        double *sums = mem_zero(count + 1, sizeof *sums);
        et_read(scope, tensor, values, (int64_t)count);
        for (size_t k = 0; k < count; k++)
            sums[k] = (double)values[k] * share;
        done = ranks_sum(ranks, sums, count, error);
        for (size_t k = 0; done && k < count; k++)
            values[k] = (float)sums[k];
        if (done)
            et_copy_data_(scope, tensor, values, ET_FLOAT32);
        free(values);
        free(sums);
        done = et_scope_close(scope, error) && done;
    }
    return done;
}

bool share_sum(struct training *training, int64_t first, int64_t last, struct step_figures *figures,
               struct error *error)
{
    const struct ranks *ranks = training->trainer->compute.ranks;
    int64_t taken = 0;

    figures->interrupted = interrupt_requested();
    if (!training->buckets)
        return true;
    for (int64_t b = first; b < last; b++)
        taken += share_takes(training, b);
    size_t count = 2 + (size_t)(last - first); /* loss, wish to stop, for each batch whether it was bad */
    double *sums = mem_zero(count, sizeof *sums);
    sums[0] = figures->loss;
    sums[1] = figures->interrupted;
    if (figures->bad_batch >= 0)
        sums[2 + figures->bad_batch - first] = 1;
    bool done = et_buckets_finish(training->buckets, taken > 0, error) &&
                ranks_sum(ranks, sums, count, error) &&
                sum_moving(training, (double)taken / (double)(last - first), error);
    figures->loss = sums[0];
    figures->interrupted = sums[1] > 0;
    for (int64_t b = last; b-- > first;)
        if (sums[2 + b - first] > 0)
            figures->bad_batch = b;
    free(sums);
    return done;
}
