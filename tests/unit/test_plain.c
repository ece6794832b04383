/* The kernels of torch/cpu/ against libtorch's own operations (EMOTRAIN_PLAIN_TORCH): the same inputs and
 * random seeds, results and gradients. */
#include "unit.h"

#include "torch/torch.h"

#include <math.h>

enum { MOST = 60000, MOST_PARTS = 16 };

/* What a case computes: results, then gradients, each a part. */
struct results {
    float numbers[MOST];
    int64_t ends[MOST_PARTS];
    int parts;
};

/* Room for a part of `count` numbers. */
static float *add_part(struct results *results, int64_t count)
{
    const int64_t first = results->parts ? results->ends[results->parts - 1] : 0;

    assert_true(results->parts < MOST_PARTS && first + count <= MOST);
    results->ends[results->parts++] = first + count;
    return results->numbers + first;
}

static void keep(struct et_scope *s, const struct et_tensor *x, struct results *results)
{
    et_read(s, x, add_part(results, et_numel(x)), et_numel(x));
}

/* Normal numbers that need a gradient. */
static struct et_tensor *leaf(struct et_scope *s, int dims, const int64_t *shape, double deviation)
{
    struct et_tensor *x = et_zeros(s, ET_FLOAT32, shape, dims, ET_CPU);

    et_normal_(s, x, 0, deviation);
    et_set_requires_grad_(s, x, true);
    return x;
}

/* Goes backward from y, and keeps y and the leaves' gradients. */
static void keep_all(struct et_scope *s, struct et_tensor *y, struct et_tensor *const *leaves, size_t count,
                     struct results *results)
{
    y = et_to_dtype(s, y, ET_FLOAT32);
    et_backward(s, et_sum(s, et_mul(s, y, et_tanh(s, y))));
    keep(s, y, results);
    for (size_t i = 0; i < count; i++)
        keep(s, et_grad(s, leaves[i]), results);
}

enum { CLIPS = 3, TIME = 37, HEADS = 4, STATES = HEADS * 8 };

static const int64_t LENGTHS[CLIPS] = {TIME, 20, 31};

/* (CLIPS, TIME): true behind a clip's end */
static struct et_tensor *padding(struct et_scope *s)
{
    const int64_t shape[4] = {CLIPS, 1, 1, TIME};
    bool hidden[CLIPS * TIME];

    for (int i = 0; i < CLIPS * TIME; i++)
        hidden[i] = i % TIME >= LENGTHS[i / TIME];
    return et_from_data(s, hidden, ET_BOOL, shape, 4, ET_CPU);
}

static void attend(struct et_scope *s, enum et_dtype dtype, bool packed, double dropout,
                   struct results *results)
{
    const int64_t shape[3] = {CLIPS, TIME, STATES}, rows[3] = {CLIPS, TIME, 1};
    struct et_tensor *leaves[3], *x[3], *hidden = padding(s), *y;

    for (int i = 0; i < 3; i++) {
        leaves[i] = leaf(s, 3, shape, 1);
        x[i] = et_to_dtype(s, leaves[i], dtype);
        if (packed)
            x[i] = et_pack(s, x[i], LENGTHS);
    }
    if (packed)
        y = et_unpack(s, et_attention_packed(s, x[0], x[1], x[2], LENGTHS, CLIPS, HEADS, dropout), LENGTHS,
                      CLIPS, TIME);
    else
        y = et_masked_fill(s, et_attention(s, x[0], x[1], x[2], hidden, HEADS, dropout),
                           et_reshape(s, hidden, rows, 3), 0);
    keep_all(s, y, leaves, 3, results);
}

static void run_attention(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    attend(s, dtype, false, 0, results);
}

static void run_attention_dropped(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    attend(s, dtype, false, 0.3, results);
}

static void run_attention_packed(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    attend(s, dtype, true, 0.3, results);
}

