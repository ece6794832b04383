/*
 * Replicas of parameters (et_gradient_replica in torch.h): further handles of the same memory, each with a
 * gradient of its own, for passes that go backward at the same time.
 *
 * Replaces: concurrent backward passes into one parameter, whose gradients autograd adds in the order in
 * which they arrive; rounding then depends on which thread was faster.  Here the replicas' gradients are
 * added in the order of the batches, and products in bfloat16 (gradient.cpp) change hands without a copy.
 *
 * Gains: lets a core have a batch of its own.  Two cores multiply at 655 GFLOP/s in bfloat16 that way, at 603
 * when they share each product (1).
 *
 * May go: when one pass keeps all cores busy.  EMOTRAIN_PLAIN_TORCH=1 uses replicas too, without pending
 * products.
 */
#include "torch/cpu/kernels.hpp"

#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <utility>

using cpu::LinearCache;

namespace
{

/* Lends the tensor's second spare product to the replica, as its first: take_products gives it back in that
 * order. */
void lend_spare_product(et_tensor *tensor, et_tensor *replica)
{
    LinearCache *own = tensor->cache.get(), *other = replica->cache.get();

    if (own && other && own->pending == 0 && !other->pending_grads[0].defined())
        std::swap(own->pending_grads[1], other->pending_grads[0]);
}

/* The replica's pending products become pending products of the tensor. */
void take_products(et_tensor *tensor, et_tensor *replica)
{
    LinearCache *other = replica->cache.get();

    if (!other || other->pending == 0)
        return;
    LinearCache &own = *cpu::linear_cache_of(tensor);
    own.reuse_grad_buffer = true;
    for (int i = 0; i < other->pending; i++) {
        if (own.pending == LinearCache::MOST_PENDING)
            cpu::add_pending(tensor->value.mutable_grad(), own, tensor->value.sizes());
        std::swap(own.pending_grads[own.pending++], other->pending_grads[i]);
    }
    other->pending = 0;
}

/* Adds the replica's float32 sum to the tensor's. */
void take_sum(et_tensor *tensor, et_tensor *replica)
{
    at::Tensor &sum = tensor->value.mutable_grad(), &other = replica->value.mutable_grad();

    if (!other.defined())
        return;
    if (sum.defined())
        sum.add_(other);
    else
        std::swap(sum, other);
    if (replica->cache && replica->cache->reuse_grad_buffer && other.defined())
        replica->cache->grad_buffer = std::move(other);
    other = at::Tensor();
}

} // namespace

extern "C" {

struct et_tensor *et_gradient_replica(struct et_scope *scope, const struct et_tensor *x)
{
    et_tensor *replica = shim::make(scope, "twin", {x}, [&] { return x->value.detach(); });

    if (replica)
        cpu::linear_cache_of(replica)->bf16_copy = cpu::linear_cache_of(x)->bf16_copy;
    return replica;
}

void et_replicas_begin(struct et_tensor *const *tensors, struct et_tensor *const *replicas, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        replicas[i]->value.set_requires_grad(tensors[i]->value.requires_grad());
        lend_spare_product(tensors[i], replicas[i]);
    }
}

void et_replicas_end(struct et_scope *scope, struct et_tensor *const *tensors,
                     struct et_tensor *const *replicas, size_t count)
{
    shim::attempt(scope, "gradients", {}, [&] {
        at::NoGradGuard guard;
        for (size_t i = 0; i < count; i++) {
            take_sum(tensors[i], replicas[i]);
            take_products(tensors[i], replicas[i]);
        }
    });
}
}
