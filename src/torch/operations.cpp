/* The operations of a forward pass: one line of libtorch each. */
#include "torch/shim.hpp"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/autograd/custom_function.h>

using shim::make;
using shim::optional;

#if TORCH_VERSION_MAJOR < 2
namespace
{

/* libtorch 1.13 computes gelu's gradient through oneDNN as if the incoming gradient were laid out like the
 * input; after a transpose it is not, and the result is garbage without an error.  So: lay both out alike. */
struct Gelu : public torch::autograd::Function<Gelu> {
    static at::Tensor forward(torch::autograd::AutogradContext *save, at::Tensor x)
    {
        x = x.contiguous();
        save->save_for_backward({x});
        return at::gelu(x);
    }

    static torch::autograd::variable_list backward(torch::autograd::AutogradContext *save,
                                                   torch::autograd::variable_list grads)
    {
        return {at::gelu_backward(grads[0].contiguous(), save->get_saved_variables()[0])};
    }
};

at::Tensor gelu_exact(const at::Tensor &x)
{
    return Gelu::apply(x);
}

} // namespace
#else
static at::Tensor gelu_exact(const at::Tensor &x)
{
    return at::gelu(x);
}
#endif

/* Notes a convolution as a product: of patches (positions, kernel) and the kernel (kernel, channels). */
static at::Tensor recorded(at::Tensor y, const at::Tensor &x, const at::Tensor &weight, int64_t groups)
{
    int64_t channels = weight.size(0);

    shim::record_product(groups, y.numel() / channels, weight.numel() / channels, channels / groups,
                         x.requires_grad(), weight.requires_grad());
    return y;
}

extern "C" {

struct et_tensor *et_add(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b)
{
    return make(scope, "add", {a, b}, [&] { return at::add(a->value, b->value); });
}

struct et_tensor *et_sub(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b)
{
    return make(scope, "sub", {a, b}, [&] { return at::sub(a->value, b->value); });
}

struct et_tensor *et_mul(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b)
{
    return make(scope, "mul", {a, b}, [&] { return at::mul(a->value, b->value); });
}

struct et_tensor *et_div(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b)
{
    return make(scope, "div", {a, b}, [&] { return at::div(a->value, b->value); });
}

struct et_tensor *et_add_scalar(struct et_scope *scope, const struct et_tensor *x, double value)
{
    return make(scope, "add", {x}, [&] { return at::add(x->value, value); });
}

struct et_tensor *et_mul_scalar(struct et_scope *scope, const struct et_tensor *x, double factor)
{
    return make(scope, "mul", {x}, [&] { return at::mul(x->value, factor); });
}

struct et_tensor *et_sqrt(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "sqrt", {x}, [&] { return at::sqrt(x->value); });
}

struct et_tensor *et_rsqrt(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "rsqrt", {x}, [&] { return at::rsqrt(x->value); });
}

struct et_tensor *et_log(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "log", {x}, [&] { return at::log(x->value); });
}

struct et_tensor *et_tanh(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "tanh", {x}, [&] { return at::tanh(x->value); });
}

struct et_tensor *et_sigmoid(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "sigmoid", {x}, [&] { return at::sigmoid(x->value); });
}

struct et_tensor *et_round(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "round", {x}, [&] { return at::round(x->value); });
}

struct et_tensor *et_exp(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "exp", {x}, [&] { return at::exp(x->value); });
}

struct et_tensor *et_clamp(struct et_scope *scope, const struct et_tensor *x, double low, double high)
{
    return make(scope, "clamp", {x}, [&] { return at::clamp(x->value, low, high); });
}

struct et_tensor *et_gelu(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "gelu", {x}, [&] {
        bool halves = x->value.is_cpu() && x->value.scalar_type() == at::kBFloat16;
        return halves ? shim::gelu_halves(x->value) : gelu_exact(x->value);
    });
}

struct et_tensor *et_relu(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "relu", {x}, [&] { return at::relu(x->value); });
}

struct et_tensor *et_softmax(struct et_scope *scope, const struct et_tensor *x, int dim)
{
    return make(scope, "softmax", {x}, [&] { return at::softmax(x->value, dim); });
}

