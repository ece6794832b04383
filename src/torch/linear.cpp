/*
 * Linear layers in float32 on the CPU: each product is cut into one piece for each of OpenMP's threads, which
 * BLAS then multiplies alone.  Left to itself BLAS keeps threads of its own beside OpenMP's; on every product
 * one pool waits for the other, and products of few rows take up to twice as long.  Other products (bfloat16,
 * CUDA) are libtorch's.
 */
#include "torch/shim.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

namespace
{

const int64_t SMALLEST_PIECE = 128; /* columns */

/* a (n, k) times b (k, m) -> (n, m), cut along m, or along n where that is longer. */
at::Tensor product(const at::Tensor &a, const at::Tensor &b)
{
    at::Tensor out = at::empty({a.size(0), b.size(1)}, a.options());
    bool by_rows = a.size(0) > b.size(1);
    int64_t length = by_rows ? a.size(0) : b.size(1);
    int64_t pieces = std::min<int64_t>(at::get_num_threads(), length / SMALLEST_PIECE);

    if (pieces < 2)
        return at::mm_out(out, a, b);
    at::parallel_for(0, pieces, 1, [&](int64_t begin, int64_t end) {
        at::NoGradGuard no_grad; /* of this thread */
        int64_t first = length * begin / pieces, last = length * end / pieces;
        at::Tensor piece = out.narrow(by_rows ? 0 : 1, first, last - first);
        if (by_rows)
            at::mm_out(piece, a.narrow(0, first, last - first), b);
        else
            at::mm_out(piece, a, b.narrow(1, first, last - first));
    });
    return out;
}

struct Linear : public torch::autograd::Function<Linear> {
    static at::Tensor forward(torch::autograd::AutogradContext *save, at::Tensor x, at::Tensor weight,
                              c10::optional<at::Tensor> bias)
    {
        std::vector<int64_t> shape = x.sizes().vec();
        at::Tensor rows = x.reshape({-1, x.size(-1)});

        save->save_for_backward({rows, weight});
        save->saved_data["has_bias"] = bias.has_value();
        shape.back() = weight.size(0);
        at::Tensor y = product(rows, weight.t());
        if (bias)
            y.add_(*bias);
        return y.view(shape);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *save,
                                                   torch::autograd::variable_list grads)
    {
        torch::autograd::variable_list saved = save->get_saved_variables();
        const at::Tensor &rows = saved[0], &weight = saved[1];
        at::Tensor grad = grads[0].reshape({-1, weight.size(0)}), x_grad, weight_grad, bias_grad;
        std::vector<int64_t> shape = grads[0].sizes().vec();

        shape.back() = weight.size(1);
        if (save->needs_input_grad(0))
            x_grad = product(grad, weight).view(shape);
        if (save->needs_input_grad(1))
            weight_grad = product(grad.t(), rows);
        if (save->saved_data["has_bias"].toBool() && save->needs_input_grad(2))
            bias_grad = grad.sum(0);
        return {x_grad, weight_grad, bias_grad};
    }
};

} // namespace

extern "C" struct et_tensor *et_linear(struct et_scope *scope, const struct et_tensor *x,
                                       const struct et_tensor *weight, const struct et_tensor *bias)
{
    return shim::make(scope, "linear", {x, weight}, [&]() -> at::Tensor {
        c10::optional<at::Tensor> b =
            bias ? c10::optional<at::Tensor>(bias->value) : c10::optional<at::Tensor>();
        bool ours = shim::current_autocast().dtype == ET_FLOAT32 && x->value.is_cpu() &&
                    x->value.scalar_type() == at::kFloat && weight->value.scalar_type() == at::kFloat &&
                    weight->value.dim() == 2 && x->value.size(-1) == weight->value.size(1);
        if (!ours)
            return at::linear(x->value, weight->value, b);
        return Linear::apply(x->value, weight->value, b);
    });
}
