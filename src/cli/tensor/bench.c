/* emotrain bench: how long training steps and predictions take, and how long their matrix products alone
 * would. */
#include "cli/tensor/bench.h"

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "cli/command.h"
#include "run/environment.h"
#include "train/compute.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 5, PREDICTED = 64 /* clips at most */, REPETITIONS = 3 /* of a product */ };

/* Measuring under way: products of each stage of the present step. */
struct measure {
    struct bench *bench;
    bool counts;           /* the first step is not counted */
    double began;          /* the stage under way, in worker 0 */
    pthread_mutex_t mutex; /* workers tell of their products at the same time */
    struct et_product *products[STAGE_COUNT];
    size_t counts_of[STAGE_COUNT];
    struct workers *workers; /* training's */
};

/* ---- the ceiling ---- */

/* A size of product that has been timed. */
struct timed {
    struct et_product product;
    enum et_factor of;
    double seconds;
};

struct ceiling {
    const struct compute *compute;
    struct workers *workers;
    struct timed *sizes;
    size_t count;
};

static bool same_size(const struct et_product *a, const struct et_product *b)
{
    return a->batch == b->batch && a->rows == b->rows && a->inner == b->inner && a->columns == b->columns;
}

/* A product that workers make at the same time. */
struct timing {
    const struct compute *compute;
    const struct et_product *product;
    enum et_factor of;
    double seconds[WORKERS_MAX];
    struct error errors[WORKERS_MAX];
};

static void time_product(void *context, int worker)
{
    struct timing *t = context;
    struct et_scope *scope = et_scope_open(NULL);

    t->seconds[worker] =
        et_product_seconds(scope, t->product, t->of, t->compute->precision, t->compute->device);
    et_scope_close(scope, &t->errors[worker]);
}

/* Seconds per product of `count` that workers make at the same time, one each. */
static double time_in_workers(const struct ceiling *ceiling, const struct et_product *p, enum et_factor of,
                              int count, struct error *error)
{
    struct timing timing = {.compute = ceiling->compute, .product = p, .of = of};
    double seconds[REPETITIONS];

    for (int i = -1; i < REPETITIONS; i++) { /* the first is not counted */
        double longest = 0;
        workers_run(ceiling->workers, count, time_product, &timing);
        for (int worker = 0; worker < count; worker++) {
            longest = timing.seconds[worker] > longest ? timing.seconds[worker] : longest;
            if (timing.errors[worker].kind)
                *error = timing.errors[worker];
        }
        if (i >= 0)
            seconds[i] = longest / count;
    }
    return bench_median(seconds, REPETITIONS);
}

/* Seconds of one such product, measured once for each size: by all threads together or, where passes run in
 * workers and that is faster, by workers. */
static double product_seconds(struct ceiling *ceiling, const struct et_product *p, enum et_factor of,
                              struct error *error)
{
    int workers = workers_count(ceiling->workers);

    for (size_t i = 0; i < ceiling->count; i++)
        if (ceiling->sizes[i].of == of && same_size(&ceiling->sizes[i].product, p))
            return ceiling->sizes[i].seconds;
    double seconds = time_in_workers(ceiling, p, of, 1, error);
    double apart = workers > 1 ? time_in_workers(ceiling, p, of, workers, error) : seconds;
    ceiling->sizes = mem_resize(ceiling->sizes, ceiling->count + 1, sizeof *ceiling->sizes);
    ceiling->sizes[ceiling->count] = (struct timed){*p, of, apart < seconds ? apart : seconds};
    return ceiling->sizes[ceiling->count++].seconds;
}

static void add_product(struct ceiling *ceiling, const struct et_product *p, enum et_factor of, double steps,
                        struct bench_stage *stage, struct error *error)
{
    double count = (double)p->count / steps;

    stage->flop += 2 * count * (double)p->batch * (double)p->rows * (double)p->inner * (double)p->columns;
    stage->ideal += count * product_seconds(ceiling, p, of, error);
}

/* What a step's products take by themselves, measured right after it, as the machine is then: those of a
 * forward pass in their stage, gradients' in the backward pass.  Forgets them. */
