/* Making, reading and changing tensors. */
#include "torch/shim.hpp"

#include <ATen/core/grad_mode.h>
#include <cstring>

using shim::attempt;
using shim::make;

static at::IntArrayRef shape_of(const int64_t *shape, int dims)
{
    return at::IntArrayRef(shape, static_cast<size_t>(dims));
}

/* A CPU tensor over memory that is not ours; only to be read, at once. */
static at::Tensor borrow_data(const void *data, at::IntArrayRef shape, et_dtype dtype)
{
    return at::from_blob(const_cast<void *>(data), shape,
                         at::TensorOptions().dtype(shim::scalar_type(dtype)));
}

/* A copy on the device.  A card fetches a batch from pinned memory while the program goes on; weights it has
 * to wait for. */
static at::Tensor copy_to(const at::Tensor &host, int device)
{
    const size_t most_pinned = size_t(1) << 26; /* bytes */

    if (device == ET_CPU)
        return host.clone();
    return host.nbytes() > 0 && host.nbytes() <= most_pinned
               ? host.pin_memory().to(shim::device_of(device), /*non_blocking=*/true)
               : host.to(shim::device_of(device));
}

extern "C" {

struct et_tensor *et_zeros(struct et_scope *scope, enum et_dtype dtype, const int64_t *shape, int dims,
                           int device)
{
    return make(scope, "zeros", {}, [&] {
        return at::zeros(shape_of(shape, dims),
                         at::TensorOptions().dtype(shim::scalar_type(dtype)).device(shim::device_of(device)));
    });
}

struct et_tensor *et_from_data(struct et_scope *scope, const void *data, enum et_dtype dtype,
                               const int64_t *shape, int dims, int device)
{
    return make(scope, "from_data", {},
                [&] { return copy_to(borrow_data(data, shape_of(shape, dims), dtype), device); });
}

struct et_tensor *et_clone(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "clone", {x}, [&] { return x->value.clone(); });
}

struct et_tensor *et_detach(struct et_scope *scope, const struct et_tensor *x)
{
    return make(scope, "detach", {x}, [&] { return x->value.detach(); });
}

int et_dims(const struct et_tensor *x)
{
    return x ? static_cast<int>(x->value.dim()) : 0;
}

int64_t et_size(const struct et_tensor *x, int dim)
{
    int dims = et_dims(x);

    if (dim < 0)
        dim += dims;
    return dim >= 0 && dim < dims ? x->value.size(dim) : 0;
}

int64_t et_numel(const struct et_tensor *x)
{
    return x ? x->value.numel() : 0;
}

bool et_requires_grad(const struct et_tensor *x)
{
    return x && x->value.requires_grad();
}

void et_read(struct et_scope *scope, const struct et_tensor *x, float *out, int64_t count)
{
    attempt(scope, "read", {x}, [&] {
        TORCH_CHECK(count == x->value.numel(), "room for ", count, " of ", x->value.numel(), " elements");
        at::Tensor flat = x->value.detach().to(at::kCPU, at::kFloat).contiguous();
        std::memcpy(out, flat.data_ptr<float>(), static_cast<size_t>(count) * sizeof *out);
    });
}

void et_read_float16(struct et_scope *scope, const struct et_tensor *x, uint16_t *out, int64_t count)
{
    attempt(scope, "read", {x}, [&] {
        TORCH_CHECK(count == x->value.numel(), "room for ", count, " of ", x->value.numel(), " elements");
        at::Tensor flat = x->value.detach().to(at::kCPU, at::kHalf).contiguous();
        std::memcpy(out, flat.data_ptr(), static_cast<size_t>(count) * sizeof *out);
    });
}

double et_item(struct et_scope *scope, const struct et_tensor *x)
{
    double value = 0;

    attempt(scope, "item", {x}, [&] { value = x->value.item<double>(); });
    return value;
}

void et_copy_(struct et_scope *scope, struct et_tensor *x, const struct et_tensor *from)
{
    attempt(scope, "copy_", {x, from}, [&] {
        at::NoGradGuard no_grad;
        x->value.copy_(from->value);
    });
}

void et_copy_data_(struct et_scope *scope, struct et_tensor *x, const void *data, enum et_dtype dtype)
{
    attempt(scope, "copy_", {x}, [&] {
        at::NoGradGuard no_grad;
        x->value.copy_(borrow_data(data, x->value.sizes(), dtype));
    });
}

void et_fill_(struct et_scope *scope, struct et_tensor *x, double value)
{
    attempt(scope, "fill_", {x}, [&] {
        at::NoGradGuard no_grad;
        x->value.fill_(value);
    });
}

void et_lerp_(struct et_scope *scope, struct et_tensor *x, const struct et_tensor *from, double share)
{
    attempt(scope, "lerp_", {x, from}, [&] {
        at::NoGradGuard no_grad;
        x->value.lerp_(from->value, share);
    });
}

void et_swap_(struct et_scope *scope, struct et_tensor *x, struct et_tensor *y)
{
    attempt(scope, "swap", {x, y}, [&] {
        at::NoGradGuard no_grad;
        at::Tensor before = x->value.clone();
        x->value.copy_(y->value);
        y->value.copy_(before);
    });
}

void et_normal_(struct et_scope *scope, struct et_tensor *x, double mean, double deviation)
{
    attempt(scope, "normal_", {x}, [&] {
        at::NoGradGuard no_grad;
        x->value.normal_(mean, deviation);
    });
}

void et_uniform_(struct et_scope *scope, struct et_tensor *x, double low, double high)
{
    attempt(scope, "uniform_", {x}, [&] {
        at::NoGradGuard no_grad;
        x->value.uniform_(low, high);
    });
}

void et_set_requires_grad_(struct et_scope *scope, struct et_tensor *x, bool requires_grad)
{
    attempt(scope, "requires_grad_", {x}, [&] { x->value.set_requires_grad(requires_grad); });
}
}
