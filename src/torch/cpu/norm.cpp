/*
 * Layer norm, Ba, Kiros and Hinton, 2016; and with GELU after it, in one pass over memory where no gradient
 * is recorded: between the convolutions of a frozen feature encoder, where rows are many and short,
 * libtorch's passes take as long as the products.
 */
#include "torch/cpu/rows.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <cmath>
#include <vector>

using shim::LANES;

namespace
{

/* x Phi(x), erf by Abramowitz and Stegun, 7.1.26: within 1.5e-7 */
inline __attribute__((always_inline)) float gelu(float x)
{
    float u = std::fabs(x) * 0.70710678F, t = 1 / (1 + 0.3275911F * u), series = 1.061405429F;

    series = series * t - 1.453152027F;
    series = series * t + 1.421413741F;
    series = series * t - 0.284496736F;
    series = series * t + 0.254829592F;
    float above = 0.5F * series * t * shim::exp_negative(-u * u); /* 1 - Phi(|x|) */
    return x * (x < 0 ? above : 1 - above);
}

/* Sums over a row, in lanes, whose order is fixed. */
template <typename Value>
inline __attribute__((always_inline)) float sum_row(const float *row, int64_t count, Value value)
{
    float lanes[LANES] = {0}, sum = 0;
    int64_t i = 0;

    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += value(row[i + k]);
    for (; i < count; i++)
        sum += value(row[i]);
    for (float lane : lanes)
        sum += lane;
    return sum;
}

WIDE_LOOP void norm_gelu_row(float *row, const float *weight, const float *bias, int64_t count, float eps)
{
    const float mean = sum_row(row, count, [](float x) { return x; }) / static_cast<float>(count);
    const float squares = sum_row(row, count, [mean](float x) { return (x - mean) * (x - mean); });
    const float scale = 1 / std::sqrt(squares / static_cast<float>(count) + eps);

    for (int64_t i = 0; i < count; i++)
        row[i] = gelu((row[i] - mean) * scale * weight[i] + bias[i]);
}

at::Tensor norm_gelu(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias, double eps)
{
    at::Tensor from = x.contiguous(), to = at::empty_like(from);
    const int64_t width = weight.numel(), count = from.numel() / width;
    const shim::Rows source(from.view({count, width})), target(to.view({count, width}));
    const float *scales = weight.data_ptr<float>(), *shifts = bias.data_ptr<float>();

    at::parallel_for(0, count, shim::rows_per_thread(width), [&](int64_t begin, int64_t end) {
        std::vector<float> row(static_cast<size_t>(width));
        for (int64_t r = begin; r < end; r++) {
            source.read(r, row.data());
            norm_gelu_row(row.data(), scales, shifts, width, static_cast<float>(eps));
            target.write(r, row.data());
        }
    });
    return to;
}

bool fuses(const at::Tensor &x, const at::Tensor &weight, const at::Tensor &bias)
{
    bool recorded =
        at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad());

    return !recorded && x.is_cpu() && weight.scalar_type() == at::kFloat && weight.is_contiguous() &&
           bias.is_contiguous() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
}

} // namespace

extern "C" {

struct et_tensor *et_layer_norm(struct et_scope *scope, const struct et_tensor *x,
                                const struct et_tensor *weight, const struct et_tensor *bias, double eps)
{
    return shim::make(scope, "layer_norm", {x, weight, bias}, [&] {
        return at::layer_norm(x->value.to(weight->value.scalar_type()), weight->value.sizes(), weight->value,
                              bias->value, eps);
    });
}

struct et_tensor *et_layer_norm_gelu(struct et_scope *scope, const struct et_tensor *x,
                                     const struct et_tensor *weight, const struct et_tensor *bias, double eps)
{
    if (scope->failed || !x || !weight || !bias || !fuses(x->value, weight->value, bias->value))
        return et_gelu(scope, et_layer_norm(scope, x, weight, bias, eps));
    return shim::make(scope, "layer_norm_gelu", {x, weight, bias},
                      [&] { return norm_gelu(x->value, weight->value, bias->value, eps); });
}
}
