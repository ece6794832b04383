/*
 * Scaled dot-product attention with heads, Vaswani et al., 2017.  The kernel reads each head where the
 * projections left it and writes it where the next one takes it, without copies.  It scales, masks and
 * normalises scores in one pass, and takes clips of unequal length without padding, one after another.
 *
 * Replaces: at::matmul, at::softmax and at::dropout, or the fused operation that libtorch has since 2.0
 * (attend_with_libtorch).
 *
 * Gains: forward and backward at the XLSR shape take 0.6 of the time in float32 with dropout, 0.75 without
 * (2).  In bfloat16 it needs a processor that multiplies it: without one it takes 1 to 1.8 times as long.
 *
 * May go: when libtorch's fused attention trains as fast on the CPU, with dropout and with clips of unequal
 * length.  Not compared with that of libtorch 2.
 */
#include "torch/cpu/rows.hpp"
#include "torch/version.hpp"

#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <torch/csrc/autograd/custom_function.h>
#include <vector>

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

namespace
{

/* Clips one after another: rows of frames, all heads in a row. */
struct Dims {
    std::vector<int64_t> lengths; /* frames of each clip */
    int64_t heads, width;         /* width: of a head */

    /* Calls body(clip, its frames, its first row, its first score) for each. */
    template <typename Body> void for_clips(Body body) const
    {
        int64_t row = 0, score = 0;

        for (size_t b = 0; b < lengths.size(); b++) {
            body(b, lengths[b], row, score);
            row += lengths[b];
            score += heads * lengths[b] * lengths[b];
        }
    }

