/*
 * Where gradients lie.  A linear layer's products in bfloat16 stay as they are, up to two of them
 * ("pending"), and whoever reads the gradient adds them up in float32 (GradientView).
 *
 * Replaces: autograd's AccumulateGrad, which turns every product into float32 and adds it to one sum.  With
 * two batches a step, no gradient of a linear layer is written and read again between the products and
 * AdamW.
 *
 * Gains: see linear.cpp; not measured alone.
 *
 * May go: with linear.cpp's products in bfloat16.  Autograd does not see pending products: every reader of a
 * gradient must come here.
 */
#include "torch/cpu/rows.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace
{

SIMD_CLONES void add_bf16(float *sum, const uint16_t *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += cpu::widen_bf16(x[i]);
}

SIMD_CLONES double sum_squares(const float *x, int64_t count)
{
    return cpu::sum_in_lanes<double>(
        count, [x](int64_t i) { return static_cast<double>(x[i]) * static_cast<double>(x[i]); });
}

/* In pieces of a fixed size, so that the sum is the same for any number of threads. */
double sum_gradient_squares(const cpu::GradientView &gradient)
{
    const int64_t piece = cpu::GradientView::PIECE, count = gradient.count,
                  pieces = (count + piece - 1) / piece;
    std::vector<double> sums(static_cast<size_t>(pieces));

    at::parallel_for(0, pieces, 4, [&](int64_t begin, int64_t end) {
        float values[cpu::GradientView::PIECE];
        for (int64_t i = begin; i < end; i++) {
            int64_t first = i * piece, length = std::min(piece, count - first);
            sums[static_cast<size_t>(i)] = sum_squares(gradient.read(first, length, values), length);
        }
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

void view_pending(cpu::GradientView &view, const cpu::LinearCache &cache)
{
    for (int i = 0; i < cache.pending; i++)
        view.pending[i] = static_cast<const uint16_t *>(cache.pending_grads[i].data_ptr());
}

} // namespace

const float *cpu::GradientView::read(int64_t first, int64_t length, float *memory) const
{
    if (!pending[0])
        return sum + first;
    if (sum)
        std::memcpy(memory, sum + first, static_cast<size_t>(length) * sizeof *memory);
    (sum ? add_bf16 : widen_row)(memory, pending[0] + first, length);
    if (pending[1])
        add_bf16(memory, pending[1] + first, length);
    return memory;
}

bool cpu::has_gradient(const et_tensor *tensor)
{
    return tensor->value.grad().defined() || (tensor->cache && tensor->cache->pending > 0);
}

bool cpu::view_gradient(const et_tensor *tensor, GradientView &view)
{
    const at::Tensor &sum = tensor->value.grad();

    view = {};
    view.count = tensor->value.numel();
    if (sum.defined() && !sum.is_contiguous())
        settle_gradient(tensor);
    if (sum.defined()) {
        if (!sum.is_cpu() || !sum.is_contiguous() || sum.scalar_type() != at::kFloat)
            return false;
        view.sum = sum.data_ptr<float>();
    }
    if (tensor->cache)
        view_pending(view, *tensor->cache);
    return true;
}

bool cpu::begin_sum(at::Tensor &sum, LinearCache &cache, at::IntArrayRef sizes)
{
    if (sum.defined())
        return false;
    sum = cache.grad_buffer.defined() ? std::move(cache.grad_buffer)
                                      : at::empty(sizes, at::TensorOptions().dtype(at::kFloat));
    return true;
}

void cpu::add_pending(at::Tensor &sum, LinearCache &cache, at::IntArrayRef sizes)
{
    bool first = begin_sum(sum, cache, sizes);

    sum = sum.contiguous();
    GradientView view = {};
    view.sum = first ? nullptr : sum.data_ptr<float>();
    view_pending(view, cache);
    float *to = sum.data_ptr<float>();
    at::parallel_for(0, sum.numel(), GRAIN, [&](int64_t begin, int64_t end) {
        float memory[GradientView::PIECE];
        for (int64_t i = begin; i < end; i += GradientView::PIECE) {
            int64_t length = std::min<int64_t>(GradientView::PIECE, end - i);
            std::memcpy(to + i, view.read(i, length, memory), static_cast<size_t>(length) * sizeof *to);
        }
    });
    cache.pending = 0;
}

void cpu::settle_gradient(const et_tensor *tensor)
{
    at::NoGradGuard guard;
    at::Tensor value = tensor->value; /* a handle: its gradient is not const */

    if (tensor->cache && tensor->cache->pending > 0)
        add_pending(value.mutable_grad(), *tensor->cache, value.sizes());
}

extern "C" {

struct et_tensor *et_grad(struct et_scope *scope, const struct et_tensor *x)
{
    return shim::make(scope, "grad", {x}, [&] {
        cpu::settle_gradient(x);
        const at::Tensor &grad = x->value.grad();
        return grad.defined() ? grad : at::zeros_like(x->value);
    });
}

void et_clear_grads(struct et_tensor *const *tensors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at::Tensor &grad = tensors[i]->value.mutable_grad();
        cpu::LinearCache *cache = tensors[i]->cache.get();
        if (cache && cache->reuse_grad_buffer && grad.defined())
            cache->grad_buffer = std::move(grad);
        if (cache)
            cache->pending = 0; /* the products' memory stays */
        grad = at::Tensor();
    }
}

double et_grad_norm(struct et_scope *scope, struct et_tensor *const *tensors, size_t count)
{
    double squares = 0;
    std::vector<at::Tensor> others; /* a card's, which is waited for once */

    shim::attempt(scope, "grad_norm", {}, [&] {
        for (size_t i = 0; i < count; i++) {
            cpu::GradientView view;
            if (!cpu::has_gradient(tensors[i]))
                continue;
            if (!shim::plain_torch && cpu::view_gradient(tensors[i], view)) {
                squares += sum_gradient_squares(view);
            } else {
                cpu::settle_gradient(tensors[i]);
                others.push_back(tensors[i]->value.grad());
            }
        }
        if (!others.empty())
            squares += at::stack(at::_foreach_norm(others, 2)).to(at::kDouble).square().sum().item<double>();
    });
    return std::sqrt(squares);
}
}
