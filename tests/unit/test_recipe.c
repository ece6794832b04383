/* What a recipe for training is put together from, against PyTorch's numbers (golden/make_training.py):
 * losses, class weights, plateaus; balanced samplers, warm-up, random crops. */
#include "../golden/training_golden.h"
#include "unit.h"

#include "eval/calibration.h"
#include "eval/metrics.h"
#include "eval/mixture.h"
#include "train/augment.h"
#include "train/auxiliary.h"
#include "train/loss.h"
#include "train/sampler.h"
#include "train/schedule.h"

#include <math.h>

/* The sum over the golden batch, and its gradient by the logits. */
static double loss_of(const struct golden_loss *golden, float gradient[GOLDEN_CLIPS * GOLDEN_LABELS])
{
    static char *names[] = {"a", "b", "c", "d"};
    const struct model model = {.task = golden->several ? MULTI_LABEL : SINGLE_LABEL,
                                .labels = {.items = names, .count = GOLDEN_LABELS},
                                .parameters = {.device = ET_CPU}};
    const struct label_counts counts = {GOLDEN_TRAINED, GOLDEN_COUNTS};
    const struct batch batch = {.count = GOLDEN_CLIPS,
                                .labels = (int64_t *)GOLDEN_CLASSES,
                                .shares = strcmp(golden->loss, "kl") == 0 ? (float *)GOLDEN_SHARES : NULL,
                                .targets = (float *)GOLDEN_TARGETS};
    const int64_t shape[2] = {GOLDEN_CLIPS, GOLDEN_LABELS};
    struct train_settings settings = settings_default()->train;
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    struct loss loss;

    settings.loss = golden->loss;
    settings.class_weights = golden->weighted;
    settings.label_smoothing = golden->smoothing;
    settings.focal_gamma = golden->gamma;
    assert_good(loss_start(&loss, &settings, &model, &counts, &error), error);
    struct et_tensor *x = et_from_data(scope, GOLDEN_LOGITS, ET_FLOAT32, shape, 2, ET_CPU);
    et_set_requires_grad_(scope, x, true);
    struct et_tensor *sum = loss_sum(&loss, scope, &batch, x, golden->share);
    et_backward(scope, sum);
    double value = et_item(scope, sum);
    et_read(scope, et_grad(scope, x), gradient, (int64_t)GOLDEN_CLIPS * GOLDEN_LABELS);
    assert_good(et_scope_close(scope, &error), error);
    loss_end(&loss);
    return value;
}

static void test_losses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GOLDEN_LOSSES / sizeof GOLDEN_LOSSES[0]; i++) {
        const struct golden_loss *golden = &GOLDEN_LOSSES[i];
        float gradient[GOLDEN_CLIPS * GOLDEN_LABELS];
        double value = loss_of(golden, gradient);
        assert_float_equal(value, golden->value, 1e-5 * fabs((double)golden->value));
        for (size_t k = 0; k < sizeof gradient / sizeof *gradient; k++)
            if (fabsf(gradient[k] - golden->gradient[k]) > 2e-6F + 1e-5F * fabsf(golden->gradient[k]))
                fail_msg("loss %zu (%s), gradient %zu: %g, not %g", i, golden->loss, k, (double)gradient[k],
                         (double)golden->gradient[k]);
    }
}

/* A label that is certain leaves no gradient that is no number. */
static void test_focal_of_certain_labels(void **state)
{
    static const float certain[2][2] = {{200, -200}, {-200, 200}};
    static char *names[] = {"a", "b"};
    static int64_t labels[2] = {0, 0};
    const struct model model = {
        .task = SINGLE_LABEL, .labels = {.items = names, .count = 2}, .parameters = {.device = ET_CPU}};
    const struct batch batch = {.count = 2, .labels = labels};
    const int64_t shape[2] = {2, 2};
    struct train_settings settings = settings_default()->train;
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    struct loss loss;
    float gradient[4];

    (void)state;
    settings.loss = "focal";
    assert_good(loss_start(&loss, &settings, &model, NULL, &error), error);
    struct et_tensor *x = et_from_data(scope, certain, ET_FLOAT32, shape, 2, ET_CPU);
    et_set_requires_grad_(scope, x, true);
    struct et_tensor *sum = loss_sum(&loss, scope, &batch, x, 1);
    et_backward(scope, sum);
    assert_float_equal(et_item(scope, sum), 400, 1e-3);
    et_read(scope, et_grad(scope, x), gradient, 4);
    assert_good(et_scope_close(scope, &error), error);
    for (int i = 0; i < 4; i++)
        assert_true(isfinite(gradient[i]));
    assert_float_equal(gradient[2], -1, 1e-5); /* as cross-entropy, where it is all wrong */
    loss_end(&loss);
}

