/* Grids of settings. */
#include "unit.h"

#include "base/grid.h"

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
    assert_int_equal(config_integer(config, "train.batch_size"), 4);
    assert_int_equal(config_integer(config, "run.seed"), 3);
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
    assert_error(read_grid(&grid, "model.pooling=a model.pooling=b", "1", &error), error, "given twice");
    assert_error(read_grid(&grid, "train.epochs=1,many", "1", &error), error, "train.epochs");
    assert_error(read_grid(&grid, "run.name=a,b", "1", &error), error, "cannot vary");
    assert_error(read_grid(&grid, "sweep.jobs=1,2", "1", &error), error, "cannot vary");
    assert_error(read_grid(&grid, "model.pretrained=a/b,a_b", "1", &error), error, "share the folder");
    assert_error(read_grid(&grid, "report.audio=yes,no", "1", &error), error, "cannot vary");
    assert_error(read_grid(&grid, "model.pooling=mean, max", "1", &error), error, "without blanks");
    assert_error(read_grid(&grid, "train.epochs=1", "-1", &error), error, "run.seed");
    assert_error(read_grid(&grid, "train.epochs=1", ",", &error), error, "names no seed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_product), cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_errors)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
