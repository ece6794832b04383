/* What differs between versions of libtorch and oneDNN (version.hpp). */
#include "torch/version.hpp"

#include <ATen/autocast_mode.h>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/autograd/custom_function.h>

#define TORCH_AT_LEAST(major, minor)                                                                         \
    (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

/* Autocast is set per device type since 2.4. */
void version::set_autocast(at::DeviceType type, bool enabled, at::ScalarType dtype)
{
#if TORCH_AT_LEAST(2, 4)
    at::autocast::set_autocast_enabled(type, enabled);
    if (enabled)
        at::autocast::set_autocast_dtype(type, dtype);
#else
    if (type == at::kCPU) {
        at::autocast::set_cpu_enabled(enabled);
        if (enabled)
            at::autocast::set_autocast_cpu_dtype(dtype);
    } else {
        at::autocast::set_enabled(enabled);
        if (enabled)
            at::autocast::set_autocast_gpu_dtype(dtype);
    }
#endif
}

/* libtorch 1.13 computes gelu's gradient through oneDNN as if the incoming gradient were laid out like the
 * input.  After a transpose it is not, and the result is garbage without an error.  So: lay both out alike.
 */
#if !TORCH_AT_LEAST(2, 0)
namespace
{

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

} // namespace
#endif

at::Tensor version::gelu(const at::Tensor &x)
{
#if TORCH_AT_LEAST(2, 0)
    return at::gelu(x);
#else
    return Gelu::apply(x);
#endif
}

/* oneDNN 3.7, in Debian 13's libtorch, computes a wrong gradient of a convolution's input, on some
 * processors, where the channels do not fill its registers: channels of zeros fill them there. */
at::Tensor version::conv2d(const at::Tensor &x, const at::Tensor &weight,
                           const c10::optional<at::Tensor> &bias, int64_t stride, int64_t padding)
{
#if TORCH_AT_LEAST(2, 0)
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

bool version::fused_attention(at::Tensor &result, const at::Tensor &query, const at::Tensor &key,
                              const at::Tensor &value, const c10::optional<at::Tensor> &hidden,
                              double dropout)
{
#if TORCH_AT_LEAST(2, 0)
    c10::optional<at::Tensor> shown;
    if (hidden)
        shown = hidden->logical_not();
    result = at::scaled_dot_product_attention(query, key, value, shown, dropout, false);
    return true;
#else
    (void)result, (void)query, (void)key, (void)value, (void)hidden, (void)dropout;
    return false;
#endif
}

#ifdef EMOTRAIN_ONEDNN
dnnl::matmul::primitive_desc version::describe_matmul(const dnnl::engine &engine, const dnnl::memory::desc &a,
                                                      const dnnl::memory::desc &b,
                                                      const dnnl::memory::desc *bias,
                                                      const dnnl::memory::desc &out)
{
    using dnnl::matmul;

#if DNNL_VERSION_MAJOR >= 3
    return bias ? matmul::primitive_desc(engine, a, b, *bias, out)
                : matmul::primitive_desc(engine, a, b, out);
#else
    return matmul::primitive_desc(bias ? matmul::desc(a, b, *bias, out) : matmul::desc(a, b, out), engine);
#endif
}
#endif