static void run_packing(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t shape[3] = {CLIPS, TIME, STATES};
    struct et_tensor *x = leaf(s, 3, shape, 1), *packed = et_pack(s, et_to_dtype(s, x, dtype), LENGTHS);

    assert_int_equal(et_size(packed, 1), LENGTHS[0] + LENGTHS[1] + LENGTHS[2]);
    keep(s, packed, results);
    keep_all(s, et_unpack(s, packed, LENGTHS, CLIPS, TIME), &x, 1, results);
}

enum { ROWS = 50, IN = 24, OUT = 40 };

/* Three batches through one weight: one more than products are pending at once. */
static void run_linear(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t input[3] = {2, ROWS / 2, IN}, kernel[2] = {OUT, IN}, one[1] = {OUT};
    struct et_tensor *learned[2] = {leaf(s, 2, kernel, 1), leaf(s, 1, one, 1)}, *x = NULL;

    for (int batch = 0; batch < 3; batch++) {
        x = leaf(s, 3, input, 1);
        et_autocast_begin(ET_CPU, dtype);
        struct et_tensor *y = et_linear(s, x, learned[0], learned[1]);
        et_autocast_end();
        keep_all(s, y, &x, 1, results);
    }
    *add_part(results, 1) = (float)et_grad_norm(s, learned, 2);
    keep(s, et_grad(s, learned[0]), results);
    keep(s, et_grad(s, learned[1]), results);
    et_grad_mode(false);
    et_autocast_begin(ET_CPU, dtype);
    keep(s, et_linear(s, x, learned[0], NULL), results);
    et_autocast_end();
    et_grad_mode(true);
}

/* Two batches, the second through a replica of the weight. */
static void run_replica(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t input[2] = {ROWS, IN}, kernel[2] = {OUT, IN};
    struct et_tensor *weight = leaf(s, 2, kernel, 1), *replica = et_gradient_replica(s, weight),
                     *x = leaf(s, 2, input, 1);

    et_replicas_begin(&weight, &replica, 1);
    for (int batch = 0; batch < 2; batch++) {
        et_autocast_begin(ET_CPU, dtype);
        struct et_tensor *y = et_linear(s, x, batch ? replica : weight, NULL);
        et_autocast_end();
        keep_all(s, et_mul_scalar(s, y, 1 + batch), &x, 1, results);
    }
    et_replicas_end(s, &weight, &replica, 1);
    keep(s, et_grad(s, weight), results);
}

static void run_gelu(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t shape[2] = {60, 70};
    struct et_tensor *x = leaf(s, 2, shape, 2);

    keep_all(s, et_transpose(s, et_gelu(s, et_to_dtype(s, x, dtype)), 0, 1), &x, 1, results);
}

/* Where no gradient is recorded. */
static void run_layer_norm_gelu(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t shape[2] = {60, 70}, row[1] = {70};
    struct et_tensor *x = leaf(s, 2, shape, 2), *weight = leaf(s, 1, row, 2), *bias = leaf(s, 1, row, 1);

    et_grad_mode(false);
    keep(s, et_layer_norm_gelu(s, et_to_dtype(s, x, dtype), weight, bias, 1e-5), results);
    et_grad_mode(true);
}

static void run_dropout(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t shape[2] = {70, 101};
    struct et_tensor *x = leaf(s, 2, shape, 1);

    keep_all(s, et_dropout(s, et_transpose(s, et_to_dtype(s, x, dtype), 0, 1), 0.3), &x, 1, results);
}

static void run_add_dropped(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t shape[2] = {70, 101};
    struct et_tensor *leaves[2] = {leaf(s, 2, shape, 1), leaf(s, 2, shape, 1)};

    keep_all(s, et_add_dropped(s, leaves[0], et_to_dtype(s, leaves[1], dtype), 0.1), leaves, 2, results);
}

