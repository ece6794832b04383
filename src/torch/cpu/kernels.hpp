/*
 * Inside torch/ only: what the kernels of torch/cpu/ share with one another and with the shim.
 *
 * A kernel replaces operations of libtorch that are slow in training on a CPU, and stands in one file with
 * them.  EMOTRAIN_PLAIN_TORCH=1 runs libtorch's operations instead, and tests/unit/test_plain.c holds both
 * against each other: a kernel that gains nothing any more can be deleted with its file.
 *
 * Each file says what it replaces, what it gains, and when it may go.  Where its gain was measured:
 *
 * (1) libtorch 1.13.1 with oneDNN 2.6, two cores of an AMD EPYC with AVX-512 and bfloat16, November 2026;
 *
 * (2) the same libtorch, two cores of an Intel Xeon with AVX-512 and without bfloat16, two threads; medians,
 * in turn with libtorch's operations on the same inputs, while others used the machine, November 2026.
 */
#ifndef EMOTRAIN_TORCH_CPU_KERNELS_HPP
#define EMOTRAIN_TORCH_CPU_KERNELS_HPP

#include "torch/shim.hpp"

namespace cpu
{

const int64_t GRAIN = 16384; /* elements that are worth a thread, in a loop that does little with each */

/* Whether a kernel may take x: the kernels are on, and it lies in the host's memory. */
inline bool kernels_take(const at::Tensor &x)
{
    return !shim::plain_torch && x.is_cpu();
}

inline bool is_float32_or_bf16(const at::Tensor &x)
{
    return x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
}

/* ---- gradients (gradient.cpp) ---- */

/* A gradient as the sum of those of its parts that are not NULL. */
struct GradientView {
    enum { PIECE = 4096 }; /* elements to read at once: they stay in the innermost cache */
    const float *sum;
    const uint16_t *pending[LinearCache::MOST_PENDING]; /* bfloat16 */
    int64_t count;                                      /* elements of each part */

    /* Elements first .. first + length - 1, where they lie or added up in `memory`; length <= PIECE. */
    const float *read(int64_t first, int64_t length, float *memory) const;
};

bool has_gradient(const et_tensor *tensor);
bool view_gradient(const et_tensor *tensor,
                   GradientView &view); /* false: not contiguous float32 on the CPU */

/* Gives a gradient without a float32 sum the memory for one.  Returns whether it had none: then the caller
 * writes, else it adds. */
bool begin_sum(at::Tensor &sum, LinearCache &cache, at::IntArrayRef sizes);
void add_pending(at::Tensor &sum, LinearCache &cache,
                 at::IntArrayRef sizes);       /* adds pending products to `sum` */
void settle_gradient(const et_tensor *tensor); /* the same for a tensor's own gradient */

c10::intrusive_ptr<LinearCache> linear_cache_of(const et_tensor *x); /* made where there is none */

/* ---- products (multiply.cpp) ---- */

/* out = a b, each (rows, columns) or (batch, rows, columns) with any strides.  Records no gradient. */
void multiply(at::Tensor out, const at::Tensor &a, const at::Tensor &b);

/* x (..., in), weight (out, in), bias in float32 or of the weight's type -> x weight' + bias (..., out) */
at::Tensor multiply_add(const at::Tensor &x, const at::Tensor &weight, const c10::optional<at::Tensor> &bias);

/* ---- linear layers in inference (packed.cpp) ---- */

/* The same in float32 by a packed copy of the weight.  Returns false where that does not pay, or libtorch
 * cannot. */
bool linear_packed(at::Tensor &result, const at::Tensor &x, const et_tensor *weight,
                   const c10::optional<at::Tensor> &bias);

/* ---- dropout (dropout.cpp) ---- */

/* x / (1 - p) where element i's random number from `seed` is at least p, else 0; x in float32 or bfloat16.
 * Records no gradient. */
at::Tensor drop(const at::Tensor &x, double p, uint64_t seed);

/* The same by libtorch's operations, with a gradient: which of `count` elements stay, and x with the others
 * at zero. */
at::Tensor kept_elements(int64_t count, double p, uint64_t seed);
at::Tensor drop_by_libtorch(const at::Tensor &x, double p, const at::Tensor &kept);

} // namespace cpu

#endif
