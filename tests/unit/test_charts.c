/* Charts with few and many labels, of one run and of several, drawn by gnuplot (skipped where it is not).
 * EMOTRAIN_KEEP_CHARTS=FOLDER keeps them to be looked at. */
#include "unit.h"

#include "report/chart.h"

#include <math.h>
#include <sys/stat.h>

static const char *folder_for(const char *name)
{
    const char *keep = getenv("EMOTRAIN_KEEP_CHARTS");
    static struct arena arena;
    struct error error = {0};
    char *folder = keep ? arena_format(&arena, "%s/%s", keep, name) : unit_path(name);

    assert_good(folder_make(folder, &error), error);
    return folder;
}

/* A run with predictions for `labels` labels, right more often than not, as a report would hold it. */
static void make_run(struct report *run, const char *name, size_t labels, unsigned seed)
{
    const char *names[20];
    char text[20][32];

    *run = (struct report){.folder = "nowhere", .run = {.name = name}};
    for (size_t k = 0; k < labels; k++) {
        snprintf(text[k], sizeof text[k],
                 k == 3   ? "label_%zu with a long name"
                 : k == 4 ? "<&\"\\%zu"
                          : "label %zu",
                 k);
        names[k] = text[k];
    }
    prediction_list_start(&run->predictions, SINGLE_LABEL, names, labels);
    for (unsigned i = 0; i < 400; i++) {
        struct prediction *p = prediction_list_add(&run->predictions, "x.wav", (int)(i % labels), NULL);
        unsigned other = (i * i + seed) % (unsigned)labels;
        p->predicted = i % 3 ? p->label : (int)other;
        for (size_t k = 0; k < labels; k++)
            p->probabilities[k] = 0.3 / (double)labels;
        p->probabilities[p->predicted] += 0.2 + 0.5 * (i % 11) / 10;
    }
    evaluation_make(&run->evaluation, &run->predictions);
    calibration_make(&run->calibration, &run->predictions);
    for (int64_t step = 10; step <= 200; step += 10) {
        double epoch = (double)step / 50;
        metric_list_add(&run->metrics, step, epoch, "loss", 2 * exp(-epoch / 3) + 0.01 * (double)(seed % 7));
        metric_list_add(&run->metrics, step, epoch, "learning_rate", 1e-4 * (1 - (double)step / 200));
        if (step % 50 == 0) {
            metric_list_add(&run->metrics, step, epoch, "epoch_loss", 2 * exp(-epoch / 3));
            metric_list_add(&run->metrics, step, epoch, "eval_loss", 0.3 + 2 * exp(-epoch / 2.5));
        }
    }
}

static void free_run(struct report *run)
{
    evaluation_free(&run->evaluation);
    prediction_list_free(&run->predictions);
    metric_list_free(&run->metrics);
}

static void expect_in(const char *folder, const char *name, const char *part)
{
    struct error error = {0};
    char *path = path_join(folder, name), *text = file_read(path, NULL, &error);

    assert_good(text, error);
    if (part && !strstr(text, part))
        fail_msg("%s lacks \"%s\"", path, part);
    free(text);
    free(path);
}

static void plot_one(size_t labels)
{
    static const char *const charts[] = {"loss", "learning_rate", "confusion", "class_f1", "reliability"};
    char name[24];
    struct error error = {0};
    struct report run;
    const struct report *runs[] = {&run};

    snprintf(name, sizeof name, "labels%zu", labels);
    const char *folder = folder_for(name);
    make_run(&run, "a_run <&>", labels, 1);
    assert_good(charts_plot(folder, runs, 1, &error), error);
    for (size_t c = 0; c < sizeof charts / sizeof charts[0]; c++) {
        char *svg = mem_format("%s.svg", charts[c]), *png = mem_format("%s.png", charts[c]);
        expect_in(folder, svg, "a_run &lt;&amp;");
        expect_in(folder, png, NULL);
        free(svg);
        free(png);
    }
    for (size_t k = 0; k < labels; k++) { /* every label has its tic */
        if (k == 3 || k == 4)
            continue;
        char *label = mem_format("label %zu<", k);
        expect_in(folder, "confusion.svg", label);
        expect_in(folder, "class_f1.svg", label);
        free(label);
    }
    free_run(&run);
}

static void test_labels(void **state)
{
    (void)state;
    if (system("command -v gnuplot >/dev/null") != 0)
        skip();
    plot_one(2);
    plot_one(20);
}

/* Whether one of the folder's entries holds `part` in its name. */
static bool has_entry(const char *folder, const char *part)
{
    struct strings names = {0};
    struct error error = {0};
    bool found = false;

    assert_good(folder_list(&names, folder, &error), error);
    for (size_t i = 0; i < names.count; i++)
        found = found || strstr(names.items[i], part);
    strings_free(&names);
    return found;
}

