/*
 * Dropout whose draws are a function of a seed and the element's place (Philox4x32-7, Salmon, Moraes, Dror
 * and Shaw, 2011): they are made by all threads at once, are the same for any number of threads, and are made
 * again in the backward pass instead of being kept.  libtorch's own draws one number after the other on one
 * thread: for what a feed-forward's product gives, twice as long as that product in bfloat16 on two cores.
 */
#include "torch/shim.hpp"

#include <ATen/Parallel.h>
#include <cstring>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

enum { ROUNDS = 7, LANES = 16, BLOCK = 4 * LANES, GRAIN = 64 /* blocks per thread at least */ };

/* The draws of block `index`: element BLOCK * index + i gets out[i]. */
WIDE_LOOP void draw_block(uint64_t seed, uint64_t index, uint32_t out[BLOCK])
{
    uint32_t a[LANES], b[LANES], c[LANES], d[LANES];
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);

    for (uint32_t i = 0; i < LANES; i++) {
        a[i] = static_cast<uint32_t>(index);
        b[i] = static_cast<uint32_t>(index >> 32);
        c[i] = i;
        d[i] = 0;
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LANES; i++) {
            uint64_t first = static_cast<uint64_t>(a[i]) * 0xD2511F53u;
            uint64_t second = static_cast<uint64_t>(c[i]) * 0xCD9E8D57u;
            a[i] = static_cast<uint32_t>(second >> 32) ^ b[i] ^ key0;
            b[i] = static_cast<uint32_t>(second);
            c[i] = static_cast<uint32_t>(first >> 32) ^ d[i] ^ key1;
            d[i] = static_cast<uint32_t>(first);
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    std::memcpy(out, a, sizeof a);
    std::memcpy(out + LANES, b, sizeof b);
    std::memcpy(out + 2 * LANES, c, sizeof c);
    std::memcpy(out + 3 * LANES, d, sizeof d);
}

/* p as draws are compared with it, and 1 / (1 - p). */
struct Drop {
    uint32_t threshold;
    float scale;
};

/* y = x / (1 - p) where the draw is at least p, else 0 */
WIDE_LOOP void drop_floats(const float *x, float *y, int64_t count, const uint32_t *draws, Drop drop)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = draws[i] >= drop.threshold ? x[i] * drop.scale : 0.0F;
}

WIDE_LOOP void drop_halves(const uint16_t *x, uint16_t *y, int64_t count, const uint32_t *draws, Drop drop)
{
    for (int64_t i = 0; i < count; i++) {
        uint16_t scaled = shim::narrow(shim::widen(x[i]) * drop.scale);
        y[i] = draws[i] >= drop.threshold ? scaled : static_cast<uint16_t>(0);
    }
}

/* The same, added to `base`. */
WIDE_LOOP void add_halves(const float *base, const uint16_t *x, float *y, int64_t count,
                          const uint32_t *draws, Drop drop)
{
    for (int64_t i = 0; i < count; i++) {
        float scaled = shim::widen(shim::narrow(shim::widen(x[i]) * drop.scale));
        y[i] = base[i] + (draws[i] >= drop.threshold ? scaled : 0.0F);
    }
}

/* The same of numbers that are to be bfloat16. */
WIDE_LOOP void drop_to_halves(const float *x, uint16_t *y, int64_t count, const uint32_t *draws, Drop drop)
{
    for (int64_t i = 0; i < count; i++) {
        uint16_t scaled = shim::narrow(shim::widen(shim::narrow(x[i])) * drop.scale);
        y[i] = draws[i] >= drop.threshold ? scaled : static_cast<uint16_t>(0);
    }
}

/* Calls body(first, length, draws) for each block of elements. */
template <typename Body> void for_blocks(int64_t count, uint64_t seed, Body body)
{
    at::parallel_for(0, (count + BLOCK - 1) / BLOCK, GRAIN, [&](int64_t begin, int64_t end) {
        uint32_t draws[BLOCK];
        for (int64_t block = begin; block < end; block++) {
            int64_t first = block * BLOCK;
            draw_block(seed, static_cast<uint64_t>(block), draws);
            body(first, std::min<int64_t>(BLOCK, count - first), draws);
        }
    });
}

