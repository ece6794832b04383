/* Grids of settings. */
#include "unit.h"

#include "base/text.h"
#include "config/grid.h"

static bool read_grid(struct grid *grid, const char *text, const char *seeds, struct error *error)
{
    struct config *config = config_new();
    char *assignment = mem_format("sweep.grid=%s", text), *seed = mem_format("sweep.seeds=%s", seeds);
    bool done = config_set(config, "test", assignment, error) && config_set(config, "test", seed, error) &&
                grid_read(grid, config, error);

    free(assignment);
    free(seed);
    config_free(config);
    return done;
}

static void test_product(void **state)
{
    struct grid grid;
    struct error error = {0};
    struct config *config = config_new();

    (void)state;
    assert_good(read_grid(&grid, "model.pooling=mean,max,mean  train.batch_size=2,4,8", "3, 1, 03", &error),
                error);
    assert_int_equal(grid.settings, 6); /* a value given twice counts once, as does a seed */
    assert_int_equal(grid.seeds.count, 2);
    char *label = grid_label(&grid, 4), *name = grid_run_name(&grid, 4, "3", 0);
    assert_string_equal(label, "pooling=max train.batch_size=4");
    assert_string_equal(name, "pooling=max,train.batch_size=4,seed=3");
    grid_apply(&grid, 4, "3", config);
    assert_string_equal(config_text(config, "model.pooling"), "max");
    assert_int_equal(config_settings(config)->train.batch_size, 4);
    assert_int_equal(config_settings(config)->run.seed, 3);
    free(label);
    free(name);
    config_free(config);
    grid_free(&grid);
}

static void test_names(void **state)
{
    struct grid grid;
    struct error error = {0};

    (void)state; /* keys that several sections have; a path as value; no seeds */
    assert_good(read_grid(&grid, "train.batch_size=2 split.seed=4 model.pretrained=a/b", "", &error), error);
    char *name = grid_run_name(&grid, 0, grid.seeds.items[0], 0);
    assert_string_equal(name, "train.batch_size=2,split.seed=4,pretrained=a_b,seed=101");
    free(name);
    grid_free(&grid);
}

static void test_errors(void **state)
{
    struct grid grid;
    struct error error;

    (void)state;
    assert_error(read_grid(&grid, "", "1", &error), error, "nothing to vary");
    assert_error(read_grid(&grid, "model.pooling", "1", &error), error, "expected section.key=a,b,c");
    assert_error(read_grid(&grid, "model.pooling=max model.pooling=mean", "1", &error), error, "given twice");
    assert_error(read_grid(&grid, "train.epochs=1,many", "1", &error), error, "train.epochs");
    assert_error(read_grid(&grid, "run.name=a,b", "1", &error), error, "cannot vary");
    assert_error(read_grid(&grid, "sweep.jobs=1,2", "1", &error), error, "cannot vary");
    assert_error(read_grid(&grid, "model.pretrained=a/b,a_b", "1", &error), error, "share the folder");
    assert_error(read_grid(&grid, "report.audio=yes,no", "1", &error), error, "cannot vary");
    assert_error(read_grid(&grid, "model.pooling=mean, max", "1", &error), error, "without blanks");
    assert_error(read_grid(&grid, "train.epochs=1", "-1", &error), error, "run.seed");
    assert_error(read_grid(&grid, "train.epochs=1", ",", &error), error, "names no seed");
    assert_error(read_grid(&grid, "epochs=1,2", "1", &error), error, "expected section.key=a,b,c");
    assert_error(read_grid(&grid, "epochs=0.1", "1", &error), error, "expected section.key=a,b,c");
    assert_error(read_grid(&grid, "train.nothing=1", "1", &error), error, "train.nothing");
}

static bool read_comparison(const char *models, const char *grid_text, const char *more, struct error *error)
{
    struct config *config = config_new();
    struct grid grid;

    config_choose(config, "compare.models", models);
    config_choose(config, "sweep.grid", grid_text);
    bool done = (!more || config_set(config, "test", more, error)) && grid_read(&grid, config, error) &&
                grid_load_experiments(&grid, config, error);
    if (done)
        grid_free(&grid);
    config_free(config);
    return done;
}

static void test_comparisons(void **state)
{
    struct error error = {0};

    (void)state;
    assert_error(read_comparison("a/x.ini b/x.ini", "", NULL, &error), error, "two are called x");
    assert_error(read_comparison("a.ini", "train.epochs=1,2", NULL, &error), error, "exclude each other");
    assert_error(read_comparison("", "train.epochs=1,2", "sweep.folds=yes", &error), error,
                 "the split has no folds");
}

/* More axes than settings fit a sweep. */
static void test_too_many(void **state)
{
    static const char *const keys[] = {"train.epochs", "train.batch_size",
                                       "train.gradient_accumulation_steps"};
    struct config *config = config_new();
    struct grid grid;
    struct error error = {0};
    struct text values = {0}, axes = {0};

    (void)state;
    for (int i = 0; i < 60; i++)
        text_add(&values, "%s%d", i ? "," : "", i + 1);
    for (int k = 0; k < 3; k++)
        text_add(&axes, "%s%s=%s", k ? " " : "sweep.grid=", keys[k], values.text);
    assert_good(config_set(config, "--set", axes.text, &error), error);
    assert_error(grid_read(&grid, config, &error), error, "more than 100000 settings");
    text_free(&values);
    text_free(&axes);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_product), cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_errors), cmocka_unit_test(test_comparisons),
                                       cmocka_unit_test(test_too_many)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
