/* A sweep's table, from a catalogue: ranking, intervals, comparisons, what is missing. */
#include "meddle.h"

#include "report/sweep.h"

#include <math.h>

enum { CLIPS = 60 };

/* Predictions for CLIPS clips of two labels, the first `right` of them right; clip i is `prefix`i. */
static void add_run(struct catalogue *catalogue, const char *name, const char *prefix, int right,
                    double confidence)
{
    static const char *const labels[] = {"a", "b"};
    struct error error = {0};
    struct prediction_list list;
    char *folder = mem_format("%s/%s", unit_path("sweep"), name), *config = path_join(folder, "config.ini");
    int64_t run;

    prediction_list_start(&list, SINGLE_LABEL, labels, 2);
    for (int i = 0; i < CLIPS; i++) {
        char path[24];
        snprintf(path, sizeof path, "%s%02d.wav", prefix, i);
        struct prediction *p = prediction_list_add(&list, path, i % 2, NULL);
        p->predicted = i < right ? i % 2 : 1 - i % 2;
        p->probabilities[p->predicted] = confidence;
        p->probabilities[1 - p->predicted] = 1 - confidence;
    }
    assert_good(folder_make(folder, &error), error);
    assert_good(file_write(config, "", 0, &error), error);
    assert_good(run_begin(catalogue, name, folder, "", SINGLE_LABEL, false, &run, &error), error);
    assert_good(predictions_write(catalogue, run, "test", &list, &error), error);
    assert_good(run_set_state(catalogue, run, "finished", &error), error);
    prediction_list_free(&list);
    free(config);
    free(folder);
}

static struct catalogue *start(const char *ini)
{
    struct error error = {0};

    assert_good(folder_remove(unit_path("sweep"), &error), error);
    assert_good(folder_remove(unit_path("sweep.db"), &error), error);
    assert_good(folder_make(unit_path("sweep"), &error), error);
    char *whole = mem_format("%s[compare]\nmodels =\n", ini); /* as far as a sweep.ini goes */
    assert_good(file_write(unit_path("sweep/sweep.ini"), whole, strlen(whole), &error), error);
    free(whole);
    struct catalogue *catalogue = catalogue_open(unit_path("sweep.db"), &error);
    assert_good(catalogue, error);
    return catalogue;
}

static void test_ranking(void **state)
{
    struct error error = {0};
    struct sweep sweep;
    struct text text = {0};
    struct catalogue *catalogue = start("[sweep]\ngrid = model.pooling=mean,max,sum,first\nseeds = 1,2\n");

    (void)state;
    add_run(catalogue, "pooling=mean,seed=1", "c", 40, 0.9);
    add_run(catalogue, "pooling=mean,seed=2", "c", 44, 0.9);
    add_run(catalogue, "pooling=max,seed=1", "c", 56, 0.6);
    add_run(catalogue, "pooling=max,seed=2", "c", 58, 0.6);
    add_run(catalogue, "pooling=sum,seed=1", "c", 50, 0.9);
    assert_good(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error);
    assert_int_equal(sweep.clips, CLIPS);
    assert_string_equal(sweep.rows[0].label, "pooling=max");
    assert_string_equal(sweep.rows[1].label, "pooling=sum");
    assert_string_equal(sweep.rows[2].label, "pooling=mean");
    assert_int_equal(sweep.rows[1].finished, 1);
    assert_int_equal(sweep.rows[3].finished, 0);
    assert_true(fabs(sweep.rows[0].means[METRIC_ACCURACY] - 57.0 / 60) < 1e-12);
    assert_true(fabs(sweep.rows[0].deviation - sqrt(2) / 60) < 1e-12);
    assert_true(isnan(sweep.rows[1].deviation) && isnan(sweep.rows[3].interval.low));

    /* mean against max, seed by seed: max alone has clips 40-55 (seed 1) and 44-57 (seed 2) right.  Per clip
     * and two seeds that is 4 clips by 1/2 (40-43), 12 by 1 (44-55), 2 by 1/2 (56, 57): sum 15, squares 13.5.
     */
    const struct comparison *c = &sweep.rows[2].comparison;
    assert_true(sweep.rows[2].compared && c->only_first == 30 && c->only_second == 0);
    assert_true(fabs(c->mcnemar_p - erfc(sqrt(15.0 * 15 / 13.5 / 2))) < 1e-12);
    assert_true(fabs(c->difference + 15.0 / 60) < 1e-12);
    assert_true(c->interval.low < -0.25 && c->interval.high > -0.25 && c->interval.high < 0);
    /* sum has one seed: compared over that alone, exactly: 6 clips that only max has right. */
    assert_true(fabs(sweep.rows[1].comparison.difference + 6.0 / 60) < 1e-12);
    assert_int_equal(sweep.rows[1].comparison.only_first, 6);
    assert_true(fabs(sweep.rows[1].comparison.mcnemar_p - 2.0 / 64) < 1e-12);
    assert_true(fabs(sweep.rows[2].mcnemar_adjusted - 2 * c->mcnemar_p) < 1e-12); /* Holm, of two */
    sweep_print(&sweep, &text);
    assert_non_null(strstr(text.text, "not finished: pooling=first,seed=1"));
    assert_non_null(strstr(text.text, "not finished: pooling=sum,seed=2"));
    text_free(&text);
    sweep_free(&sweep);
    catalogue_close(catalogue);
}

