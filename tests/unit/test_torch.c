/* The shim: plain C17 includes it; scopes, sticky errors, gradients, AdamW, checkpointing. */
#include "unit.h"

#include "torch/torch.h"

#include <math.h>

static struct et_tensor *values(struct et_scope *scope, int64_t rows, int64_t columns)
{
    const int64_t shape[2] = {rows, columns};
    struct et_tensor *x = et_zeros(scope, ET_FLOAT32, shape, 2, ET_CPU);

    et_normal_(scope, x, 0, 1);
    return x;
}

static void test_first_failure_sticks(void **state)
{
    struct et_scope *parent = et_scope_open(NULL), *scope = et_scope_open(parent);
    struct error error = {0};

    (void)state;
    struct et_tensor *a = values(scope, 2, 3), *b = values(scope, 2, 3);
    assert_null(et_matmul(scope, a, b)); /* shapes do not fit */
    assert_null(et_add(scope, a, b));    /* nothing happens any more */
    assert_true(et_scope_failed(scope));
    assert_false(et_scope_close(scope, NULL));
    assert_true(et_scope_failed(parent)); /* the parent fails with it */
    assert_false(et_scope_close(parent, &error));
    assert_non_null(strstr(error.message, "matmul: "));
    assert_null(strstr(error.message, "frame #"));
}

static void test_missing_tensor(void **state)
{
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};

    (void)state;
    assert_null(et_gelu(scope, NULL));
    assert_false(et_scope_close(scope, &error));
    assert_string_equal(error.message, "gelu: a tensor it needs is missing");
}

static void test_keep_outlives_its_scope(void **state)
{
    struct et_scope *parent = et_scope_open(NULL), *scope = et_scope_open(parent);
    struct error error = {0};

    (void)state;
    struct et_tensor *x = et_keep(et_mul_scalar(scope, values(scope, 2, 2), 0), parent);
    assert_true(et_scope_close(scope, &error));
    assert_true(et_item(parent, et_sum(parent, x)) == 0);
    assert_int_equal(et_numel(x), 4);
    assert_int_equal(et_size(x, -1), 2);
    assert_true(et_scope_close(parent, &error));
}

/* A function of a tensor that must be differentiated right: f(scope, x) -> one number. */
typedef struct et_tensor *function(struct et_scope *scope, struct et_tensor *x);

/* Compares autograd's gradient with central differences, in some random elements. */
static void check_gradient(const char *name, function *f, int64_t rows, int64_t columns)
{
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    int64_t count = rows * columns;
    float *base = mem_alloc((size_t)count * sizeof *base),
          *gradient = mem_alloc((size_t)count * sizeof *gradient);

    et_manual_seed(3);
    struct et_tensor *x = values(scope, rows, columns);
    et_read(scope, x, base, count);
    et_set_requires_grad_(scope, x, true);
    et_backward(scope, f(scope, x));
    et_read(scope, et_grad(scope, x), gradient, count);
    et_grad_mode(false);
    for (int64_t i = 0; i < count; i += count / 13 + 1) {
        const float step = 0.02f;
        double around[2];
        for (int side = 0; side < 2; side++) {
            float kept = base[i];
            base[i] += side ? step : -step;
            et_copy_data_(scope, x, base, ET_FLOAT32);
            around[side] = et_item(scope, f(scope, x));
            base[i] = kept;
        }
        double difference = (around[1] - around[0]) / (2 * (double)step);
        if (!(fabs(difference - (double)gradient[i]) < 0.01 + 0.02 * fabs(difference)))
            fail_msg("%s: the gradient of element %lld is %g, by differences %g", name, (long long)i,
                     (double)gradient[i], difference);
    }
    et_grad_mode(true);
    assert_good(et_scope_close(scope, &error), error);
    free(base);
    free(gradient);
}

/* Weighs elements by their position in the transposed tensor, so that gelu's incoming gradient is strided:
 * libtorch 1.13 gets that wrong by itself. */
static struct et_tensor *gelu_transposed(struct et_scope *scope, struct et_tensor *x)
{
    const int64_t rows = et_size(x, 0), columns = et_size(x, 1), shape[2] = {columns, rows};
    float *weights = mem_alloc((size_t)(rows * columns) * sizeof *weights);

    for (int64_t i = 0; i < rows * columns; i++)
        weights[i] = (float)(i % 17) / 17;
    struct et_tensor *w = et_from_data(scope, weights, ET_FLOAT32, shape, 2, ET_CPU);
    free(weights);
    return et_sum(scope, et_mul(scope, et_transpose(scope, et_gelu(scope, x), 0, 1), w));
}

static struct et_tensor *norm_tanh(struct et_scope *scope, struct et_tensor *x)
{
    const int64_t shape[1] = {et_size(x, 1)};
    struct et_tensor *weight = et_zeros(scope, ET_FLOAT32, shape, 1, ET_CPU);
    struct et_tensor *bias = et_zeros(scope, ET_FLOAT32, shape, 1, ET_CPU);

    et_fill_(scope, weight, 1.5);
    x = et_tanh(scope, et_layer_norm(scope, x, weight, bias, 1e-5));
    return et_sum(scope, et_mul(scope, x, et_softmax(scope, x, 1)));
}

/* A convolution, batch norm in training, halving: as the convolutional network has them. */
static struct et_tensor *conv_norm_halve(struct et_scope *scope, struct et_tensor *x)
{
    const int64_t image[4] = {2, 1, et_size(x, 0) / 2, et_size(x, 1)}, kernel[4] = {3, 1, 3, 3},
                  channels[1] = {3};
    float weights[27];
    struct et_tensor *scale = et_zeros(scope, ET_FLOAT32, channels, 1, ET_CPU),
                     *shift = et_zeros(scope, ET_FLOAT32, channels, 1, ET_CPU),
                     *mean = et_zeros(scope, ET_FLOAT32, channels, 1, ET_CPU),
                     *variance = et_zeros(scope, ET_FLOAT32, channels, 1, ET_CPU);