static bool measure_ceiling(struct measure *m, struct error *error)
{
    struct ceiling ceiling = {.compute = &m->bench->experiment->compute, .workers = m->workers};
    struct bench_stage *stages = m->bench->stages;
    double steps = (double)m->bench->steps;

    for (int s = 0; s < STAGE_COUNT; s++) {
        for (size_t i = 0; i < m->counts_of[s] && !error->kind; i++) {
            const struct et_product *p = &m->products[s][i];
            add_product(&ceiling, p, ET_RESULT, steps, &stages[s], error);
            if (p->left_learned)
                add_product(&ceiling, p, ET_LEFT, steps, &stages[STAGE_BACKWARD], error);
            if (p->right_learned)
                add_product(&ceiling, p, ET_RIGHT, steps, &stages[STAGE_BACKWARD], error);
        }
        m->counts_of[s] = 0;
    }
    free(ceiling.sizes);
    return !error->kind;
}

/* ---- steps ---- */

/* Notes the calling worker's products since its last stage. */
static void note_products(struct measure *m, enum stage stage)
{
    struct et_product *list;
    size_t count = et_products_take(&list);

    pthread_mutex_lock(&m->mutex);
    count = m->counts ? count : 0;
    size_t had = m->counts_of[stage];
    m->products[stage] = mem_resize(m->products[stage], had + count + 1, sizeof *list);
    memcpy(m->products[stage] + had, list, count * sizeof *list);
    m->counts_of[stage] = had + count;
    pthread_mutex_unlock(&m->mutex);
    free(list);
}

/* Time is what passes in worker 0, products are all workers'. */
static void stage_ended(void *context, enum stage stage, int worker)
{
    struct measure *m = context;

    et_synchronize(m->bench->experiment->compute.device);
    double now = clock_seconds();
    note_products(m, stage);
    if (worker > 0)
        return;
    if (m->counts)
        m->bench->stages[stage].seconds += (now - m->began) / (double)m->bench->steps;
    m->began = clock_seconds();
}

/* Samples and seconds of the clips of the step that was just taken, which began with batch `first`. */
static void note_clips(struct measure *m, const struct trainer *t, int64_t first)
{
    struct bench *bench = m->bench;
    const struct epoch *epoch = &t->epoch;
    int64_t last = first + t->settings->train.gradient_accumulation_steps;

    last = last < epoch->batches ? last : epoch->batches;
    for (size_t i = epoch->starts[first]; i < epoch->starts[last]; i++) {
        double seconds = t->train->items[epoch->order[i]].seconds;
        bench->samples = mem_resize(bench->samples, bench->sample_count + 1, sizeof *bench->samples);
        bench->samples[bench->sample_count++] = (int64_t)(seconds * t->model->sound.sample_rate + 0.5);
        bench->clips += m->counts ? 1.0 / (double)bench->steps : 0;
        bench->audio += m->counts ? seconds / (double)bench->steps : 0;
    }
}

static bool take_steps(struct measure *m, struct trainer *t, struct error *error)
{
    struct step_result result;
    struct progress progress;
    bool done = true;

    progress_start(&progress, "bench", "step", 0, (size_t)m->bench->steps + 1);
    for (int64_t i = 0; done && i <= m->bench->steps; i++) {
        m->counts = i > 0;
        int64_t first = t->state.batches;
        double started = m->began = clock_seconds();
        done = trainer_step(t, &result, error);
        if (m->counts)
            m->bench->step_seconds[i - 1] = clock_seconds() - started;
        m->bench->memory = peak_memory();
        if (done)
            note_clips(m, t, first);
        done = done && measure_ceiling(m, error);
        progress_update(&progress, (size_t)i + 1, NULL);
        if (done && interrupt_requested())
            done = error_interrupted(error, "interrupted");
    }
    progress_end(&progress);
    return done;
}

static bool measure_training(struct measure *m, struct error *error)
{
    if (m->bench->steps == 0)
        return true;
    const struct experiment *e = m->bench->experiment;
    struct trainer trainer = {.settings = config_settings(e->config),
                              .model = e->model,
                              .train = &e->train,
                              .selection = &e->selection,
                              .compute = e->compute,
                              .stage_ended = stage_ended,
                              .context = m,
                              .state = trainer_state_new(1)};

    et_products_record(true);
    bool done = trainer_start(&trainer, error);
    if (done) {
        m->workers = trainer.workers;
        m->bench->workers = workers_count(m->workers);
        done = take_steps(m, &trainer, error);
    }
    et_products_record(false);
    trainer_end(&trainer);
    return done;
}

