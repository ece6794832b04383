/* Schedules, the order of clips, batches, and the threads that make them and run them. */
#include "unit.h"

#include "train/compute.h"
#include "train/dataset.h"
#include "train/loader.h"
#include "train/sampler.h"
#include "train/schedule.h"
#include "train/workers.h"

#include <math.h>

static void test_schedules(void **state)
{
    struct error error = {0};
    const struct schedule *linear = schedule_find("linear", &error),
                          *cosine = schedule_find("cosine", &error);
    const struct schedule *constant = schedule_find("constant", &error);

    (void)state;
    assert_true(schedule_factor(linear, 0, 0, 576) == 1);
    assert_true(schedule_factor(linear, 288, 0, 576) == 0.5);
    assert_true(schedule_factor(linear, 5, 10, 110) == 0.5);  /* warming up */
    assert_true(schedule_factor(linear, 60, 10, 110) == 0.5); /* half way down */
    assert_true(schedule_factor(cosine, 10, 10, 110) == 1);
    assert_float_equal(schedule_factor(cosine, 60, 10, 110), 0.5, 1e-12);
    assert_true(schedule_factor(constant, 100, 10, 110) == 1);
    assert_error(schedule_find("linaer", &error), error, "there is constant, linear, cosine");
}

static int64_t total_steps(const struct settings *settings, size_t clips)
{
    const struct dataset dataset = {.source = {.settings = settings}, .count = clips};

    return train_total_steps(&dataset);
}

static void test_total_steps(void **state)
{
    struct settings settings = *settings_default();

    (void)state;
    assert_int_equal(total_steps(&settings, 1152), 576); /* the reference: batch 2, accumulate 2, 2 epochs */
    assert_int_equal(total_steps(&settings, 5), 4);      /* 3 batches, 2 steps an epoch: the last is short */
    settings.train.max_steps = 3;
    assert_int_equal(total_steps(&settings, 1152), 3);
    settings.train.epochs = 0;
    settings.train.max_steps = 7;
    assert_int_equal(total_steps(&settings, 1152), 7);
}

enum { CLIPS = 203 };

/* Clips of 0 to 100 seconds. */
static struct dataset lengthy_dataset(struct dataset_item items[CLIPS], const struct settings *settings)
{
    for (size_t i = 0; i < CLIPS; i++)
        items[i] = (struct dataset_item){.seconds = (double)(i * 37 % 101)};
    return (struct dataset){.source = {.settings = settings}, .items = items, .count = CLIPS};
}

/* Every clip once, in batches that follow one another. */
static void check_epoch(const struct epoch *epoch)
{
    bool seen[CLIPS] = {false};

    for (size_t i = 0; i < CLIPS; i++) {
        assert_true(epoch->order[i] < CLIPS && !seen[epoch->order[i]]);
        seen[epoch->order[i]] = true;
    }
    assert_int_equal(epoch->starts[0], 0);
    assert_int_equal(epoch->starts[epoch->batches], CLIPS);
    for (int64_t b = 0; b < epoch->batches; b++)
        assert_true(epoch->starts[b] < epoch->starts[b + 1]);
}

static double batch_seconds(const struct epoch *epoch, const struct dataset *dataset, int64_t b)
{
    double seconds = 0;

    for (size_t i = epoch->starts[b]; i < epoch->starts[b + 1]; i++)
        seconds += dataset->items[epoch->order[i]].seconds;
    return seconds;
}

/* A step takes the same clips however many batches they are dealt to, and its batches are of like length. */
static void check_even(struct settings *settings, const struct dataset *dataset)
{
    struct epoch whole = {0}, dealt = {0};
    double unlike = 0;

    settings->train.gradient_accumulation_steps = 1;
    settings->train.batch_size = 4;
    epoch_plan(&whole, dataset, 0);
    settings->train.gradient_accumulation_steps = 2;
    settings->train.batch_size = 2;
    epoch_plan(&dealt, dataset, 0);
    check_epoch(&dealt);
    for (int64_t step = 0; step < whole.batches; step++) {
        int64_t b = step * 2;
        size_t first = whole.starts[step], end = whole.starts[step + 1];
        int counts[CLIPS] = {0};
        for (size_t i = first; i < end; i++) {
            counts[whole.order[i]]++;
            counts[dealt.order[i]]--;
        }
        for (size_t i = 0; i < CLIPS; i++) /* the same clips in both */
            assert_int_equal(counts[i], 0);
        assert_int_equal(dealt.starts[b], first);
        if (b + 1 < dealt.batches)
            unlike += fabs(batch_seconds(&dealt, dataset, b) - batch_seconds(&dealt, dataset, b + 1));
    }
    assert_true(unlike / (double)whole.batches < 25); /* of 100 on average; as drawn it is about 47 */
    epoch_free(&whole);
    epoch_free(&dealt);
}