struct et_tensor *et_to_dtype(struct et_scope *scope, const struct et_tensor *x, enum et_dtype dtype)
{
    return make(scope, "to", {x}, [&] { return x->value.to(shim::scalar_type(dtype)); });
}

struct et_tensor *et_matmul(struct et_scope *scope, const struct et_tensor *a, const struct et_tensor *b)
{
    return make(scope, "matmul", {a, b}, [&] {
        const at::Tensor &x = a->value, &y = b->value;
        if (x.dim() >= 2 && y.dim() >= 2)
            shim::record_product(x.numel() / (x.size(-1) * x.size(-2)), x.size(-2), x.size(-1), y.size(-1),
                                 x.requires_grad(), y.requires_grad());
        return at::matmul(x, y);
    });
}

struct et_tensor *et_conv1d(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *weight,
                            const struct et_tensor *bias, int64_t stride, int64_t padding, int64_t groups)
{
    return make(scope, "conv1d", {x, weight}, [&] {
        at::Tensor y;
        if (groups > 1 && stride == 1 && padding < weight->value.size(2) && x->value.is_cpu() &&
            shim::current_autocast().dtype == ET_BFLOAT16) {
            y = shim::grouped_conv(x->value, weight->value, padding, groups);
            if (bias)
                y = y + bias->value.to(at::kBFloat16).view({-1, 1});
        } else {
            y = at::conv1d(x->value, weight->value, optional(bias), stride, padding, 1, groups);
        }
        return recorded(y, x->value, weight->value, groups);
    });
}

/* oneDNN 3.7, which Debian 13's libtorch uses, gets the gradient of a convolution's input wrong, on some
 * processors, where channels do not fill its registers: there, channels of zeros fill them. */
static at::Tensor conv2d(const at::Tensor &x, const at::Tensor &weight, const c10::optional<at::Tensor> &bias,
                         int64_t stride, int64_t padding)
{
#if TORCH_VERSION_MAJOR >= 2
    const int64_t block = 16, channels = weight.size(0);
    const int64_t in = (block - weight.size(1) % block) % block, out = (block - channels % block) % block;
    if (x.is_cpu() && x.requires_grad() && in + out > 0) {
        at::Tensor y =
            at::conv2d(at::constant_pad_nd(x, {0, 0, 0, 0, 0, in}),
                       at::constant_pad_nd(weight, {0, 0, 0, 0, 0, in, 0, out}),
                       bias ? at::constant_pad_nd(*bias, {0, out}) : at::Tensor(), stride, padding);
        return y.narrow(1, 0, channels).contiguous(y.suggest_memory_format());
    }
#endif
    return at::conv2d(x, weight, bias, stride, padding);
}

struct et_tensor *et_conv2d(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *weight,
                            const struct et_tensor *bias, int64_t stride, int64_t padding)
{
    return make(scope, "conv2d", {x, weight}, [&] {
        return recorded(conv2d(x->value, weight->value, optional(bias), stride, padding), x->value,
                        weight->value, 1);
    });
}

struct et_tensor *et_channels_last(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "contiguous", {x},
                [&] { return x->value.contiguous(at::MemoryFormat::ChannelsLast); });
}

struct et_tensor *et_max_pool2d(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "max_pool2d", {x}, [&] { return at::max_pool2d(x->value, 2); });
}

struct et_tensor *et_embedding(struct et_scope *scope, const struct et_tensor *weight,
                               const struct et_tensor *index)
{
    return make(scope, "embedding", {weight, index},
                [&] { return at::embedding(weight->value, index->value); });
}

struct et_tensor *et_halve2d(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "avg_pool2d", {x}, [&] { return at::avg_pool2d(x->value, 2); });
}

struct et_tensor *et_batch_norm(struct et_scope *scope, const struct et_tensor *x,
                                const struct et_tensor *weight, const struct et_tensor *bias,
                                struct et_tensor *running_mean, struct et_tensor *running_variance,
                                bool training, double momentum, double eps)
{
    return make(scope, "batch_norm", {x, weight, bias, running_mean, running_variance}, [&] {
        return at::batch_norm(x->value, weight->value, bias->value, running_mean->value,
                              running_variance->value, training, momentum, eps, false);
    });
}

struct et_tensor *et_unfold(struct et_scope *scope, const struct et_tensor *x, int64_t length, int64_t hop)
{
    return make(scope, "unfold", {x}, [&] { return x->value.unfold(-1, length, hop); });
}

