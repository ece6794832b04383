/*
 * Dropout whose random numbers are a function of a seed and the element's place (Philox4x32-7, Salmon,
 * Moraes, Dror and Shaw, 2011).  All threads make them at once, they are the same for any number of threads,
 * and the backward pass makes them again instead of keeping a mask.
 *
 * Replaces: at::dropout, which makes one number after the other on one thread.  EMOTRAIN_PLAIN_TORCH=1 makes
 * the same numbers by libtorch's operations on integers, so that results can be compared; that is slower
 * than at::dropout.
 *
 * Gains: forward and backward of a feed-forward layer's result take a quarter of at::dropout's time, in
 * float32 and in bfloat16 (2).  at::dropout took twice as long as the layer's product in bfloat16 (1).
 *
 * May go: when libtorch's generator on the CPU is counter-based and threaded, as its CUDA generator is.
 */
#include "torch/cpu/kernels.hpp"
#include "torch/cpu/simd.hpp"

#include <ATen/Parallel.h>
#include <cstring>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

using cpu::LANES; /* other LANES would change which elements a seed drops */

enum { ROUNDS = 7, BLOCK = 4 * LANES, BLOCKS_PER_THREAD = 64 /* at least */ };

/* Philox's multipliers and what it adds to its keys. */
const uint32_t FACTORS[2] = {0xD2511F53u, 0xCD9E8D57u}, KEY_STEPS[2] = {0x9E3779B9u, 0xBB67AE85u};

/* The random numbers of block `index`: element BLOCK * index + i gets out[i]. */
SIMD_CLONES void fill_block(uint64_t seed, uint64_t index, uint32_t out[BLOCK])
{
    uint32_t a[LANES] = {}, b[LANES] = {}, c[LANES] = {}, d[LANES] = {};
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);

    for (uint32_t i = 0; i < LANES; i++) {
        a[i] = static_cast<uint32_t>(index);
        b[i] = static_cast<uint32_t>(index >> 32);
        c[i] = i;
        d[i] = 0;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LANES; i++) {
            uint64_t first = static_cast<uint64_t>(a[i]) * FACTORS[0];
            uint64_t second = static_cast<uint64_t>(c[i]) * FACTORS[1];
            a[i] = static_cast<uint32_t>(second >> 32) ^ b[i] ^ key0;
            b[i] = static_cast<uint32_t>(second);
            c[i] = static_cast<uint32_t>(first >> 32) ^ d[i] ^ key1;
            d[i] = static_cast<uint32_t>(first);
        }
        key0 += KEY_STEPS[0];
        key1 += KEY_STEPS[1];
    }
    std::memcpy(out, a, sizeof a);
    std::memcpy(out + LANES, b, sizeof b);
    std::memcpy(out + 2 * LANES, c, sizeof c);
    std::memcpy(out + 3 * LANES, d, sizeof d);
}

/* p as random numbers are compared with it, and 1 / (1 - p). */
struct Drop {
    uint32_t threshold;
    float scale;
};

/* y = x / (1 - p) where the random number is at least p, else 0 */
SIMD_CLONES void drop_float32(const float *x, float *y, int64_t count, const uint32_t *numbers, Drop drop)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = numbers[i] >= drop.threshold ? x[i] * drop.scale : 0.0F;
}

SIMD_CLONES void drop_bf16(const uint16_t *x, uint16_t *y, int64_t count, const uint32_t *numbers, Drop drop)
{
    for (int64_t i = 0; i < count; i++) {
        uint16_t scaled = cpu::round_to_bf16(cpu::widen_bf16(x[i]) * drop.scale);
        y[i] = numbers[i] >= drop.threshold ? scaled : static_cast<uint16_t>(0);
    }
}

/* The same, added to `base`. */
SIMD_CLONES void add_dropped_bf16(const float *base, const uint16_t *x, float *y, int64_t count,
                                  const uint32_t *numbers, Drop drop)
{
    for (int64_t i = 0; i < count; i++) {
        float scaled = cpu::widen_bf16(cpu::round_to_bf16(cpu::widen_bf16(x[i]) * drop.scale));
        y[i] = base[i] + (numbers[i] >= drop.threshold ? scaled : 0.0F);
    }
}