    for (int i = 0; i < 27; i++)
        weights[i] = (float)(i * 7 % 11) / 11 - 0.4f;
    et_fill_(scope, scale, 1.2);
    et_fill_(scope, variance, 1);
    x = et_conv2d(scope, et_reshape(scope, x, image, 4),
                  et_from_data(scope, weights, ET_FLOAT32, kernel, 4, ET_CPU), NULL, 1, 1);
    x = et_halve2d(scope, et_batch_norm(scope, x, scale, shift, mean, variance, true, 0.1, 1e-5));
    return et_sum(scope, et_mul(scope, x, et_tanh(scope, x)));
}

/* A convolution of as many channels as fill a processor's registers. */
static struct et_tensor *wide_conv(struct et_scope *scope, struct et_tensor *x)
{
    enum { IN = 16, OUT = 32 };
    const int64_t image[4] = {1, IN, et_size(x, 0) / IN, et_size(x, 1)}, kernel[4] = {OUT, IN, 3, 3};
    static float weights[OUT * IN * 9];

    for (int i = 0; i < OUT * IN * 9; i++)
        weights[i] = ((float)(i * 7 % 11) / 11 - 0.4f) / 10;
    x = et_conv2d(scope, et_reshape(scope, x, image, 4),
                  et_from_data(scope, weights, ET_FLOAT32, kernel, 4, ET_CPU), NULL, 1, 1);
    return et_sum(scope, et_mul(scope, x, et_tanh(scope, x)));
}

static void test_gradients(void **state)
{
    (void)state;
    check_gradient("gelu before a transpose", gelu_transposed, 64, 96);
    check_gradient("layer norm, tanh, softmax", norm_tanh, 7, 12);
    check_gradient("conv2d", wide_conv, 64, 10);
    check_gradient("conv2d, batch norm, halving", conv_norm_halve, 12, 10);
}

/* A body to checkpoint: dropout and a product, seeded so that it draws the same twice. */
static struct et_tensor *body(void *context, struct et_scope *scope, struct et_tensor *x)
{
    et_manual_seed(11);
    return et_dropout(scope, et_tanh(scope, et_matmul(scope, x, context)), 0.5);
}

static void test_checkpoint_equals_plain(void **state)
{
    float gradients[2][12], weights[2][9];
    struct error error = {0};

    (void)state;
    for (int checkpointed = 0; checkpointed < 2; checkpointed++) {
        struct et_scope *scope = et_scope_open(NULL);
        et_manual_seed(5);
        struct et_tensor *x = values(scope, 4, 3), *w = values(scope, 3, 3);
        et_set_requires_grad_(scope, x, true);
        et_set_requires_grad_(scope, w, true);
        struct et_tensor *y = checkpointed ? et_checkpoint(scope, body, w, x) : body(w, scope, x);
        et_backward(scope, et_sum(scope, et_mul(scope, y, y)));
        et_read(scope, et_grad(scope, x), gradients[checkpointed], 12);
        et_read(scope, et_grad(scope, w), weights[checkpointed], 9);
        assert_good(et_scope_close(scope, &error), error);
    }
    assert_memory_equal(gradients[0], gradients[1], sizeof gradients[0]);
    assert_memory_equal(weights[0], weights[1], sizeof weights[0]);
}

/* AdamW by its definition, in double precision. */
static void test_adamw(void **state)
{
    const struct et_adamw_settings settings = {0.9, 0.999, 1e-8, 0.1, false};
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    double p[6], m[6] = {0}, v[6] = {0};
    float read[6];

    (void)state;
    et_manual_seed(2);
    struct et_tensor *x = values(scope, 2, 3), *idle = values(scope, 1, 1), *both[2] = {x, idle};
    float idle_before = (float)et_item(scope, idle);
    et_read(scope, x, read, 6);
    for (int i = 0; i < 6; i++)
        p[i] = (double)read[i];
    et_set_requires_grad_(scope, x, true);
    struct et_adamw *optimizer = et_adamw_new(both, 2, settings, &error);
    for (int t = 1; t <= 5; t++) {
        et_clear_grads(both, 2);
        et_backward(scope, et_sum(scope, et_mul(scope, x, x)));   /* the gradient is 2 x */
        assert_true(et_adamw_step(optimizer, 0.01, 0.5, &error)); /* scaled by a half: x */
        for (int i = 0; i < 6; i++) {
            double g = p[i];
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            p[i] -= 0.01 * 0.1 * p[i];
            p[i] -= 0.01 * (m[i] / (1 - pow(0.9, t))) / (sqrt(v[i] / (1 - pow(0.999, t))) + 1e-8);
        }
    }
    et_read(scope, x, read, 6);
    for (int i = 0; i < 6; i++)
        assert_float_equal(read[i], (float)p[i], 2e-6f);
    assert_int_equal(et_adamw_steps(optimizer, 0), 5);
    assert_int_equal(et_adamw_steps(optimizer, 1), 0); /* without a gradient: left alone, decay too */
    assert_true((float)et_item(scope, idle) == idle_before);
    et_adamw_free(optimizer);
    assert_good(et_scope_close(scope, &error), error);
}

enum { CODED_ROWS = 65, CODED_COLUMNS = 100, CODED = CODED_ROWS * CODED_COLUMNS };