Drop drop_by(double p)
{
    return {static_cast<uint32_t>(p * 4294967296.0), static_cast<float>(1 / (1 - p))};
}

struct Dropout : public torch::autograd::Function<Dropout> {
    static at::Tensor forward(AutogradContext *save, at::Tensor x, double p, int64_t seed)
    {
        save->saved_data["p"] = p;
        save->saved_data["seed"] = seed;
        return shim::drop(x, p, static_cast<uint64_t>(seed));
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        return {shim::drop(grads[0], save->saved_data["p"].toDouble(),
                           static_cast<uint64_t>(save->saved_data["seed"].toInt())),
                at::Tensor(), at::Tensor()};
    }
};

/* x + dropout(y), x in float32, y in bfloat16 */
struct AddDropped : public torch::autograd::Function<AddDropped> {
    static at::Tensor forward(AutogradContext *save, at::Tensor x, at::Tensor y, double p, int64_t seed)
    {
        at::Tensor result = at::empty_like(x);
        const Drop drop = drop_by(p);
        const float *base = x.data_ptr<float>();
        const uint16_t *part = static_cast<const uint16_t *>(y.data_ptr());
        float *to = result.data_ptr<float>();

        save->saved_data["p"] = p;
        save->saved_data["seed"] = seed;
        for_blocks(x.numel(), static_cast<uint64_t>(seed), [&](int64_t i, int64_t n, const uint32_t *draws) {
            add_halves(base + i, part + i, to + i, n, draws, drop);
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

        for_blocks(grad.numel(), seed, [&](int64_t i, int64_t n, const uint32_t *draws) {
            drop_to_halves(from + i, to + i, n, draws, drop);
        });
        return {grad, of_part, at::Tensor(), at::Tensor()};
    }
};

} // namespace

at::Tensor shim::drop(const at::Tensor &x, double p, uint64_t seed)
{
    at::Tensor from = x.contiguous(), to = at::empty_like(from);
    const Drop drop = drop_by(p);
    const bool halves = from.scalar_type() == at::kBFloat16;
    const void *source = from.data_ptr();
    void *target = to.data_ptr();

    for_blocks(from.numel(), seed, [&](int64_t i, int64_t n, const uint32_t *draws) {
        if (halves)
            drop_halves(static_cast<const uint16_t *>(source) + i, static_cast<uint16_t *>(target) + i, n,
                        draws, drop);
        else
            drop_floats(static_cast<const float *>(source) + i, static_cast<float *>(target) + i, n, draws,
                        drop);
    });
    return to;
}

static bool drops_here(const at::Tensor &x, double p)
{
    return x.is_cpu() && p < 1 && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

extern "C" {

struct et_tensor *et_dropout(struct et_scope *scope, const struct et_tensor *x, double p)
{
    return shim::make(scope, "dropout", {x}, [&] {
        if (!drops_here(x->value, p))
            return at::dropout(x->value, p, true);
        return Dropout::apply(x->value, p, shim::draw_seed());
    });
}

struct et_tensor *et_add_dropped(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *y,
                                 double p)
{
    return shim::make(scope, "add_dropped", {x, y}, [&] {
        const at::Tensor &base = x->value, &part = y->value;
        if (!drops_here(part, p))
            return at::add(base, at::dropout(part, p, true));
        if (!base.is_cpu() || base.scalar_type() != at::kFloat || part.scalar_type() != at::kBFloat16 ||
            base.sizes() != part.sizes())
            return at::add(base, Dropout::apply(part, p, shim::draw_seed()));
        return AddDropped::apply(base.contiguous(), part.contiguous(), p, shim::draw_seed());
    });
}
}
