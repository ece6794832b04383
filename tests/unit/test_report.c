/* Metrics and the classification report, digit for digit scikit-learn's. */
#include "unit.h"

#include "report/metrics.h"

#include <math.h>

static void read_pairs(struct prediction_list *predictions)
{
    static const char *const labels[] = {"angry", "calm",    "disgust", "fearful",
                                         "happy", "neutral", "sad",     "surprised"};
    struct error error = {0};
    char *text = file_read(unit_golden("report_pairs.csv"), NULL, &error);
    const char *cursor = text;
    struct text field = {0};
    bool last;

    prediction_list_start(predictions, labels, 8);
    for (int n = 0; text_next_csv(&cursor, &field, &last); n++) {
        int index = 0;
        while (n > 1 && strcmp(labels[index], field.text) != 0)
            index++;
        if (n > 1 && !last)
            prediction_list_add(predictions, "x", index);
        else if (n > 1)
            predictions->items[predictions->count - 1].predicted = index;
    }
    text_free(&field);
    free(text);
}

static void test_golden_report(void **state)
{
    struct prediction_list predictions;
    struct evaluation evaluation;
    struct text text = {0};
    struct error error = {0};
    char *expected = file_read(unit_golden("report_expected.txt"), NULL, &error);

    (void)state;
    assert_good(expected, error);
    read_pairs(&predictions);
    evaluation_make(&evaluation, &predictions);
    assert_int_equal(evaluation.clips, 288);
    evaluation_print(&evaluation, &text);
    assert_string_equal(text.text, expected);
    assert_int_equal(evaluation.confusion[0], 26);        /* angry taken for angry */
    assert_int_equal(evaluation.confusion[1 * 8 + 6], 5); /* calm taken for sad */
    free(expected);
    text_free(&text);
    evaluation_free(&evaluation);
    prediction_list_free(&predictions);
}

static void test_edges(void **state)
{
    static const char *const labels[] = {"a", "\xc3\xa9motion tr\xc3\xa8s longue", "c"};
    struct prediction_list predictions;
    struct evaluation e;
    struct text text = {0};

    (void)state;
    prediction_list_start(&predictions, labels, 3);
    struct prediction *first = prediction_list_add(&predictions, "x", 0);
    first->predicted = 1;
    first->probabilities[0] = 0.25;
    prediction_list_add(&predictions, "y", -1)->predicted = 1; /* without a label: not counted */
    evaluation_make(&e, &predictions);
    assert_int_equal(e.clips, 1);
    assert_true(e.accuracy == 0 && e.uar == 0 && e.macro.f1 == 0);
    assert_true(fabs(evaluation_score(&e, "eval_loss") - log(0.25)) < 1e-15);
    evaluation_print(&e, &text);
    assert_non_null(strstr(text.text, "\n                  a       0.00      0.00      0.00         1\n"));
    text_free(&text);
    evaluation_free(&e);
    prediction_list_free(&predictions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_report), cmocka_unit_test(test_edges)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
