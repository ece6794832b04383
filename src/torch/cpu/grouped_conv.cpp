/*
 * Convolutions over time with groups, such as wav2vec 2.0's positional one (128 wide, 16 groups), in bfloat16
 * on the CPU: as products of patches, one per group.  oneDNN's gradients of such convolutions take four times
 * as long.
 */
#include "torch/shim.hpp"

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
at::Tensor pad(const at::Tensor &x, const Positions &p)
{
    int64_t batch = x.size(0), channels = x.size(1) / p.groups, time = x.size(2);
    at::Tensor rows = at::zeros({p.groups, batch, p.count + p.kernel - 1, channels}, x.options());

    rows.narrow(2, p.before, time).copy_(x.view({batch, p.groups, channels, time}).permute({1, 0, 3, 2}));
    return rows;
}

/* Of one group's padded rows: (batch * positions, kernel * channels), what lies under the kernel.  Group by
 * group, as it is as much larger than the rows as the kernel is wide. */
at::Tensor patches(const at::Tensor &rows, const Positions &p)
{
    int64_t batch = rows.size(0), channels = rows.size(2);

    return rows
        .as_strided({batch, p.count, p.kernel * channels}, {rows.stride(0), channels, 1},
                    rows.storage_offset())
        .reshape({batch * p.count, p.kernel * channels});
}

/* weight (groups * out, in, kernel) -> (groups, kernel * in, out) */
at::Tensor kernels(const at::Tensor &weight, int64_t groups)
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
    at::Tensor rows = pad(x, p), matrices = kernels(weight, p.groups),
               y = at::empty({p.groups, batch * p.count, out}, x.options());

    for (int64_t g = 0; g < p.groups; g++)
        shim::multiply(y[g], patches(rows[g], p), matrices[g]);
    return y.view({p.groups, batch, p.count, out})
        .permute({1, 0, 3, 2})
        .reshape({batch, p.groups * out, p.count});
}

/* The kernel for the gradient of x: turned round in time, from outputs to inputs. */
at::Tensor turn(const at::Tensor &weight, int64_t groups)
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
    at::Tensor rows = pad(x, p), result = at::empty({p.groups, out, p.kernel * in}, x.options());
    at::Tensor by_group = grad.reshape({batch, p.groups, out, p.count})
                              .permute({1, 2, 0, 3})
                              .reshape({p.groups, out, batch * p.count});

    for (int64_t g = 0; g < p.groups; g++)
        shim::multiply(result[g], by_group[g], patches(rows[g], p));
    return result.view({p.groups, out, p.kernel, in}).transpose(2, 3).reshape(sizes);
}

struct GroupedConv : public torch::autograd::Function<GroupedConv> {
    static at::Tensor forward(AutogradContext *save, at::Tensor x, at::Tensor weight, int64_t padding,
                              int64_t groups)
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
            x_grad = convolve(grad, turn(weight, groups), {groups, kernel, kernel - 1 - padding, x.size(2)});
        if (weight.requires_grad())
            weight_grad = weight_gradient(x, grad, {groups, kernel, padding, grad.size(2)}, weight.sizes());
        return {x_grad, weight_grad, at::Tensor(), at::Tensor()};
    }
};

} // namespace

at::Tensor shim::grouped_conv(const at::Tensor &x, const at::Tensor &weight, int64_t padding, int64_t groups)
{
    return GroupedConv::apply(x.to(at::kBFloat16).contiguous(), weight.to(at::kBFloat16).contiguous(),
                              padding, groups);
}