/* The same of numbers that are to be bfloat16. */
SIMD_CLONES void drop_to_bf16(const float *x, uint16_t *y, int64_t count, const uint32_t *numbers, Drop drop)
{
    for (int64_t i = 0; i < count; i++) {
        uint16_t scaled = cpu::round_to_bf16(cpu::widen_bf16(cpu::round_to_bf16(x[i])) * drop.scale);
        y[i] = numbers[i] >= drop.threshold ? scaled : static_cast<uint16_t>(0);
    }
}

/* Calls body(first, length, numbers) for each block of elements. */
template <typename Body> void for_blocks(int64_t count, uint64_t seed, Body body)
{
    at::parallel_for(0, (count + BLOCK - 1) / BLOCK, BLOCKS_PER_THREAD, [&](int64_t begin, int64_t end) {
        uint32_t numbers[BLOCK];
        for (int64_t block = begin; block < end; block++) {
            int64_t first = block * BLOCK;
            fill_block(seed, static_cast<uint64_t>(block), numbers);
            body(first, std::min<int64_t>(BLOCK, count - first), numbers);
        }
    });
}

/* 0 <= p < 1 */
Drop drop_by(double p)
{
    return {static_cast<uint32_t>(p * 4294967296.0), static_cast<float>(1 / (1 - p))};
}

struct Dropout : public torch::autograd::Function<Dropout> {
    static at::Tensor forward(AutogradContext *save, const at::Tensor &x, double p, int64_t seed)
    {
        save->saved_data["p"] = p;
        save->saved_data["seed"] = seed;
        return cpu::drop(x, p, static_cast<uint64_t>(seed));
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        return {cpu::drop(grads[0], save->saved_data["p"].toDouble(),
                          static_cast<uint64_t>(save->saved_data["seed"].toInt())),
                at::Tensor(), at::Tensor()};
    }
};

/* x + dropout(y), x in float32, y in bfloat16 */
struct AddDropped : public torch::autograd::Function<AddDropped> {
    static at::Tensor forward(AutogradContext *save, const at::Tensor &x, const at::Tensor &y, double p,
                              int64_t seed)
    {
        at::Tensor result = at::empty_like(x);
        const Drop drop = drop_by(p);
        const float *base = x.data_ptr<float>();
        const uint16_t *part = static_cast<const uint16_t *>(y.data_ptr());
        float *to = result.data_ptr<float>();

        save->saved_data["p"] = p;
        save->saved_data["seed"] = seed;
        for_blocks(x.numel(), static_cast<uint64_t>(seed),
                   [&](int64_t i, int64_t n, const uint32_t *numbers) {
                       add_dropped_bf16(base + i, part + i, to + i, n, numbers, drop);
                   });
        return result;
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        at::Tensor grad = grads[0].contiguous();
        at::Tensor of_part = at::empty_like(grad, grad.options().dtype(at::kBFloat16));
        const Drop drop = drop_by(save->saved_data["p"].toDouble());
        const uint64_t seed = static_cast<uint64_t>(save->saved_data["seed"].toInt());
        const float *from = grad.data_ptr<float>();
        uint16_t *to = static_cast<uint16_t *>(of_part.data_ptr());

        for_blocks(grad.numel(), seed, [&](int64_t i, int64_t n, const uint32_t *numbers) {
            drop_to_bf16(from + i, to + i, n, numbers, drop);
        });
        return {grad, of_part, at::Tensor(), at::Tensor()};
    }
};

} // namespace

at::Tensor cpu::drop(const at::Tensor &x, double p, uint64_t seed)
{
    at::Tensor from = x.contiguous(), to = at::empty_like(from);
    const Drop drop = drop_by(p);
    const bool is_bf16 = from.scalar_type() == at::kBFloat16;
    const void *source = from.data_ptr();
    void *target = to.data_ptr();

    for_blocks(from.numel(), seed, [&](int64_t i, int64_t n, const uint32_t *numbers) {
        if (is_bf16)
            drop_bf16(static_cast<const uint16_t *>(source) + i, static_cast<uint16_t *>(target) + i, n,
                      numbers, drop);
        else
            drop_float32(static_cast<const float *>(source) + i, static_cast<float *>(target) + i, n, numbers,
                         drop);
    });
    return to;
}

