/*
 * Linear layers in training: libtorch's products, without the work that libtorch does around them.
 *
 * Replaces: at::linear with autograd, in float32 and under autocast to bfloat16.  Under autocast libtorch
 * rounds every weight in every forward pass, rounds an input again for each layer that takes it, and makes
 * each weight's gradient in bfloat16, then in float32, then adds that to the former one.  Here a weight
 * keeps its rounded copy, and AdamW brings the copy up to date as it changes the weight; an input keeps its
 * rounded copy; the optimizer reads the products that make a gradient (gradient.cpp); and the next step uses
 * a gradient's memory again.  The numbers are autocast's.
 *
 * Gains: two batches of a feed-forward layer, gradient norm and AdamW take 0.9 of the time in float32, and
 * in bfloat16 without a processor that multiplies it (2).  On one that does, products are several times
 * faster and the share of the rest is larger; not measured alone there.
 *
 * May go: when autocast keeps rounded weights between passes and autograd uses a gradient's memory again.
 */
#include "torch/cpu/kernels.hpp"
#include "torch/cpu/simd.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

/* Adds the product grad' x in float32 to a gradient. */
void add_product(at::Tensor &sum, cpu::LinearCache &cache, const at::Tensor &weight, const at::Tensor &grad,
                 const at::Tensor &x)
{
    if (cpu::begin_sum(sum, cache, weight.sizes()))
        at::mm_out(sum, grad.t(), x);
    else
        sum.addmm_(grad.t(), x);
}

/* Adds grad' x to the weight's gradient.  grad (rows, out), x (rows, in) */
void add_weight_grad(const at::Tensor &weight, cpu::LinearCache &cache, const at::Tensor &grad,
                     const at::Tensor &x)
{
    at::NoGradGuard guard;

    cache.reuse_grad_buffer = true;
    if (grad.scalar_type() == at::kFloat)
        return add_product(weight.mutable_grad(), cache, weight, grad, x);
    if (cache.pending == cpu::LinearCache::MOST_PENDING)
        cpu::add_pending(weight.mutable_grad(), cache, weight.sizes());
    at::Tensor &product = cache.pending_grads[cache.pending];
    if (!product.defined())
        product = at::empty(weight.sizes(), grad.options());
    cpu::multiply(product, grad.t(), x);
    cache.pending++;
}

/* sums[c] = the sum of x[r][c] over rows, for columns begin .. end - 1; x in bfloat16 */
SIMD_CLONES void sum_columns(float *sums, const uint16_t *x, int64_t rows, int64_t columns, int64_t begin,
                             int64_t end)
{
    for (int64_t c = begin; c < end; c++)
        sums[c] = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = begin; c < end; c++)
            sums[c] += cpu::widen_bf16(x[r * columns + c]);
}

/* grad (rows, out) -> the bias' gradient, in float32 */
at::Tensor sum_bias_grad(const at::Tensor &grad)
{
    const int64_t rows = grad.size(0), columns = grad.size(1), block = 256;

    if (grad.scalar_type() != at::kBFloat16 || !grad.is_contiguous())
        return grad.sum(at::IntArrayRef{0}, false, at::kFloat);
    at::Tensor result = at::empty({columns}, grad.options().dtype(at::kFloat));
    float *sums = result.data_ptr<float>();
    const uint16_t *from = static_cast<const uint16_t *>(grad.data_ptr());
    at::parallel_for(0, (columns + block - 1) / block, 1, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; b++)
            sum_columns(sums, from, rows, columns, b * block, std::min(columns, (b + 1) * block));
    });
    return result;
}

