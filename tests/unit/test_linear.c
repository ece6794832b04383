/* Linear models against scikit-learn's (golden/make_linear.py), and what is chosen by cross-validation. */
#include "unit.h"

#include "../golden/linear_golden.h"
#include "base/memory.h"
#include "model/linear/choice.h"
#include "model/linear/logistic.h"
#include "model/linear/svm_file.h"
#include "model/linear/wccn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void assert_fit(enum linear_loss loss, size_t columns, const double *targets,
                       const double *example_weights, const double *weights, const double *biases)
{
    const struct linear_problem problem = {.loss = loss,
                                           .count = COUNT,
                                           .width = WIDTH,
                                           .columns = columns,
                                           .x = FEATURES,
                                           .labels = LABELS,
                                           .targets = targets,
                                           .weights = example_weights};
    struct error error = {0};
    struct linear_fit fit;

    linear_fit_start(&fit, &problem);
    assert_true(linear_fit_minimise(&fit, COST, 1e-9, &error));
    for (size_t i = 0; i < columns * WIDTH; i++)
        assert_true(fabs(fit.weights[i] - weights[i]) < 1e-6);
    for (size_t k = 0; k < columns; k++)
        assert_true(fabs(fit.biases[k] - biases[k]) < 1e-6);
    linear_fit_free(&fit);
}

static void test_several_labels(void **state)
{
    double counts[CLASSES] = {0}, balanced[COUNT];

    (void)state;
    assert_fit(LOSS_SOFTMAX, CLASSES, NULL, NULL, SEVERAL_WEIGHTS, SEVERAL_BIASES);
    for (int i = 0; i < COUNT; i++)
        counts[LABELS[i]]++;
    for (int i = 0; i < COUNT; i++)
        balanced[i] = COUNT / (CLASSES * counts[LABELS[i]]);
    assert_fit(LOSS_SOFTMAX, CLASSES, NULL, balanced, BALANCED_WEIGHTS, BALANCED_BIASES);
}

static void test_two_labels(void **state)
{
    double targets[COUNT];

    (void)state;
    for (int i = 0; i < COUNT; i++)
        targets[i] = LABELS[i] == 2;
    assert_fit(LOSS_SIGMOID, 1, targets, NULL, BINARY_WEIGHTS, BINARY_BIASES);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_fit(LOSS_SQUARED, 1, NUMBERS, NULL, RIDGE_WEIGHTS, RIDGE_BIASES);
}

/* Two layers: the first is noise, the second the features. */
static struct examples examples_of(const struct linear_settings *settings, float *features,
                                   const size_t *groups)
{
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < WIDTH; j++) {
            features[(i * 2 + 0) * WIDTH + j] = (float)((i * 7 + j * 3) % 11);
            features[(i * 2 + 1) * WIDTH + j] = (float)FEATURES[i * WIDTH + j];
        }
    return (struct examples){.count = COUNT,
                             .features = features,
                             .states = 2,
                             .width = WIDTH,
                             .labels = LABELS,
                             .groups = groups,
                             .group_count = 6,
                             .parts = 1,
                             .settings = settings,
                             .threads = 2,
                             .by_recall = true};
}

static void test_layer_is_chosen(void **state)
{
    struct linear_settings settings = {
        .layer = "auto", .pooling = "mean", .combine = "none", .C = "0.01,0.5", .folds = 3};
    float features[COUNT * 2 * WIDTH];
    size_t groups[COUNT];
    struct linear_choice choice;
    struct error error = {0};

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        groups[i] = i % 6;
    struct examples examples = examples_of(&settings, features, groups);
    assert_true(linear_choose(&choice, &examples, SINGLE_LABEL, CLASSES, &error));
    assert_int_equal(choice.count, 4);
    assert_int_equal(choice.candidates[choice.best].layers[0], 1);
    linear_choice_free(&choice);

    settings.combine = "mean"; /* of each range of layers */
    assert_true(linear_choose(&choice, &examples, SINGLE_LABEL, CLASSES, &error));
    assert_int_equal(choice.count, 6);
    linear_choice_free(&choice);

    settings.combine = "concat";
    settings.layer = "0,1";
    settings.C = "0.5";
    assert_true(linear_choose(&choice, &examples, SINGLE_LABEL, CLASSES, &error));
    assert_int_equal(choice.width, 2 * WIDTH);
    assert_true(isnan(choice.candidates[0].score)); /* nothing was tried */
    linear_choice_free(&choice);

    settings.layer = "0,2";
    assert_false(linear_choose(&choice, &examples, SINGLE_LABEL, CLASSES, &error));
    assert_non_null(strstr(error.message, "linear.layer must be auto, or layers from 0 to 1"));
    linear_choice_free(&choice);
}

