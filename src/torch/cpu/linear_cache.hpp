/*
 * What a parameter keeps for linear layers: in bfloat16 its rounded copy (linear.cpp) and the products that
 * make its gradient, not yet added up (gradient.cpp); in inference its packed copy (packed.cpp).
 *
 * Replaces: autocast's cache of rounded weights, which lasts for one forward pass, and autograd's one
 * float32 gradient.
 *
 * Gains: see linear.cpp.
 *
 * May go: with linear.cpp and gradient.cpp.
 */
#ifndef EMOTRAIN_TORCH_CPU_LINEAR_CACHE_HPP
#define EMOTRAIN_TORCH_CPU_LINEAR_CACHE_HPP

#include <ATen/ATen.h>
#include <cstdint>
#include <memory>
#include <mutex>

namespace cpu
{

/* A tensor rounded to bfloat16, as of its `version`. */
struct Bf16Copy {
    std::mutex mutex; /* replicas share the copy */
    at::Tensor value;
    int64_t version = 0;
};

struct PackedWeight; /* packed.cpp */

struct LinearCache : torch::CustomClassHolder {
    enum { MOST_PENDING = 2 };
    std::shared_ptr<Bf16Copy> bf16_copy = std::make_shared<Bf16Copy>();
    std::shared_ptr<PackedWeight> packed;   /* empty until inference needs it */
    at::Tensor pending_grads[MOST_PENDING]; /* bfloat16; those after the first `pending` are spare memory */
    int pending = 0;        /* products that belong to the gradient and are not yet in its float32 sum */
    at::Tensor grad_buffer; /* memory of a cleared float32 gradient, for the next one */
    bool reuse_grad_buffer = false; /* whether clearing the gradient keeps its memory so */
};

} // namespace cpu

#endif