/* Moves a tensor towards another by `steps` steps; returns the mean squared distance left. */
static double approach(struct et_adamw *optimizer, struct et_tensor *x, const struct et_tensor *target,
                       int steps)
{
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    double left = 0;

    for (int t = 0; t <= steps; t++) {
        struct et_scope *s = et_scope_open(scope);
        struct et_tensor *apart = et_sub(s, x, target), *sum = et_sum(s, et_mul(s, apart, apart));
        left = et_item(s, sum) / CODED;
        et_clear_grads(&x, 1);
        et_backward(s, sum);
        assert_good(et_scope_close(s, &error), error);
        assert_good(t == steps || et_adamw_step(optimizer, 0.02, 1, &error), error);
    }
    assert_good(et_scope_close(scope, &error), error);
    return left;
}

/* Moments in 8 bits: near the exact ones, as good at their work, and unchanged by being read and written
 * again. */
static void test_adamw_in_8_bits(void **state)
{
    struct et_adamw_settings settings = {0.9, 0.999, 1e-8, 0, false};
    struct et_scope *scope = et_scope_open(NULL);
    struct et_tensor *x[2], *target = values(scope, CODED_ROWS, CODED_COLUMNS);
    static float exact[CODED], coded[CODED], again[CODED];
    struct et_adamw *optimizers[2];
    struct error error = {0};

    (void)state;
    for (int k = 0; k < 2; k++) {
        x[k] = et_mul_scalar(scope, target, 0);
        et_set_requires_grad_(scope, x[k], true);
        settings.eight_bits = k == 1;
        optimizers[k] = et_adamw_new(&x[k], 1, settings, &error);
        approach(optimizers[k], x[k], target, 10);
    }
    for (int which = 0; which < 2; which++) {
        et_adamw_read_moment(scope, optimizers[0], 0, which, exact);
        et_adamw_read_moment(scope, optimizers[1], 0, which, coded);
        double apart = 0, size = 0;
        for (int i = 0; i < CODED; i++) {
            apart += pow((double)exact[i] - (double)coded[i], 2);
            size += pow((double)exact[i], 2);
            assert_true(exact[i] == 0 || which == 0 || coded[i] > 0); /* nothing is divided by zero */
        }
        assert_true(apart > 0 && sqrt(apart / size) < 0.1);
        et_adamw_write_moment_(scope, optimizers[1], 0, which, coded);
        et_adamw_read_moment(scope, optimizers[1], 0, which, again);
        assert_memory_equal(coded, again, sizeof coded);
    }
    double left[2];
    for (int k = 0; k < 2; k++) {
        left[k] = approach(optimizers[k], x[k], target, 200);
        et_adamw_free(optimizers[k]);
    }
    assert_true(left[0] < 1e-2 && left[1] < 1.2 * left[0] + 1e-4);
    assert_good(et_scope_close(scope, &error), error);
}

static void test_cross_entropy(void **state)
{
    struct et_scope *scope = et_scope_open(NULL);
    const int64_t shape[2] = {2, 3}, rows[1] = {2}, classes[1] = {3};
    const float logits[6] = {1, 2, 3, 0, 0, 0}, weights[3] = {1, 1, 4};
    const int64_t labels[2] = {2, 0};
    struct error error = {0};

    (void)state;
    struct et_tensor *x = et_from_data(scope, logits, ET_FLOAT32, shape, 2, ET_CPU);
    struct et_tensor *y = et_from_data(scope, labels, ET_INT64, rows, 1, ET_CPU);
    struct et_tensor *w = et_from_data(scope, weights, ET_FLOAT32, classes, 1, ET_CPU);
    double first = -log(exp(3) / (exp(1) + exp(2) + exp(3))), second = log(3);
    assert_true(fabs(et_item(scope, et_cross_entropy_sum(scope, x, y, NULL, 0)) - first - second) < 1e-6);
    assert_true(fabs(et_item(scope, et_cross_entropy_sum(scope, x, y, w, 0)) - 4 * first - second) < 1e-5);
    assert_good(et_scope_close(scope, &error), error);
}

static void test_autocast(void **state)
{
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};

    (void)state;
    et_manual_seed(1);
    struct et_tensor *a = values(scope, 32, 32), *b = values(scope, 32, 32);
    struct et_tensor *exact = et_matmul(scope, a, b);
    et_autocast_begin(ET_CPU, ET_BFLOAT16);
    struct et_tensor *rough = et_to_dtype(scope, et_matmul(scope, a, b), ET_FLOAT32);
    et_autocast_end();
    struct et_tensor *again = et_matmul(scope, a, b), *difference = et_sub(scope, exact, rough);
    double squares = et_item(scope, et_sum(scope, et_mul(scope, difference, difference)));
    assert_true(squares > 1e-4 && squares < 32 * 32 * 0.01); /* rounded to bfloat16, and no worse */
    difference = et_sub(scope, exact, again);
    assert_true(et_item(scope, et_sum(scope, et_mul(scope, difference, difference))) == 0); /* off again */
    assert_good(et_scope_close(scope, &error), error);
}

/* The largest difference of x weight' + bias in inference from the product of its parts. */
static double inference_difference(struct et_scope *scope, const struct et_tensor *x,
                                   const struct et_tensor *weight, const struct et_tensor *bias)
{
    et_inference_begin(ET_CPU, ET_FLOAT32);
    struct et_tensor *y = et_linear(scope, x, weight, bias);
    et_inference_end();
    struct et_tensor *parts = et_matmul(scope, x, et_transpose(scope, weight, 0, 1));
    if (bias)
        parts = et_add(scope, parts, bias);
    struct et_tensor *difference = et_sub(scope, y, parts);
    struct et_tensor *squares = et_reshape(scope, et_mul(scope, difference, difference), (int64_t[]){-1}, 1);
    return sqrt(et_item(scope, et_amax(scope, squares, 0, false)));
}

