#include "train/pass.h"

#include "base/random.h"
#include "train/share.h"
#include "train/trouble.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 2 }; /* by default */

/* The model as a lane beside the first sees it. */
struct view {
    struct model model;
    struct et_tensor **twins; /* of the trainable parameters, in training->tensors' order */
};

struct passes {
    struct lanes *lanes;
    struct view *views;     /* of lanes 1, 2, ... */
    struct et_scope *scope; /* of the twins */
};

/* ---- set-up ---- */

/* Two at the same time need a second gradient while they run, of which bfloat16 keeps two anyway, and a model
 * that forward passes do not move.  Ranks that train together sum gradients while the last batch makes them.
 */
static int choose_lanes(const struct training *training)
{
    const struct trainer *t = training->trainer;
    int64_t wanted = config_integer(t->config, "train.concurrent_batches"), most = training->accumulate;

    if (t->compute.device != ET_CPU || training->buckets || training->moving_count > 0 || t->model->kind->fit)
        return 1;
    if (wanted == 0)
        wanted = t->compute.precision == ET_BFLOAT16 ? LANES : 1;
    if (et_get_threads() < most)
        most = et_get_threads();
    return (int)(wanted < most ? wanted : most);
}

static void make_view(struct view *view, const struct training *training, struct et_scope *scope)
{
    const struct parameters *p = &training->trainer->model->parameters;
    size_t size = p->count * sizeof *p->items, trained = 0;

    view->model = *training->trainer->model;
    view->model.parameters.items = mem_zero(p->count, sizeof *p->items);
    memcpy(view->model.parameters.items, p->items, size);
    view->twins = mem_zero(training->count, sizeof(struct et_tensor *));
    for (size_t i = 0; i < p->count; i++)
        if (p->items[i].trainable)
            view->model.parameters.items[i].tensor = view->twins[trained++] =
                et_twin(scope, p->items[i].tensor);
}

bool passes_start(struct training *training, struct error *error)
{
    struct passes *passes = training->passes = mem_zero(1, sizeof *passes);

    passes->lanes = lanes_start(choose_lanes(training));
    int beside = lanes_count(passes->lanes) - 1;
    passes->views = mem_zero((size_t)beside, sizeof *passes->views);
    passes->scope = et_scope_open(NULL);
    for (int i = 0; i < beside; i++)
        make_view(&passes->views[i], training, passes->scope);
    return !et_scope_failed(passes->scope) || error_memory(error, "no memory for passes at the same time");
}

void passes_end(struct training *training)
{
    struct passes *passes = training->passes;

    if (!passes)
        return;
    for (int i = 0; i < lanes_count(passes->lanes) - 1; i++) {
        free(passes->views[i].model.parameters.items);
        free(passes->views[i].twins);
    }
    free(passes->views);
    et_scope_close(passes->scope, NULL);
    lanes_stop(passes->lanes);
    free(passes);
}

struct lanes *passes_lanes(const struct training *training)
{
    return training->passes->lanes;
}

/* ---- batches ---- */

/* Seeds what batch `index` of the epoch draws. */
static uint64_t batch_seed(const struct training *training, int64_t index)
{
    struct random_stream stream =
        random_stream((uint64_t)config_integer(training->trainer->config, "run.seed"), RANDOM_DROPOUT,
                      (uint64_t)(training->epoch.earlier + index));

    return random_next(&stream);
}

bool pass_make_batch(void *context, int64_t index, struct batch *batch, struct error *error)
{
    const struct training *training = context;
    const struct trainer *t = training->trainer;
    size_t first = training->epoch.starts[index], count = training->epoch.starts[index + 1] - first;

    if (!share_takes(training, index)) {
        *batch = (struct batch){0};
        return true;
    }
    return dataset_batch(t->train, training->epoch.order + first, count, t->model, &training->augmentation,
                         batch_seed(training, index), batch, error);
}

/* ---- passes ---- */

/* The passes of one batch. */
struct pass {
    int64_t index; /* of the batch */
    struct batch batch;
    uint64_t seed;
    double share; /* of a mixed batch's own labels */
    double loss;  /* what came of it: its part of the step's */
    bool done;
    struct error error;
};

/* Batches that run at the same time, one in each lane. */
struct round {
    struct training *training;
    double weight;
    int64_t final; /* the last of the step's batches that is this rank's */
    int count;
    struct pass passes[LANES_MOST];
};

/* A lane and who measures it, for observe. */
struct watch {
    const struct trainer *trainer;
    int lane;
};

