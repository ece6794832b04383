/* Intervals, tests and calibration against values worked out elsewhere. */
#include "unit.h"

#include "eval/calibration.h"
#include "eval/statistics.h"

#include <math.h>

static const char *const LABELS[] = {"a", "b"};

/* `count` clips of label a, `right` of them predicted right, spread evenly. */
static void fill(struct prediction_list *list, size_t count, size_t right)
{
    prediction_list_start(list, SINGLE_LABEL, LABELS, 2);
    for (size_t i = 0; i < count; i++) {
        char name[24];
        snprintf(name, sizeof name, "clip%zu", i);
        struct prediction *p = prediction_list_add(list, name, 0, NULL);
        bool good = (i + 1) * right / count > i * right / count;
        p->predicted = good ? 0 : 1;
        p->probabilities[p->predicted] = 0.8;
        p->probabilities[1 - p->predicted] = 0.2;
    }
}

static struct outputs one(const struct prediction_list *const *list)
{
    return (struct outputs){list, 1};
}

static void test_interval_is_binomials(void **state)
{
    struct prediction_list list;
    struct clusters clusters;
    struct interval intervals[METRIC_COUNT];
    double half = 1.96 * sqrt(0.7 * 0.3 / 400);

    (void)state;
    fill(&list, 400, 280);
    const struct prediction_list *lists[] = {&list};
    struct outputs outputs = one(lists);
    clusters_make(&clusters, &list, NULL);
    assert_string_equal(clusters.unit, "clip");
    bootstrap_intervals(&outputs, &clusters, intervals);
    assert_true(fabs(intervals[METRIC_ACCURACY].low - (0.7 - half)) < 0.006);
    assert_true(fabs(intervals[METRIC_ACCURACY].high - (0.7 + half)) < 0.006);
    assert_true(intervals[METRIC_LOSS].low < intervals[METRIC_LOSS].high);
    clusters_free(&clusters);
    prediction_list_free(&list);
}

/* 40 speakers, each with ten clips that are all right or all wrong: as many independent facts as speakers, so
 * the interval is that of 40 clips. */
static void test_interval_by_speaker(void **state)
{
    struct prediction_list list;
    struct clusters clusters;
    struct interval intervals[METRIC_COUNT];
    const char *speakers[400];
    char names[40][8];
    double half = 1.96 * sqrt(0.7 * 0.3 / 40);

    (void)state;
    fill(&list, 400, 0);
    for (size_t i = 0; i < 400; i++) {
        snprintf(names[i % 40], sizeof names[0], "s%zu", i % 40);
        speakers[i] = names[i % 40];
        list.items[i].predicted = i % 40 < 28 ? 0 : 1;
    }
    const struct prediction_list *lists[] = {&list};
    struct outputs outputs = one(lists);
    clusters_make(&clusters, &list, speakers);
    assert_string_equal(clusters.unit, "speaker");
    assert_int_equal(clusters.count, 40);
    bootstrap_intervals(&outputs, &clusters, intervals);
    assert_true(fabs(intervals[METRIC_ACCURACY].low - (0.7 - half)) < 0.02);
    assert_true(fabs(intervals[METRIC_ACCURACY].high - (0.7 + half)) < 0.02);
    clusters_free(&clusters);
    speakers[7] = NULL; /* one unknown: that clip alone by itself */
    list.items[7].path = "unknown.wav";
    clusters_make(&clusters, &list, speakers);
    assert_string_equal(clusters.unit, "speaker");
    assert_int_equal(clusters.count, 41);
    clusters_free(&clusters);
    for (size_t i = 0; i < 400; i++) /* all of one speaker: nothing but clips can be resampled */
        speakers[i] = "one";
    clusters_make(&clusters, &list, speakers);
    assert_string_equal(clusters.unit, "clip");
    clusters_free(&clusters);
    prediction_list_free(&list);
}

/* Of 100 clips, first has 13 right that second has wrong where `gained` is the reverse. */
static void differ(struct prediction_list *first, struct prediction_list *second, size_t lost, size_t gained)
{
    fill(first, 100, 100);
    fill(second, 100, 100);
    for (size_t i = 0; i < lost; i++)
        second->items[i].predicted = 1;
    for (size_t i = lost; i < lost + gained; i++)
        first->items[i].predicted = 1;
}

static void test_mcnemar(void **state)
{
    struct prediction_list first, second;
    struct clusters clusters;
    struct comparison all[METRIC_COUNT], c;

    (void)state;
    differ(&first, &second, 3, 10);
    const struct prediction_list *a[] = {&first, &first, &first}, *b[] = {&second, &second, &second};
    struct outputs x = one(a), y = one(b);
    clusters_make(&clusters, &first, NULL);
    compare_predictions(&x, &y, &clusters, all);
    c = all[METRIC_ACCURACY];
    assert_int_equal(c.only_first, 3);
    assert_int_equal(c.only_second, 10);
    assert_true(fabs(c.mcnemar_p - 2 * 378 / 8192.0) < 1e-12); /* C(13,0..3) = 1 + 13 + 78 + 286 */
    assert_true(fabs(c.difference - 0.07) < 1e-12);
    assert_true(c.interval.low < 0.07 && c.interval.high > 0.07);
    assert_true(fabs(c.permutation_p - c.mcnemar_p) < 0.02); /* of single clips the same test, by draws */
    /* Three seeds that predict alike are no more evidence than one: chi-squared (10 - 3)^2 / 13. */
    x.count = y.count = 3;
    compare_predictions(&x, &y, &clusters, all);
    c = all[METRIC_ACCURACY];
    assert_int_equal(c.only_second, 30);
    assert_true(fabs(c.mcnemar_p - erfc(sqrt(49.0 / 13 / 2))) < 1e-12);
    /* A model against itself. */
    compare_predictions(&x, &x, &clusters, all);
    c = all[METRIC_UAR];
    assert_true(c.mcnemar_p == 1 && c.permutation_p == 1 && c.difference == 0);
    clusters_free(&clusters);
    prediction_list_free(&first);
    prediction_list_free(&second);
}

