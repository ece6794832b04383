/* The operations of a forward pass: one line of libtorch each.  Those with a kernel beside libtorch's
 * operation are in torch/cpu/. */
#include "torch/shim.hpp"
#include "torch/version.hpp"

using shim::make;
using shim::optional;

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
        shim::record_matmul(a->value, b->value);
        return at::matmul(a->value, b->value);
    });
}

struct et_tensor *et_conv2d(struct et_scope *scope, const struct et_tensor *x, const struct et_tensor *weight,
                            const struct et_tensor *bias, int64_t stride, int64_t padding)
{
    return make(scope, "conv2d", {x, weight}, [&] {
        return shim::record_convolution(
            version::conv2d(x->value, weight->value, optional(bias), stride, padding), x->value,
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

struct et_tensor *et_gather_rows(struct et_scope *scope, const struct et_tensor *x,
                                 const struct et_tensor *index)
{
    return make(scope, "gather", {x, index}, [&] {
        const at::Tensor &values = x->value, &columns = index->value;
        return at::gather(values, 3,
                          columns.expand({values.size(0), values.size(1), columns.size(0), columns.size(1)}));
    });
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

struct et_tensor *et_layer_norm(struct et_scope *scope, const struct et_tensor *x,
                                const struct et_tensor *weight, const struct et_tensor *bias, double eps)
{
    if (!weight || !bias)
        return make(scope, "layer_norm", {x}, [&] {
            return at::layer_norm(x->value, x->value.sizes().slice(x->value.dim() - 1), {}, {}, eps);
        });
    return make(scope, "layer_norm", {x, weight, bias}, [&] {
        return at::layer_norm(x->value.to(weight->value.scalar_type()), weight->value.sizes(), weight->value,
                              bias->value, eps);
    });
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
                                              const struct et_tensor *targets,
                                              const struct et_tensor *weights)
{
    return make(scope, "binary_cross_entropy", {logits, targets}, [&] {
        return at::binary_cross_entropy_with_logits(logits->value.to(at::kFloat), targets->value, {},
                                                    optional(weights), at::Reduction::Sum);
    });
}

struct et_tensor *et_log_sigmoid(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "log_sigmoid", {x}, [&] { return at::log_sigmoid(x->value); });
}

struct et_tensor *et_log_softmax(struct et_scope *scope, const struct et_tensor *x, int dim)
{
    return make(scope, "log_softmax", {x}, [&] { return at::log_softmax(x->value.to(at::kFloat), dim); });
}
}
