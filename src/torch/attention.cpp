/*
 * Scaled dot-product attention with heads, Vaswani et al., 2017.  On the CPU it reads each head where the
 * projections left it and writes it where the next one takes it, without copies, and scales, masks and
 * normalises in one pass.  Elsewhere it is libtorch's own, fused where libtorch has such a kernel.
 */
#include "torch/rows.hpp"

#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <torch/csrc/api/include/torch/version.h>
#include <torch/csrc/autograd/custom_function.h>
#include <vector>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using shim::LANES;

namespace
{

struct Dims {
    int64_t batch, time, heads, width; /* width: of a head */
};

Dims dims_of(const at::Tensor &x, int64_t heads)
{
    return {x.size(0), x.size(1), heads, x.size(2) / heads};
}

/* Clip b of x (batch, time, heads * width), as (heads, time, width), where it lies. */
at::Tensor heads_of(const at::Tensor &x, int64_t b, const Dims &d)
{
    return x[b].view({d.time, d.heads, d.width}).transpose(0, 1);
}

/* row = softmax(scale * row) over what is not hidden.  `count` is a multiple of LANES; `hidden` holds -inf
 * where a key is hidden, else 0. */
WIDE_LOOP void softmax_row(float *row, const float *hidden, int64_t count, float scale)
{
    float most[LANES], sums[LANES] = {0}, top = -INFINITY, sum = 0;

    for (float &lane : most)
        lane = -INFINITY;
    for (int64_t i = 0; i < count; i += LANES)
        for (int k = 0; k < LANES; k++) {
            row[i + k] = row[i + k] * scale + hidden[i + k];
            most[k] = row[i + k] > most[k] ? row[i + k] : most[k];
        }
    for (float lane : most)
        top = lane > top ? lane : top;
    for (int64_t i = 0; i < count; i += LANES)
        for (int k = 0; k < LANES; k++) {
            row[i + k] = shim::exp_negative(row[i + k] - top);
            sums[k] += row[i + k];
        }
    for (float lane : sums)
        sum += lane;
    const float inverse = 1 / sum;
    for (int64_t i = 0; i < count; i++)
        row[i] *= inverse;
}

/* grad = scale * (dropped * grad - probability * sum of dropped * grad), the gradient before the softmax */
WIDE_LOOP void softmax_gradient_row(float *grad, const float *probability, const float *dropped,
                                    int64_t count, float scale)
{
    float sums[LANES] = {0}, sum = 0;

    for (int64_t i = 0; i < count; i += LANES)
        for (int k = 0; k < LANES; k++) {
            grad[i + k] *= dropped[i + k];
            sums[k] += grad[i + k];
        }
    for (float lane : sums)
        sum += lane;
    for (int64_t i = 0; i < count; i++)
        grad[i] = scale * (grad[i] - probability[i] * sum);
}

int64_t padded(int64_t count)
{
    return (count + LANES - 1) / LANES * LANES;
}

/* (batch, padded time): -inf where a key is hidden or there is none, else 0 */
std::vector<float> hidden_keys(const c10::optional<at::Tensor> &mask, const Dims &d)
{
    const int64_t stride = padded(d.time);
    std::vector<float> hidden(static_cast<size_t>(d.batch * stride), 0.0F);
    at::Tensor flags = mask ? mask->reshape({d.batch, d.time}).contiguous() : at::Tensor();

    for (int64_t b = 0; b < d.batch; b++) {
        float *row = hidden.data() + b * stride;
        for (int64_t t = 0; mask && t < d.time; t++)
            row[t] = flags.data_ptr<bool>()[b * d.time + t] ? -INFINITY : 0.0F;
        std::fill(row + d.time, row + stride, -INFINITY);
    }
    return hidden;
}

/* scores (batch, heads, time, time) become probabilities. */
void normalise(const at::Tensor &scores, const c10::optional<at::Tensor> &mask, const Dims &d, double scale)
{
    const std::vector<float> hidden = hidden_keys(mask, d);
    const int64_t stride = padded(d.time), rows = d.batch * d.heads * d.time;
    const shim::Rows all(scores);

    at::parallel_for(0, rows, shim::rows_per_thread(d.time), [&](int64_t begin, int64_t end) {
        std::vector<float> row(static_cast<size_t>(stride), 0.0F);
        for (int64_t r = begin; r < end; r++) {
            all.read(r, row.data());
            softmax_row(row.data(), hidden.data() + r / (d.heads * d.time) * stride, stride,
                        static_cast<float>(scale));
            all.write(r, row.data());
            std::fill(row.begin() + d.time, row.end(), 0.0F);
        }
    });
}

/* grad, of the dropped probabilities, becomes the gradient of the scores. */
void normalise_backward(const at::Tensor &grad, const at::Tensor &probabilities, const at::Tensor &dropped,
                        const Dims &d, double scale)
{
    const int64_t stride = padded(d.time), rows = d.batch * d.heads * d.time;
    const shim::Rows grads(grad), before(probabilities), after(dropped);

    at::parallel_for(0, rows, shim::rows_per_thread(d.time), [&](int64_t begin, int64_t end) {
        std::vector<float> memory(static_cast<size_t>(3 * stride), 0.0F);
        float *row = memory.data(), *probability = row + stride, *drop = probability + stride;
        for (int64_t r = begin; r < end; r++) {
            grads.read(r, row);
            before.read(r, probability);
            after.read(r, drop);
            softmax_gradient_row(row, probability, drop, stride, static_cast<float>(scale));
            grads.write(r, row);
        }
    });
}

/* out = a b, each of (heads, rows, columns), wherever they lie */
void multiply(at::Tensor out, const at::Tensor &a, const at::Tensor &b)
{
    at::bmm_out(out, a, b);
}

struct Attention : public torch::autograd::Function<Attention> {
    static at::Tensor forward(AutogradContext *save, at::Tensor query, at::Tensor key, at::Tensor value,
                              c10::optional<at::Tensor> mask, int64_t heads, double dropout, int64_t seed)
    {
        const Dims d = dims_of(query, heads);
        const double scale = 1 / std::sqrt(static_cast<double>(d.width));
        at::Tensor scores = at::empty({d.batch, d.heads, d.time, d.time}, query.options());
        at::Tensor mixed = at::empty_like(query);

        for (int64_t b = 0; b < d.batch; b++)
            multiply(scores[b], heads_of(query, b, d), heads_of(key, b, d).transpose(1, 2));
        normalise(scores, mask, d, scale);
        at::Tensor dropped = dropout > 0 ? shim::drop(scores, dropout, static_cast<uint64_t>(seed)) : scores;
        for (int64_t b = 0; b < d.batch; b++)
            multiply(heads_of(mixed, b, d), dropped[b], heads_of(value, b, d));
        save->save_for_backward({query, key, value, scores, dropped});
        save->saved_data["heads"] = heads;
        return mixed;
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        variable_list saved = save->get_saved_variables();
        const at::Tensor &query = saved[0], &key = saved[1], &value = saved[2], &dropped = saved[4];
        const Dims d = dims_of(query, save->saved_data["heads"].toInt());
        at::Tensor grad = grads[0].contiguous(), scores = at::empty_like(dropped);
        at::Tensor of_query = at::empty_like(query), of_key = at::empty_like(key),
                   of_value = at::empty_like(value);

        for (int64_t b = 0; b < d.batch; b++) {
            multiply(scores[b], heads_of(grad, b, d), heads_of(value, b, d).transpose(1, 2));
            multiply(heads_of(of_value, b, d), dropped[b].transpose(1, 2), heads_of(grad, b, d));
        }
        normalise_backward(scores, saved[3], dropped, d, 1 / std::sqrt(static_cast<double>(d.width)));
        for (int64_t b = 0; b < d.batch; b++) {
            multiply(heads_of(of_query, b, d), scores[b], heads_of(key, b, d));
            multiply(heads_of(of_key, b, d), scores[b].transpose(1, 2), heads_of(query, b, d));
        }
        return {of_query, of_key, of_value, at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

/* (batch, time, heads * width) -> (batch, heads, time, width) */
at::Tensor split(const at::Tensor &x, const Dims &d)
{
    return x.view({d.batch, d.time, d.heads, d.width}).transpose(1, 2);
}

at::Tensor attend_elsewhere(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                            const c10::optional<at::Tensor> &mask, const Dims &d, double dropout)
{
    at::Tensor q = split(query, d), k = split(key, d), v = split(value, d), mixed;

#if TORCH_VERSION_MAJOR >= 2
    c10::optional<at::Tensor> shown;
    if (mask)
        shown = mask->logical_not();
    mixed = at::scaled_dot_product_attention(q, k, v, shown, dropout, false);
#else
    at::Tensor scores = at::matmul(q / std::sqrt(static_cast<double>(d.width)), k.transpose(2, 3));
    if (mask)
        scores = scores.masked_fill(*mask, -INFINITY);
    scores = at::softmax(scores, 3);
    mixed = at::matmul(dropout > 0 ? at::dropout(scores, dropout, true) : scores, v);
#endif
    return mixed.transpose(1, 2).reshape(query.sizes());
}

} // namespace

extern "C" struct et_tensor *et_attention(struct et_scope *scope, const struct et_tensor *query,
                                          const struct et_tensor *key, const struct et_tensor *value,
                                          const struct et_tensor *hidden, int64_t heads, double dropout)
{
    return shim::make(scope, "attention", {query, key, value}, [&] {
        const at::Tensor &q = query->value, &k = key->value, &v = value->value;
        const Dims d = dims_of(q, heads);
        const bool learned = q.requires_grad(), values_learned = v.requires_grad();
        shim::record_product(d.batch * d.heads, d.time, d.width, d.time, learned, k.requires_grad());
        shim::record_product(d.batch * d.heads, d.time, d.time, d.width, learned || k.requires_grad(),
                             values_learned);
        at::ScalarType type = q.scalar_type();
        if (!q.is_cpu() || k.scalar_type() != type || v.scalar_type() != type ||
            (type != at::kFloat && type != at::kBFloat16))
            return attend_elsewhere(q, k, v, shim::optional(hidden), d, dropout);
        return Attention::apply(q.contiguous(), k.contiguous(), v.contiguous(), shim::optional(hidden), heads,
                                dropout, dropout > 0 ? shim::draw_seed() : 0);
    });
}
