/*
 * Linear layers on the CPU: libtorch's products, without what it does around them in training.
 *
 * Under autocast to bfloat16, libtorch rounds every weight in every forward pass, rounds an input again for
 * each layer that takes it in, and makes each weight's gradient in bfloat16, then in float32, then adds that
 * to the former one.  Here a weight's rounded copy stays with it, and AdamW brings it up to date as it moves
 * the weight; an input's rounded copy stays with the input; and the product that makes a gradient is what the
 * optimizer reads (gradient.cpp), in memory that is used again in the next step.  The numbers are autocast's.
 */
#include "torch/shim.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

/* Adds the product grad' x in float32 to a gradient. */
void add_product(at::Tensor &sum, shim::Companion &companion, const at::Tensor &weight,
                 const at::Tensor &grad, const at::Tensor &x)
{
    if (shim::begin_sum(sum, companion, weight.sizes()))
        at::mm_out(sum, grad.t(), x);
    else
        sum.addmm_(grad.t(), x);
}

/* Adds grad' x to the weight's gradient.  grad (rows, out), x (rows, in) */
void add_weight_grad(at::Tensor weight, shim::Companion &companion, const at::Tensor &grad,
                     const at::Tensor &x)
{
    at::NoGradGuard guard;

    companion.keeps_sum = true;
    if (grad.scalar_type() == at::kFloat)
        return add_product(weight.mutable_grad(), companion, weight, grad, x);
    if (companion.waiting == 2)
        shim::add_up(weight.mutable_grad(), companion, weight.sizes());
    at::Tensor &product = companion.products[companion.waiting];
    if (!product.defined())
        product = at::empty(weight.sizes(), grad.options());
    shim::multiply(product, grad.t(), x);
    companion.waiting++;
}

/* sums[c] = the sum of x[r][c] over rows, for columns begin .. end - 1 */
WIDE_LOOP void sum_columns(float *sums, const uint16_t *x, int64_t rows, int64_t columns, int64_t begin,
                           int64_t end)
{
    for (int64_t c = begin; c < end; c++)
        sums[c] = 0;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = begin; c < end; c++)
            sums[c] += shim::widen(x[r * columns + c]);
}

/* grad (rows, out) -> the bias' gradient, in float32 */
at::Tensor bias_gradient(const at::Tensor &grad)
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

struct Linear : public torch::autograd::Function<Linear> {
    static at::Tensor forward(AutogradContext *save, at::Tensor x, at::Tensor weight, at::Tensor used,
                              c10::optional<at::Tensor> bias, bool learned,
                              c10::intrusive_ptr<shim::Companion> companion)
    {
        save->save_for_backward({x});
        save->saved_data["weight"] = weight;
        save->saved_data["used"] = used;
        save->saved_data["learned"] = learned;
        save->saved_data["x_learned"] = x.requires_grad();
        save->saved_data["bias_learned"] = bias && bias->requires_grad();
        save->saved_data["companion"] = c10::IValue::make_capsule(companion);
        return shim::linear(x, used, bias);
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        at::Tensor x = save->get_saved_variables()[0], used = save->saved_data["used"].toTensor();
        at::Tensor grad = grads[0].reshape({-1, used.size(0)});
        at::Tensor x_grad, bias_grad;

        if (save->saved_data["x_learned"].toBool()) {
            x_grad = at::empty(x.sizes(), grad.options());
            shim::multiply(x_grad.view({-1, used.size(1)}), grad, used);
        }
        if (save->saved_data["bias_learned"].toBool())
            bias_grad = bias_gradient(grad);
        if (save->saved_data["learned"].toBool()) {
            auto companion = c10::static_intrusive_pointer_cast<shim::Companion>(
                save->saved_data["companion"].toCapsule());
            add_weight_grad(save->saved_data["weight"].toTensor(), *companion, grad,
                            x.reshape({-1, used.size(1)}));
        }
        return {x_grad, at::Tensor(), at::Tensor(), bias_grad, at::Tensor(), at::Tensor()};
    }
};

} // namespace

c10::intrusive_ptr<shim::Companion> shim::companion_of(const et_tensor *x)
{
    static std::mutex mutex;
    std::lock_guard<std::mutex> lock(mutex);

    if (!x->companion)
        x->companion = c10::make_intrusive<Companion>();
    return x->companion;
}

/* The tensor in `type`: itself or a copy that stays with it, and that a gradient passes through. */
static at::Tensor rounded(const et_tensor *x, at::ScalarType type, bool with_gradient)
{
    bool recorded = with_gradient && x->value.requires_grad() && at::GradMode::is_enabled();

    if (x->value.scalar_type() == type)
        return x->value;
    shim::Rounded &kept = *shim::companion_of(x)->rounded;
    std::lock_guard<std::mutex> lock(kept.mutex);
    if (!kept.copy.defined() || kept.version != x->value._version() || kept.copy.scalar_type() != type ||
        kept.copy.requires_grad() != recorded) {
        kept.copy = recorded ? x->value.to(type) : x->value.detach().to(type);
        kept.version = x->value._version();
    }
    return kept.copy;
}

extern "C" struct et_tensor *et_linear(struct et_scope *scope, const struct et_tensor *x,
                                       const struct et_tensor *weight, const struct et_tensor *bias)
{
    return shim::make(scope, "linear", {x, weight}, [&] {
        const at::Tensor &w = weight->value;
        et_dtype precision = shim::current_autocast().dtype;
        at::ScalarType type = shim::scalar_type(precision);
        c10::optional<at::Tensor> b = shim::optional(bias);
        bool learned = w.requires_grad() && at::GradMode::is_enabled();
        shim::record_product(1, x->value.numel() / w.size(1), w.size(1), w.size(0), x->value.requires_grad(),
                             w.requires_grad());
        if (!w.is_cpu() || w.scalar_type() != at::kFloat ||
            (precision != ET_FLOAT32 && precision != ET_BFLOAT16) || (learned && !w.is_leaf()) ||
            (precision == ET_FLOAT32 && x->value.scalar_type() != at::kFloat))
            return at::linear(x->value, w, b);
        at::Tensor input = rounded(x, type, true), used = rounded(weight, type, false);
        if (!at::GradMode::is_enabled())
            return shim::linear(input, used, b);
        return Linear::apply(input, w, used, b, learned, shim::companion_of(weight));
    });
}