/* Weights packed for inference are those of the moment, whoever changed them. */
static void test_inference_follows_weights(void **state)
{
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};

    (void)state;
    et_manual_seed(1);
    struct et_tensor *weight = values(scope, 192, 256),
                     *bias = et_narrow(scope, values(scope, 1, 192), 0, 0, 1);
    bias = et_reshape(scope, bias, (int64_t[]){192}, 1);
    et_set_requires_grad_(scope, weight, true);
    struct et_adamw *optimizer =
        et_adamw_new(&weight, 1, (struct et_adamw_settings){0.9, 0.999, 1e-8, 0, false}, &error);
    for (int64_t rows = 1; rows < 2000; rows = rows * 3 + 1) {
        struct et_tensor *x = values(scope, rows, 256);
        assert_true(inference_difference(scope, x, weight, bias) < 2e-4);
        assert_true(inference_difference(scope, x, weight, NULL) < 2e-4);
        et_backward(scope, et_sum(scope, et_linear(scope, x, weight, bias)));
        assert_true(et_adamw_step(optimizer, 0.1, 1, &error));
        assert_true(inference_difference(scope, x, weight, bias) < 2e-4);
        et_copy_(scope, weight, values(scope, 192, 256));
        assert_true(inference_difference(scope, x, weight, bias) < 2e-4);
    }
    assert_true(et_grad_mode(true)); /* as before */
    et_adamw_free(optimizer);
    assert_good(et_scope_close(scope, &error), error);
}

/* Values after dropout by p and their gradients, at so many threads. */
static void drop(int threads, enum et_dtype dtype, double p, float *values_after, float *gradients)
{
    const int64_t shape[1] = {100000};
    struct et_scope *scope = et_scope_open(NULL);
    struct error error = {0};
    struct et_tensor *x = et_zeros(scope, dtype, shape, 1, ET_CPU);
    int before = et_get_threads();

    et_set_threads(threads);
    et_fill_(scope, x, 2);
    et_set_requires_grad_(scope, x, true);
    et_manual_seed(3);
    struct et_tensor *y = et_dropout(scope, x, p);
    et_read(scope, y, values_after, shape[0]);
    et_backward(scope, et_sum(scope, y));
    et_read(scope, et_grad(scope, x), gradients, shape[0]);
    et_set_threads(before);
    assert_good(et_scope_close(scope, &error), error);
}

enum { WIDTH = 32, ROWS = 8, TRAINING_STEPS = 4 };

/* A linear layer by et_linear, or of the operations that it stands for. */
static struct et_tensor *layer(struct et_scope *s, struct et_tensor *x, struct et_tensor *weight,
                               struct et_tensor *bias, bool plain)
{
    if (!plain)
        return et_linear(s, x, weight, bias);
    return et_add(s, et_matmul(s, x, et_transpose(s, weight, 0, 1)), bias);
}

/* Trains two layers, one of them used twice, over two batches a step; gives each step's loss. */
static void train_layers(enum et_dtype precision, bool plain, double losses[TRAINING_STEPS])
{
    const int64_t square[2] = {WIDTH, WIDTH}, row[1] = {WIDTH}, rows[2] = {ROWS, WIDTH};
    const struct et_adamw_settings settings = {0.9, 0.999, 1e-8, 0.01, false};
    struct et_scope *scope = et_scope_open(NULL);
    struct et_tensor *tensors[4] = {
        et_zeros(scope, ET_FLOAT32, square, 2, ET_CPU), et_zeros(scope, ET_FLOAT32, square, 2, ET_CPU),
        et_zeros(scope, ET_FLOAT32, row, 1, ET_CPU), et_zeros(scope, ET_FLOAT32, row, 1, ET_CPU)};
    struct et_tensor *x = et_zeros(scope, ET_FLOAT32, rows, 2, ET_CPU);
    struct error error = {0};

    et_manual_seed(1);
    et_normal_(scope, x, 0, 1);
    for (int i = 0; i < 4; i++) {
        et_normal_(scope, tensors[i], 0, 0.2);
        et_set_requires_grad_(scope, tensors[i], true);
    }
    struct et_adamw *optimizer = et_adamw_new(tensors, 4, settings, &error);
    assert_non_null(optimizer);
    for (int step = 0; step < TRAINING_STEPS; step++) {
        losses[step] = 0;
        et_clear_grads(tensors, 4);
        for (int batch = 0; batch < 2; batch++) {
            struct et_scope *s = et_scope_open(scope);
            et_autocast_begin(ET_CPU, precision);
            struct et_tensor *h =
                et_gelu(s, layer(s, et_mul_scalar(s, x, batch + 1), tensors[0], tensors[2], plain));
            struct et_tensor *y = et_add(s, layer(s, h, tensors[1], tensors[3], plain),
                                         layer(s, h, tensors[0], tensors[2], plain));
            et_autocast_end();
            y = et_to_dtype(s, y, ET_FLOAT32);
            struct et_tensor *loss = et_sum(s, et_mul(s, y, y));
            et_backward(s, loss);
            losses[step] += et_item(s, loss);
            assert_good(et_scope_close(s, &error), error);
        }
        assert_good(et_adamw_step(optimizer, 0.01, 1, &error), error);
    }
    et_adamw_free(optimizer);
    assert_good(et_scope_close(scope, &error), error);
}

/* The kept copies and gradients of et_linear change nothing: not in the first step, and not after the weights
 * have moved. */