    int64_t scores() const
    {
        int64_t sum = 0;

        for (int64_t length : lengths)
            sum += heads * length * length;
        return sum;
    }
};

/* A view of a clip's rows of x (rows, heads * width) as (heads, time, width). */
at::Tensor heads_of(const at::Tensor &x, int64_t row, int64_t time, const Dims &d)
{
    return x.narrow(0, row, time).view({time, d.heads, d.width}).transpose(0, 1);
}

/* A view of a clip's scores (heads, time, time). */
at::Tensor square_of(const at::Tensor &scores, int64_t first, int64_t time, const Dims &d)
{
    return scores.narrow(0, first, d.heads * time * time).view({d.heads, time, time});
}

/* row = softmax(scale * row) over what is not hidden.  `count` is a multiple of LANES; `hidden` holds -inf
 * where a key is hidden, else 0. */
SIMD_CLONES void softmax_row(float *row, const float *hidden, int64_t count, float scale)
{
    const float top = cpu::max_in_lanes(count, -INFINITY, [=](int64_t i) {
        row[i] = row[i] * scale + hidden[i];
        return row[i];
    });
    const float sum = cpu::sum_in_lanes<float>(count, [=](int64_t i) {
        row[i] = cpu::exp_negative(row[i] - top);
        return row[i];
    });
    const float inverse = 1 / sum;

    for (int64_t i = 0; i < count; i++)
        row[i] *= inverse;
}

/* grad = scale * (dropped * grad - probability * sum of dropped * grad), the gradient before the softmax */
SIMD_CLONES void softmax_gradient_row(float *grad, const float *probability, const float *dropped,
                                      int64_t count, float scale)
{
    const float sum = cpu::sum_in_lanes<float>(count, [=](int64_t i) {
        grad[i] *= dropped[i];
        return grad[i];
    });

    for (int64_t i = 0; i < count; i++)
        grad[i] = scale * (grad[i] - probability[i] * sum);
}

int64_t padded(int64_t count)
{
    return (count + cpu::LANES - 1) / cpu::LANES * cpu::LANES;
}

/* (padded time): -inf where a key of clip b is hidden or there is none, else 0.  mask: (clips, time) */
std::vector<float> hidden_keys(const c10::optional<at::Tensor> &mask, size_t b, int64_t time)
{
    std::vector<float> hidden(static_cast<size_t>(padded(time)), -INFINITY);
    const bool *flags = mask ? mask->data_ptr<bool>() + static_cast<int64_t>(b) * time : nullptr;

    for (int64_t t = 0; t < time; t++)
        hidden[static_cast<size_t>(t)] = flags && flags[t] ? -INFINITY : 0.0F;
    return hidden;
}

/* A clip's scores (heads, time, time) become probabilities. */
void normalise_scores(const at::Tensor &scores, const std::vector<float> &hidden, double scale)
{
    const int64_t time = scores.size(2), stride = padded(time);
    const cpu::Rows all(scores);

    at::parallel_for(0, scores.size(0) * time, cpu::rows_per_thread(time), [&](int64_t begin, int64_t end) {
        std::vector<float> row(static_cast<size_t>(stride), 0.0F);
        for (int64_t r = begin; r < end; r++) {
            all.read(r, row.data());
            softmax_row(row.data(), hidden.data(), stride, static_cast<float>(scale));
            all.write(r, row.data());
            std::fill(row.begin() + time, row.end(), 0.0F);
        }
    });
}

/* grad, of a clip's probabilities after dropout, becomes the gradient of its scores. */
void normalise_backward(const at::Tensor &grad, const at::Tensor &probabilities, const at::Tensor &dropped,
                        double scale)
{
    const int64_t time = grad.size(2), stride = padded(time);
    const cpu::Rows grads(grad), before(probabilities), after(dropped);

    at::parallel_for(0, grad.size(0) * time, cpu::rows_per_thread(time), [&](int64_t begin, int64_t end) {
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

struct Attention : public torch::autograd::Function<Attention> {
    static at::Tensor forward(AutogradContext *save, const at::Tensor &query, const at::Tensor &key,
                              const at::Tensor &value, const c10::optional<at::Tensor> &mask,
                              const std::vector<int64_t> &lengths, int64_t heads, double dropout,
                              int64_t seed)
    {
        const Dims d = {lengths, heads, query.size(1) / heads};
        const double scale = 1 / std::sqrt(static_cast<double>(d.width));
        at::Tensor scores = at::empty({d.scores()}, query.options()), mixed = at::empty_like(query);

        d.for_clips([&](size_t b, int64_t time, int64_t row, int64_t first) {
            at::Tensor square = square_of(scores, first, time, d);
            cpu::multiply(square, heads_of(query, row, time, d), heads_of(key, row, time, d).transpose(1, 2));
            normalise_scores(square, hidden_keys(mask, b, time), scale);
        });
        at::Tensor dropped = dropout > 0 ? cpu::drop(scores, dropout, static_cast<uint64_t>(seed)) : scores;
        d.for_clips([&](size_t, int64_t time, int64_t row, int64_t first) {
            cpu::multiply(heads_of(mixed, row, time, d), square_of(dropped, first, time, d),
                          heads_of(value, row, time, d));
        });
        save->save_for_backward({query, key, value, scores, dropped});
        save->saved_data["lengths"] = lengths;
        save->saved_data["heads"] = heads;
        return mixed;
    }

    static variable_list backward(AutogradContext *save, variable_list grads)
    {
        variable_list saved = save->get_saved_variables();
        const at::Tensor &query = saved[0], &key = saved[1], &value = saved[2];
        const int64_t heads = save->saved_data["heads"].toInt();
        const Dims d = {save->saved_data["lengths"].toIntVector(), heads, query.size(1) / heads};
        const double scale = 1 / std::sqrt(static_cast<double>(d.width));
        at::Tensor grad = grads[0].contiguous(), scores = at::empty_like(saved[4]);
        at::Tensor of_query = at::empty_like(query), of_key = at::empty_like(key),
                   of_value = at::empty_like(value);

        d.for_clips([&](size_t, int64_t time, int64_t row, int64_t first) {
            at::Tensor square = square_of(scores, first, time, d),
                       dropped = square_of(saved[4], first, time, d);
            at::Tensor mixed = heads_of(grad, row, time, d);
            cpu::multiply(square, mixed, heads_of(value, row, time, d).transpose(1, 2));
            cpu::multiply(heads_of(of_value, row, time, d), dropped.transpose(1, 2), mixed);
            normalise_backward(square, square_of(saved[3], first, time, d), dropped, scale);
            cpu::multiply(heads_of(of_query, row, time, d), square, heads_of(key, row, time, d));
            cpu::multiply(heads_of(of_key, row, time, d), square.transpose(1, 2),
                          heads_of(query, row, time, d));
        });
        return {of_query,     of_key,       of_value,     at::Tensor(),
                at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

bool uses_cpu_kernel(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value)
{
    at::ScalarType type = query.scalar_type();

    return cpu::kernels_take(query) && cpu::is_float32_or_bf16(query) && key.scalar_type() == type &&
           value.scalar_type() == type;
}

/* query, key, value: (..., heads * width), all rows one after another; mask: (clips, time) */
at::Tensor attend_with_kernel(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                              const c10::optional<at::Tensor> &mask, const std::vector<int64_t> &lengths,
                              int64_t heads, double dropout)
{
    const int64_t rows[2] = {-1, query.size(-1)};

    return Attention::apply(query.reshape(rows).contiguous(), key.reshape(rows).contiguous(),
                            value.reshape(rows).contiguous(), mask, lengths, heads, dropout,
                            dropout > 0 ? shim::random_seed() : 0)
        .view(query.sizes());
}

/* (batch, time, heads * width) -> (batch, heads, time, width) */
at::Tensor split_heads(const at::Tensor &x, int64_t heads)
{
    return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

/* Which scores stay, by the kernel's random numbers.  Undefined without dropout, and where no kernel would
 * run: there libtorch makes its own. */
at::Tensor kept_scores(const at::Tensor &query, int64_t scores, double dropout)
{
    const bool ours = shim::plain_torch && query.is_cpu() && cpu::is_float32_or_bf16(query);

    return ours && dropout > 0 && dropout < 1
               ? cpu::kept_elements(scores, dropout, static_cast<uint64_t>(shim::random_seed()))
               : at::Tensor();
}

/* mask: (batch, 1, 1, time); kept: see kept_scores, of these clips */
at::Tensor attend_with_libtorch(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                                const c10::optional<at::Tensor> &mask, int64_t heads, double dropout,
                                const at::Tensor &kept)
{
    at::Tensor q = split_heads(query, heads), k = split_heads(key, heads), v = split_heads(value, heads),
               mixed;

    if (kept.defined() || !version::fused_attention(mixed, q, k, v, mask, dropout)) {
        at::Tensor scores = at::matmul(q / std::sqrt(static_cast<double>(q.size(3))), k.transpose(2, 3));
        if (mask)
            scores = scores.masked_fill(*mask, -INFINITY);
        scores = at::softmax(scores, 3);
        if (kept.defined())
            scores = cpu::drop_by_libtorch(scores, dropout, kept);
        else if (dropout > 0)
            scores = at::dropout(scores, dropout, true);
        mixed = at::matmul(scores, v);
    }
    return mixed.transpose(1, 2).reshape(query.sizes());
}

/* Clips one after another: (1, rows, heads * width). */
at::Tensor attend_packed_with_libtorch(const at::Tensor &query, const at::Tensor &key,
                                       const at::Tensor &value, const Dims &d, double dropout)
{
    const at::Tensor kept = kept_scores(query, d.scores(), dropout);
    std::vector<at::Tensor> parts;

    d.for_clips([&](size_t, int64_t time, int64_t row, int64_t first) {
        parts.push_back(attend_with_libtorch(query.narrow(1, row, time), key.narrow(1, row, time),
                                             value.narrow(1, row, time), c10::nullopt, d.heads, dropout,
                                             kept.defined() ? square_of(kept, first, time, d) : kept));
    });
    return at::cat(parts, 1);
}

/* Notes the products of clips of one length. */
void record_attention(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, int64_t heads,
                      int64_t clips, int64_t time)
{
    const bool learned = query.requires_grad(), either = learned || key.requires_grad();
    const int64_t width = query.size(-1) / heads;

    shim::record_product(clips * heads, time, width, time, learned, key.requires_grad());
    shim::record_product(clips * heads, time, time, width, either, value.requires_grad());
}

} // namespace

extern "C" {

struct et_tensor *et_attention(struct et_scope *scope, const struct et_tensor *query,
                               const struct et_tensor *key, const struct et_tensor *value,
                               const struct et_tensor *hidden, int64_t heads, double dropout)
{
    return shim::make(scope, "attention", {query, key, value}, [&] {
        const at::Tensor &q = query->value, &k = key->value, &v = value->value;
        const int64_t clips = q.size(0), time = q.size(1);
        c10::optional<at::Tensor> mask = shim::optional(hidden);
        record_attention(q, k, v, heads, clips, time);
        if (!uses_cpu_kernel(q, k, v))
            return attend_with_libtorch(q, k, v, mask, heads, dropout,
                                        kept_scores(q, clips * heads * time * time, dropout));
        if (mask)
            mask = mask->reshape({clips, time}).contiguous();
        return attend_with_kernel(q, k, v, mask, std::vector<int64_t>(static_cast<size_t>(clips), time),
                                  heads, dropout);
    });
}

struct et_tensor *et_attention_packed(struct et_scope *scope, const struct et_tensor *query,
                                      const struct et_tensor *key, const struct et_tensor *value,
                                      const int64_t *lengths, int64_t clips, int64_t heads, double dropout)
{
    return shim::make(scope, "attention", {query, key, value}, [&] {
        const at::Tensor &q = query->value, &k = key->value, &v = value->value;
        const Dims d = {std::vector<int64_t>(lengths, lengths + clips), heads, q.size(2) / heads};
        for (int64_t length : d.lengths)
            record_attention(q, k, v, heads, 1, length);
        return uses_cpu_kernel(q, k, v) ? attend_with_kernel(q, k, v, c10::nullopt, d.lengths, heads, dropout)
                                        : attend_packed_with_libtorch(q, k, v, d, dropout);
    });
}
}
