/* Forward and backward passes of a step's batches: see microbatch.h. */
#include "train/microbatch.h"

#include "base/log.h"
#include "base/random.h"
#include "train/auxiliary.h"
#include "train/diagnose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BFLOAT16_WORKERS = 2 }; /* by default */

/* The model as a worker beside the first sees it. */
struct replica {
    struct model model;
    struct et_tensor **tensors; /* replicas of the trained parameters, in trainer->tensors' order */
};

/* ---- set-up ---- */

/* Two at the same time need a second gradient while they run, of which bfloat16 keeps two anyway, and a model
 * without buffers.  Ranks that train together sum gradients while the last batch makes them. */
static int choose_workers(const struct trainer *t)
{
    int64_t wanted = t->settings->train.concurrent_batches,
            most = t->settings->train.gradient_accumulation_steps;

    if (t->compute.device != ET_CPU || t->gradient_buckets || t->buffer_count > 0) {
        if (wanted > 1)
            log_warn("train.concurrent_batches: one batch runs at a time (%s)",
                     t->compute.device != ET_CPU ? "on a GPU"
                     : t->gradient_buckets       ? "with several processes"
                                                 : "the model keeps running statistics");
        return 1;
    }
    if (wanted == 0)
        wanted = t->compute.precision == ET_BFLOAT16 ? BFLOAT16_WORKERS : 1;
    if (et_get_threads() < most)
        most = et_get_threads();
    return (int)(wanted < most ? wanted : most);
}

static void make_replica(struct replica *replica, const struct trainer *t)
{
    const struct parameters *p = &t->model->parameters;
    size_t size = p->count * sizeof *p->items, trained = 0;

    replica->model = *t->model;
    replica->model.parameters.items = mem_zero(p->count, sizeof *p->items);
    memcpy(replica->model.parameters.items, p->items, size);
    replica->tensors = mem_zero(t->count, sizeof(struct et_tensor *));
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].trainable)
            replica->model.parameters.items[i].tensor = replica->tensors[trained++] =
                et_gradient_replica(t->scope, p->items[i].tensor);
}

bool microbatches_start(struct trainer *t, struct error *error)
{
    t->workers = workers_start(choose_workers(t));
    int beside = workers_count(t->workers) - 1;
    t->replicas = mem_zero((size_t)beside, sizeof *t->replicas);
    for (int i = 0; i < beside; i++)
        make_replica(&t->replicas[i], t);
    return !et_scope_failed(t->scope) || error_memory(error, "no memory for batches at the same time");
}

void microbatches_end(struct trainer *t)
{
    if (!t->workers)
        return;
    for (int i = 0; i < workers_count(t->workers) - 1; i++) {
        free(t->replicas[i].model.parameters.items);
        free(t->replicas[i].tensors);
    }
    free(t->replicas);
    workers_stop(t->workers);
}

/* ---- batches ---- */

bool batch_is_local(const struct trainer *t, int64_t index)
{
    return ranks_deal(t->compute.ranks, index % t->settings->train.gradient_accumulation_steps);
}

/* The last of the batches first .. last - 1 that this rank takes; -1: none. */
static int64_t last_local_batch(const struct trainer *t, int64_t first, int64_t last)
{
    while (last > first && !batch_is_local(t, last - 1))
        last--;
    return last > first ? last - 1 : -1;
}

/* Seeds all that is random in batch `index` of the epoch. */
static uint64_t batch_seed(const struct trainer *t, int64_t index)
{
    struct random_stream stream =
        random_stream((uint64_t)t->settings->run.seed, RANDOM_DROPOUT, (uint64_t)(t->epoch.earlier + index));

    return random_next(&stream);
}

bool make_train_batch(void *context, int64_t index, struct batch *batch, struct error *error)
{
    const struct trainer *t = context;
    size_t first = t->epoch.starts[index], count = t->epoch.starts[index + 1] - first;

    if (!batch_is_local(t, index)) {
        *batch = (struct batch){0};
        return true;
    }
    return dataset_batch(t->train, t->epoch.order + first, count, t->model, &t->settings->augment,
                         batch_seed(t, index), batch, error);
}

/* ---- forward and backward ---- */

/* One batch on its way. */
struct microbatch {
    int64_t index; /* of the batch in the epoch */
    struct batch batch;
    uint64_t seed;
    double weight; /* of a mixed batch's own labels */
    double loss;   /* its part of the step's */
    bool done;
    struct error error;
};

/* Batches that run at the same time, one in each worker. */
struct round {
    struct trainer *trainer;
    double weight; /* of the step's clips; as many as `clips` without class weights */
    double clips;
    int64_t final; /* the last of the step's batches that is this rank's */
    int count;
    struct microbatch microbatches[WORKERS_MAX];
};

/* A worker and who measures it. */
struct probe {
    const struct trainer *trainer;
    int worker;
};