static void test_linear_trains_as_its_parts(void **state)
{
    double whole[TRAINING_STEPS], parts[TRAINING_STEPS];

    (void)state;
    train_layers(ET_FLOAT32, false, whole);
    train_layers(ET_FLOAT32, true, parts);
    for (int i = 0; i < TRAINING_STEPS; i++)
        assert_float_equal(whole[i] / parts[i], 1, 1e-5);
    assert_true(whole[TRAINING_STEPS - 1] < whole[0]);
    train_layers(ET_BFLOAT16, false, whole);
    train_layers(ET_BFLOAT16, true, parts);
    for (int i = 0; i < TRAINING_STEPS; i++)
        assert_float_equal(whole[i] / parts[i], 1, 4e-3); /* bfloat16 has 8 bits */
}

/* Batches of ever other lengths, more than products are kept of: each linear layer's result in bfloat16 is
 * float32's but for rounding, as is the gradient of what went in. */
static void test_products_of_many_sizes(void **state)
{
    enum { MOST_ROWS = 300, IN = 24, OUT = 10 };
    const int64_t kernel[2] = {OUT, IN}, one[1] = {OUT};
    static float results[2][2][MOST_ROWS * IN];
    struct error error = {0};

    (void)state;
    for (int64_t rows = 1; rows <= MOST_ROWS; rows++) {
        const int64_t input[2] = {rows, IN};
        for (int low = 0; low < 2; low++) {
            struct et_scope *s = et_scope_open(NULL);
            et_manual_seed((uint64_t)rows);
            struct et_tensor *x = et_zeros(s, ET_FLOAT32, input, 2, ET_CPU);
            struct et_tensor *w = et_zeros(s, ET_FLOAT32, kernel, 2, ET_CPU);
            struct et_tensor *b = et_zeros(s, ET_FLOAT32, one, 1, ET_CPU);
            et_normal_(s, x, 0, 1);
            et_normal_(s, w, 0, 1);
            et_normal_(s, b, 0, 1);
            et_set_requires_grad_(s, x, true);
            et_autocast_begin(ET_CPU, low ? ET_BFLOAT16 : ET_FLOAT32);
            struct et_tensor *y = et_linear(s, x, w, b);
            et_autocast_end();
            y = et_to_dtype(s, y, ET_FLOAT32);
            et_backward(s, et_sum(s, y));
            et_read(s, y, results[low][0], rows * OUT);
            et_read(s, et_grad(s, x), results[low][1], rows * IN);
            assert_good(et_scope_close(s, &error), error);
        }
        for (int64_t i = 0; i < rows * OUT; i++)
            assert_float_equal(results[1][0][i], results[0][0][i], 0.15);
        for (int64_t i = 0; i < rows * IN; i++)
            assert_float_equal(results[1][1][i], results[0][1][i], 0.15);
    }
}

/* What libtorch's own operations may be off by more than our kernels: on processors without products in
 * bfloat16 they round each sum. */
static double plain_rounding(float value)
{
    return et_use_plain_torch() ? 0.05 * fabs((double)value) : 0;
}

/* The grouped convolution in bfloat16, and its gradients, are those of float32 but for rounding. */
static void test_grouped_convolution(void **state)
{
    enum { BATCH = 2, CHANNELS = 12, GROUPS = 3, TIME = 21, KERNEL = 6 };
    const int64_t input[3] = {BATCH, CHANNELS, TIME}, kernel[3] = {CHANNELS, CHANNELS / GROUPS, KERNEL},
                  one[1] = {CHANNELS};
    float results[2][3][BATCH * CHANNELS * (TIME + 1)];
    struct error error = {0};

    (void)state;
    for (int low = 0; low < 2; low++) {
        struct et_scope *s = et_scope_open(NULL);
        struct et_tensor *x = et_zeros(s, ET_FLOAT32, input, 3, ET_CPU);
        struct et_tensor *w = et_zeros(s, ET_FLOAT32, kernel, 3, ET_CPU);
        struct et_tensor *b = et_zeros(s, ET_FLOAT32, one, 1, ET_CPU);
        et_manual_seed(2);
        et_normal_(s, x, 0, 1);
        et_normal_(s, w, 0, 1);
        et_normal_(s, b, 0, 1);
        et_set_requires_grad_(s, x, true);
        et_set_requires_grad_(s, w, true);
        et_autocast_begin(ET_CPU, low ? ET_BFLOAT16 : ET_FLOAT32);
        struct et_tensor *y = et_conv1d(s, x, w, b, 1, KERNEL / 2, GROUPS);
        et_autocast_end();
        assert_int_equal(et_size(y, 2), TIME + 1);
        y = et_to_dtype(s, y, ET_FLOAT32);
        et_backward(s, et_sum(s, et_mul(s, y, et_tanh(s, y))));
        et_read(s, y, results[low][0], et_numel(y));
        et_read(s, et_grad(s, x), results[low][1], et_numel(x));
        et_read(s, et_grad(s, w), results[low][2], et_numel(w));
        assert_good(et_scope_close(s, &error), error);
    }
    const int counts[3] = {BATCH * CHANNELS * (TIME + 1), BATCH * CHANNELS * TIME,
                           CHANNELS * CHANNELS / GROUPS * KERNEL};
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < counts[k]; i++)
            assert_float_equal(results[1][k][i], results[0][k][i],
                               (k == 2 ? 0.5 : 0.15) + plain_rounding(results[0][k][i]));
}

