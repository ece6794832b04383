/*
 * GELU, Hendrycks and Gimpel, 2016, in its exact form x Phi(x), in bfloat16.  There are 65536 such numbers,
 * so that the function and its derivative are looked up.
 *
 * Replaces: at::gelu.
 *
 * Gains: forward and backward of a feed-forward layer's result take 0.7 of the time with two threads, a
 * third to a half with one (2).
 *
 * May go: when libtorch's is as fast in bfloat16.
 */
#include "torch/cpu/kernels.hpp"
#include "torch/cpu/simd.hpp"
#include "torch/version.hpp"

#include <ATen/Parallel.h>
#include <cmath>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

/* By the bits of x. */
struct Tables {
    uint16_t value[1 << 16]; /* bfloat16 */
    float derivative[1 << 16];

    Tables();
};

Tables::Tables()
{
    for (uint32_t bits = 0; bits < 1 << 16; bits++) {
        double x = static_cast<double>(cpu::widen_bf16(static_cast<uint16_t>(bits)));
        double below = 0.5 * std::erfc(-x * std::sqrt(0.5));                      /* Phi */
        double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::acos(-1.0)); /* its derivative */
        value[bits] = std::isnan(x * below) ? static_cast<uint16_t>(0x7FC0)
                                            : cpu::round_to_bf16(static_cast<float>(x * below));
        derivative[bits] = static_cast<float>(std::isinf(x) ? below : below + x * density);
    }
}

const Tables &gelu_tables()
{
    static const Tables tables;

    return tables;
}

at::Tensor look_up_gelu(const at::Tensor &x)
{
    at::Tensor y = at::empty_like(x);
    const uint16_t *from = static_cast<const uint16_t *>(x.data_ptr()), *table = gelu_tables().value;
    uint16_t *to = static_cast<uint16_t *>(y.data_ptr());

    at::parallel_for(0, x.numel(), cpu::GRAIN, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; i++)
            to[i] = table[from[i]];
    });
    return y;
}

struct Gelu : public torch::autograd::Function<Gelu> {
    static at::Tensor forward(AutogradContext *save, at::Tensor x)
    {
        x = x.contiguous();
        save->save_for_backward({x});
        return look_up_gelu(x);
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        at::Tensor x = save->get_saved_variables()[0], grad = grads[0].to(x.scalar_type()).contiguous();
        at::Tensor result = at::empty_like(grad);
        const uint16_t *points = static_cast<const uint16_t *>(x.data_ptr());
        const uint16_t *from = static_cast<const uint16_t *>(grad.data_ptr());
        uint16_t *to = static_cast<uint16_t *>(result.data_ptr());
        const float *table = gelu_tables().derivative;

        at::parallel_for(0, x.numel(), cpu::GRAIN, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++)
                to[i] = cpu::round_to_bf16(cpu::widen_bf16(from[i]) * table[points[i]]);
        });
        return {result};
    }
};

bool uses_cpu_kernel(const at::Tensor &x)
{
    return cpu::kernels_take(x) && x.scalar_type() == at::kBFloat16;
}

} // namespace

extern "C" struct et_tensor *et_gelu(struct et_scope *scope, const struct et_tensor *x)
{
    return shim::make(scope, "gelu", {x}, [&] {
        return uses_cpu_kernel(x->value) ? Gelu::apply(x->value) : version::gelu(x->value);
    });
}