void mark_stage(const struct trainer *trainer, enum stage stage, int worker)
{
    if (trainer->stage_ended)
        trainer->stage_ended(trainer->context, stage, worker);
}

/* Marks where the feature encoder ends, inside the forward pass. */
static void probe_features(void *context, const char *name, const struct et_tensor *tensor)
{
    const struct probe *probe = context;

    (void)tensor;
    if (strcmp(name, "features") == 0)
        mark_stage(probe->trainer, STAGE_FEATURES, probe->worker);
}

/* Forward and backward pass of a round's batch in a worker. */
static void run_microbatch(void *context, int worker)
{
    struct round *round = context;
    struct trainer *t = round->trainer;
    struct microbatch *m = &round->microbatches[worker];
    const struct model *model = worker == 0 ? t->model : &t->replicas[worker - 1].model;
    struct probe probe = {t, worker};
    const struct et_tensor *pooled = NULL;
    struct forward_mode mode = {.training = true, .seed = m->seed, .context = &probe, .pooled = &pooled};

    mode.observe = t->stage_ended ? probe_features : NULL;
    struct et_scope *scope = et_scope_open(NULL);
    et_autocast_begin(t->compute.device, t->compute.precision);
    struct et_tensor *logits = model_forward(model, scope, &m->batch, &mode);
    et_autocast_end();
    struct et_tensor *sum = loss_sum(&t->loss, scope, &m->batch, logits, m->weight);
    if (m->batch.auxiliary)
        sum = et_add(
            scope, sum,
            et_mul_scalar(scope,
                          auxiliary_loss_sum(&t->settings->train, model, scope, &m->batch, pooled, m->weight),
                          round->weight / round->clips));
    mark_stage(t, STAGE_FORWARD, worker);
    struct et_tensor *scaled = et_mul_scalar(scope, sum, t->state.loss_scale / round->weight);
    if (t->gradient_buckets && m->index == round->final)
        et_buckets_backward(scope, t->gradient_buckets, scaled);
    else
        et_backward(scope, scaled);
    m->loss = et_item(scope, sum) / round->weight;
    m->done = et_scope_close(scope, &m->error) || explain_out_of_memory(t, m->index, &m->error);
    if (worker > 0) /* worker 0 waits for the others in this stage */
        mark_stage(t, STAGE_BACKWARD, worker);
}

/* Takes this rank's next batches from the loader, one for each worker, from *index on. */
static bool fill_round(struct round *round, int64_t *index, int64_t last, struct error *error)
{
    struct trainer *t = round->trainer;

    round->count = 0;
    while (*index < last && round->count < workers_count(t->workers)) {
        struct microbatch *m = &round->microbatches[round->count];
        *m = (struct microbatch){.index = *index, .seed = batch_seed(t, *index)};
        if (!loader_next(t->loader, &m->batch, error))
            return false;
        if (m->batch.count > 0) {
            m->weight = augment_mix(&t->settings->augment, &m->batch, m->seed);
            round->count++;
        }
        ++*index;
    }
    return true;
}

/* Runs the round's batches and collects gradients and losses. */
static bool run_round(struct round *round, struct step_result *result, struct error *error)
{
    struct trainer *t = round->trainer;
    bool done = true;

    for (int i = 0; i < round->count - 1; i++)
        et_replicas_begin(t->tensors, t->replicas[i].tensors, t->count);
    workers_run(t->workers, round->count, run_microbatch, round);
    struct et_scope *scope = et_scope_open(NULL);
    for (int i = 0; i < round->count; i++) {
        const struct microbatch *m = &round->microbatches[i];
        if (i > 0)
            et_replicas_end(scope, t->tensors, t->replicas[i - 1].tensors, t->count);
        result->loss += m->loss;
        if (!isfinite(m->loss) && result->nonfinite_batch < 0)
            result->nonfinite_batch = m->index;
        if (done && !m->done)
            *error = m->error;
        done = done && m->done;
    }
    done = et_scope_close(scope, done ? error : NULL) && done;
    mark_stage(t, STAGE_BACKWARD, 0);
    return done;
}

bool microbatches_run(struct trainer *t, int64_t first, int64_t last, double weight,
                      struct step_result *result, struct error *error)
{
    struct round *round = mem_zero(1, sizeof *round);
    bool done = true;

    round->trainer = t;
    round->weight = weight;
    round->clips = (double)(t->epoch.starts[last] - t->epoch.starts[first]);
    round->final = last_local_batch(t, first, last);
    while (done && first < last) {
        done = fill_round(round, &first, last, error);
        mark_stage(t, STAGE_LOAD, 0);
        if (done && round->count > 0)
            done = run_round(round, result, error);
        for (int i = 0; i < round->count; i++)
            batch_free(&round->microbatches[i].batch);
    }
    free(round);
    return done;
}
