/*
 * Where gradients lie.  libtorch keeps one float32 sum per tensor.  A linear layer's products in bfloat16 are
 * kept as they are, up to two of them, and added up in float32 by whoever reads the gradient: with two
 * batches a step, nothing of a gradient is written and read again between the products and AdamW.
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

WIDE_LOOP void add_halves(float *sum, const uint16_t *x, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sum[i] += shim::widen(x[i]);
}

/* In lanes, so that it is exact enough and its order is fixed. */
WIDE_LOOP double sum_squares(const float *x, int64_t count)
{
    enum { LANES = 16 };
    double sums[LANES] = {0}, sum = 0;
    int64_t i = 0;

    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            sums[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
    for (; i < count; i++)
        sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    for (double lane : sums)
        sum += lane;
    return sum;
}

/* Added up in pieces of set size, so that it is the same for any number of threads. */
double sum_of_squares(const shim::Gradient &gradient)
{
    const int64_t piece = shim::Gradient::PIECE, count = gradient.count, pieces = (count + piece - 1) / piece;
    std::vector<double> sums(static_cast<size_t>(pieces));

    at::parallel_for(0, pieces, 4, [&](int64_t begin, int64_t end) {
        float values[shim::Gradient::PIECE];
        for (int64_t i = begin; i < end; i++) {
            int64_t first = i * piece, length = std::min(piece, count - first);
            sums[static_cast<size_t>(i)] = sum_squares(gradient.read(first, length, values), length);
        }
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/* Adds the products that wait to the float32 sum. */
void settle(const et_tensor *tensor)
{
    at::NoGradGuard guard;
    at::Tensor value = tensor->value; /* a handle: its gradient is not const */
    shim::Companion *companion = tensor->companion.get();

    if (!companion || companion->waiting == 0)
        return;
    shim::add_up(value.mutable_grad(), *companion, value.sizes());
}

} // namespace

const float *shim::Gradient::read(int64_t first, int64_t length, float *memory) const
{
    if (!halves[0])
        return sum + first;
    if (sum)
        std::memcpy(memory, sum + first, static_cast<size_t>(length) * sizeof *memory);
    (sum ? add_halves : widen_row)(memory, halves[0] + first, length);
    if (halves[1])
        add_halves(memory, halves[1] + first, length);
    return memory;
}

bool shim::has_gradient(const et_tensor *tensor)
{
    return tensor->value.grad().defined() || (tensor->companion && tensor->companion->waiting > 0);
}

bool shim::plain_gradient(const et_tensor *tensor, Gradient &gradient)
{
    const at::Tensor &sum = tensor->value.grad();
    const Companion *companion = tensor->companion.get();

    gradient = {};
    gradient.count = tensor->value.numel();
    if (sum.defined() && !sum.is_contiguous())
        settle(tensor);
    if (sum.defined()) {
        if (!sum.is_cpu() || !sum.is_contiguous() || sum.scalar_type() != at::kFloat)
            return false;
        gradient.sum = sum.data_ptr<float>();
    }
    for (int i = 0; companion && i < companion->waiting; i++)
        gradient.halves[i] = static_cast<const uint16_t *>(companion->products[i].data_ptr());
    return true;
}

bool shim::begin_sum(at::Tensor &sum, Companion &companion, at::IntArrayRef sizes)
{
    if (sum.defined())
        return false;
    sum = companion.spare_sum.defined() ? std::move(companion.spare_sum)
                                        : at::empty(sizes, at::TensorOptions().dtype(at::kFloat));
    return true;
}

void shim::add_up(at::Tensor &sum, Companion &companion, at::IntArrayRef sizes)
{
    bool first = begin_sum(sum, companion, sizes);

    sum = sum.contiguous();
    Gradient gradient = {};
    gradient.sum = first ? nullptr : sum.data_ptr<float>();
    for (int i = 0; i < companion.waiting; i++)
        gradient.halves[i] = static_cast<const uint16_t *>(companion.products[i].data_ptr());
    float *to = sum.data_ptr<float>();
    at::parallel_for(0, sum.numel(), GRAIN, [&](int64_t begin, int64_t end) {
        float memory[Gradient::PIECE];
        for (int64_t i = begin; i < end; i += Gradient::PIECE) {
            int64_t length = std::min<int64_t>(Gradient::PIECE, end - i);
            std::memcpy(to + i, gradient.read(i, length, memory), static_cast<size_t>(length) * sizeof *to);
        }
    });
    companion.waiting = 0;
}

extern "C" {

struct et_tensor *et_grad(struct et_scope *scope, const struct et_tensor *x)
{
    return shim::make(scope, "grad", {x}, [&] {
        settle(x);
        const at::Tensor &grad = x->value.grad();
        return grad.defined() ? grad : at::zeros_like(x->value);
    });
}

void et_clear_grads(struct et_tensor *const *tensors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        at::Tensor &grad = tensors[i]->value.mutable_grad();
        shim::Companion *companion = tensors[i]->companion.get();
        if (companion && companion->keeps_sum && grad.defined())
            companion->spare_sum = std::move(grad);
        if (companion)
            companion->waiting = 0; /* their memory stays */
        grad.reset();
    }
}

double et_grad_norm(struct et_scope *scope, struct et_tensor *const *tensors, size_t count)
{
    double squares = 0;

    shim::attempt(scope, "grad_norm", {}, [&] {
        for (size_t i = 0; i < count; i++) {
            shim::Gradient gradient;
            if (!shim::has_gradient(tensors[i]))
                continue;
            if (shim::plain_gradient(tensors[i], gradient)) {
                squares += sum_of_squares(gradient);
            } else {
                double norm = tensors[i]->value.grad().norm().item<double>();
                squares += norm * norm;
            }
        }
    });
    return std::sqrt(squares);
}
}
