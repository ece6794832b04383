/*
 * Matrix products: in bfloat16, on a processor that multiplies it, by oneDNN directly where oneDNN's headers
 * are at hand; all others by libtorch.
 *
 * Replaces: at::mm, at::bmm and at::linear.  libtorch describes a product to oneDNN anew each time, writes a
 * bias into the result before the product, gives heads of attention to oneDNN in a form for which oneDNN has
 * only slow code, and keeps descriptions in a way that oneDNN before 2.7 does not allow with several
 * threads.  Here each thread keeps the products that it makes.
 *
 * Gains: libtorch's products of heads take a third longer (1).
 *
 * May go: when libtorch keeps descriptions itself and its products of heads are as fast.
 */
#include "torch/cpu/kernels.hpp"
#include "torch/version.hpp"

#ifdef EMOTRAIN_ONEDNN

#include <algorithm>
#include <array>
#include <map>
#include <omp.h>
#include <tuple>
#include <unordered_map>

namespace
{

using dnnl::memory;

using Strides = std::array<int64_t, 3>; /* of batch, rows, columns */

/* What oneDNN generates a product's code from. */
struct Description {
    int64_t batch, rows, inner, columns;
    Strides a, b, out;
    bool biased;
    int threads;

    bool operator<(const Description &other) const
    {
        return key() < other.key();
    }

  private:
    std::tuple<int64_t, int64_t, int64_t, int64_t, Strides, Strides, Strides, bool, int> key() const
    {
        return {batch, rows, inner, columns, a, b, out, biased, threads};
    }
};

/* A product that can be made again and again. */
struct Product {
    dnnl::matmul code;
    std::unordered_map<int, memory> operands;
};

/* The products of one thread. */
class ProductCache
{
  public:
    Product &find(const Description &description)
    {
        auto known = made.find(description);
        if (known != made.end())
            return known->second;
        if (made.size() >= MOST)
            made.clear();
        return made.emplace(description, make(description)).first->second;
    }

    void run(Product &product)
    {
        product.code.execute(stream, product.operands);
    }

  private:
    enum { MOST = 256 }; /* each is up to a third of a MiB of code */
    dnnl::engine engine = dnnl::engine(dnnl::engine::kind::cpu, 0);
    dnnl::stream stream = dnnl::stream(engine);
    std::map<Description, Product> made;

    Product make(const Description &d) const
    {
        const memory::desc a = matrices(d.batch, d.rows, d.inner, d.a),
                           b = matrices(d.batch, d.inner, d.columns, d.b),
                           out = matrices(d.batch, d.rows, d.columns, d.out),
                           bias({1, d.columns}, memory::data_type::f32, memory::dims{d.columns, 1});
        const dnnl::matmul::primitive_desc chosen =
            version::describe_matmul(engine, a, b, d.biased ? &bias : nullptr, out);
        Product product = {dnnl::matmul(chosen),
                           {{DNNL_ARG_SRC, memory(a, engine, nullptr)},
                            {DNNL_ARG_WEIGHTS, memory(b, engine, nullptr)},
                            {DNNL_ARG_DST, memory(out, engine, nullptr)}}};
        if (d.biased)
            product.operands.emplace(DNNL_ARG_BIAS, memory(bias, engine, nullptr));
        return product;
    }

    /* oneDNN's fast code takes heads where they lie in rows only with two dimensions before the matrices'
     * own, not with one. */
    static memory::desc matrices(int64_t batch, int64_t rows, int64_t columns, const Strides &strides)
    {
        const auto type = memory::data_type::bf16;
        const int64_t all = std::max({batch * strides[0], rows * strides[1], columns * strides[2]});

        if (batch == 1)
            return memory::desc({rows, columns}, type, memory::dims{strides[1], strides[2]});
        return memory::desc({1, batch, rows, columns}, type,
                            memory::dims{all, strides[0], strides[1], strides[2]});
    }
};

/* Whether x may be a factor or the result of a product by oneDNN. */
bool is_for_onednn(const at::Tensor &x)
{
    static const bool native = et_bfloat16_is_native(ET_CPU);

    return native && cpu::kernels_take(x) && x.scalar_type() == at::kBFloat16 && x.numel() > 0;
}

/* Whether oneDNN takes x where it lies: no element twice, rows or columns one after another. */
bool has_onednn_strides(const at::Tensor &x)
{
    const int64_t d = x.dim(), row = x.stride(d - 2), column = x.stride(d - 1);

    return is_for_onednn(x) && (d < 3 || x.stride(0) > 0) &&
           ((column == 1 && row >= x.size(d - 1)) || (row == 1 && column >= x.size(d - 2)));
}

Strides strides_of(const at::Tensor &x)
{
    const int64_t d = x.dim();

    return {d == 3 ? x.stride(0) : 0, x.stride(d - 2), x.stride(d - 1)};
}

/* Matrices of 2 or 3 dimensions; `bias` may be undefined.  Returns false where oneDNN does not take them. */
bool multiply_by_onednn(const at::Tensor &out, const at::Tensor &a, const at::Tensor &b,
                        const at::Tensor &bias)
{
    const int64_t d = a.dim();

    if (!has_onednn_strides(out) || !has_onednn_strides(a) || !has_onednn_strides(b) ||
        out.stride(d - 1) != 1 ||
        (bias.defined() && (bias.scalar_type() != at::kFloat || !bias.is_contiguous())))
        return false;
    const Description description = {d == 3 ? a.size(0) : 1, a.size(d - 2),  a.size(d - 1),
                                     b.size(d - 1),          strides_of(a),  strides_of(b),
                                     strides_of(out),        bias.defined(), omp_get_max_threads()};
    static thread_local ProductCache products;
    Product &product = products.find(description);
    product.operands.at(DNNL_ARG_SRC).set_data_handle(a.data_ptr());
    product.operands.at(DNNL_ARG_WEIGHTS).set_data_handle(b.data_ptr());
    product.operands.at(DNNL_ARG_DST).set_data_handle(out.data_ptr());
    if (bias.defined())
        product.operands.at(DNNL_ARG_BIAS).set_data_handle(bias.data_ptr());
    products.run(product);
    return true;
}

} // namespace

#else

static bool is_for_onednn(const at::Tensor &)
{
    return false;
}

static bool multiply_by_onednn(const at::Tensor &, const at::Tensor &, const at::Tensor &, const at::Tensor &)
{
    return false;
}

#endif

void cpu::multiply(at::Tensor out, const at::Tensor &a, const at::Tensor &b)
{
    if (multiply_by_onednn(out, a, b, at::Tensor()))
        return;
    if (a.dim() == 2)
        at::mm_out(out, a, b);
    else
        at::bmm_out(out, a, b);
}

at::Tensor cpu::multiply_add(const at::Tensor &x, const at::Tensor &weight,
                             const c10::optional<at::Tensor> &bias)
{
    if (is_for_onednn(x)) {
        std::vector<int64_t> sizes = x.sizes().vec();
        sizes.back() = weight.size(0);
        at::Tensor result = at::empty(sizes, x.options());
        if (multiply_by_onednn(result.view({-1, weight.size(0)}), x.reshape({-1, weight.size(1)}), weight.t(),
                               bias ? *bias : at::Tensor()))
            return result;
    }
    return at::linear(x, weight, bias ? bias->to(weight.scalar_type()) : bias);
}
