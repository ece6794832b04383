/*
 * Linear layers in inference, float32: products with weights that are packed once, as oneDNN reads them.
 *
 * Replaces: at::linear, where the weights lie in rows and are packed anew in every product.  A batch of few
 * rows (one clip of RAVDESS has 185) reads each weight so seldom that packing is a third of the time.
 *
 * Gains: in GFLOP/s of two threads with 185 rows of 1024 by weights (4096, 1024), two cores of an Intel Xeon
 * with AVX-512: 194 to 253 (libtorch 2.15); with AVX2 alone 119 to 131.  With 740 rows 237 to 247, with AVX2
 * alone 145 to 133: hence MOST_ROWS.
 *
 * May go: when libtorch packs weights for inference by itself.
 *
 * libtorch has had operations for this since 2.0; before, oneDNN is called itself where its headers are at
 * hand.  A packed copy takes the weight's memory once more, until AdamW changes the weight.
 */
#include "torch/cpu/kernels.hpp"
#include "torch/version.hpp"

#include <ATen/core/dispatch/Dispatcher.h>

namespace
{

const int64_t MOST_ROWS = 512, USUAL_ROWS = 128, LEAST_WEIGHTS = 1 << 14;

} // namespace

struct cpu::PackedWeight {
    std::mutex mutex;
    int64_t version = -1; /* of the weight that was packed; -1: none was */
    bool usable = false;  /* whether packing gains anything here */
    at::Tensor tensor;    /* libtorch's form */
#ifdef EMOTRAIN_ONEDNN
    dnnl::memory memory; /* oneDNN's own */
    int64_t in = 0, out = 0;
#endif
};

namespace
{

/* ---- by libtorch's operations ---- */

struct Operations {
    c10::optional<c10::OperatorHandle> pack, multiply;

    Operations()
        : pack(c10::Dispatcher::singleton().findSchema({"mkldnn::_reorder_linear_weight", ""})),
          multiply(c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""}))
    {
    }

    bool are_there() const
    {
        return pack && multiply;
    }
};

const Operations &operations()
{
    static const Operations found;

    return found;
}

at::Tensor call(const c10::OperatorHandle &operation, std::vector<c10::IValue> stack)
{
    operation.callBoxed(&stack);
    return stack.at(0).toTensor();
}

void pack_with_libtorch(cpu::PackedWeight &packed, const at::Tensor &weight)
{
    packed.tensor = call(*operations().pack, {weight, USUAL_ROWS});
    packed.usable = true;
}

at::Tensor multiply_with_libtorch(const cpu::PackedWeight &packed, const at::Tensor &x,
                                  const c10::optional<at::Tensor> &bias)
{
    return call(*operations().multiply, {x, packed.tensor, bias ? c10::IValue(*bias) : c10::IValue(), "none",
                                         c10::List<c10::optional<at::Scalar>>(), c10::IValue()});
}

/* ---- by oneDNN ---- */

#ifdef EMOTRAIN_ONEDNN

using dnnl::memory;

memory::desc rows_of(int64_t rows, int64_t columns)
{
    return memory::desc({rows, columns}, memory::data_type::f32, memory::dims{columns, 1});
}

const dnnl::engine &engine()
{
    static const dnnl::engine made(dnnl::engine::kind::cpu, 0);

    return made;
}

dnnl::matmul::primitive_desc describe(int64_t rows, int64_t in, int64_t out, const memory::desc &weight,
                                      bool biased)
{
    const memory::desc bias = rows_of(1, out);

    return version::describe_matmul(engine(), rows_of(rows, in), weight, biased ? &bias : nullptr,
                                    rows_of(rows, out));
}