static void test_refused_weights(void **state)
{
    const struct model model = {.task = REGRESSION};
    struct train_settings settings = settings_default()->train;
    struct error error = {0};
    struct loss loss;

    (void)state;
    settings.class_weights = true;
    assert_error(loss_start(&loss, &settings, &model, NULL, &error), error, "has no classes");
    loss_end(&loss);
    settings.loss = "focal";
    assert_error(loss_start(&loss, &settings, &model, NULL, &error), error,
                 "no loss for model.task=regression");
    loss_end(&loss);
}

/* The second task's loss, and its gradient by the pooled vectors. */
static void test_auxiliary_loss(void **state)
{
    static const struct model_kind kind = {.name = "test"}; /* one that scales nothing */
    const int64_t shape[2] = {GOLDEN_CLIPS, GOLDEN_WIDTH}, layer[4] = {GOLDEN_KINDS, GOLDEN_WIDTH},
                  offset[4] = {GOLDEN_KINDS};
    const struct batch batch = {.count = GOLDEN_CLIPS, .auxiliary = (int64_t *)GOLDEN_KNOWN};
    struct train_settings settings = settings_default()->train;
    struct model model = {.kind = &kind};
    struct error error = {0};

    (void)state;
    parameters_start(&model.parameters, ET_CPU);
    model.auxiliary_weight = parameters_add(&model.parameters, false, INIT_ZEROS, 0, layer, "weight");
    model.auxiliary_bias = parameters_add(&model.parameters, false, INIT_ZEROS, 0, offset, "bias");
    assert_good(parameters_allocate(&model.parameters, &error), error);
    for (size_t i = 0; i < sizeof GOLDEN_AUXILIARY / sizeof GOLDEN_AUXILIARY[0]; i++) {
        const struct golden_auxiliary *golden = &GOLDEN_AUXILIARY[i];
        struct et_scope *scope = et_scope_open(NULL);
        float gradient[GOLDEN_CLIPS * GOLDEN_WIDTH];
        et_copy_data_(scope, parameters_tensor(&model.parameters, model.auxiliary_weight), GOLDEN_LAYER,
                      ET_FLOAT32);
        et_copy_data_(scope, parameters_tensor(&model.parameters, model.auxiliary_bias), GOLDEN_OFFSET,
                      ET_FLOAT32);
        struct et_tensor *x = et_from_data(scope, GOLDEN_POOLED, ET_FLOAT32, shape, 2, ET_CPU);
        et_set_requires_grad_(scope, x, true);
        settings.auxiliary_weight = golden->weight;
        struct et_tensor *sum = auxiliary_loss_sum(&settings, &model, scope, &batch, x, golden->share);
        et_backward(scope, sum);
        assert_float_equal(et_item(scope, sum), golden->value, 1e-5);
        et_read(scope, et_grad(scope, x), gradient, (int64_t)GOLDEN_CLIPS * GOLDEN_WIDTH);
        assert_good(et_scope_close(scope, &error), error);
        for (size_t k = 0; k < sizeof gradient / sizeof *gradient; k++)
            assert_float_equal(gradient[k], golden->gradient[k], 1e-5);
    }
    parameters_free(&model.parameters);
}

static void test_plateau(void **state)
{
    struct plateau plateau = {.factor = 1};

    (void)state;
    for (size_t i = 0; i < sizeof GOLDEN_SCORES / sizeof GOLDEN_SCORES[0]; i++) {
        plateau_step(&plateau, GOLDEN_SCORES[i], 2, 0.5);
        assert_true(plateau.factor == GOLDEN_RATES[i]);
    }
}

static void test_warmup(void **state)
{
    (void)state;
    assert_int_equal(schedule_warmup(7, 0, 100), 7);
    assert_int_equal(schedule_warmup(0, 0.1, 101), 11); /* rounded up, as transformers does */
    assert_int_equal(schedule_warmup(0, 1, 5), 5);
}

/* ---- temperature ---- */

static const char *const SURE_LABELS[] = {"a", "b", "c", "d"};

/* Predictions of the golden logits at a temperature. */
static void fill_sure(struct prediction_list *list, double temperature)
{
    prediction_list_start(list, SINGLE_LABEL, SURE_LABELS, GOLDEN_LABELS);
    for (size_t i = 0; i < GOLDEN_SURE; i++) {
        const float *logits = GOLDEN_SURE_LOGITS + i * GOLDEN_LABELS;
        struct prediction *p = prediction_list_add(list, "a", GOLDEN_TRUTH[i], NULL);
        double sum = 0;
        p->predicted = 0;
        for (size_t k = 0; k < GOLDEN_LABELS; k++)
            sum += exp((double)logits[k] / temperature);
        for (size_t k = 0; k < GOLDEN_LABELS; k++) {
            p->probabilities[k] = exp((double)logits[k] / temperature) / sum;
            if (logits[k] > logits[p->predicted])
                p->predicted = (int)k;
        }
    }
}