static void run_grouped_conv(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t input[3] = {2, 12, 21}, kernel[3] = {12, 4, 6}, one[1] = {12};
    struct et_tensor *leaves[3] = {leaf(s, 3, input, 1), leaf(s, 3, kernel, 1), leaf(s, 1, one, 1)};

    et_autocast_begin(ET_CPU, dtype);
    struct et_tensor *y = et_conv1d(s, leaves[0], leaves[1], leaves[2], 1, 3, 3);
    et_autocast_end();
    keep_all(s, y, leaves, 3, results);
}

/* In float32 only. */
static void run_spectrum(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const int64_t shape[3] = {2, 50, 100};
    struct et_tensor *x = leaf(s, 3, shape, 1);

    (void)dtype;
    keep(s, et_power_spectrum(s, et_detach(s, x), 128), results);
    keep_all(s, et_power_spectrum(s, x, 128), &x, 1, results); /* with a gradient */
}

enum { WEIGHTS = 65 * 100 };

/* Three large steps of a linear layer, whose copy in bfloat16 must follow.  A large eps: a gradient near zero
 * makes a small step, whichever sign its rounding has. */
static void train(struct et_scope *s, enum et_dtype dtype, bool eight_bits, struct results *results)
{
    const struct et_adamw_settings settings = {0.9, 0.999, 100, 0.01, eight_bits};
    const int64_t kernel[2] = {65, 100}, input[2] = {ROWS, 100}, one[1] = {65};
    struct et_tensor *learned[2] = {leaf(s, 2, kernel, 1), leaf(s, 1, one, 1)}, *x = leaf(s, 2, input, 1);
    struct error error = {0};
    struct et_adamw *optimizer = et_adamw_new(learned, 2, settings, &error);

    assert_good(optimizer, error);
    et_set_requires_grad_(s, x, false);
    for (int step = 0; step < 3; step++) {
        et_clear_grads(learned, 2);
        et_autocast_begin(ET_CPU, dtype);
        struct et_tensor *y = et_linear(s, x, learned[0], learned[1]);
        et_autocast_end();
        y = et_to_dtype(s, y, ET_FLOAT32);
        et_backward(s, et_sum(s, et_mul(s, y, y)));
        assert_good(et_adamw_step(optimizer, 0.5, 0.5, &error), error);
    }
    keep(s, learned[0], results);
    keep(s, learned[1], results);
    for (int which = 0; which < 2; which++)
        et_adamw_read_moment(s, optimizer, 0, which, add_part(results, WEIGHTS));
    et_adamw_free(optimizer);
}

static void run_adamw(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    train(s, dtype, false, results);
}

static void run_adamw_8bit(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    train(s, dtype, true, results);
}

/* Moments in 8 bits, written and read again. */
static void run_codes(struct et_scope *s, enum et_dtype dtype, struct results *results)
{
    const struct et_adamw_settings settings = {0.9, 0.999, 1e-8, 0, true};
    const int64_t shape[2] = {65, 100};
    struct et_tensor *x = leaf(s, 2, shape, 1);
    static float numbers[WEIGHTS];
    struct error error = {0};
    struct et_adamw *optimizer = et_adamw_new(&x, 1, settings, &error);

    (void)dtype;
    assert_good(optimizer, error);
    et_read(s, x, numbers, WEIGHTS);
    memset(numbers + 256, 0, 256 * sizeof *numbers);
    for (int which = 0; which < 2; which++) {
        for (int i = 0; i < WEIGHTS; i++)
            numbers[i] = which ? numbers[i] * numbers[i] * numbers[i] * numbers[i] : numbers[i];
        et_adamw_write_moment_(s, optimizer, 0, which, numbers);
        et_adamw_read_moment(s, optimizer, 0, which, add_part(results, WEIGHTS));
    }
    et_adamw_free(optimizer);
}

/* How far the numbers of a part may differ, relative to its largest. */
struct operation {
    const char *name;
    void (*run)(struct et_scope *s, enum et_dtype dtype, struct results *results);
    double float32, bfloat16;
};

/* One rounding to bfloat16 is 1 / 512 of a number at most; attention, convolutions and sums of products have
 * several.  What is 0 is the same to the bit. */