/* `used`: the weight itself, or its copy in bfloat16. */
struct Linear : public torch::autograd::Function<Linear> {
    static at::Tensor forward(AutogradContext *save, const at::Tensor &x, const at::Tensor &weight,
                              const at::Tensor &used, const c10::optional<at::Tensor> &bias, bool learned,
                              const c10::intrusive_ptr<cpu::LinearCache> &cache)
    {
        save->save_for_backward({x});
        save->saved_data["weight"] = weight;
        save->saved_data["used"] = used;
        save->saved_data["learned"] = learned;
        save->saved_data["x_learned"] = x.requires_grad();
        save->saved_data["bias_learned"] = bias && bias->requires_grad();
        save->saved_data["cache"] = c10::IValue::make_capsule(cache);
        return cpu::multiply_add(x, used, bias);
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        at::Tensor x = save->get_saved_variables()[0], used = save->saved_data["used"].toTensor();
        at::Tensor grad = grads[0].reshape({-1, used.size(0)});
        at::Tensor x_grad, bias_grad;

        if (save->saved_data["x_learned"].toBool()) {
            x_grad = at::empty(x.sizes(), grad.options());
            cpu::multiply(x_grad.view({-1, used.size(1)}), grad, used);
        }
        if (save->saved_data["bias_learned"].toBool())
            bias_grad = sum_bias_grad(grad);
        if (save->saved_data["learned"].toBool()) {
            auto cache =
                c10::static_intrusive_pointer_cast<cpu::LinearCache>(save->saved_data["cache"].toCapsule());
            add_weight_grad(save->saved_data["weight"].toTensor(), *cache, grad,
                            x.reshape({-1, used.size(1)}));
        }
        return {x_grad, at::Tensor(), at::Tensor(), bias_grad, at::Tensor(), at::Tensor()};
    }
};

/* x in bfloat16: itself, or a copy that stays with it.  With `with_gradient` a gradient passes through. */
at::Tensor bf16_of(const et_tensor *x, bool with_gradient)
{
    bool recorded = with_gradient && x->value.requires_grad() && at::GradMode::is_enabled();

    if (x->value.scalar_type() == at::kBFloat16)
        return x->value;
    cpu::Bf16Copy &copy = *cpu::linear_cache_of(x)->bf16_copy;
    std::lock_guard<std::mutex> lock(copy.mutex);
    if (!copy.value.defined() || copy.version != x->value._version() ||
        copy.value.requires_grad() != recorded) {
        copy.value = (recorded ? x->value : x->value.detach()).to(at::kBFloat16);
        copy.version = x->value._version();
    }
    return copy.value;
}

/* Weights in float32; under autocast to bfloat16, or with inputs in float32. */
bool uses_cpu_kernel(const at::Tensor &x, const at::Tensor &weight, et_dtype precision)
{
    const bool learned = weight.requires_grad() && at::GradMode::is_enabled();

    return cpu::kernels_take(weight) && weight.scalar_type() == at::kFloat &&
           (!learned || weight.is_leaf()) &&
           (precision == ET_BFLOAT16 || (precision == ET_FLOAT32 && x.scalar_type() == at::kFloat));
}

at::Tensor linear_with_kernel(const et_tensor *x, const et_tensor *weight,
                              const c10::optional<at::Tensor> &bias, et_dtype precision)
{
    const bool low = precision == ET_BFLOAT16, recorded = at::GradMode::is_enabled();
    at::Tensor input = low ? bf16_of(x, true) : x->value, used = low ? bf16_of(weight, false) : weight->value;

    at::Tensor result;
    if (!recorded)
        return !low && cpu::linear_packed(result, input, weight, bias) ? result
                                                                       : cpu::multiply_add(input, used, bias);
    return Linear::apply(input, weight->value, used, bias, weight->value.requires_grad(),
                         cpu::linear_cache_of(weight));
}

} // namespace

c10::intrusive_ptr<cpu::LinearCache> cpu::linear_cache_of(const et_tensor *x)
{
    static std::mutex mutex;
    std::lock_guard<std::mutex> lock(mutex);

    if (!x->cache)
        x->cache = c10::make_intrusive<LinearCache>();
    return x->cache;
}

extern "C" struct et_tensor *et_linear(struct et_scope *scope, const struct et_tensor *x,
                                       const struct et_tensor *weight, const struct et_tensor *bias)
{
    return shim::make(scope, "linear", {x, weight}, [&] {
        const at::Tensor &w = weight->value;
        const et_dtype precision = shim::current_autocast().dtype;
        shim::record_product(1, x->value.numel() / w.size(1), w.size(1), w.size(0), x->value.requires_grad(),
                             w.requires_grad());
        return uses_cpu_kernel(x->value, w, precision)
                   ? linear_with_kernel(x, weight, shim::optional(bias), precision)
                   : at::linear(x->value, w, shim::optional(bias));
    });
}