/* weight (out, in): oneDNN sees it as (in, out), its columns one after another. */
void pack_with_onednn(cpu::PackedWeight &packed, const at::Tensor &weight)
{
    const int64_t out = weight.size(0), in = weight.size(1);
    const memory::desc plain({in, out}, memory::data_type::f32, memory::dims{1, in}),
        any({in, out}, memory::data_type::f32, memory::format_tag::any);
    const memory::desc chosen = describe(USUAL_ROWS, in, out, any, true).weights_desc();

    packed.usable = chosen != plain && chosen != rows_of(in, out);
    if (!packed.usable)
        return;
    memory from(plain, engine(), weight.data_ptr());
    packed.memory = memory(chosen, engine());
    packed.in = in;
    packed.out = out;
    dnnl::stream stream(engine());
    dnnl::reorder(from, packed.memory).execute(stream, from, packed.memory);
    stream.wait();
}

at::Tensor multiply_with_onednn(const cpu::PackedWeight &packed, const at::Tensor &x,
                                const c10::optional<at::Tensor> &bias)
{
    const int64_t in = packed.in, out = packed.out, rows = x.numel() / in;
    at::Tensor result = at::empty({rows, out}, x.options());
    const dnnl::matmul product(describe(rows, in, out, packed.memory.get_desc(), bias.has_value()));
    std::unordered_map<int, memory> operands = {
        {DNNL_ARG_SRC, memory(rows_of(rows, in), engine(), x.data_ptr())},
        {DNNL_ARG_WEIGHTS, packed.memory},
        {DNNL_ARG_DST, memory(rows_of(rows, out), engine(), result.data_ptr())}};

    if (bias)
        operands.emplace(DNNL_ARG_BIAS, memory(rows_of(1, out), engine(), bias->data_ptr()));
    static thread_local dnnl::stream stream(engine());
    product.execute(stream, operands);
    stream.wait();
    return result;
}

#endif

/* ---- either ---- */

bool can_pack()
{
#ifdef EMOTRAIN_ONEDNN
    return true;
#else
    return operations().are_there();
#endif
}

void pack(cpu::PackedWeight &packed, const at::Tensor &weight)
{
    packed.usable = false;
    if (operations().are_there())
        return pack_with_libtorch(packed, weight);
#ifdef EMOTRAIN_ONEDNN
    pack_with_onednn(packed, weight);
#endif
}

at::Tensor multiply_packed(const cpu::PackedWeight &packed, const at::Tensor &x,
                           const c10::optional<at::Tensor> &bias)
{
#ifdef EMOTRAIN_ONEDNN
    if (!operations().are_there())
        return multiply_with_onednn(packed, x, bias);
#endif
    return multiply_with_libtorch(packed, x, bias);
}

/* The weight's packed copy as it is now, made where there is none. */
const cpu::PackedWeight &packed_of(const et_tensor *weight)
{
    cpu::LinearCache &cache = *cpu::linear_cache_of(weight);
    static std::mutex mutex;
    {
        std::lock_guard<std::mutex> lock(mutex);
        if (!cache.packed)
            cache.packed = std::make_shared<cpu::PackedWeight>();
    }
    cpu::PackedWeight &packed = *cache.packed;
    std::lock_guard<std::mutex> lock(packed.mutex);
    if (packed.version != weight->value._version()) {
        pack(packed, weight->value.detach());
        packed.version = weight->value._version();
    }
    return packed;
}

} // namespace

bool cpu::linear_packed(at::Tensor &result, const at::Tensor &x, const et_tensor *weight,
                        const c10::optional<at::Tensor> &bias)
{
    const at::Tensor &w = weight->value;

    if (!shim::in_inference() || !can_pack() || w.dim() != 2 || w.numel() < LEAST_WEIGHTS ||
        !w.is_contiguous() || x.numel() == 0 || x.numel() / w.size(1) > MOST_ROWS ||
        (bias && (bias->scalar_type() != at::kFloat || !bias->is_contiguous())))
        return false;
    const PackedWeight &packed = packed_of(weight);
    if (!packed.usable)
        return false;
    std::vector<int64_t> sizes = x.sizes().vec();
    sizes.back() = w.size(0);
    result = multiply_packed(packed, x.reshape({-1, w.size(1)}).contiguous(), bias).view(sizes);
    return true;
}
