/*
 * What differs between versions of libtorch (1.13 to 2.15) and of oneDNN (2 and 3).  Nothing outside
 * version.hpp and version.cpp asks for a version.
 */
#ifndef EMOTRAIN_TORCH_VERSION_HPP
#define EMOTRAIN_TORCH_VERSION_HPP

#include <ATen/ATen.h>

#ifdef EMOTRAIN_ONEDNN
#include <dnnl.hpp>
#endif

namespace version
{

/* Switches autocast of one device type; `dtype` counts where `enabled`. */
void set_autocast(at::DeviceType type, bool enabled, at::ScalarType dtype);

/* at::gelu in its exact form, with the right gradient. */
at::Tensor gelu(const at::Tensor &x);

/* at::conv2d, with the right gradient. */
at::Tensor conv2d(const at::Tensor &x, const at::Tensor &weight, const c10::optional<at::Tensor> &bias,
                  int64_t stride, int64_t padding);

/* libtorch's fused attention over (batch, heads, time, width); hidden (batch, 1, 1, time): keys to ignore.
 * Returns false where libtorch has none. */
bool fused_attention(at::Tensor &result, const at::Tensor &query, const at::Tensor &key,
                     const at::Tensor &value, const c10::optional<at::Tensor> &hidden, double dropout);

/* c10d's TCPStore would use libuv since 2.2, and Debian's libtorch is built without it.  A template, so that
 * only group.cpp needs c10d's headers. */
template <typename Options> auto avoid_libuv(Options &options, int) -> decltype(options.useLibUV, void())
{
    options.useLibUV = false;
}

template <typename Options> void avoid_libuv(Options &, ...) /* before 2.2 */
{
}

#ifdef EMOTRAIN_ONEDNN
/* A product's description for oneDNN; `bias` may be NULL. */
dnnl::matmul::primitive_desc describe_matmul(const dnnl::engine &engine, const dnnl::memory::desc &a,
                                             const dnnl::memory::desc &b, const dnnl::memory::desc *bias,
                                             const dnnl::memory::desc &out);
#endif

} // namespace version

#endif