/* Within-class covariance normalisation: the weights are of the scaled features again. */
static void test_wccn(void **state)
{
    struct linear_settings settings = {
        .layer = "1", .pooling = "mean", .combine = "none", .C = "0.5", .folds = 3, .wccn = true};
    float features[COUNT * 2 * WIDTH];
    struct linear_choice choice;
    struct error error = {0};

    (void)state;
    struct examples examples = examples_of(&settings, features, NULL);
    assert_good(linear_choose(&choice, &examples, SINGLE_LABEL, CLASSES, &error), error);
    for (size_t i = 0; i < CLASSES * WIDTH; i++)
        assert_true(fabs(choice.weights[i] - WCCN_WEIGHTS[i]) < 1e-5);
    for (size_t k = 0; k < CLASSES; k++)
        assert_true(fabs(choice.biases[k] - WCCN_BIASES[k]) < 1e-5);
    linear_choice_free(&choice);

    settings.C = "0.01,0.5"; /* held-out clips are normalised as those that train were */
    assert_good(linear_choose(&choice, &examples, SINGLE_LABEL, CLASSES, &error), error);
    assert_true(fabs(choice.candidates[1].score - WCCN_HELD_RECALL) < 1e-9);
    linear_choice_free(&choice);

    int64_t binary[COUNT];
    for (int i = 0; i < COUNT; i++)
        binary[i] = LABELS[i] == 2;
    settings.C = "0.5";
    examples.labels = binary;
    assert_good(linear_choose(&choice, &examples, SINGLE_LABEL, 2, &error), error);
    for (size_t i = 0; i < WIDTH; i++) { /* two columns, alike but for their signs */
        assert_true(fabs(choice.weights[WIDTH + i] - 0.5 * WCCN_BINARY_WEIGHTS[i]) < 1e-5);
        assert_true(fabs(choice.weights[i] + 0.5 * WCCN_BINARY_WEIGHTS[i]) < 1e-5);
    }
    assert_true(fabs(choice.biases[1] - 0.5 * WCCN_BINARY_BIASES[0]) < 1e-5);
    linear_choice_free(&choice);
}

/* Clips of a label that are all alike, and more features than can be normalised. */
static void test_wccn_limits(void **state)
{
    enum { WIDE = WCCN_WIDTH_MOST + 1, ALIKE = 10 }; /* whose mean, times 0.1, is not 0.1 */
    int64_t labels[2 * ALIKE];
    float alike[2 * ALIKE];
    struct linear_settings settings = {.layer = "auto",
                                       .pooling = "mean",
                                       .combine = "none",
                                       .C = "0.5",
                                       .folds = 2,
                                       .scale = LINEAR_SCALE_NONE,
                                       .wccn = true};
    struct examples examples = {.count = 2 * ALIKE,
                                .features = alike,
                                .states = 1,
                                .width = 1,
                                .labels = labels,
                                .parts = 1,
                                .settings = &settings,
                                .threads = 1};
    struct linear_choice choice;
    struct error error = {0};

    (void)state;
    for (int i = 0; i < 2 * ALIKE; i++) {
        labels[i] = i % 2;
        alike[i] = i % 2 ? 0.3F : 0.1F;
    }
    assert_good(linear_choose(&choice, &examples, SINGLE_LABEL, 2, &error), error);
    double with = choice.weights[1];
    linear_choice_free(&choice);
    settings.wccn = false; /* where nothing varies, nothing is changed */
    assert_good(linear_choose(&choice, &examples, SINGLE_LABEL, 2, &error), error);
    assert_true(choice.weights[1] > 0.01 && fabs(with - choice.weights[1]) < 1e-6);
    linear_choice_free(&choice);
    settings.wccn = true;

    float *wide = mem_zero(2 * ALIKE * WIDE, sizeof *wide);
    examples.features = wide;
    examples.width = WIDE;
    assert_error(linear_choose(&choice, &examples, SINGLE_LABEL, 2, &error), error,
                 "up to 4096 features, not 4097");
    linear_choice_free(&choice);
    free(wide);
}

/* libsvm's files, before libsvm trusts them: one that is whole, and what an attack made of it. */
static void test_svm_files(void **state)
{
    static const char head[] = "svm_type c_svc\nkernel_type rbf\ngamma 0.125\nnr_class 3\n";
    static const char vectors[] = "SV\n0.5 -1 1:0.25 8:-1 \n1 0 2:3 \n-0.5 1 1:1 \n";
    static const struct {
        const char *middle, *vectors, *error;
    } cases[] = {
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 1\n", vectors, NULL},
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\n", vectors, "nr_sv does not sum"},
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 2000000000\n", vectors,
         "nr_sv does not sum"},
        {"total_sv -1\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 1\n", vectors, ":5: "},
        {"total_sv 4\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 2\n", vectors, "fewer vectors"},
        {"total_sv 2\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 0\n", vectors, "no vector of this model"},
        {"total_sv 3\nrho 0.5 -0.25\nlabel 0 1 2\nnr_sv 1 1 1\n", vectors, ":6: "},
        {"total_sv 3\nrho 0.5 nan 1e-3\nlabel 0 1 2\nnr_sv 1 1 1\n", vectors, ":6: "},
        {"total_sv 3\ntotal_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 1\n", vectors, ":6: "},
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 1\n",
         "SV\n0.5 -1 1:0.25 9:-1 \n1 0 2:3 \n-0.5 1 1:1 \n", ":10: "},
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 1\n",
         "SV\n0.5 -1 1:0.25 1:-1 \n1 0 2:3 \n-0.5 1 1:1 \n", ":10: "},
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 1\n", "SV\n\n1 0 2:3 \n-0.5 1 1:1 \n",
         ":10: "},
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1.5 2\nnr_sv 1 1 1\n", vectors, ":7: "},
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 3000000000\nnr_sv 1 1 1\n", vectors, ":7: "},
        {"total_sv 3\nrho 0.5 -0.25 1e-3\nlabel 0 1 2\nnr_sv 1 1 1\n", "", "no line of a model"},
    };
    char *path = unit_path("svm-0.txt");

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error error = {0};
        char *text = mem_format("%s%s%s", head, cases[i].middle, cases[i].vectors);
        assert_true(file_write(path, text, strlen(text), &error));
        if (!cases[i].error)
            assert_good(svm_file_check(path, 8, &error), error);
        else
            assert_error(svm_file_check(path, 8, &error), error, cases[i].error);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_svm_files),       cmocka_unit_test(test_several_labels),
        cmocka_unit_test(test_two_labels),      cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_layer_is_chosen), cmocka_unit_test(test_wccn),
        cmocka_unit_test(test_wccn_limits)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