struct et_tensor *et_group_norm(struct et_scope *scope, const struct et_tensor *x, int64_t groups,
                                const struct et_tensor *weight, const struct et_tensor *bias, double eps)
{
    return make(scope, "group_norm", {x, weight, bias}, [&] {
        return at::group_norm(x->value.to(weight->value.scalar_type()), groups, weight->value, bias->value,
                              eps);
    });
}

struct et_tensor *et_weight_norm(struct et_scope *scope, const struct et_tensor *v, const struct et_tensor *g,
                                 int dim)
{
    return make(scope, "weight_norm", {v, g}, [&] { return at::_weight_norm(v->value, g->value, dim); });
}

struct et_tensor *et_sum_dim(struct et_scope *scope, const struct et_tensor *x, int dim, bool keep)
{
    return make(scope, "sum", {x}, [&] { return at::sum(x->value, {static_cast<int64_t>(dim)}, keep); });
}

struct et_tensor *et_mean_dim(struct et_scope *scope, const struct et_tensor *x, int dim, bool keep)
{
    return make(scope, "mean", {x}, [&] { return at::mean(x->value, {static_cast<int64_t>(dim)}, keep); });
}

struct et_tensor *et_amax(struct et_scope *scope, const struct et_tensor *x, int dim, bool keep)
{
    return make(scope, "amax", {x}, [&] { return at::amax(x->value, {static_cast<int64_t>(dim)}, keep); });
}

struct et_tensor *et_sum(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "sum", {x}, [&] { return at::sum(x->value); });
}

struct et_tensor *et_transpose(struct et_scope *scope, const struct et_tensor *x, int a, int b)
{
    return make(scope, "transpose", {x}, [&] { return at::transpose(x->value, a, b); });
}

struct et_tensor *et_reshape(struct et_scope *scope, const struct et_tensor *x, const int64_t *shape,
                             int dims)
{
    return make(scope, "reshape", {x},
                [&] { return at::reshape(x->value, at::IntArrayRef(shape, static_cast<size_t>(dims))); });
}

struct et_tensor *et_cat(struct et_scope *scope, struct et_tensor *const *tensors, size_t count, int dim)
{
    return make(scope, "cat", {}, [&] {
        std::vector<at::Tensor> values;
        for (size_t i = 0; i < count; i++) {
            TORCH_CHECK(tensors[i], "a tensor it needs is missing");
            values.push_back(tensors[i]->value);
        }
        return at::cat(values, dim);
    });
}

struct et_tensor *et_narrow(struct et_scope *scope, const struct et_tensor *x, int dim, int64_t start,
                            int64_t length)
{
    return make(scope, "narrow", {x}, [&] { return at::narrow(x->value, dim, start, length); });
}

struct et_tensor *et_masked_fill(struct et_scope *scope, const struct et_tensor *x,
                                 const struct et_tensor *mask, double value)
{
    return make(scope, "masked_fill", {x, mask},
                [&] { return at::masked_fill(x->value, mask->value, value); });
}

struct et_tensor *et_where(struct et_scope *scope, const struct et_tensor *condition,
                           const struct et_tensor *yes, const struct et_tensor *no)
{
    return make(scope, "where", {condition, yes, no},
                [&] { return at::where(condition->value, yes->value, no->value); });
}

struct et_tensor *et_cross_entropy_sum(struct et_scope *scope, const struct et_tensor *logits,
                                       const struct et_tensor *targets, const struct et_tensor *weights,
                                       double label_smoothing)
{
    return make(scope, "cross_entropy", {logits, targets}, [&] {
        return at::cross_entropy_loss(logits->value.to(at::kFloat), targets->value, optional(weights),
                                      at::Reduction::Sum, -100, label_smoothing);
    });
}

struct et_tensor *et_binary_cross_entropy_sum(struct et_scope *scope, const struct et_tensor *logits,
                                              const struct et_tensor *targets)
{
    return make(scope, "binary_cross_entropy", {logits, targets}, [&] {
        return at::binary_cross_entropy_with_logits(logits->value.to(at::kFloat), targets->value, {}, {},
                                                    at::Reduction::Sum);
    });
}
}