static void test_order(void **state)
{
    struct settings settings = *settings_default();
    struct dataset_item items[CLIPS];
    struct dataset dataset = lengthy_dataset(items, &settings);
    struct epoch a = {0}, b = {0};

    (void)state;
    epoch_plan(&a, &dataset, 0);
    epoch_plan(&b, &dataset, 1);
    check_epoch(&a);
    assert_int_equal(a.batches, 102);
    assert_int_equal(b.earlier, 102);
    assert_memory_not_equal(a.order, b.order, CLIPS * sizeof *a.order); /* epochs differ */
    epoch_plan(&b, &dataset, 0);
    assert_memory_equal(a.order, b.order, CLIPS * sizeof *a.order); /* and repeat */

    check_even(&settings, &dataset);

    settings.train.group_by_length = true;
    settings.train.batch_size = 4;
    epoch_plan(&a, &dataset, 0);
    check_epoch(&a);
    assert_int_equal(a.starts[50], 200); /* the short batch is last */
    double spread = 0;
    for (size_t i = 0; i + 4 <= CLIPS; i += 4)
        spread += items[a.order[i]].seconds - items[a.order[i + 3]].seconds;
    assert_true(spread / 50 < 5); /* of 100; without grouping it is about 60 */

    settings.train.group_by_length = false;
    settings.train.shuffle = false;
    epoch_plan(&a, &dataset, 0);
    for (size_t i = 0; i < CLIPS; i++)
        assert_int_equal(a.order[i], i);
    epoch_free(&a);
    epoch_free(&b);
}

/* Seconds that batch b takes with its padding. */
static double padded(const struct epoch *epoch, const struct dataset *dataset, int64_t b)
{
    double longest = 0;

    for (size_t i = epoch->starts[b]; i < epoch->starts[b + 1]; i++)
        if (dataset->items[epoch->order[i]].seconds > longest)
            longest = dataset->items[epoch->order[i]].seconds;
    return longest * (double)(epoch->starts[b + 1] - epoch->starts[b]);
}

static void test_batch_seconds(void **state)
{
    struct settings settings = *settings_default();
    struct dataset_item items[CLIPS];
    struct dataset dataset = lengthy_dataset(items, &settings);
    struct epoch epoch = {0}, again = {0};
    int64_t batches = 0, plain;

    (void)state;
    settings.train.gradient_accumulation_steps = 1;
    settings.train.batch_seconds = 250;
    epoch_plan(&epoch, &dataset, 0);
    plain = epoch.batches;
    settings.train.group_by_length = true;
    for (int64_t e = 0; e < 3; e++) {
        epoch_plan(&epoch, &dataset, e);
        check_epoch(&epoch);
        assert_true(epoch.batches < plain); /* less padding, so fewer batches hold the clips */
        assert_int_equal(epoch.earlier, batches);
        for (int64_t b = 0; b < epoch.batches; b++)
            assert_true(padded(&epoch, &dataset, b) <= 250);
        batches += epoch.batches;
    }
    settings.train.epochs = 3;
    assert_int_equal(train_total_steps(&dataset), batches);
    epoch_plan(&again, &dataset, 2); /* as when a run is resumed */
    assert_int_equal(again.earlier, epoch.earlier);
    assert_memory_equal(again.order, epoch.order, CLIPS * sizeof *again.order);
    settings.train.batch_seconds = 10; /* a longer clip makes a batch by itself */
    epoch_plan(&epoch, &dataset, 0);
    check_epoch(&epoch);
    for (int64_t b = 0; b < epoch.batches; b++)
        assert_true(padded(&epoch, &dataset, b) <= 10 || epoch.starts[b + 1] - epoch.starts[b] == 1);
    epoch_free(&epoch);
    epoch_free(&again);
}

