/* Twins of parameters (torch.h): the same memory, gradients apart. */
#include "torch/shim.hpp"

#include <ATen/core/grad_mode.h>
#include <algorithm>
#include <utility>

namespace
{

/* A tensor keeps the memory of two products (gradient.cpp); when none waits, the second serves the twin's
 * first, which is the second again after it. */
void lend(et_tensor *tensor, et_tensor *twin)
{
    shim::Companion *own = tensor->companion.get(), *other = twin->companion.get();

    if (own && other && own->waiting == 0 && !other->products[0].defined())
        std::swap(own->products[1], other->products[0]);
}

/* Adds the twin's products to those that wait beside the tensor. */
void take_products(et_tensor *tensor, et_tensor *twin)
{
    shim::Companion *other = twin->companion.get();

    if (!other || other->waiting == 0)
        return;
    shim::Companion &own = *shim::companion_of(tensor);
    own.keeps_sum = true;
    for (int i = 0; i < other->waiting; i++) {
        if (own.waiting == 2)
            shim::add_up(tensor->value.mutable_grad(), own, tensor->value.sizes());
        std::swap(own.products[own.waiting++], other->products[i]);
    }
    other->waiting = 0;
}

/* Adds the twin's sum to the tensor's. */
void take_sum(et_tensor *tensor, et_tensor *twin)
{
    at::Tensor &sum = tensor->value.mutable_grad(), &other = twin->value.mutable_grad();

    if (!other.defined())
        return;
    if (sum.defined())
        sum.add_(other);
    else
        std::swap(sum, other);
    if (twin->companion && twin->companion->keeps_sum && other.defined())
        twin->companion->spare_sum = std::move(other);
    other.reset();
}

} // namespace

extern "C" {

struct et_tensor *et_twin(struct et_scope *scope, const struct et_tensor *x)
{
    et_tensor *twin = shim::make(scope, "twin", {x}, [&] { return x->value.detach(); });

    if (twin)
        shim::companion_of(twin)->rounded = shim::companion_of(x)->rounded;
    return twin;
}

void et_twins_begin(struct et_tensor *const *tensors, struct et_tensor *const *twins, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        twins[i]->value.set_requires_grad(tensors[i]->value.requires_grad());
        lend(tensors[i], twins[i]);
    }
}

void et_twins_end(struct et_scope *scope, struct et_tensor *const *tensors, struct et_tensor *const *twins,
                  size_t count)
{
    shim::attempt(scope, "gradients", {}, [&] {
        at::NoGradGuard guard;
        for (size_t i = 0; i < count; i++) {
            take_sum(tensors[i], twins[i]);
            take_products(tensors[i], twins[i]);
        }
    });
}
}