/* ---- prediction ---- */

/* Seconds that the first `count` clips of the test part take, in their order: as they come to a user. */
static bool time_prediction(const struct experiment *e, size_t count, double *seconds, struct error *error)
{
    struct dataset some = e->test;
    struct prediction_list predictions;

    some.count = count;
    prediction_list_start(&predictions, e->model->task, (const char *const *)e->labels.items,
                          e->labels.count);
    double started = clock_seconds();
    bool done = evaluate(e->model, &some, &e->compute, "predict", &predictions, error);
    *seconds = clock_seconds() - started;
    prediction_list_free(&predictions);
    return done;
}

/* The first clip is predicted once more before, which is not counted: it packs weights. */
static bool measure_prediction(struct bench *bench, struct error *error)
{
    const struct experiment *e = bench->experiment;
    size_t count = e->test.count < PREDICTED ? e->test.count : PREDICTED;
    bool done = time_prediction(e, count > 0, &bench->prediction_seconds, error) &&
                time_prediction(e, count, &bench->prediction_seconds, error);

    bench->predicted_clips = (double)count;
    for (size_t i = 0; i < count; i++)
        bench->predicted_audio += e->test.items[i].seconds;
    if (bench->steps == 0)
        bench->memory = peak_memory();
    return done;
}

/* ---- the command ---- */

static bool check_experiment(const struct experiment *e, struct error *error)
{
    if (!trainer_takes_steps(e->model->kind))
        return error_usage(error, "bench: model.kind=%s is fitted all at once: there are no steps to measure",
                           e->model->kind->name);
    return e->train.count ||
           error_usage(error, "bench: the train part is empty: there is nothing to measure with");
}

/* As many steps as are measured, whatever training would take. */
static bool prepare(struct experiment *e, const struct options *options, struct error *error)
{
    e->config = options_config(options, error);
    if (!e->config)
        return false;
    if (!options->config)
        return error_usage(error, "bench: which experiment? emotrain bench --config FILE");
    config_choose(e->config, "model.head_scale", "none"); /* else all clips would be measured first */
    config_choose(e->config, "train.epochs", "0");
    config_choose(e->config, "train.max_steps", "1000000");
    return experiment_choose_compute(e->config, NULL, &e->compute, error) &&
           experiment_read_corpus(e, error) && experiment_find_model(e, error) &&
           experiment_open_model(e, NULL, error) && check_experiment(e, error) &&
           experiment_fill_cache(e, error);
}

static bool write_metric_values(const struct bench *bench, const struct bench_format *format,
                                const char *output, struct error *error)
{
    struct text text = {0};
    bool done = true;

    format->print(bench, &text);
    if (output)
        done = file_write(output, text.text, text.length, error);
    else
        printf("%s", text.text);
    text_free(&text);
    return done;
}

bool command_bench(const struct options *options, struct error *error)
{
    struct experiment experiment = {0};
    struct bench bench = {.experiment = &experiment, .steps = STEPS};
    struct measure measure = {.bench = &bench, .mutex = PTHREAD_MUTEX_INITIALIZER};
    long long steps = STEPS;

    if (options->steps && (!text_to_integer(options->steps, &steps) || steps < 0 || steps > 100000))
        return error_usage(error, "--steps must be a number from 0 to 100000, not \"%s\"", options->steps);
    bench.steps = steps;
    bench.step_seconds = mem_zero((size_t)steps + 1, sizeof *bench.step_seconds);
    const struct bench_format *format = bench_format_find(options->format ? options->format : "table", error);
    bool done = format && prepare(&experiment, options, error) && measure_training(&measure, error) &&
                measure_prediction(&bench, error);
    done = done && write_metric_values(&bench, format, options->output, error);
    for (int s = 0; s < STAGE_COUNT; s++)
        free(measure.products[s]);
    free(bench.step_seconds);
    free(bench.samples);
    experiment_close(&experiment);
    return done;
}