/* 4 speakers of 25 clips, of whom all gain or three do: of the 8 ways to swap them, one or two are as far
 * from 0.  Stretches of one recording are no independent clips either. */
static void test_permutation_of_few(void **state)
{
    static const size_t gains[2][4] = {{1, 2, 3, 4}, {1, 2, 3, 0}};
    const char *speakers[100];
    char names[4][8];

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct prediction_list first, second;
        struct clusters clusters;
        struct comparison all[METRIC_COUNT];
        fill(&first, 100, 100);
        fill(&second, 100, 100);
        for (size_t i = 0; i < 100; i++) {
            snprintf(names[i / 25], sizeof names[0], "s%zu", i / 25);
            speakers[i] = names[i / 25];
            first.items[i].predicted = i % 25 < gains[k][i / 25];
        }
        const struct prediction_list *a[] = {&first}, *b[] = {&second};
        struct outputs x = one(a), y = one(b);
        clusters_make(&clusters, &first, speakers);
        compare_predictions(&x, &y, &clusters, all);
        assert_true(fabs(all[METRIC_ACCURACY].permutation_p - (k ? 0.25 : 0.125)) < 1e-12);
        compare_predictions(&y, &x, &clusters, all);
        assert_true(fabs(all[METRIC_UAR].permutation_p - (k ? 0.25 : 0.125)) < 1e-12);
        clusters_free(&clusters);
        for (size_t i = 0; i < 100; i++)
            first.items[i].path = i % 2 ? "a.wav#t=1,2" : "b.wav#t=0,1";
        clusters_make(&clusters, &first, NULL);
        assert_string_equal(clusters.unit, "recording");
        assert_int_equal(clusters.count, 2);
        clusters_free(&clusters);
        prediction_list_free(&first);
        prediction_list_free(&second);
    }
}

static void test_holm(void **state)
{
    double p[] = {0.04, 0.01, 0.03, 0.005}; /* R: p.adjust(p, "holm") */
    const double expected[] = {0.06, 0.03, 0.06, 0.02};

    (void)state;
    adjust_holm(p, 4);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(p[i] - expected[i]) < 1e-15);
    double some[] = {0.04, (double)NAN, 0.01}; /* no test is none, and counts */
    adjust_holm(some, 3);
    assert_true(isnan(some[1]) && some[2] <= some[0] && some[0] <= 1);
    adjust_holm(some, 0);
}

static void test_calibration(void **state)
{
    struct prediction_list list;
    struct calibration calibration;

    (void)state;
    fill(&list, 10, 5); /* confidence 0.8, accuracy 0.5 */
    calibration_make(&calibration, &list);
    assert_true(fabs(calibration.error - 0.3) < 1e-12);
    list.items[0].predicted = 0;
    list.items[0].probabilities[0] = 1; /* the last bin; its prediction is right */
    calibration_make(&calibration, &list);
    assert_int_equal(calibration.bins[14].clips, 1);
    assert_int_equal(calibration.bins[11].clips, 9); /* 11/15 < 0.8 <= 12/15 */
    prediction_list_free(&list);
}

static void test_same_clips_and_moments(void **state)
{
    struct prediction_list a, b;
    const double values[] = {1, 2, 4};

    (void)state;
    fill(&a, 5, 3);
    fill(&b, 5, 1);
    assert_true(same_clips(&a, &b));
    b.items[4].path = "other";
    assert_false(same_clips(&a, &b));
    b.items[4].path = a.items[4].path;
    b.items[4].label = 1 - b.items[4].label;
    assert_false(same_clips(&a, &b)); /* another target */
    b.items[4].label = a.items[4].label;
    const char *label = b.labels[1];
    b.labels[1] = "another";
    assert_false(same_clips(&a, &b));
    b.labels[1] = label;
    b.count--;
    assert_false(same_clips(&a, &b));
    b.count++;
    b.label_count--;
    assert_false(same_clips(&a, &b));
    b.label_count++;
    b.task = REGRESSION;
    assert_false(same_clips(&a, &b));
    b.task = a.task;
    double one[2] = {1, 0}, two[2] = {1, 0};
    a.items[2].targets = one;
    assert_false(same_clips(&a, &b)); /* known of one alone */
    b.items[2].targets = two;
    assert_true(same_clips(&a, &b));
    two[1] = 1;
    assert_false(same_clips(&a, &b));
    prediction_list_free(&a);
    prediction_list_free(&b);
    assert_true(fabs(mean_of(values, 3) - 7.0 / 3) < 1e-15);
    assert_true(fabs(deviation_of(values, 3) - sqrt(7.0 / 3)) < 1e-15);
    assert_true(isnan(deviation_of(values, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interval_is_binomials),
        cmocka_unit_test(test_interval_by_speaker),
        cmocka_unit_test(test_mcnemar),
        cmocka_unit_test(test_permutation_of_few),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_calibration),
        cmocka_unit_test(test_same_clips_and_moments),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
