/*
 * Dropout whose draws are a function of a seed and the element's place (Philox4x32-7, Salmon, Moraes, Dror
 * and Shaw, 2011): they are made by all threads at once, are the same for any number of threads, and are made
 * again in the backward pass instead of being kept.  libtorch's own draws one number after the other on one
 * thread: for what a feed-forward's product gives, twice as long as that product in bfloat16 on two cores.
 */
#include "torch/shim.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <cstring>
#include <torch/csrc/autograd/custom_function.h>

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

at::Tensor drop_tensor(const at::Tensor &x, double p, uint64_t seed)
{
    at::Tensor from = x.contiguous(), to = at::empty_like(from);
    const Drop drop = {static_cast<uint32_t>(p * 4294967296.0), static_cast<float>(1 / (1 - p))};
    const int64_t count = from.numel();
    const bool halves = from.scalar_type() == at::kBFloat16;
    const void *source = from.data_ptr();
    void *target = to.data_ptr();

    at::parallel_for(0, (count + BLOCK - 1) / BLOCK, GRAIN, [&](int64_t begin, int64_t end) {
        uint32_t draws[BLOCK];
        for (int64_t block = begin; block < end; block++) {
            int64_t first = block * BLOCK, length = std::min<int64_t>(BLOCK, count - first);
            draw_block(seed, static_cast<uint64_t>(block), draws);
            if (halves)
                drop_halves(static_cast<const uint16_t *>(source) + first,
                            static_cast<uint16_t *>(target) + first, length, draws, drop);
            else
                drop_floats(static_cast<const float *>(source) + first, static_cast<float *>(target) + first,
                            length, draws, drop);
        }
    });
    return to;
}

struct Dropout : public torch::autograd::Function<Dropout> {
    static at::Tensor forward(torch::autograd::AutogradContext *save, at::Tensor x, double p, int64_t seed)
    {
        save->saved_data["p"] = p;
        save->saved_data["seed"] = seed;
        return drop_tensor(x, p, static_cast<uint64_t>(seed));
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *save,
                                                   torch::autograd::variable_list grads)
    {
        return {drop_tensor(grads[0], save->saved_data["p"].toDouble(),
                            static_cast<uint64_t>(save->saved_data["seed"].toInt())),
                at::Tensor(), at::Tensor()};
    }
};

/* From the generator that et_manual_seed sets. */
int64_t draw_seed()
{
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    std::lock_guard<std::mutex> lock(generator.mutex());

    return static_cast<int64_t>(generator.get<at::CPUGeneratorImpl>()->random64());
}

} // namespace

extern "C" struct et_tensor *et_dropout(struct et_scope *scope, const struct et_tensor *x, double p)
{
    return shim::make(scope, "dropout", {x}, [&] {
        at::ScalarType type = x->value.scalar_type();
        if (!x->value.is_cpu() || p >= 1 || (type != at::kFloat && type != at::kBFloat16))
            return at::dropout(x->value, p, true);
        return Dropout::apply(x->value, p, draw_seed());
    });
}
