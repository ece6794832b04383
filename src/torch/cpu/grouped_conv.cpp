/*
 * Convolutions over time with groups, such as wav2vec 2.0's positional one (128 wide, 16 groups), in
 * bfloat16: as products of patches, one per group.
 *
 * Replaces: at::conv1d.
 *
 * Gains: oneDNN's gradients of such convolutions take four times as long on a processor that multiplies
 * bfloat16 (1).  On one that does not, the kernel takes 1.15 times as long (2).
 *
 * May go: when oneDNN's gradients of grouped convolutions in bfloat16 are as fast.
 */
#include "torch/cpu/kernels.hpp"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/custom_function.h>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

/* Where a kernel's positions lie over a signal. */
struct Positions {
    int64_t groups, kernel, before, count; /* before: zeros before the first sample */
};

/* x (batch, groups * channels, time) -> (groups, batch, time with zeros around it, channels) */
at::Tensor pad_rows(const at::Tensor &x, const Positions &p)
{
    int64_t batch = x.size(0), channels = x.size(1) / p.groups, time = x.size(2);
    at::Tensor rows = at::zeros({p.groups, batch, p.count + p.kernel - 1, channels}, x.options());

    rows.narrow(2, p.before, time).copy_(x.view({batch, p.groups, channels, time}).permute({1, 0, 3, 2}));
    return rows;
}

/* Of one group's padded rows, what lies under the kernel: (batch * positions, kernel * channels).  This is as
 * many times larger than the rows as the kernel is wide, therefore one group at a time. */
at::Tensor patches_of(const at::Tensor &rows, const Positions &p)
{
    int64_t batch = rows.size(0), channels = rows.size(2);

    return rows
        .as_strided({batch, p.count, p.kernel * channels}, {rows.stride(0), channels, 1},
                    rows.storage_offset())
        .reshape({batch * p.count, p.kernel * channels});
}

/* weight (groups * out, in, kernel) -> (groups, kernel * in, out) */
at::Tensor kernel_matrices(const at::Tensor &weight, int64_t groups)
{
    int64_t out = weight.size(0) / groups, in = weight.size(1), kernel = weight.size(2);

    return weight.view({groups, out, in, kernel})
        .transpose(2, 3)
        .reshape({groups, out, kernel * in})
        .transpose(1, 2);
}

/* x (batch, groups * in, time), weight (groups * out, in, kernel) -> (batch, groups * out, positions) */
at::Tensor convolve(const at::Tensor &x, const at::Tensor &weight, const Positions &p)
{
    int64_t batch = x.size(0), out = weight.size(0) / p.groups;
    at::Tensor rows = pad_rows(x, p), matrices = kernel_matrices(weight, p.groups),
               y = at::empty({p.groups, batch * p.count, out}, x.options());

    for (int64_t g = 0; g < p.groups; g++)
        cpu::multiply(y[g], patches_of(rows[g], p), matrices[g]);
    return y.view({p.groups, batch, p.count, out})
        .permute({1, 0, 3, 2})
        .reshape({batch, p.groups * out, p.count});
}

/* The kernel for the gradient of x: reversed in time, from outputs to inputs. */
at::Tensor reverse_kernel(const at::Tensor &weight, int64_t groups)
{
    int64_t out = weight.size(0) / groups, in = weight.size(1), kernel = weight.size(2);

    return weight.view({groups, out, in, kernel})
        .transpose(1, 2)
        .flip({3})
        .reshape({groups * in, out, kernel});
}

/* grad (batch, groups * out, positions) -> the gradient of a weight of shape `sizes` */
at::Tensor weight_gradient(const at::Tensor &x, const at::Tensor &grad, const Positions &p,
                           at::IntArrayRef sizes)
{
    int64_t batch = x.size(0), out = sizes[0] / p.groups, in = sizes[1];
    at::Tensor rows = pad_rows(x, p), result = at::empty({p.groups, out, p.kernel * in}, x.options());
    at::Tensor by_group = grad.reshape({batch, p.groups, out, p.count})
                              .permute({1, 2, 0, 3})
                              .reshape({p.groups, out, batch * p.count});

    for (int64_t g = 0; g < p.groups; g++)
        cpu::multiply(result[g], by_group[g], patches_of(rows[g], p));
    return result.view({p.groups, out, p.kernel, in}).transpose(2, 3).reshape(sizes);
}

struct GroupedConv : public torch::autograd::Function<GroupedConv> {
    static at::Tensor forward(AutogradContext *save, const at::Tensor &x, const at::Tensor &weight,
                              int64_t padding, int64_t groups)
    {
        int64_t kernel = weight.size(2);

        save->save_for_backward({x, weight});
        save->saved_data["padding"] = padding;
        save->saved_data["groups"] = groups;
        return convolve(x, weight, {groups, kernel, padding, x.size(2) + 2 * padding - kernel + 1});
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        at::Tensor x = save->get_saved_variables()[0], weight = save->get_saved_variables()[1];
        at::Tensor grad = grads[0].contiguous(), x_grad, weight_grad;
        int64_t padding = save->saved_data["padding"].toInt(), groups = save->saved_data["groups"].toInt();
        int64_t kernel = weight.size(2);

        if (x.requires_grad())
            x_grad = convolve(grad, reverse_kernel(weight, groups),
                              {groups, kernel, kernel - 1 - padding, x.size(2)});
        if (weight.requires_grad())
            weight_grad = weight_gradient(x, grad, {groups, kernel, padding, grad.size(2)}, weight.sizes());
        return {x_grad, weight_grad, at::Tensor(), at::Tensor()};
    }
};

/* x (batch, in, time), weight (out, in / groups, kernel), under autocast to bfloat16 */
bool uses_cpu_kernel(const at::Tensor &x, const at::Tensor &weight, int64_t stride, int64_t padding,
                     int64_t groups)
{
    return cpu::kernels_take(x) && groups > 1 && stride == 1 && padding < weight.size(2) &&
           shim::current_autocast().dtype == ET_BFLOAT16;
}

at::Tensor convolve_with_kernel(const at::Tensor &x, const at::Tensor &weight,
                                const c10::optional<at::Tensor> &bias, int64_t padding, int64_t groups)
{
    at::Tensor y = GroupedConv::apply(x.to(at::kBFloat16).contiguous(), weight.to(at::kBFloat16).contiguous(),
                                      padding, groups);

    return bias ? y + bias->to(at::kBFloat16).view({-1, 1}) : y;
}

} // namespace

extern "C" struct et_tensor *et_conv1d(struct et_scope *scope, const struct et_tensor *x,
                                       const struct et_tensor *weight, const struct et_tensor *bias,
                                       int64_t stride, int64_t padding, int64_t groups)
{
    return shim::make(scope, "conv1d", {x, weight}, [&] {
        const at::Tensor &w = weight->value;
        const c10::optional<at::Tensor> b = shim::optional(bias);
        at::Tensor y = uses_cpu_kernel(x->value, w, stride, padding, groups)
                           ? convolve_with_kernel(x->value, w, b, padding, groups)
                           : at::conv1d(x->value, w, b, stride, padding, 1, groups);
        return shim::record_convolution(y, x->value, w, groups);
    });
}