static double loss_of_list(const struct prediction_list *list)
{
    struct evaluation evaluation;

    evaluation_make(&evaluation, list);
    double loss = evaluation.loss;
    evaluation_free(&evaluation);
    return loss;
}

static void test_temperature(void **state)
{
    struct prediction_list list, warm;
    struct uncalibrated before;
    struct calibration calibration;

    (void)state;
    fill_sure(&list, 1);
    fill_sure(&warm, 3.5);
    calibration_make(&calibration, &list);
    assert_float_equal(loss_of_list(&list), GOLDEN_HOT_LOSS, 1e-6);
    double fitted = temperature_fit(&list, 1);
    assert_float_equal(fitted, GOLDEN_TEMPERATURE, 1e-5 * GOLDEN_TEMPERATURE);
    assert_float_equal(temperature_fit(&warm, 3.5), GOLDEN_TEMPERATURE, 1e-5 * GOLDEN_TEMPERATURE);
    temperature_change(&list, 1, fitted);
    assert_float_equal(loss_of_list(&list), GOLDEN_COOL_LOSS, 1e-6);
    temperature_undo(&list, fitted, &before);
    assert_float_equal(before.loss, GOLDEN_HOT_LOSS, 1e-6);
    assert_float_equal(before.error, calibration.error, 1e-9);
    prediction_list_free(&list);
    prediction_list_free(&warm);
}

/* Mean cross-entropy of the mean of two models, the first with that weight. */
static double loss_of_mean(const struct prediction_list *const lists[2], double weight)
{
    const double weights[2] = {weight, 1 - weight};
    struct prediction_list mean;

    prediction_list_start(&mean, SINGLE_LABEL, SURE_LABELS, GOLDEN_LABELS);
    mixture_mean(lists, 2, weights, NULL, &mean);
    double loss = loss_of_list(&mean);
    prediction_list_free(&mean);
    return loss;
}

/* The weights are those that a search over all finds. */
static void test_mixture(void **state)
{
    struct prediction_list one, other;
    const struct prediction_list *const lists[2] = {&one, &other};
    double weights[2], best = 0;

    (void)state;
    fill_sure(&one, 1);
    fill_sure(&other, 3.5);
    for (size_t i = 0; i < other.count; i += 3) /* another one is right about other clips */
        for (size_t k = 0; k < GOLDEN_LABELS; k++)
            other.items[i].probabilities[k] =
                (int)k == other.items[i].label ? 0.5 : 0.5 / (GOLDEN_LABELS - 1);
    for (int step = 0; step <= 1000; step++)
        if (loss_of_mean(lists, step / 1000.0) < loss_of_mean(lists, best))
            best = step / 1000.0;
    mixture_weigh(lists, 2, weights);
    assert_float_equal(weights[0] + weights[1], 1, 1e-12);
    assert_float_equal(weights[0], best, 1e-3);
    assert_true(best > 0.01 && best < 0.99);
    prediction_list_free(&one);
    prediction_list_free(&other);
}

/* Four predictions, from the surest to the least sure: right, wrong, right, wrong. */
static void test_coverage(void **state)
{
    static const char *const labels[] = {"a", "b"};
    struct prediction_list list;
    struct coverage coverage;

    (void)state;
    prediction_list_start(&list, SINGLE_LABEL, labels, 2);
    for (int i = 3; i >= 0; i--) {
        struct prediction *p = prediction_list_add(&list, "a", i % 2, NULL);
        p->predicted = 0;
        p->probabilities[0] = 0.9 - 0.1 * i;
        p->probabilities[1] = 1 - p->probabilities[0];
    }
    coverage_make(&coverage, &list);
    assert_true(coverage.points[0].accuracy == 0.5 && coverage.points[0].clips == 4);
    assert_float_equal(coverage.points[0].threshold, 0.6, 1e-12);
    assert_int_equal(coverage.points[4].clips, 3); /* 70 % of four, rounded up */
    assert_float_equal(coverage.points[4].accuracy, 2.0 / 3, 1e-12);
    assert_true(coverage.points[5].accuracy == 0.5 && coverage.points[5].clips == 2);
    assert_float_equal(coverage.aurc, (0 + 1.0 / 2 + 1.0 / 3 + 1.0 / 2) / 4, 1e-12);
    prediction_list_free(&list);
}