static void expect_in(const char *name, const char *words)
{
    struct error error = {0};
    char *path = path_join(unit_path("sweep"), name), *text = file_read(path, NULL, &error);

    assert_good(text, error);
    if (!strstr(text, words))
        fail_msg("%s lacks \"%s\"", name, words);
    free(text);
    free(path);
}

/* The page links to its runs; the chart keeps its legend beside long names; no p is 0. */
static void test_page_and_chart(void **state)
{
    struct error error = {0};
    struct sweep sweep;
    struct catalogue *catalogue =
        start("[sweep]\ngrid = "
              "model.pretrained=a_rather_long_name_of_a_configuration_file_in_a_comparison_of_models,b&50%\n"
              "seeds = 1,2\n");

    (void)state;
    assert_good(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error);
    for (size_t i = 0; i < 4; i++)
        add_run(catalogue, sweep.rows[i / 2].runs[i % 2].name, "c", i < 2 ? 59 : 10, 0.9);
    sweep_free(&sweep);
    assert_good(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error);
    assert_good(sweep_write(&sweep, &error), error);
    expect_in("sweep.html", "pretrained%3Db%2650%25%2Cseed%3D1/report.html\">seed 1</a>");
    expect_in("sweep.html", "b&amp;50%");
    expect_in("sweep.html", "seeds 1, 2; last run ended 2");
    expect_in("sweep.html", "sweep.ini");
    expect_in("sweep.html", "&lt; 0.001");
    expect_in("sweep.txt", "< 0.001");
    expect_in("sweep.json", "\"mcnemar_p_holm\"");
    if (system("command -v gnuplot >/dev/null") == 0) {
        assert_good(sweep_chart(&sweep, unit_path("sweep"), &error), error);
        expect_in("sweep.svg", "comparison_of_models<");
        expect_in("sweep.svg", "b&amp;50%<");
        expect_in("sweep.svg", ">one seed<");
    }
    sweep_free(&sweep);
    catalogue_close(catalogue);
}

static void test_loss_and_other_clips(void **state)
{
    struct error error = {0};
    struct sweep sweep;
    struct catalogue *catalogue = start("[sweep]\ngrid = split.fold=0,1\nseeds = 1\nmetric = eval_loss\n");

    (void)state;
    add_run(catalogue, "fold=0,seed=1", "x", 50, 0.9); /* surer, and wrong: the greater loss */
    add_run(catalogue, "fold=1,seed=1", "y", 45, 0.6);
    assert_good(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error);
    assert_string_equal(sweep.rows[0].label, "fold=0");
    assert_true(sweep.rows[0].means[METRIC_LOSS] < sweep.rows[1].means[METRIC_LOSS]);
    assert_int_equal(sweep.clips, 0); /* other clips: intervals, but no comparison */
    for (int i = 0; i < 2; i++) {
        const struct sweep_row *row = &sweep.rows[i];
        assert_false(row->compared);
        assert_true(row->interval.low < row->means[METRIC_LOSS] &&
                    row->means[METRIC_LOSS] < row->interval.high);
    }
    sweep_free(&sweep);
    catalogue_close(catalogue);
}

static void test_nothing_finished(void **state)
{
    struct error error = {0};
    struct sweep sweep;
    struct text text = {0};
    struct catalogue *catalogue = start("[sweep]\ngrid = model.pooling=mean,max\n");

    (void)state;
    assert_good(folder_make(unit_path("sweep/logs"), &error), error);
    const char *log = "corpus: 3 clips\nemotrain: the first words\nemotrain: the disk is full\n";
    assert_good(file_write(unit_path("sweep/logs/pooling=max,seed=101.log"), log, strlen(log), &error),
                error);
    assert_good(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error);
    sweep_print(&sweep, &text);
    assert_non_null(strstr(text.text, "not finished: pooling=max,seed=101: the disk is full\n"));
    assert_null(strstr(text.text, "0.0000"));
    assert_good(sweep_write(&sweep, &error), error);
    text_free(&text);
    sweep_free(&sweep);
    catalogue_close(catalogue);
}