/* A 3 x 3 convolution's result and gradients, as the convolutional network takes them. */
static void convolve(int64_t in, int64_t out, bool input_learns, enum et_dtype precision, float *results[3])
{
    const int64_t image[4] = {2, in, 9, 7}, kernel[4] = {out, in, 3, 3};
    struct et_scope *s = et_scope_open(NULL);
    struct error error = {0};

    et_manual_seed(2);
    struct et_tensor *x = et_zeros(s, ET_FLOAT32, image, 4, ET_CPU),
                     *w = et_zeros(s, ET_FLOAT32, kernel, 4, ET_CPU);
    et_normal_(s, x, 0, 1);
    et_normal_(s, w, 0, 0.1);
    et_set_requires_grad_(s, x, input_learns);
    et_set_requires_grad_(s, w, true);
    et_autocast_begin(ET_CPU, precision);
    struct et_tensor *y = et_conv2d(s, et_channels_last(s, x), w, NULL, 1, 1);
    et_autocast_end();
    y = et_to_dtype(s, y, ET_FLOAT32);
    et_backward(s, et_sum(s, et_mul(s, y, et_tanh(s, y))));
    et_read(s, y, results[0], et_numel(y));
    et_read(s, et_grad(s, w), results[1], et_numel(w));
    if (input_learns)
        et_read(s, et_grad(s, x), results[2], et_numel(x));
    assert_good(et_scope_close(s, &error), error);
}

/* Convolutions in bfloat16, and their gradients, are those of float32 but for rounding, whatever the
 * channels. */
static void test_convolution_in_bfloat16(void **state)
{
    enum { MOST = 24, SIZE = MOST * MOST * 9 };
    static const int64_t channels[] = {1, 6, 8, 15, 16, MOST};
    static float room[2][3][SIZE];
    float *exact[3] = {room[0][0], room[0][1], room[0][2]}, *low[3] = {room[1][0], room[1][1], room[1][2]};

    (void)state;
    for (int i = 0; i < 6 * 6 * 2; i++) {
        const int64_t in = channels[i / 2 % 6], out = channels[i / 12];
        memset(room, 0, sizeof room);
        convolve(in, out, i % 2, ET_FLOAT32, exact);
        convolve(in, out, i % 2, ET_BFLOAT16, low);
        for (int k = 0; k < 3; k++) {
            double apart = 0, size = 0;
            for (int e = 0; e < SIZE; e++) {
                apart += pow((double)low[k][e] - (double)exact[k][e], 2);
                size += pow((double)exact[k][e], 2);
            }
            if (!(apart <= size * 0.02 * 0.02))
                fail_msg("%lld channels to %lld, result %d: %g apart", (long long)in, (long long)out, k,
                         sqrt(apart / size));
        }
    }
}

static void test_dropout(void **state)
{
    enum { COUNT = 100000 };
    float *y = mem_zero(COUNT, sizeof *y), *grad = mem_zero(COUNT, sizeof *grad),
          *again = mem_zero(COUNT, sizeof *again);
    const enum et_dtype types[] = {ET_FLOAT32, ET_BFLOAT16};

    (void)state;
    for (int k = 0; k < 2; k++) {
        size_t dropped = 0, pairs = 0;
        drop(1, types[k], 0.2, y, grad);
        for (size_t i = 0; i < COUNT; i++) {
            assert_true(y[i] == 0 || fabsf(y[i] - 2.5F) < 0.01F);
            assert_true((y[i] == 0) == (grad[i] == 0)); /* the backward pass drops the same */
            assert_true(grad[i] == 0 || fabsf(grad[i] - 1.25F) < 0.01F);
            dropped += y[i] == 0;
            pairs += i > 0 && y[i] == 0 && y[i - 1] == 0;
        }
        assert_in_range(dropped, 19500, 20500); /* four standard deviations are 506 */
        assert_in_range(pairs, 3700, 4300);     /* neighbours are independent */
        drop(2, types[k], 0.2, again, grad);
        assert_memory_equal(y, again, COUNT * sizeof *y);
    }
    free(y);
    free(grad);
    free(again);
}

/* Attention by et_attention, or of the operations that it stands for; what comes out and the gradients. */
enum { CLIPS = 2, TIMES = 19, HEADS = 3, STATES = HEADS * 8, ATTENDED = CLIPS * TIMES * STATES };

static struct et_tensor *attention_by_parts(struct et_scope *s, struct et_tensor *const x[3],
                                            struct et_tensor *hidden, double p)
{
    const int64_t split[4] = {CLIPS, TIMES, HEADS, STATES / HEADS}, whole[3] = {CLIPS, TIMES, STATES};
    struct et_tensor *h[3];

    for (int i = 0; i < 3; i++)
        h[i] = et_transpose(s, et_reshape(s, x[i], split, 4), 1, 2);
    struct et_tensor *scores = et_matmul(s, h[0], et_transpose(s, h[1], 2, 3));
    scores = et_mul_scalar(s, scores, 1 / sqrt((double)STATES / HEADS));
    scores = et_softmax(s, et_masked_fill(s, scores, hidden, -INFINITY), 3);
    if (p > 0)
        scores = et_dropout(s, scores, p);
    return et_reshape(s, et_transpose(s, et_matmul(s, scores, h[2]), 1, 2), whole, 3);
}

