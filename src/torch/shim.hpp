/* Inside torch/ only: what the opaque C types hold, and how every operation runs. */
#ifndef EMOTRAIN_TORCH_SHIM_HPP
#define EMOTRAIN_TORCH_SHIM_HPP

#include "torch/cpu/linear_cache.hpp"
#include "torch/torch.h"

#include <ATen/ATen.h>
#include <cstddef>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

/* Tensors of a scope form a doubly linked list, so that one can move to another scope in constant time. */
struct et_tensor {
    at::Tensor value;
    et_scope *scope = nullptr;
    et_tensor *previous = nullptr, *next = nullptr;
    mutable c10::intrusive_ptr<cpu::LinearCache> cache; /* empty until it is needed (cpu::linear_cache_of) */
};

struct et_scope {
    et_scope *parent = nullptr;
    et_tensor *tensors = nullptr;
    bool failed = false;
    std::string message;
    std::vector<std::unique_ptr<std::max_align_t[]>> memory;

    et_tensor *adopt(at::Tensor value);
    void link(et_tensor *tensor);
    static void unlink(et_tensor *tensor);
    void fail(const char *operation, const char *reason);
};

namespace shim
{

at::ScalarType scalar_type(et_dtype dtype);
at::Device device_of(int device);

/* What et_autocast_begin set on this thread; ET_FLOAT32 where it is off. */
struct Autocast {
    int device = ET_CPU;
    et_dtype dtype = ET_FLOAT32;
};

Autocast current_autocast();
bool in_inference(); /* between et_inference_begin and et_inference_end, on this thread */

inline c10::optional<at::Tensor> optional(const et_tensor *x) /* x may be NULL */
{
    return x ? c10::optional<at::Tensor>(x->value) : c10::nullopt;
}

/* EMOTRAIN_PLAIN_TORCH=1: libtorch's own operations run in place of the kernels in torch/cpu/. */
extern bool plain_torch;

int worker();          /* the calling thread's number (et_use_worker) */
int64_t random_seed(); /* the next of the thread's generator, which et_manual_seed sets */

/* Notes a product under et_products_record; `left` and `right`: whether the factor gets a gradient. */
void record_product(int64_t batch, int64_t rows, int64_t inner, int64_t columns, bool left, bool right);
void record_matmul(const at::Tensor &a, const at::Tensor &b);

/* Notes the convolution that made y, as a product of patches and kernels.  Returns y. */
at::Tensor record_convolution(at::Tensor y, const at::Tensor &x, const at::Tensor &weight, int64_t groups);

/* What an exception says, without libtorch's C++ backtrace. */
std::string reason(const std::exception &exception);

/* Runs `body` unless the scope has failed or an input is missing; turns exceptions into the scope's error. */
template <typename Body>
void attempt(et_scope *scope, const char *operation, std::initializer_list<const et_tensor *> inputs,
             Body body)
{
    if (scope->failed)
        return;
    for (const et_tensor *input : inputs)
        if (!input)
            return scope->fail(operation, "a tensor it needs is missing");
    try {
        body();
    } catch (const std::exception &exception) {
        scope->fail(operation, reason(exception).c_str());
    } catch (...) {
        scope->fail(operation, "unknown exception");
    }
}

/* The same for an operation that gives a tensor. */
template <typename Body>
et_tensor *make(et_scope *scope, const char *operation, std::initializer_list<const et_tensor *> inputs,
                Body body)
{
    et_tensor *result = nullptr;

    attempt(scope, operation, inputs, [&] { result = scope->adopt(body()); });
    return result;
}

} // namespace shim

#endif