/* What the run's own configuration chose by: the best step's metric on its validation part. */
static void set_selection(struct catalogue *catalogue, const char *name, double value)
{
    struct error error = {0};
    struct arena arena = {0};
    struct metric_list metrics = {0};
    struct run_row row;
    char *folder = mem_format("%s/%s", unit_path("sweep"), name);

    assert_true(run_find(catalogue, folder, &row, &arena, &error));
    assert_good(
        run_set_info(catalogue, row.id,
                     "{\"split\": {\"selection_part\": \"validation\"}, \"model\": {\"parameters\": 5},"
                     " \"training\": {\"best_step\": 10, \"seconds\": 3, \"peak_memory_mib\": 7},"
                     " \"testing\": {\"seconds\": 2, \"peak_memory_mib\": 9}}",
                     &error),
        error);
    metric_list_add(&metrics, 5, 1, "accuracy", 0.1);
    metric_list_add(&metrics, 10, 2, "loss", 0.2);
    if (!isnan(value))
        metric_list_add(&metrics, 10, 2, "accuracy", value);
    assert_good(metrics_write(catalogue, row.id, &metrics, &error), error);
    metric_list_free(&metrics);
    arena_free(&arena);
    free(folder);
}

/* Folds make one row; the choice is by the validation part where every run has one. */
static void test_selection(void **state)
{
    struct error error = {0};
    struct sweep sweep;
    struct text text = {0};
    struct catalogue *catalogue = start("[split]\nfolds = 2\n[sweep]\nfolds = yes\ngrid = "
                                        "model.pooling=mean,max\nseeds = 1\nmetric = accuracy\n");

    (void)state;
    add_run(catalogue, "pooling=mean,seed=1,fold=0", "a", 50, 0.9);
    add_run(catalogue, "pooling=mean,seed=1,fold=1", "b", 40, 0.9);
    add_run(catalogue, "pooling=max,seed=1,fold=0", "a", 58, 0.9);
    set_selection(catalogue, "pooling=mean,seed=1,fold=0", 0.8);
    set_selection(catalogue, "pooling=mean,seed=1,fold=1", 0.6);
    set_selection(catalogue, "pooling=max,seed=1,fold=0", 0.9);
    assert_good(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error);
    assert_int_equal(sweep.rows[0].finished, 1);
    assert_true(fabs(sweep.rows[0].means[METRIC_ACCURACY] - 0.75) < 1e-12); /* of both folds' clips */
    assert_true(fabs(sweep.rows[0].selection - 0.7) < 1e-12);
    assert_int_equal(sweep.rows[1].finished, 0); /* a fold is missing */
    assert_good(sweep_write(&sweep, &error), error);
    sweep_free(&sweep);

    add_run(catalogue, "pooling=max,seed=1,fold=1", "b", 59, 0.9);
    set_selection(catalogue, "pooling=max,seed=1,fold=1", (double)NAN); /* not measured at that step */
    assert_good(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error);
    assert_int_equal(sweep.clips, 2 * CLIPS);
    assert_true(sweep.rows[0].finished && sweep.rows[1].finished);
    sweep_print(&sweep, &text);
    assert_non_null(strstr(text.text, "pooling=max"));
    assert_good(sweep_write(&sweep, &error), error);
    text_free(&text);
    sweep_free(&sweep);
    catalogue_close(catalogue);
}

static void test_errors(void **state)
{
    struct error error = {0};
    struct sweep sweep;
    struct catalogue *catalogue = start("[sweep]\ngrid = model.pooling=mean,max\nseeds = 1\n");

    (void)state;
    assert_error(sweep_read(&sweep, catalogue, unit_path("none"), &error), error, "sweep.ini");
    add_run(catalogue, "pooling=mean,seed=1", "a", 50, 0.9);
    assert_good(sweep_read(&sweep, catalogue, unit_path("sweep"), (error = (struct error){0}, &error)),
                error);
    assert_true(folder_remove(unit_path("sweep"), &error)); /* what it is written to has gone */
    assert_error(sweep_write(&sweep, &error), error, "sweep");
    sweep_free(&sweep);
    catalogue_close(catalogue);
    static const char *const tables[][2] = {{"metrics", "DROP TABLE metrics"},
                                            {"predictions", "DROP TABLE predictions"},
                                            {"runs", "DROP TABLE runs"}};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        catalogue = start("[sweep]\ngrid = model.pooling=mean,max\nseeds = 1\n");
        add_run(catalogue, "pooling=mean,seed=1", "a", 50, 0.9);
        meddle(unit_path("sweep.db"), tables[i][1]);
        assert_error(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error, tables[i][0]);
        catalogue_close(catalogue);
    }
    catalogue = start("[sweep]\ngrid = nonsense\n");
    assert_error(sweep_read(&sweep, catalogue, unit_path("sweep"), &error), error, "sweep.grid");
    catalogue_close(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ranking),
                                       cmocka_unit_test(test_page_and_chart),
                                       cmocka_unit_test(test_loss_and_other_clips),
                                       cmocka_unit_test(test_nothing_finished),
                                       cmocka_unit_test(test_selection),
                                       cmocka_unit_test(test_errors)};

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
