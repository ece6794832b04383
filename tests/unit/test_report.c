/* Metrics and the classification report, digit for digit scikit-learn's. */
#include "unit.h"

#include "base/csv.h"

#include "report/card.h"
#include "report/clips.h"
#include "report/fields.h"
#include "report/report.h"

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

    prediction_list_start(predictions, SINGLE_LABEL, labels, 8);
    for (int n = 0; csv_next_field(&cursor, ',', &field, &last); n++) {
        int index = 0;
        while (n > 1 && strcmp(labels[index], field.text) != 0)
            index++;
        if (n > 1 && !last)
            prediction_list_add(predictions, "x", index, NULL);
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

/* One case of sklearn_scores.txt. */
static void check_scores(const char *true_letters, const char *predicted, const char *numbers)
{
    static const char *const labels[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                                         "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
    struct prediction_list predictions;
    struct evaluation e;

    prediction_list_start(&predictions, SINGLE_LABEL, labels, 20);
    for (size_t i = 0; true_letters[i]; i++)
        prediction_list_add(&predictions, "x", true_letters[i] - 'a', NULL)->predicted = predicted[i] - 'a';
    evaluation_make(&e, &predictions);
    const double scores[] = {e.macro.precision, e.macro.recall, e.macro.f1, e.weighted.precision,
                             e.weighted.recall, e.weighted.f1,  e.uar};
    for (int s = 0; s < 7; s++) {
        double expected = strtod(numbers, (char **)&numbers);
        if (scores[s] != expected)
            fail_msg("%s: score %d is %.17g, not %.17g", true_letters, s, scores[s], expected);
    }
    evaluation_free(&e);
    prediction_list_free(&predictions);
}

/* Averages equal scikit-learn's to the last bit, so that no printed digit differs. */
static void test_golden_scores(void **state)
{
    struct error error = {0};
    char *text = file_read(unit_golden("sklearn_scores.txt"), NULL, &error), *rest = text;
    size_t cases = 0;

    (void)state;
    assert_good(text, error);
    for (char *first; (first = strsep(&rest, "\n")) && *first; cases++) {
        char *second = strsep(&rest, "\n"), *numbers = strsep(&rest, "\n");
        check_scores(first, second, numbers);
    }
    assert_int_equal(cases, 60);
    free(text);
}

static void test_edges(void **state)
{
    static const char *const labels[] = {"a", "\xc3\xa9motion tr\xc3\xa8s longue", "c"};
    struct prediction_list predictions;
    struct evaluation e;
    struct text text = {0};

    (void)state;
    prediction_list_start(&predictions, SINGLE_LABEL, labels, 3);
    struct prediction *first = prediction_list_add(&predictions, "x", 0, NULL);
    first->predicted = 1;
    first->probabilities[0] = 0.25;
    prediction_list_add(&predictions, "y", -1, NULL)->predicted = 1; /* without a label: not counted */
    evaluation_make(&e, &predictions);
    assert_int_equal(e.clips, 1);
    assert_true(e.accuracy == 0 && e.uar == 0 && e.macro.f1 == 0);
    assert_true(fabs(evaluation_score(&e, METRIC_LOSS) - log(0.25)) < 1e-15);
    evaluation_print(&e, &text);
    assert_string_equal(
        text.text, /* as scikit-learn: without "c", which no clip has and none was predicted as */
        "                     precision    recall  f1-score   support\n\n"
        "                  a       0.00      0.00      0.00         1\n"
        "\xc3\xa9motion tr\xc3\xa8s longue       0.00      0.00      0.00         0\n\n"
        "           accuracy                           0.00         1\n"
        "          macro avg       0.00      0.00      0.00         1\n"
        "       weighted avg       0.00      0.00      0.00         1\n");
    text_free(&text);
    evaluation_free(&e);
    prediction_list_free(&predictions);
}

/* ---- a run's report, from a catalogue ---- */

enum { CLIPS = 40 };

/* 40 clips of 4 speakers (two women, two men), labels a and b in turn.  The predictions are right but for
 * those of speaker 1, who is always taken for the other label. */
static void fill_catalogue(struct catalogue *catalogue, int64_t *corpus)
{
    struct error error = {0};
    struct clip_list list = {0};
    char path[CLIPS][16];

    assert_good(catalogue_corpus_id(catalogue, "ravdess", "/data", corpus, &error), error);
    for (int i = 0; i < CLIPS; i++) {
        static const char *const speakers[] = {"1", "2", "3", "4"};
        snprintf(path[i], sizeof path[i], "%02d.wav", i);
        clip_list_add(&list, &(struct clip){.path = path[i],
                                            .name = path[i],
                                            .label = i % 2 ? "b" : "a",
                                            .speaker = speakers[i / 10],
                                            .sex = i / 10 % 2 ? "male" : "female",
                                            .intensity = i % 4 < 2 ? "normal" : "strong"});
    }
    assert_good(clips_write(catalogue, *corpus, &list, NULL, 0, &error), error);
    clip_list_free(&list);
}

static void add_run(struct catalogue *catalogue, const char *folder, const char *config, bool all_right)
{
    static const char *const labels[] = {"a", "b"};
    struct error error = {0};
    struct prediction_list list;
    int64_t run;

    prediction_list_start(&list, SINGLE_LABEL, labels, 2);
    for (int i = 0; i < CLIPS; i++) {
        char path[16];
        snprintf(path, sizeof path, "%02d.wav", i);
        struct prediction *p = prediction_list_add(&list, path, i % 2, NULL);
        p->predicted = all_right || i >= 10 ? i % 2 : 1 - i % 2;
        p->probabilities[p->predicted] = 0.9;
        p->probabilities[1 - p->predicted] = 0.1;
    }
    assert_good(run_begin(catalogue, path_base(folder), folder, config, SINGLE_LABEL, false, &run, &error),
                error);
    assert_good(
        run_set_info(catalogue, run, "{\"corpus\": {\"kind\": \"ravdess\", \"root\": \"/data\"}}", &error),
        error);
    assert_good(predictions_write(catalogue, run, "test", &list, &error), error);
    prediction_list_free(&list);
}

/* A run with metrics over two epochs whose predictions name one of three labels never. */
static void add_trained_run(struct catalogue *catalogue, const char *folder, const char *info)
{
    static const char *const labels[] = {"a", "b", "never"};
    struct error error = {0};
    struct prediction_list list;
    struct metric_list metrics = {0};
    int64_t run;

    prediction_list_start(&list, SINGLE_LABEL, labels, 3);
    for (int i = 0; i < CLIPS; i++) {
        char path[16];
        snprintf(path, sizeof path, "%02d.wav", i);
        struct prediction *p = prediction_list_add(&list, path, i % 2, NULL);
        p->predicted = i % 7 == 0 ? 1 - i % 2 : i % 2;
        p->probabilities[p->predicted] = 1.0 / 3 + i / 61.0;
        p->probabilities[1 - p->predicted] = 0.1;
    }
    for (int step = 1; step <= 8; step++) {
        metric_list_add(&metrics, step, step / 4.0, "loss", 2.0 / step);
        if (step % 4 == 0)
            metric_list_add(&metrics, step, step / 4.0, "eval_loss", 3.0 / step);
    }
    assert_good(run_begin(catalogue, path_base(folder), folder, "", SINGLE_LABEL, false, &run, &error),
                error);
    assert_good(run_set_info(catalogue, run, info, &error), error);
    assert_good(predictions_write(catalogue, run, "test", &list, &error), error);
    assert_good(metrics_write(catalogue, run, &metrics, &error), error);
    metric_list_free(&metrics);
    prediction_list_free(&list);
}

static char *read_file(const char *folder, const char *name)
{
    struct error error = {0};
    char *path = path_join(folder, name), *text = file_read(path, NULL, &error);

    assert_good(text, error);
    free(path);
    return text;
}

static void expect_words(const char *text, const char *words, bool there)
{
    if ((strstr(text, words) != NULL) != there)
        fail_msg("\"%s\" is %s", words, there ? "missing" : "there");
}

/* report.json as a file gives the text again, to the digit: it holds all of it, and its numbers exactly. */
static void test_json_is_whole(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = catalogue_open(unit_path("whole.db"), &error);
    char *folder = unit_path("whole");
    struct report report;
    struct text again = {0};
    int64_t corpus;

    (void)state;
    fill_catalogue(catalogue, &corpus);
    assert_true(folder_make(folder, &error));
    add_trained_run(catalogue, folder, "{\"corpus\": {\"kind\": \"ravdess\", \"root\": \"/data\"}}");
    assert_good(report_read(&report, catalogue, folder, &error), error);
    assert_good(report_write(&report, false, &error), error);
    char *file = read_file(folder, "report.json"), *text = read_file(folder, "classification_report.txt");
    cJSON *json = json_parse(file, strlen(file), "report.json", &error);
    assert_good(json, error);
    report_text(json, &again);
    assert_string_equal(again.text, text);
    FOR_METRICS (f, SINGLE_LABEL)
        assert_true(field_number(json, METRICS[f].name) == METRICS[f].of(&report.evaluation));
    assert_true(field_interval(field(json, "intervals"), "accuracy").low ==
                report.intervals[METRIC_ACCURACY].low);
    expect_words(text, "Absent labels: no test clip has never", true);
    cJSON_Delete(json);
    free(file);
    free(text);
    text_free(&again);
    report_free(&report);
    catalogue_close(catalogue);
}

/* The page has its curves without script, marks the best checkpoint, and takes in no picture that lies there.
 */
static void test_page(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = catalogue_open(unit_path("page.db"), &error);
    char *folder = unit_path("paged"), *foreign = path_join(folder, "loss.svg");
    struct report report;
    int64_t corpus;

    (void)state;
    fill_catalogue(catalogue, &corpus);
    assert_true(folder_make(folder, &error) && file_write(foreign, "<svg>foreign</svg>", 18, &error));
    add_trained_run(
        catalogue, folder,
        "{\"corpus\": {\"kind\": \"ravdess\", \"licence\": \"CC\"}, \"training\": {\"steps\": 8, "
        "\"best_step\": 4},"
        " \"split\": {\"digest\": \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}}");
    assert_good(report_read(&report, catalogue, folder, &error), error);
    assert_good(report_write(&report, false, &error), error);
    char *page = read_file(folder, "report.html");
    expect_words(page, "<polyline class=\"series0\" points=\"", true);
    expect_words(page, "aria-label=\"loss per step\"", true);
    expect_words(page, "best checkpoint", true);
    expect_words(page, "licence of ravdess as published", true);
    expect_words(page, "<td>0123456789abcdef</td>", true);
    expect_words(page, "foreign", false);
    free(page);
    report_free(&report);
    free(foreign);
    catalogue_close(catalogue);
}

/* A corpus that the configuration has a note on may be other data: nothing is said of a licence.  A model
 * without steps has no curves. */
static void test_note_and_no_steps(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = catalogue_open(unit_path("note.db"), &error);
    char *folder = unit_path("noted");
    struct report report;
    struct text card = {0}, summary = {0};
    int64_t corpus;

    (void)state;
    fill_catalogue(catalogue, &corpus);
    assert_true(folder_make(folder, &error));
    add_run(catalogue, folder, "", true);
    assert_good(report_read(&report, catalogue, folder, &error), error);
    run_info_free(&report.info);
    run_info_read(&report.info,
                  "{\"corpus\": {\"kind\": \"ravdess\", \"licence\": \"CC BY\", \"note\": \"made voices\"}}");
    assert_good(report_write(&report, false, &error), error);
    char *page = read_file(folder, "report.html");
    expect_words(page, "made voices", true);
    expect_words(page, "CC BY", false);
    expect_words(page, "<h2>Training</h2>", false);
    free(page);
    cJSON *json = report_json(&report);
    card_print(&(struct card){.title = "t", .base = "", .library = "emotrain", .usage = ""}, json, &card);
    expect_words(card.text, "CC BY", false);
    expect_words(card.text, "licence", false);
    cJSON_Delete(json);
    report_print_summary(&report, &summary);
    expect_words(summary.text, "by speaker", false);
    assert_non_null(strstr(strstr(summary.text, "by sex"), "95 % interval")); /* the metrics come last */
    text_free(&card);
    text_free(&summary);
    report_free(&report);
    catalogue_close(catalogue);
}

static void test_small_p(void **state)
{
    char p[P_SIZE];

    (void)state;
    assert_string_equal(p_text(p, 0), "< 0.001");
    assert_string_equal(p_text(p, 0.000999), "< 0.001");
    assert_string_equal(p_text(p, 0.001), "0.0010");
    assert_string_equal(p_text(p, 0.25), "0.2500");
    assert_string_equal(p_text(p, (double)NAN), "-");
}

static const struct group *find_group(const struct report *report, const char *attribute, const char *value)
{
    for (size_t g = 0; g < report->group_count; g++)
        if (strcmp(report->groups[g].attribute, attribute) == 0 &&
            strcmp(report->groups[g].value, value) == 0)
            return &report->groups[g];
    fail_msg("no group %s=%s", attribute, value);
    return NULL;
}

static void test_groups_and_baseline(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = catalogue_open(unit_path("report.db"), &error);
    struct report report, before;
    struct text text = {0};
    int64_t corpus;

    (void)state;
    fill_catalogue(catalogue, &corpus);
    add_run(catalogue, "/runs/before", "[model]\npooling = mean\n", false);
    add_run(catalogue, "/runs/now", "[model]\npooling = max\n", true);
    assert_good(report_read(&before, catalogue, "/runs/before", &error), error);
    assert_string_equal(before.clusters.unit, "speaker");
    assert_int_equal(before.clusters.count, 4);
    assert_true(before.evaluation.accuracy == 0.75 && fabs(before.calibration.error - 0.15) < 1e-12);
    assert_true(find_group(&before, "sex", "female")->evaluation.accuracy == 0.5);
    assert_true(find_group(&before, "sex", "male")->evaluation.accuracy == 1);
    assert_true(find_group(&before, "speaker", "1")->evaluation.accuracy == 0);
    assert_int_equal(find_group(&before, "intensity", "strong")->evaluation.clips, 20);
    /* Four speakers, one of them all wrong: a resample has 0 to 4 of her. */
    assert_true(before.intervals[METRIC_ACCURACY].low == 0.25 && before.intervals[METRIC_ACCURACY].high == 1);

    assert_good(report_read(&report, catalogue, "/runs/now", &error), error);
    report_set_baseline(&report, &before);
    assert_true(report.baseline->compared);
    assert_int_equal(report.baseline->fixed, 10);
    assert_int_equal(report.baseline->broken, 0);
    /* One speaker of four has changed, with all her clips: by speaker that is one fact, chi-squared 1. */
    assert_true(fabs(report.baseline->comparisons[0].mcnemar_p - erfc(sqrt(0.5))) < 1e-12);
    assert_true(report.baseline->comparisons[0].permutation_p > 0.5);
    assert_int_equal(report.baseline->differences.count, 1);
    assert_string_equal(report.baseline->differences.items[0], "model.pooling: mean -> max");
    report_print(&report, &text);
    assert_non_null(strstr(text.text, "10 clips that were wrong are right, 0 that were right are wrong"));
    text_free(&text);
    report_free(&before);
    report_free(&report);

    /* The clips have gone from the catalogue: the metrics stay, who spoke is no longer known. */
    struct clip_list clips = {0};
    assert_good(clips_read(catalogue, corpus, CLIPS_ALL, &clips, &error), error);
    int64_t gone[CLIPS];
    for (size_t i = 0; i < CLIPS; i++)
        gone[i] = clips.clips[i].id;
    assert_good(clips_write(catalogue, corpus, &(struct clip_list){0}, gone, CLIPS, &error), error);
    clip_list_free(&clips);
    assert_good(report_read(&before, catalogue, "/runs/before", &error), error);
    assert_true(before.evaluation.accuracy == 0.75);
    assert_string_equal(before.clusters.unit, "clip");
    assert_int_equal(before.group_count, 0);
    report_free(&before);
    catalogue_close(catalogue);
}

/* Predictions for other clips, or for none, are shown beside, not compared. */
static void test_baseline_of_other_clips(void **state)
{
    struct error error = {0};
    struct catalogue *catalogue = catalogue_open(unit_path("other.db"), &error);
    struct report report, before;
    struct text text = {0};
    int64_t corpus;
    char *now = unit_path("now"), *then = unit_path("then");

    (void)state;
    fill_catalogue(catalogue, &corpus);
    assert_true(folder_make(now, &error) && folder_make(then, &error));
    add_run(catalogue, then, "[model]\nno such line\n", false);
    add_run(catalogue, now, "", true);
    assert_good(report_read(&before, catalogue, then, &error), error);
    assert_good(report_read(&report, catalogue, now, &error), error);
    before.predictions.items[0].path = "another.wav";
    report_set_baseline(&report, &before);
    report_set_baseline(&report, &before); /* in place of the first */
    assert_false(report.baseline->compared);
    assert_non_null(strstr(report.baseline->differences.items[0], "not known"));
    report_print(&report, &text);
    assert_non_null(strstr(text.text, "then"));
    assert_null(strstr(text.text, "permutation test"));
    assert_good(report_write(&report, false, &error), error);
    report_free(&before);
    report_free(&report);
    text_free(&text);
    assert_error(report_read(&report, catalogue, unit_path("never"), &error), error, "never");
    catalogue_close(catalogue);
}

/* Clips of a second corpus go by their whole paths, and what is damaged in a run's information is passed
 * over. */
static void test_facts_of_more_corpora(void **state)
{
    static const char *const labels[] = {"a", "b"};
    struct error error = {0};
    struct catalogue *catalogue = catalogue_open(unit_path("more.db"), &error);
    struct clip_list list = {0};
    struct clip_facts facts;
    struct prediction_list outputs;
    struct run_info info;
    static const char text[] = "{\"corpus\": {\"kind\": \"ravdess\", \"root\": \"/a\", \"more\": ["
                               "{\"kind\": 3}, {\"kind\": \"emodb\", \"root\": \"/b\"},"
                               "{\"kind\": \"emodb\", \"root\": \"/b\", \"name\": \"other\"}]}}";
    int64_t corpus;

    (void)state;
    assert_true(catalogue_corpus_id(catalogue, "emodb", "/b", &corpus, &error));
    clip_list_add(&list, &(struct clip){.path = "y.wav", .name = "y", .speaker = "03", .label = "a"});
    assert_good(clips_write(catalogue, corpus, &list, NULL, 0, &error), error);
    prediction_list_start(&outputs, SINGLE_LABEL, labels, 2);
    prediction_list_add(&outputs, "x.wav", 0, NULL);
    prediction_list_add(&outputs, "/b/y.wav", 0, NULL);
    prediction_list_add(&outputs, "/bc/y.wav", 0, NULL);
    prediction_list_add(&outputs, "/b/unknown.wav", 0, NULL);
    run_info_read(&info, text);
    assert_good(clip_facts_read(&facts, catalogue, &info, &outputs, &error), error);
    assert_null(facts.speakers[0]);
    assert_non_null(strstr(facts.speakers[1], "03"));
    assert_null(facts.speakers[2]);
    assert_null(facts.speakers[3]);
    assert_string_equal(facts.clips[1].path, "/b/y.wav");
    clip_facts_free(&facts);
    run_info_free(&info);
    run_info_read(&info, NULL);
    assert_good(clip_facts_read(&facts, catalogue, &info, &outputs, &error), error);
    assert_null(facts.root);
    clip_facts_free(&facts);
    run_info_free(&info);
    prediction_list_free(&outputs);
    clip_list_free(&list);
    catalogue_close(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_golden_report),
                                       cmocka_unit_test(test_golden_scores),
                                       cmocka_unit_test(test_edges),
                                       cmocka_unit_test(test_groups_and_baseline),
                                       cmocka_unit_test(test_json_is_whole),
                                       cmocka_unit_test(test_page),
                                       cmocka_unit_test(test_note_and_no_steps),
                                       cmocka_unit_test(test_small_p),
                                       cmocka_unit_test(test_baseline_of_other_clips),
                                       cmocka_unit_test(test_facts_of_more_corpora)};

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
