/*
 * GELU, Hendrycks and Gimpel, 2016, in its exact form x Phi(x), in bfloat16 on the CPU: there are 65536 such
 * numbers, so that the function and its derivative are looked up.
 */
#include "torch/shim.hpp"

#include <ATen/Parallel.h>
#include <cmath>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

/* By the bits of x. */
struct Tables {
    uint16_t value[1 << 16]; /* rounded to bfloat16 */
    float derivative[1 << 16];

    Tables();
};

Tables::Tables()
{
    for (uint32_t bits = 0; bits < 1 << 16; bits++) {
        double x = static_cast<double>(shim::widen(static_cast<uint16_t>(bits)));
        double below = 0.5 * std::erfc(-x * std::sqrt(0.5));                      /* Phi */
        double density = std::exp(-0.5 * x * x) / std::sqrt(2 * std::acos(-1.0)); /* its derivative */
        value[bits] = std::isnan(x * below) ? static_cast<uint16_t>(0x7FC0)
                                            : shim::narrow(static_cast<float>(x * below));
        derivative[bits] = static_cast<float>(std::isinf(x) ? below : below + x * density);
    }
}

const Tables &tables()
{
    static const Tables made;

    return made;
}

at::Tensor value_of(const at::Tensor &x)
{
    at::Tensor y = at::empty_like(x);
    const uint16_t *from = static_cast<const uint16_t *>(x.data_ptr()), *table = tables().value;
    uint16_t *to = static_cast<uint16_t *>(y.data_ptr());

    at::parallel_for(0, x.numel(), shim::GRAIN, [&](int64_t begin, int64_t end) {
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
        return value_of(x);
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        at::Tensor x = save->get_saved_variables()[0], grad = grads[0].to(x.scalar_type()).contiguous();
        at::Tensor result = at::empty_like(grad);
        const uint16_t *points = static_cast<const uint16_t *>(x.data_ptr());
        const uint16_t *from = static_cast<const uint16_t *>(grad.data_ptr());
        uint16_t *to = static_cast<uint16_t *>(result.data_ptr());
        const float *table = tables().derivative;

        at::parallel_for(0, x.numel(), shim::GRAIN, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; i++)
                to[i] = shim::narrow(shim::widen(from[i]) * table[points[i]]);
        });
        return {result};
    }
};

} // namespace

at::Tensor shim::gelu_halves(const at::Tensor &x)
{
    return Gelu::apply(x);
}