void pass_mark(const struct trainer *trainer, enum stage stage, int lane)
{
    if (trainer->stage_ended)
        trainer->stage_ended(trainer->context, stage, lane);
}

/* Marks where the feature encoder ends, inside the forward pass. */
static void observe(void *context, const char *name, const struct et_tensor *tensor)
{
    const struct watch *watch = context;

    (void)tensor;
    if (strcmp(name, "features") == 0)
        pass_mark(watch->trainer, STAGE_FEATURES, watch->lane);
}

/* Forward and backward of a round's batch in a lane. */
static void run_pass(void *context, int lane)
{
    struct round *round = context;
    struct training *training = round->training;
    struct pass *pass = &round->passes[lane];
    struct trainer *t = training->trainer;
    const struct model *model = lane == 0 ? t->model : &training->passes->views[lane - 1].model;
    struct watch watch = {t, lane};
    struct forward_mode mode = {.training = true, .seed = pass->seed, .context = &watch};

    mode.observe = t->stage_ended ? observe : NULL;
    struct et_scope *scope = et_scope_open(NULL);
    et_autocast_begin(t->compute.device, t->compute.precision);
    struct et_tensor *logits = model_forward(model, scope, &pass->batch, &mode);
    et_autocast_end();
    struct et_tensor *sum = loss_sum(&training->loss, scope, &pass->batch, logits, pass->share);
    pass_mark(t, STAGE_FORWARD, lane);
    struct et_tensor *scaled = et_mul_scalar(scope, sum, t->state.loss_scale / round->weight);
    if (training->buckets && pass->index == round->final)
        et_buckets_backward(scope, training->buckets, scaled);
    else
        et_backward(scope, scaled);
    pass->loss = et_item(scope, sum) / round->weight;
    pass->done = et_scope_close(scope, &pass->error) || trouble_memory(training, pass->index, &pass->error);
    if (lane > 0) /* lane 0 waits for the others in this stage */
        pass_mark(t, STAGE_BACKWARD, lane);
}

/* Takes this rank's next batches from the loader, one for each lane, from *index on. */
static bool fill_round(struct round *round, int64_t *index, int64_t last, struct error *error)
{
    struct training *training = round->training;

    round->count = 0;
    while (*index < last && round->count < lanes_count(training->passes->lanes)) {
        struct pass *pass = &round->passes[round->count];
        *pass = (struct pass){.index = *index, .seed = batch_seed(training, *index)};
        if (!loader_next(training->loader, &pass->batch, error))
            return false;
        if (pass->batch.count > 0) {
            pass->share = augment_mix(&training->augmentation, &pass->batch, pass->seed);
            round->count++;
        }
        ++*index;
    }
    return true;
}

/* Runs the round's passes and takes in what came of them. */
static bool run_round(struct round *round, struct step_figures *figures, struct error *error)
{
    struct training *training = round->training;
    struct passes *passes = training->passes;
    bool done = true;

    for (int i = 0; i < round->count - 1; i++)
        et_twins_begin(training->tensors, passes->views[i].twins, training->count);
    lanes_run(passes->lanes, round->count, run_pass, round);
    struct et_scope *scope = et_scope_open(NULL);
    for (int i = 0; i < round->count; i++) {
        const struct pass *pass = &round->passes[i];
        if (i > 0)
            et_twins_end(scope, training->tensors, passes->views[i - 1].twins, training->count);
        figures->loss += pass->loss;
        if (!isfinite(pass->loss) && figures->bad_batch < 0)
            figures->bad_batch = pass->index;
        if (done && !pass->done)
            *error = pass->error;
        done = done && pass->done;
    }
    done = et_scope_close(scope, done ? error : NULL) && done;
    pass_mark(training->trainer, STAGE_BACKWARD, 0);
    return done;
}

bool passes_run(struct training *training, int64_t first, int64_t last, double weight,
                struct step_figures *figures, struct error *error)
{
    struct round *round = mem_zero(1, sizeof *round);
    bool done = true;

    round->training = training;
    round->weight = weight;
    round->final = share_last(training, first, last);
    while (done && first < last) {
        done = fill_round(round, &first, last, error);
        pass_mark(training->trainer, STAGE_LOAD, 0);
        if (done && round->count > 0)
            done = run_round(round, figures, error);
        for (int i = 0; i < round->count; i++)
            batch_free(&round->passes[i].batch);
    }
    free(round);
    return done;
}