/* ---- samplers ---- */

enum { CLIPS = 1000, LABELS = 4, SPEAKERS = 5, EPOCHS = 40 };

/* Label k has one clip in 2^(k + 1); of its clips, speaker 0 has two thirds. */
static void fill(struct dataset_item items[CLIPS], struct clip clips[CLIPS])
{
    static const char *const speakers[SPEAKERS] = {"s0", "s1", "s2", "s3", "s4"};

    for (int i = 0; i < CLIPS; i++) {
        int label = 0;
        while (label < LABELS - 1 && i >> label & 1)
            label++;
        clips[i] = (struct clip){.path = "a", .speaker = speakers[i % 3 ? 0 : i / 3 % SPEAKERS]};
        items[i] = (struct dataset_item){.clip = &clips[i], .label = label, .seconds = 1};
    }
}

static void test_balanced_samplers(void **state)
{
    static struct dataset_item items[CLIPS];
    static struct clip clips[CLIPS];
    struct settings settings = *settings_default();
    struct dataset dataset = {
        .task = SINGLE_LABEL, .count = CLIPS, .items = items, .source = {.settings = &settings}};
    struct error error = {0};

    (void)state;
    fill(items, clips);
    for (int by_speaker = 0; by_speaker < 2; by_speaker++) {
        struct epoch epoch = {0}, again = {0};
        double labels[LABELS] = {0}, speakers[SPEAKERS] = {0}, all = (double)CLIPS * EPOCHS;
        settings.train.sampler = by_speaker ? "balanced_speakers" : "balanced";
        assert_good(sampler_check(&dataset, &error), error);
        for (int e = 0; e < EPOCHS; e++) {
            epoch_plan(&epoch, &dataset, e);
            epoch_plan(&again, &dataset, e);
            assert_memory_equal(epoch.order, again.order, CLIPS * sizeof *epoch.order);
            assert_int_equal(epoch.starts[epoch.batches], CLIPS);
            for (size_t i = 0; i < CLIPS; i++) {
                labels[items[epoch.order[i]].label]++;
                speakers[clips[epoch.order[i]].speaker[1] - '0']++;
            }
        }
        for (int k = 0; k < LABELS; k++)
            assert_float_equal(labels[k] / all, 1.0 / LABELS, 0.01); /* four deviations of a fair draw */
        for (int s = 0; s < SPEAKERS && by_speaker; s++)
            assert_float_equal(speakers[s] / all, 1.0 / SPEAKERS, 0.01);
        if (!by_speaker)
            assert_true(speakers[0] / all > 0.6);
        epoch_free(&epoch);
        epoch_free(&again);
    }
    clips[7].speaker = NULL;
    assert_error(sampler_check(&dataset, &error), error, "the speaker of a is not known");
    settings.train.sampler = "balanced";
    settings.train.shuffle = false;
    assert_error(sampler_check(&dataset, &error), error, "leave out train.shuffle=no");
    dataset.task = REGRESSION;
    assert_error(sampler_check(&dataset, &error), error, "single_label");
}

/* ---- crops ---- */

static void test_crop(void **state)
{
    enum { RATE = 100, LONG = 500, TRIES = 300 };
    int first_seen = 0, last_seen = 0;

    (void)state;
    for (uint64_t seed = 0; seed < TRIES; seed++) {
        float *samples = mem_zero(LONG, sizeof *samples);
        struct signal signal = {samples, LONG, RATE};
        for (int i = 0; i < LONG; i++)
            samples[i] = (float)i;
        augment_crop(4.5, &signal, seed, 3);
        assert_int_equal(signal.count, 450);
        int first = (int)signal.samples[0];
        for (int i = 0; i < 450; i++)
            assert_int_equal((int)signal.samples[i], first + i);
        first_seen += first < 5;
        last_seen += first > 45;
        signal.count = 300;
        augment_crop(4.5, &signal, seed, 3); /* shorter: as it is */
        assert_int_equal(signal.count, 300);
        augment_crop(0, &signal, seed, 3);
        assert_int_equal(signal.count, 300);
        free(signal.samples);
    }
    assert_true(first_seen > 10 && last_seen > 10); /* 29 of each are expected */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_focal_of_certain_labels),
        cmocka_unit_test(test_refused_weights),
        cmocka_unit_test(test_auxiliary_loss),
        cmocka_unit_test(test_plateau),
        cmocka_unit_test(test_warmup),
        cmocka_unit_test(test_balanced_samplers),
        cmocka_unit_test(test_crop),
        cmocka_unit_test(test_temperature),
        cmocka_unit_test(test_mixture),
        cmocka_unit_test(test_coverage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