static at::Tensor low_half(const at::Tensor &x)
{
    return at::bitwise_and(x, static_cast<int64_t>(0xFFFFFFFF));
}

static at::Tensor high_half(const at::Tensor &x)
{
    return low_half(at::bitwise_right_shift(x, 32));
}

/* fill_block for all blocks at once, 32 bits in each int64. */
at::Tensor cpu::kept_elements(int64_t count, double p, uint64_t seed)
{
    const int64_t blocks = (count + BLOCK - 1) / BLOCK;
    const auto options = at::TensorOptions().dtype(at::kLong);
    at::Tensor index = at::arange(blocks, options).view({-1, 1}).expand({blocks, LANES});
    at::Tensor a = low_half(index), b = high_half(index),
               c = at::arange(LANES, options).expand({blocks, LANES}),
               d = at::zeros({blocks, LANES}, options);
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);

    for (int round = 0; round < ROUNDS; round++) {
        at::Tensor first = a * static_cast<int64_t>(FACTORS[0]),
                   second = c * static_cast<int64_t>(FACTORS[1]);
        a = at::bitwise_xor(at::bitwise_xor(high_half(second), b), static_cast<int64_t>(key0));
        b = low_half(second);
        c = at::bitwise_xor(at::bitwise_xor(high_half(first), d), static_cast<int64_t>(key1));
        d = low_half(first);
        key0 += KEY_STEPS[0];
        key1 += KEY_STEPS[1];
    }
    return at::cat({a, b, c, d}, 1).view({-1}).narrow(0, 0, count) >=
           static_cast<int64_t>(drop_by(p).threshold);
}

/* In float32, as the kernel's: a factor in bfloat16 would be rounded. */
at::Tensor cpu::drop_by_libtorch(const at::Tensor &x, double p, const at::Tensor &kept)
{
    at::Tensor scaled = (x.to(at::kFloat) * static_cast<double>(drop_by(p).scale)).to(x.scalar_type());

    return scaled.masked_fill(kept.view(x.sizes()).logical_not(), 0);
}

/* Dropout by random_seed, of float32 or bfloat16 on the CPU. */
static at::Tensor drop_with_gradient(const at::Tensor &x, double p)
{
    const int64_t seed = shim::random_seed();

    if (cpu::kernels_take(x))
        return Dropout::apply(x, p, seed);
    return cpu::drop_by_libtorch(x, p, cpu::kept_elements(x.numel(), p, static_cast<uint64_t>(seed)));
}

/* Whether its random numbers are those of random_seed; else they are libtorch's. */
static bool is_ours(const at::Tensor &x, double p)
{
    return x.is_cpu() && p < 1 && cpu::is_float32_or_bf16(x);
}

static bool uses_fused_kernel(const at::Tensor &x, const at::Tensor &y)
{
    return cpu::kernels_take(x) && x.scalar_type() == at::kFloat && y.scalar_type() == at::kBFloat16 &&
           x.sizes() == y.sizes();
}

extern "C" {

struct et_tensor *et_dropout(struct et_scope *scope, const struct et_tensor *x, double p)
{
    return shim::make(scope, "dropout", {x}, [&] {
        return is_ours(x->value, p) ? drop_with_gradient(x->value, p) : at::dropout(x->value, p, true);
    });
}

struct et_tensor *et_add_dropped(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *y,
                                 double p)
{
    return shim::make(scope, "add_dropped", {x, y}, [&] {
        const at::Tensor &base = x->value, &part = y->value;
        if (!is_ours(part, p))
            return at::add(base, at::dropout(part, p, true));
        if (!uses_fused_kernel(base, part))
            return at::add(base, drop_with_gradient(part, p));
        return AddDropped::apply(base.contiguous(), part.contiguous(), p, shim::random_seed());
    });
}
}
