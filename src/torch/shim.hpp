/* Inside torch/ only: what the opaque C types hold, and how every operation is run. */
#ifndef EMOTRAIN_TORCH_SHIM_HPP
#define EMOTRAIN_TORCH_SHIM_HPP

#include "base/wide.h"
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

namespace shim
{

/* A tensor in another type, as of its `version`. */
struct Rounded {
    std::mutex mutex; /* twins share it */
    at::Tensor copy;
    int64_t version = 0;
};

/* What the shim keeps beside a tensor, for linear layers (linear.cpp, gradient.cpp). */
struct Companion : torch::CustomClassHolder {
    std::shared_ptr<Rounded> rounded = std::make_shared<Rounded>();
    at::Tensor products[2]; /* bfloat16: the first `waiting` are parts of its gradient, others spare memory */
    int waiting = 0;
    at::Tensor spare_sum;   /* memory of a cleared gradient, to be used again */
    bool keeps_sum = false; /* its gradient's memory is to be kept so */
};

} // namespace shim

/* Tensors of a scope form a doubly linked list, so that one can move to another scope in constant time. */
struct et_tensor {
    at::Tensor value;
    et_scope *scope = nullptr;
    et_tensor *previous = nullptr, *next = nullptr;
    mutable c10::intrusive_ptr<shim::Companion> companion; /* empty until it is needed (companion_of) */
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

/* bfloat16 to float and back, rounding to nearest even, in a form that compilers vectorise. */
inline __attribute__((always_inline)) float widen(uint16_t half)
{
    uint32_t bits = static_cast<uint32_t>(half) << 16;
    float value;

    std::memcpy(&value, &bits, sizeof value);
    return value;
}

inline __attribute__((always_inline)) uint16_t narrow(float value)
{
    uint32_t bits;

    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

inline c10::optional<at::Tensor> optional(const et_tensor *x) /* x may be NULL */
{
    return x ? c10::optional<at::Tensor>(x->value) : c10::nullopt;
}

const int64_t GRAIN = 16384; /* elements per thread at least, of a loop that does little with each */

/* A gradient on the CPU, as the sum of what is not NULL. */
struct Gradient {
    enum { PIECE = 4096 }; /* elements that are read at once: they stay in the innermost cache */
    const float *sum;
    const uint16_t *halves[2];
    int64_t count; /* elements of each */

    /* Elements first .. first + length - 1, where they lie or added up in `memory`; length <= PIECE. */
    const float *read(int64_t first, int64_t length, float *memory) const;
};

bool has_gradient(const et_tensor *tensor);
bool plain_gradient(const et_tensor *tensor, Gradient &gradient); /* false: it is not in plain memory */

/* Gives a gradient that has no sum yet the memory for one; returns whether it had none. */
bool begin_sum(at::Tensor &sum, Companion &companion, at::IntArrayRef sizes);
void add_up(at::Tensor &sum, Companion &companion, at::IntArrayRef sizes); /* adds what waits to `sum` */

c10::intrusive_ptr<Companion> companion_of(const et_tensor *x); /* made if it is not there */

/* out = a b, each (rows, columns) or (batch, rows, columns), wherever they lie; no gradient is recorded. */
void multiply(at::Tensor out, const at::Tensor &a, const at::Tensor &b);

/* x (..., in) times weight (out, in) transposed, and a bias in float32 or of the weight's type. */
at::Tensor linear(const at::Tensor &x, const at::Tensor &weight, const c10::optional<at::Tensor> &bias);

/* GELU of a tensor in bfloat16 on the CPU. */
at::Tensor gelu_halves(const at::Tensor &x);

/* Dropout by draws from `seed`, of float32 or bfloat16 on the CPU; no gradient is recorded. */
at::Tensor drop(const at::Tensor &x, double p, uint64_t seed);
int64_t draw_seed(); /* from the thread's generator, which et_manual_seed sets */

/* et_conv1d in bfloat16 with groups, without stride and bias. */
at::Tensor grouped_conv(const at::Tensor &x, const at::Tensor &weight, int64_t padding, int64_t groups);

int lane(); /* the calling thread's (et_enter_lane) */

/* Notes a product under et_products_record; `left` and `right`: whether the factor gets a gradient. */
void record_product(int64_t batch, int64_t rows, int64_t inner, int64_t columns, bool left, bool right);

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