static void attend(enum et_dtype dtype, bool parts, double p, float results[4][ATTENDED])
{
    const int64_t shape[3] = {CLIPS, TIMES, STATES}, keys[4] = {CLIPS, 1, 1, TIMES};
    struct et_scope *s = et_scope_open(NULL);
    struct error error = {0};
    struct et_tensor *leaves[3], *x[3];
    bool padding[CLIPS * TIMES] = {false};

    for (int t = 13; t < TIMES; t++)
        padding[TIMES + t] = true; /* the second clip is shorter */
    et_manual_seed(4);
    for (int i = 0; i < 3; i++) {
        leaves[i] = et_zeros(s, ET_FLOAT32, shape, 3, ET_CPU);
        et_normal_(s, leaves[i], 0, 1);
        et_set_requires_grad_(s, leaves[i], true);
        x[i] = et_to_dtype(s, leaves[i], dtype);
    }
    struct et_tensor *hidden = et_from_data(s, padding, ET_BOOL, keys, 4, ET_CPU);
    et_manual_seed(5);
    struct et_tensor *y =
        parts ? attention_by_parts(s, x, hidden, p) : et_attention(s, x[0], x[1], x[2], hidden, HEADS, p);
    y = et_to_dtype(s, y, ET_FLOAT32);
    et_backward(s, et_sum(s, et_mul(s, y, et_tanh(s, y))));
    et_read(s, y, results[3], ATTENDED);
    for (int i = 0; i < 3; i++)
        et_read(s, et_grad(s, leaves[i]), results[i], ATTENDED);
    assert_good(et_scope_close(s, &error), error);
}

/* Clips without their padding, and with it hidden: the same numbers and gradients. */
static void attend_clips(bool packed, float results[2][ATTENDED])
{
    const int64_t shape[3] = {CLIPS, TIMES, STATES}, keys[4] = {CLIPS, 1, 1, TIMES},
                  lengths[CLIPS] = {TIMES, 13}, rows[3] = {CLIPS, TIMES, 1};
    struct et_scope *s = et_scope_open(NULL);
    struct error error = {0};
    bool padding[CLIPS * TIMES] = {false};

    for (int t = 13; t < TIMES; t++)
        padding[TIMES + t] = true;
    et_manual_seed(4);
    struct et_tensor *x = et_zeros(s, ET_FLOAT32, shape, 3, ET_CPU);
    et_normal_(s, x, 0, 1);
    et_set_requires_grad_(s, x, true);
    struct et_tensor *hidden = et_from_data(s, padding, ET_BOOL, keys, 4, ET_CPU), *y;
    if (packed) {
        struct et_tensor *p = et_pack(s, x, lengths);
        assert_int_equal(et_size(p, 1), TIMES + 13);
        y = et_unpack(s, et_attention_packed(s, p, p, p, lengths, CLIPS, HEADS, 0), lengths, CLIPS, TIMES);
    } else {
        y = et_attention(s, x, x, x, hidden, HEADS, 0);
    }
    y = et_masked_fill(s, y, et_reshape(s, hidden, rows, 3), 0);
    et_backward(s, et_sum(s, et_mul(s, y, et_tanh(s, y))));
    et_read(s, y, results[0], ATTENDED);
    et_read(s, et_grad(s, x), results[1], ATTENDED);
    assert_good(et_scope_close(s, &error), error);
}

static void test_packed_attention(void **state)
{
    static float packed[2][ATTENDED], padded[2][ATTENDED];

    (void)state;
    attend_clips(true, packed);
    attend_clips(false, padded);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < ATTENDED; i++)
            assert_float_equal(packed[k][i], padded[k][i], 1e-5);
}

/* Two passes through one weight at the same time: gradients as of one after the other. */
static void test_twins(void **state)
{
    const int64_t shape[2] = {4, 3}, rows[2] = {5, 3};
    float expected[12], found[12], replica_holds[12];
    struct et_scope *s = et_scope_open(NULL);
    struct error error = {0};

    (void)state;
    for (int low = 0; low < 2; low++) {
        et_manual_seed(6);
        struct et_tensor *w = et_zeros(s, ET_FLOAT32, shape, 2, ET_CPU),
                         *x = et_zeros(s, ET_FLOAT32, rows, 2, ET_CPU);
        et_normal_(s, w, 0, 1);
        et_normal_(s, x, 0, 1);
        et_set_requires_grad_(s, w, true);
        struct et_tensor *replica = et_gradient_replica(s, w);
        for (int apart = 0; apart < 2; apart++) {
            et_replicas_begin(&w, &replica, 1);
            for (int pass = 0; pass < 3; pass++) { /* of bfloat16, one more than wait together */
                et_autocast_begin(ET_CPU, low ? ET_BFLOAT16 : ET_FLOAT32);
                struct et_tensor *y = et_linear(s, x, apart && pass > 0 ? replica : w, NULL);
                et_autocast_end();
                et_backward(s, et_mul_scalar(s, et_sum(s, et_to_dtype(s, y, ET_FLOAT32)), pass + 1));
            }
            et_replicas_end(s, &w, &replica, 1);
            et_read(s, et_grad(s, w), apart ? found : expected, 12);
            et_read(s, et_grad(s, replica), replica_holds, 12);
            for (int i = 0; i < 12; i++)
                assert_true(replica_holds[i] == 0);
            et_clear_grads(&w, 1);
        }
        for (int i = 0; i < 12; i++)
            assert_float_equal(found[i], expected[i], 1e-5);
        assert_true(expected[0] != 0);
    }
    assert_good(et_scope_close(s, &error), error);
}

static void test_attention_is_its_parts(void **state)
{
    static float whole[4][ATTENDED], parts[4][ATTENDED];

    (void)state;
    for (int low = 0; low < 2; low++)
        for (int dropped = 0; dropped < 2; dropped++) {
            attend(low ? ET_BFLOAT16 : ET_FLOAT32, false, dropped * 0.3, whole);
            attend(low ? ET_BFLOAT16 : ET_FLOAT32, true, dropped * 0.3, parts);
            for (int k = 0; k < 4; k++)
                for (int i = 0; i < ATTENDED; i++)
                    assert_float_equal(whole[k][i], parts[k][i], low ? 0.06 : 1e-5);
        }
}

