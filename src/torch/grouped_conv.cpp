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

/* x (batch, groups * channels, time) -> (groups, batch * positions, kernel * channels): what lies under the
 * kernel at each position, `before` zeros before the first sample and as many as are needed after the last */
at::Tensor patches(const at::Tensor &x, int64_t groups, int64_t kernel, int64_t before, int64_t positions)
{
    int64_t batch = x.size(0), channels = x.size(1) / groups, time = x.size(2),
            padded = positions + kernel - 1;
    at::Tensor rows = at::zeros({groups, batch, padded, channels}, x.options());
    at::Tensor from = x.view({batch, groups, channels, time}).permute({1, 0, 3, 2});

    rows.narrow(2, before, time).copy_(from);
    return rows
        .as_strided({groups, batch, positions, kernel * channels},
                    {batch * padded * channels, padded * channels, channels, 1})
        .reshape({groups, batch * positions, kernel * channels});
}

/* (groups, batch * positions, channels) -> (batch, groups * channels, positions) */
at::Tensor join(const at::Tensor &rows, int64_t batch)
{
    int64_t groups = rows.size(0), positions = rows.size(1) / batch, channels = rows.size(2);

    return rows.view({groups, batch, positions, channels})
        .permute({1, 0, 3, 2})
        .reshape({batch, groups * channels, positions});
}

/* weight (groups * out, in, kernel) -> (groups, out, kernel * in) */
at::Tensor kernels(const at::Tensor &weight, int64_t groups)
{
    int64_t out = weight.size(0) / groups, in = weight.size(1), kernel = weight.size(2);

    return weight.view({groups, out, in, kernel}).transpose(2, 3).reshape({groups, out, kernel * in});
}

struct GroupedConv : public torch::autograd::Function<GroupedConv> {
    static at::Tensor forward(AutogradContext *save, at::Tensor x, at::Tensor weight, int64_t padding,
                              int64_t groups)
    {
        int64_t kernel = weight.size(2), positions = x.size(2) + 2 * padding - kernel + 1;

        save->save_for_backward({x, weight});
        save->saved_data["padding"] = padding;
        save->saved_data["groups"] = groups;
        return join(
            at::bmm(patches(x, groups, kernel, padding, positions), kernels(weight, groups).transpose(1, 2)),
            x.size(0));
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        at::Tensor x = save->get_saved_variables()[0], weight = save->get_saved_variables()[1],
                   grad = grads[0];
        int64_t padding = save->saved_data["padding"].toInt(), groups = save->saved_data["groups"].toInt();
        int64_t batch = x.size(0), kernel = weight.size(2), in = weight.size(1),
                out = weight.size(0) / groups;
        int64_t positions = grad.size(2);
        at::Tensor x_grad, weight_grad;

        if (x.requires_grad()) { /* a convolution with the kernel turned round */
            at::Tensor turned = weight.view({groups, out, in, kernel}).transpose(1, 2).flip({3});
            turned = turned.reshape({groups * in, out, kernel});
            x_grad = join(at::bmm(patches(grad, groups, kernel, kernel - 1 - padding, x.size(2)),
                                  kernels(turned, groups).transpose(1, 2)),
                          batch);
        }
        if (weight.requires_grad()) {
            at::Tensor rows = grad.view({batch, groups, out, positions})
                                  .permute({1, 2, 0, 3})
                                  .reshape({groups, out, batch * positions});
            weight_grad = at::bmm(rows, patches(x, groups, kernel, padding, positions))
                              .view({groups, out, kernel, in})
                              .transpose(2, 3)
                              .reshape(weight.sizes());
        }
        return {x_grad, weight_grad, at::Tensor(), at::Tensor()};
    }
};

} // namespace

at::Tensor shim::grouped_conv(const at::Tensor &x, const at::Tensor &weight, int64_t padding, int64_t groups)
{
    return GroupedConv::apply(x.to(at::kBFloat16).contiguous(), weight.to(at::kBFloat16).contiguous(),
                              padding, groups);
}