static const struct operation OPERATIONS[] = {
    {"attention", run_attention, 1e-5, 0.02},
    {"attention with dropout", run_attention_dropped, 1e-5, 0.02},
    {"packed attention", run_attention_packed, 1e-5, 0.02},
    {"pack and unpack", run_packing, 0, 0},
    {"linear", run_linear, 1e-5, 0.01},
    {"linear by a replica", run_replica, 1e-5, 0.01},
    {"gelu", run_gelu, 1e-5, 0.01},
    {"layer norm and gelu", run_layer_norm_gelu, 1e-5, 0.004},
    {"dropout", run_dropout, 0, 0},
    {"add dropped", run_add_dropped, 0, 0},
    {"grouped convolution", run_grouped_conv, 1e-5, 0.02},
    {"power spectrum", run_spectrum, 1e-5, 1e-5},
    {"AdamW", run_adamw, 1e-5, 0.01},
    {"AdamW in 8 bits", run_adamw_8bit, 0.05, 0.05},
    {"codes of 8 bits", run_codes, 0, 0},
};

static void run_operation(const struct operation *operation, enum et_dtype dtype, bool plain,
                          struct results *results)
{
    struct et_scope *s = et_scope_open(NULL);
    struct error error = {0};

    et_set_plain_torch(plain);
    assert_true(et_use_plain_torch() == plain);
    et_manual_seed(8);
    results->parts = 0;
    operation->run(s, dtype, results);
    assert_good(et_scope_close(s, &error), error);
}

/* How far numbers lie from others at most; the largest of those is put into *largest. */
static double distance(const float *numbers, const float *from, int64_t count, double *largest)
{
    double apart = 0;

    *largest = 0;
    for (int64_t i = 0; i < count; i++) {
        double difference = fabs((double)numbers[i] - (double)from[i]);
        *largest = fmax(*largest, fabs((double)from[i]));
        if (!(difference <= apart)) /* also NaN */
            apart = difference;
    }
    return apart;
}

/* exact: libtorch's numbers in float32.  Close to these is close enough: where the processor has no products
 * in bfloat16, libtorch's own operations round more often than the kernels do. */
static void compare_part(const char *name, int part, const float *kernel, const float *plain,
                         const float *exact, int64_t count, double tolerance)
{
    double largest, most, apart = distance(kernel, plain, count, &largest);
    bool good = apart <= tolerance * largest || distance(kernel, exact, count, &most) <= tolerance * largest;

    if (!(largest > 0 && good))
        fail_msg("%s, part %d: the kernel's numbers and libtorch's differ by %g of the largest", name, part,
                 apart / largest);
}

static void compare(const struct operation *operation, enum et_dtype dtype)
{
    static struct results kernel, plain, exact;
    char name[80];

    snprintf(name, sizeof name, "%s in %s", operation->name, dtype == ET_FLOAT32 ? "float32" : "bfloat16");
    run_operation(operation, dtype, false, &kernel);
    run_operation(operation, dtype, true, &plain);
    run_operation(operation, ET_FLOAT32, true, &exact);
    assert_int_equal(kernel.parts, plain.parts);
    for (int i = 0; i < kernel.parts; i++) {
        int64_t first = i ? kernel.ends[i - 1] : 0, count = kernel.ends[i] - first;
        assert_int_equal(kernel.ends[i], plain.ends[i]);
        compare_part(name, i, kernel.numbers + first, plain.numbers + first, exact.numbers + first, count,
                     dtype == ET_FLOAT32 ? operation->float32 : operation->bfloat16);
    }
}

static void test_kernels_against_libtorch(void **state)
{
    const bool before = et_use_plain_torch();

    (void)state;
    for (size_t i = 0; i < sizeof OPERATIONS / sizeof *OPERATIONS; i++) {
        compare(&OPERATIONS[i], ET_FLOAT32);
        compare(&OPERATIONS[i], ET_BFLOAT16);
    }
    et_set_plain_torch(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels_against_libtorch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