static void test_batch(void **state)
{
    float one[3] = {1, 2, 3}, two[5] = {4, 5, 6, 7, 8};
    const struct signal signals[2] = {{one, 3, 16000}, {two, 5, 16000}};
    const struct model_kind kind = {.input = INPUT_WAVEFORM};
    const struct model model = {.kind = &kind, .minimum_samples = 4};
    struct batch batch;
    struct error error = {0};

    (void)state;
    assert_good(batch_of_signals(&batch, signals, 2, &model, &error), error);
    assert_int_equal(batch.width, 5);
    assert_int_equal(batch.lengths[0], 4); /* lengthened to the minimum */
    assert_int_equal(batch.lengths[1], 5);
    const float expected[10] = {1, 2, 3, 0, 0, 4, 5, 6, 7, 8};
    assert_memory_equal(batch.samples, expected, sizeof expected);
    batch_free(&batch);
}

/* Batches of index + 1 clips, up to the one that fails. */
static bool make_numbered(void *context, int64_t index, struct batch *batch, struct error *error)
{
    const int64_t *failing = context;

    *batch = (struct batch){.count = index + 1};
    return index != *failing || error_set(error, "batch %d", (int)index);
}

static void test_loader(void **state)
{
    int64_t failing = 20, made = 0;
    struct batch batch;
    struct error error = {0};

    (void)state;
    struct loader *loader = loader_start(make_numbered, &failing, 3, 30);
    for (; loader_next(loader, &batch, &error); made++)
        assert_int_equal(batch.count, 4 + made);
    assert_int_equal(made, 17);
    assert_string_equal(error.message, "batch 20");
    loader_stop(loader);

    loader = loader_start(make_numbered, &failing, 0, 10); /* stopped with batches not taken */
    error = (struct error){0};
    assert_true(loader_next(loader, &batch, &error));
    loader_stop(loader);

    loader = loader_start(make_numbered, &failing, 0, 1);
    assert_true(loader_next(loader, &batch, &error));
    assert_false(loader_next(loader, &batch, &error)); /* after the last */
    loader_stop(loader);
    loader_stop(NULL);
}

/* Each worker's own counter, as a pass has its own results. */
static void count_worker(void *context, int worker)
{
    long long *counters = context;

    counters[worker]++;
}

static void test_workers(void **state)
{
    enum { COUNT = 5, ROUNDS = 300 };
    long long counters[COUNT] = {0}, expected[COUNT] = {0};

    (void)state;
    struct workers *workers = workers_start(COUNT);
    assert_int_equal(workers_count(workers), COUNT);
    for (int round = 0; round < ROUNDS; round++) {
        int active = 1 + round % COUNT;
        workers_run(workers, active, count_worker, counters);
        for (int worker = 0; worker < active; worker++)
            expected[worker]++;
        assert_memory_equal(counters, expected, sizeof counters); /* all are done when it returns */
    }
    workers_stop(workers);
    workers_stop(NULL);
}

/* run.precision=auto goes by processor and model; what is given stays. */
static void test_precision(void **state)
{
    const struct model network = {.kind = &MODEL_CNN}, encoder = {.kind = &MODEL_ENCODER};
    struct compute compute = {.device = ET_CPU, .wanted = PRECISION_AUTO};

    (void)state;
    compute_suit(&compute, &network);
    assert_int_equal(compute.precision, et_bfloat16_is_native(ET_CPU) ? ET_BFLOAT16 : ET_FLOAT32);
    compute_suit(&compute, &encoder);
    assert_int_equal(compute.precision, et_bfloat16_is_faster(ET_CPU) ? ET_BFLOAT16 : ET_FLOAT32);
    assert_true(et_bfloat16_is_native(ET_CPU) || !et_bfloat16_is_faster(ET_CPU));
    compute = (struct compute){.device = ET_CPU, .wanted = PRECISION_FLOAT32, .precision = ET_FLOAT32};
    compute_suit(&compute, &network);
    assert_int_equal(compute.precision, ET_FLOAT32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_precision),     cmocka_unit_test(test_schedules),
                                       cmocka_unit_test(test_total_steps),   cmocka_unit_test(test_order),
                                       cmocka_unit_test(test_batch_seconds), cmocka_unit_test(test_batch),
                                       cmocka_unit_test(test_loader),        cmocka_unit_test(test_workers)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