/* What gnuplot takes for formats, markup and commands is text; pictures leave no other names behind. */
static void test_odd_labels(void **state)
{
    static const char *const odd[] = {"50%", "%s %d", "a_b^c", "{/Bold x}", "@home", "`id`"};
    static const char *const shown[] = {">50%<", ">%s %d<", ">a_b^c<", ">{/Bold x}<", ">@home<", ">`id`<"};
    struct error error = {0};
    struct report run;
    const struct report *runs[] = {&run};
    const char *folder = folder_for("odd");

    (void)state;
    if (system("command -v gnuplot >/dev/null") != 0)
        skip();
    make_run(&run, "100% {x}_y", 6, 1);
    for (size_t k = 0; k < 6; k++)
        run.predictions.labels[k] = odd[k];
    assert_good(charts_plot(folder, runs, 1, &error), error);
    for (size_t k = 0; k < 6; k++) {
        expect_in(folder, "confusion.svg", shown[k]);
        expect_in(folder, "class_f1.svg", shown[k]);
    }
    expect_in(folder, "loss.svg", "100% {x}_y");
    assert_false(has_entry(folder, ".tmp-"));
    free_run(&run);
}

/* A model that is fitted at once has one evaluation and no training loss: no chart of it. */
static void test_no_steps(void **state)
{
    struct error error = {0};
    struct report run;
    const struct report *runs[] = {&run};
    const char *folder = folder_for("fitted");

    (void)state;
    if (system("command -v gnuplot >/dev/null") != 0)
        skip();
    make_run(&run, "svm", 3, 1);
    metric_list_free(&run.metrics);
    metric_list_add(&run.metrics, 1, 1, "loss", (double)NAN);
    metric_list_add(&run.metrics, 1, 1, "eval_loss", 0.5);
    assert_good(charts_plot(folder, runs, 1, &error), error);
    assert_true(has_entry(folder, "confusion.svg"));
    assert_false(has_entry(folder, "loss"));
    free_run(&run);
}

static void test_overlay(void **state)
{
    struct error error = {0};
    struct report runs[10];
    const struct report *list[10];
    char names[10][24];
    const char *folder = folder_for("overlay");

    (void)state;
    if (system("command -v gnuplot >/dev/null") != 0)
        skip();
    for (unsigned i = 0; i < 10; i++) {
        snprintf(names[i], sizeof names[i], "run number %u", i);
        make_run(&runs[i], names[i], 8, i);
        list[i] = &runs[i];
    }
    assert_good(charts_plot(folder, list, 10, &error), error);
    for (unsigned i = 0; i < 10; i++) {
        expect_in(folder, "loss.svg", names[i]);
        expect_in(folder, "class_f1.svg", names[i]);
        expect_in(folder, "reliability.svg", names[i]);
    }
    char *confusion = path_join(folder, "confusion.svg");
    assert_false(path_exists(confusion)); /* a matrix is of one run */
    free(confusion);
    for (unsigned i = 0; i < 10; i++)
        free_run(&runs[i]);
}

/* Without gnuplot, with one that fails, and where nothing can be written: a line that says so. */
static void test_errors(void **state)
{
    struct error error = {0};
    struct report run;
    const struct report *runs[] = {&run};
    char *path = mem_string(getenv("PATH") ? getenv("PATH") : ""), *bin = unit_path("bin");
    const char *folder = folder_for("errors");

    (void)state;
    make_run(&run, "run", 2, 1);
    setenv("PATH", bin, 1);
    assert_error(charts_plot(folder, runs, 1, &error), error, "gnuplot is not installed");
    char *fake = path_join(bin, "gnuplot");
    assert_true(folder_make(bin, &error) && file_write(fake, "#!/bin/sh\nexit 3\n", 17, &error));
    assert_int_equal(chmod(fake, 0777), 0);
    assert_error(charts_plot(folder, runs, 1, &error), error, "gnuplot failed, see");
    assert_false(has_entry(folder, ".tmp-"));
    assert_true(file_write(fake, "#!/bin/sh\nkill -9 $$\n", 21, (error = (struct error){0}, &error)));
    assert_int_equal(chmod(fake, 0777), 0);
    assert_error(charts_plot(folder, runs, 1, &error), error, "gnuplot failed, see");
    assert_error(charts_plot(fake, runs, 1, &error), error, "bin/gnuplot"); /* a file, no folder */
    setenv("PATH", path, 1);
    metric_list_free(&run.metrics);
    run.metrics = (struct metric_list){0};
    run.predictions.count = 0; /* before anything is known there is nothing to plot */
    evaluation_free(&run.evaluation);
    evaluation_make(&run.evaluation, &run.predictions);
    assert_error(charts_plot(folder, runs, 1, &error), error, "");
    free_run(&run);
    free(fake);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_labels), cmocka_unit_test(test_odd_labels),
                                       cmocka_unit_test(test_no_steps), cmocka_unit_test(test_overlay),
                                       cmocka_unit_test(test_errors)};

    return cmocka_run_group_tests(tests, NULL, unit_scratch_remove);
}