/* In bfloat16 GELU is looked up: what it gives, and its gradient, are the exact ones but for rounding. */
static void test_gelu_in_bfloat16(void **state)
{
    enum { COUNT = 4001 };
    const int64_t shape[1] = {COUNT};
    float points[COUNT], values[2][COUNT], gradients[2][COUNT];
    struct error error = {0};

    (void)state;
    for (int i = 0; i < COUNT; i++)
        points[i] = (float)(i - COUNT / 2) / 256; /* -7.8 .. 7.8 */
    for (int low = 0; low < 2; low++) {
        struct et_scope *s = et_scope_open(NULL);
        struct et_tensor *x = et_from_data(s, points, ET_FLOAT32, shape, 1, ET_CPU);
        x = et_to_dtype(s, et_to_dtype(s, x, ET_BFLOAT16), ET_FLOAT32);
        et_set_requires_grad_(s, x, true);
        struct et_tensor *y = et_gelu(s, low ? et_to_dtype(s, x, ET_BFLOAT16) : x);
        et_backward(s, et_sum(s, et_to_dtype(s, y, ET_FLOAT32)));
        et_read(s, et_to_dtype(s, y, ET_FLOAT32), values[low], COUNT);
        et_read(s, et_grad(s, x), gradients[low], COUNT);
        assert_good(et_scope_close(s, &error), error);
    }
    for (int i = 0; i < COUNT; i++) {
        double extra = 1e-6 + (et_use_plain_torch() ? 4e-3 : 0);
        assert_float_equal(values[1][i], values[0][i], fabsf(values[0][i]) / 256 + extra);
        assert_float_equal(gradients[1][i], gradients[0][i], fabsf(gradients[0][i]) / 256 + extra);
    }
}

/* Where no gradient is recorded, layer norm and GELU are one pass. */
static void test_layer_norm_gelu(void **state)
{
    enum { ROWS_OF = 5, WIDE = 37, ALL = ROWS_OF * WIDE };
    const int64_t shape[2] = {ROWS_OF, WIDE}, row[1] = {WIDE};
    float whole[ALL], parts[ALL];
    struct error error = {0};

    (void)state;
    for (int low = 0; low < 2; low++) {
        struct et_scope *s = et_scope_open(NULL);
        struct et_tensor *x = et_zeros(s, ET_FLOAT32, shape, 2, ET_CPU),
                         *weight = et_zeros(s, ET_FLOAT32, row, 1, ET_CPU),
                         *bias = et_zeros(s, ET_FLOAT32, row, 1, ET_CPU);
        et_manual_seed(7);
        et_normal_(s, x, 3, 2);
        et_normal_(s, weight, 0, 2);
        et_normal_(s, bias, 0, 1);
        x = et_to_dtype(s, x, low ? ET_BFLOAT16 : ET_FLOAT32);
        struct et_tensor *y = et_layer_norm_gelu(s, x, weight, bias, 1e-5);
        et_read(s, et_to_dtype(s, y, ET_FLOAT32), whole, ALL);
        et_read(s, et_gelu(s, et_layer_norm(s, x, weight, bias, 1e-5)), parts, ALL);
        assert_good(et_scope_close(s, &error), error);
        for (int i = 0; i < ALL; i++)
            assert_float_equal(whole[i], parts[i], low ? fabsf(parts[i]) / 256 + 1e-5F : 3e-6F);
    }
}

/* x + dropout(y) in one pass is exactly what it is in two. */
static void test_add_dropped(void **state)
{
    enum { COUNT = 1000 };
    const int64_t shape[1] = {COUNT};
    const enum et_dtype types[] = {ET_FLOAT32, ET_BFLOAT16};
    float values[2][COUNT], gradients[2][COUNT];
    struct error error = {0};

    (void)state;
    for (int k = 0; k < 2; k++) {
        for (int parts = 0; parts < 2; parts++) {
            struct et_scope *s = et_scope_open(NULL);
            struct et_tensor *x = et_zeros(s, ET_FLOAT32, shape, 1, ET_CPU);
            struct et_tensor *y = et_zeros(s, ET_FLOAT32, shape, 1, ET_CPU);
            et_manual_seed(6);
            et_normal_(s, x, 0, 1);
            et_normal_(s, y, 0, 1);
            et_set_requires_grad_(s, y, true);
            struct et_tensor *part = et_to_dtype(s, y, types[k]);
            struct et_tensor *z =
                parts ? et_add(s, x, et_dropout(s, part, 0.2)) : et_add_dropped(s, x, part, 0.2);
            et_backward(s, et_sum(s, et_mul(s, z, z)));
            et_read(s, z, values[parts], COUNT);
            et_read(s, et_grad(s, y), gradients[parts], COUNT);
            assert_good(et_scope_close(s, &error), error);
        }
        assert_memory_equal(values[0], values[1], sizeof values[0]);
        assert_memory_equal(gradients[0], gradients[1], sizeof gradients[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_failure_sticks),
        cmocka_unit_test(test_missing_tensor),
        cmocka_unit_test(test_keep_outlives_its_scope),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_checkpoint_equals_plain),
        cmocka_unit_test(test_adamw),
        cmocka_unit_test(test_adamw_in_8_bits),
        cmocka_unit_test(test_cross_entropy),
        cmocka_unit_test(test_autocast),
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_add_dropped),
        cmocka_unit_test(test_layer_norm_gelu),
        cmocka_unit_test(test_gelu_in_bfloat16),
        cmocka_unit_test(test_attention_is_its_parts),
        cmocka_unit_test(test_packed_attention),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_linear_trains_as_its_parts),
        cmocka_unit_test(test_inference_follows_weights),
        cmocka_unit_test(test_products_of_many_sizes),
        cmocka_unit_test(test_grouped_convolution),
        cmocka_unit_test(test_convolution_in_bfloat16),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
