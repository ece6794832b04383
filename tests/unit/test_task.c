/* Tasks beside one label of several: predictions as text, metrics against scikit-learn's and NumPy's,
 * thresholds. */
#include "unit.h"

#include "config/task.h"
#include "eval/metrics.h"
#include "eval/statistics.h"

#include <math.h>

static const char *const LABELS[] = {"a", "b", "c"};

static void test_answers_as_text(void **state)
{
    double values[3];
    struct text text = {0};
    struct error error = {0};

    (void)state;
    assert_good(target_parse(MULTI_LABEL, LABELS, 3, " c; a", values, &error), error);
    assert_true(values[0] == 1 && values[1] == 0 && values[2] == 1);
    target_print(MULTI_LABEL, LABELS, 3, values, &text);
    assert_string_equal(text.text, "a;c");
    text_free(&text);
    assert_good(target_parse(MULTI_LABEL, LABELS, 3, "", values, &error), error); /* none of them */
    assert_true(values[0] + values[1] + values[2] == 0);
    assert_error(target_parse(MULTI_LABEL, LABELS, 3, "a;d", values, &error), error, "\"d\" is none");
    error = (struct error){0};
    assert_good(target_parse(REGRESSION, LABELS, 2, "1.5;-2", values, &error), error);
    assert_true(values[0] == 1.5 && values[1] == -2);
    assert_error(target_parse(REGRESSION, LABELS, 2, "1.5", values, &error), error, "expected 2 numbers");
    assert_error(target_parse(REGRESSION, LABELS, 1, "low", values, &error), error, "\"low\" is no number");
}

/* Six clips and their probabilities; the metrics are scikit-learn 1.2.1's of these. */
static void fill(struct prediction_list *list)
{
    static const double targets[6][3] = {{1, 0, 1}, {0, 1, 0}, {1, 1, 0}, {0, 0, 0}, {1, 0, 1}, {0, 1, 1}},
                        probabilities[6][3] = {{.9, .2, .6}, {.4, .7, .1}, {.6, .3, .3},
                                               {.7, .1, .2}, {.3, .6, .8}, {.2, .9, .6}};

    prediction_list_start(list, MULTI_LABEL, LABELS, 3);
    for (int i = 0; i < 6; i++) {
        char path[] = {(char)('0' + i), '\0'};
        struct prediction *p = prediction_list_add(list, path, -1, targets[i]);
        memcpy(p->probabilities, probabilities[i], sizeof probabilities[i]);
        for (int k = 0; k < 3; k++)
            p->decisions[k] = p->probabilities[k] > 0.5;
    }
}

static void test_multi_label(void **state)
{
    struct prediction_list list;
    struct evaluation e;
    double thresholds[3];
    struct text text = {0};

    (void)state;
    fill(&list);
    evaluation_make(&e, &list);
    assert_true(fabs(e.macro.f1 - 0.7777777777777777) < 1e-12 &&
                fabs(e.micro.f1 - 0.7777777777777778) < 1e-12);
    assert_true(fabs(e.weighted.f1 - 0.7777777777777778) < 1e-12 && e.accuracy == 0.5);
    const double auc[] = {0.66666667, 0.88888889, 1}, precision[] = {0.75555556, 0.91666667, 1};
    for (int k = 0; k < 3; k++)
        assert_true(fabs(e.classes[k].auc - auc[k]) < 1e-8 &&
                    fabs(e.classes[k].average_precision - precision[k]) < 1e-8);
    assert_true(fabs(e.macro.auc - 0.851851851851852) < 1e-12);
    assert_true(fabs(e.macro.average_precision - 0.8907407407407407) < 1e-12);
    assert_true(fabs(e.loss - 0.4777154330934186) < 1e-12);
    assert_int_equal(metric_choose("auto", MULTI_LABEL), METRIC_MACRO_F1);
    assert_int_equal(metric_choose("uar", MULTI_LABEL), METRIC_MACRO_F1); /* means nothing there */
    assert_int_equal(metric_choose("map", MULTI_LABEL), METRIC_MEAN_AVERAGE_PRECISION);
    evaluation_print(&e, &text);
    assert_non_null(strstr(text.text, "AUC") ? strstr(text.text, "exact match") : NULL);
    text_free(&text);
    evaluation_free(&e);

    /* The label b: clips above 0.25 give F1 6/7, the best there is; of ties the middle between two clips. */
    thresholds_make(&list, thresholds);
    assert_true(fabs(thresholds[1] - 0.25) < 1e-12);
    assert_true(fabs(thresholds[2] - 0.45) < 1e-12);
    prediction_list_free(&list);
}

/* Probabilities that are no numbers, as of a training that diverges, end. */
static void test_not_finite(void **state)
{
    struct prediction_list list;
    struct evaluation e;

    (void)state;
    fill(&list);
    for (size_t i = 0; i < list.count; i += 2)
        list.items[i].probabilities[1] = (double)NAN;
    evaluation_make(&e, &list);
    evaluation_free(&e);
    prediction_list_free(&list);
}

static void test_regression(void **state)
{
    static const double so[] = {1, 2, 3.5, 5, 4}, answered[] = {1.5, 1.8, 3.0, 4.2, 4.4};
    struct prediction_list list;
    struct evaluation e;
    struct clusters clusters;
    struct interval intervals[METRIC_COUNT];

    (void)state;
    prediction_list_start(&list, REGRESSION, LABELS, 1);
    for (int i = 0; i < 5; i++)
        prediction_list_add(&list, "x", -1, &so[i])->probabilities[0] = answered[i];
    evaluation_make(&e, &list);
    assert_true(fabs(e.mean.ccc - 0.9228110599078341) < 1e-12 &&
                fabs(e.mean.pearson - 0.942042672332039) < 1e-12);
    assert_true(fabs(e.mean.mae - 0.48) < 1e-12 && fabs(e.mean.rmse - 0.5176871642217914) < 1e-12);
    assert_true(metric_is_better(METRIC_MAE, 0.4, 0.5) && metric_is_better(METRIC_CCC, 0.5, 0.4));
    evaluation_free(&e);

    const struct prediction_list *lists[] = {&list};
    const struct outputs outputs = {lists, 1};
    clusters_make(&clusters, &list, NULL);
    bootstrap_intervals(&outputs, &clusters, intervals);
    assert_true(intervals[METRIC_MAE].low < 0.48 && intervals[METRIC_MAE].high > 0.48);
    assert_true(intervals[METRIC_ACCURACY].high == 0); /* there is no such metric */
    clusters_free(&clusters);
    prediction_list_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_answers_as_text),
                                       cmocka_unit_test(test_multi_label), cmocka_unit_test(test_not_finite),
                                       cmocka_unit_test(test_regression)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
