/* Schedules, the order of clips, batches. */
#include "unit.h"

#include "train/dataset.h"
#include "train/schedule.h"
#include "train/trainer.h"

static void test_schedules(void **state)
{
    struct error error = {0};
    const struct schedule *linear = schedule_find("linear", &error),
                          *cosine = schedule_find("cosine", &error);
    const struct schedule *constant = schedule_find("constant", &error);

    (void)state;
    assert_true(schedule_factor(linear, 0, 0, 576) == 1);
    assert_true(schedule_factor(linear, 288, 0, 576) == 0.5);
    assert_true(schedule_factor(linear, 5, 10, 110) == 0.5);  /* warming up */
    assert_true(schedule_factor(linear, 60, 10, 110) == 0.5); /* half way down */
    assert_true(schedule_factor(cosine, 10, 10, 110) == 1);
    assert_float_equal(schedule_factor(cosine, 60, 10, 110), 0.5, 1e-12);
    assert_true(schedule_factor(constant, 100, 10, 110) == 1);
    assert_error(schedule_find("linaer", &error), error, "there is constant, linear, cosine");
}

static void test_total_steps(void **state)
{
    struct config *config = config_new();

    (void)state;
    assert_int_equal(train_total_steps(config, 1152),
                     576);                             /* the reference: batch 2, accumulate 2, 2 epochs */
    assert_int_equal(train_total_steps(config, 5), 4); /* 3 batches, 2 steps an epoch: the last is short */
    config_choose(config, "train.max_steps", "3");
    assert_int_equal(train_total_steps(config, 1152), 3);
    config_choose(config, "train.epochs", "0");
    config_choose(config, "train.max_steps", "7");
    assert_int_equal(train_total_steps(config, 1152), 7);
    config_free(config);
}

static void check_permutation(const size_t *order, size_t count)
{
    bool *seen = mem_zero(count, sizeof *seen);

    for (size_t i = 0; i < count; i++) {
        assert_true(order[i] < count && !seen[order[i]]);
        seen[order[i]] = true;
    }
    free(seen);
}

static void test_order(void **state)
{
    struct config *config = config_new();
    struct dataset_item items[203];
    struct dataset dataset = {.source = {.config = config}, .items = items, .count = 203};
    size_t a[203], b[203];

    (void)state;
    for (size_t i = 0; i < 203; i++)
        items[i] = (struct dataset_item){.seconds = (double)(i * 37 % 101)};
    dataset_order(&dataset, 1, 0, a);
    dataset_order(&dataset, 1, 1, b);
    check_permutation(a, 203);
    assert_memory_not_equal(a, b, sizeof a); /* epochs differ */
    dataset_order(&dataset, 1, 0, b);
    assert_memory_equal(a, b, sizeof a); /* and repeat */

    config_choose(config, "train.group_by_length", "yes");
    config_choose(config, "train.batch_size", "4");
    dataset_order(&dataset, 1, 0, a);
    check_permutation(a, 203);
    double spread = 0;
    for (size_t i = 0; i + 4 <= 203; i += 4)
        spread += items[a[i]].seconds - items[a[i + 3]].seconds;
    assert_true(spread / 50 < 5); /* of 100; without grouping it is about 60 */

    config_choose(config, "train.group_by_length", "no");
    config_choose(config, "train.shuffle", "no");
    dataset_order(&dataset, 1, 0, a);
    for (size_t i = 0; i < 203; i++)
        assert_int_equal(a[i], i);
    config_free(config);
}

static void test_batch(void **state)
{
    float one[3] = {1, 2, 3}, two[5] = {4, 5, 6, 7, 8};
    const struct signal signals[2] = {{one, 3, 16000}, {two, 5, 16000}};
    const struct model_kind kind = {.input = INPUT_WAVEFORM};
    const struct model model = {.kind = &kind, .minimum_samples = 4};
    struct batch batch;
    struct error error = {0};

    (void)state;
    assert_good(batch_of_signals(&batch, signals, 2, &model, &error), error);
    assert_int_equal(batch.width, 5);
    assert_int_equal(batch.lengths[0], 4); /* lengthened to the minimum */
    assert_int_equal(batch.lengths[1], 5);
    const float expected[10] = {1, 2, 3, 0, 0, 4, 5, 6, 7, 8};
    assert_memory_equal(batch.samples, expected, sizeof expected);
    batch_free(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedules), cmocka_unit_test(test_total_steps),
                                       cmocka_unit_test(test_order), cmocka_unit_test(test_batch)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
