/*
 * Scaled dot-product attention with heads, Vaswani et al., 2017.  On the CPU it reads each head where the
 * projections left it and writes it where the next one takes it, without copies, and scales, masks and
 * normalises in one pass.  Elsewhere it is libtorch's own, fused where libtorch has such a kernel.
 */
#include "torch/cpu/rows.hpp"

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

/* A clip's rows of x (rows, heads * width), as (heads, time, width), where they lie. */
at::Tensor heads_of(const at::Tensor &x, int64_t row, int64_t time, const Dims &d)
{
    return x.narrow(0, row, time).view({time, d.heads, d.width}).transpose(0, 1);
}

/* A clip's scores (heads, time, time). */
at::Tensor square_of(const at::Tensor &scores, int64_t first, int64_t time, const Dims &d)
{
    return scores.narrow(0, first, d.heads * time * time).view({d.heads, time, time});
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

/* (padded time): -inf where a key of clip b is hidden or there is none, else 0.  mask: (clips, time) */
std::vector<float> hidden_keys(const c10::optional<at::Tensor> &mask, size_t b, int64_t time)
{
    std::vector<float> hidden(static_cast<size_t>(padded(time)), -INFINITY);
    const bool *flags = mask ? mask->data_ptr<bool>() + static_cast<int64_t>(b) * time : nullptr;

    for (int64_t t = 0; t < time; t++)
        hidden[static_cast<size_t>(t)] = flags && flags[t] ? -INFINITY : 0.0F;
    return hidden;
}

/* A clip's scores become probabilities. */
void normalise(const at::Tensor &scores, const std::vector<float> &hidden, double scale)
{
    const int64_t time = scores.size(2), stride = padded(time);
    const shim::Rows all(scores);

    at::parallel_for(0, scores.size(0) * time, shim::rows_per_thread(time), [&](int64_t begin, int64_t end) {
        std::vector<float> row(static_cast<size_t>(stride), 0.0F);
        for (int64_t r = begin; r < end; r++) {
            all.read(r, row.data());
            softmax_row(row.data(), hidden.data(), stride, static_cast<float>(scale));
            all.write(r, row.data());
            std::fill(row.begin() + time, row.end(), 0.0F);
        }
    });
}

/* grad, of a clip's dropped probabilities, becomes the gradient of its scores. */
void normalise_backward(const at::Tensor &grad, const at::Tensor &probabilities, const at::Tensor &dropped,
                        double scale)
{
    const int64_t time = grad.size(2), stride = padded(time);
    const shim::Rows grads(grad), before(probabilities), after(dropped);

    at::parallel_for(0, grad.size(0) * time, shim::rows_per_thread(time), [&](int64_t begin, int64_t end) {
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
    static at::Tensor forward(AutogradContext *save, at::Tensor query, at::Tensor key, at::Tensor value,
                              c10::optional<at::Tensor> mask, std::vector<int64_t> lengths, int64_t heads,
                              double dropout, int64_t seed)
    {
        const Dims d = {lengths, heads, query.size(1) / heads};
        const double scale = 1 / std::sqrt(static_cast<double>(d.width));
        at::Tensor scores = at::empty({d.scores()}, query.options()), mixed = at::empty_like(query);

        d.for_clips([&](size_t b, int64_t time, int64_t row, int64_t first) {
            at::Tensor square = square_of(scores, first, time, d);
            shim::multiply(square, heads_of(query, row, time, d),
                           heads_of(key, row, time, d).transpose(1, 2));
            normalise(square, hidden_keys(mask, b, time), scale);
        });
        at::Tensor dropped = dropout > 0 ? shim::drop(scores, dropout, static_cast<uint64_t>(seed)) : scores;
        d.for_clips([&](size_t, int64_t time, int64_t row, int64_t first) {
            shim::multiply(heads_of(mixed, row, time, d), square_of(dropped, first, time, d),
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
            shim::multiply(square, mixed, heads_of(value, row, time, d).transpose(1, 2));
            shim::multiply(heads_of(of_value, row, time, d), dropped.transpose(1, 2), mixed);
            normalise_backward(square, square_of(saved[3], first, time, d), dropped, scale);
            shim::multiply(heads_of(of_query, row, time, d), square, heads_of(key, row, time, d));
            shim::multiply(heads_of(of_key, row, time, d), square.transpose(1, 2),
                           heads_of(query, row, time, d));
        });
        return {of_query,     of_key,       of_value,     at::Tensor(),
                at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
    }
};

/* Whether the kernel above takes them. */
bool attends_here(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value)
{
    at::ScalarType type = query.scalar_type();

    return query.is_cpu() && key.scalar_type() == type && value.scalar_type() == type &&
           (type == at::kFloat || type == at::kBFloat16);
}

/* query, key, value: (..., heads * width), all rows one after another; mask: (clips, time) */
at::Tensor attend(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                  const c10::optional<at::Tensor> &mask, const std::vector<int64_t> &lengths, int64_t heads,
                  double dropout)
{
    const int64_t rows[2] = {-1, query.size(-1)};

    return Attention::apply(query.reshape(rows).contiguous(), key.reshape(rows).contiguous(),
                            value.reshape(rows).contiguous(), mask, lengths, heads, dropout,
                            dropout > 0 ? shim::draw_seed() : 0)
        .view(query.sizes());
}

/* (batch, time, heads * width) -> (batch, heads, time, width) */
at::Tensor apart(const at::Tensor &x, int64_t heads)
{
    return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

/* mask: (batch, 1, 1, time) */
at::Tensor attend_elsewhere(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value,
                            const c10::optional<at::Tensor> &mask, int64_t heads, double dropout)
{
    at::Tensor q = apart(query, heads), k = apart(key, heads), v = apart(value, heads), mixed;

#if TORCH_VERSION_MAJOR >= 2
    c10::optional<at::Tensor> shown;
    if (mask)
        shown = mask->logical_not();
    mixed = at::scaled_dot_product_attention(q, k, v, shown, dropout, false);
#else
    at::Tensor scores = at::matmul(q / std::sqrt(static_cast<double>(q.size(3))), k.transpose(2, 3));
    if (mask)
        scores = scores.masked_fill(*mask, -INFINITY);
    scores = at::softmax(scores, 3);
    mixed = at::matmul(dropout > 0 ? at::dropout(scores, dropout, true) : scores, v);
#endif
    return mixed.transpose(1, 2).reshape(query.sizes());
}

void record(const at::Tensor &query, const at::Tensor &key, const at::Tensor &value, int64_t heads,
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
        record(q, k, v, heads, clips, time);
        if (!attends_here(q, k, v))
            return attend_elsewhere(q, k, v, mask, heads, dropout);
        if (mask)
            mask = mask->reshape({clips, time}).contiguous();
        return attend(q, k, v, mask, std::vector<int64_t>(static_cast<size_t>(clips), time), heads, dropout);
    });
}

struct et_tensor *et_attention_packed(struct et_scope *scope, const struct et_tensor *query,
                                      const struct et_tensor *key, const struct et_tensor *value,
                                      const int64_t *lengths, int64_t clips, int64_t heads, double dropout)
{
    return shim::make(scope, "attention", {query, key, value}, [&] {
        const at::Tensor &q = query->value, &k = key->value, &v = value->value;
        for (int64_t b = 0; b < clips; b++)
            record(q, k, v, heads, 1, lengths[b]);
        if (attends_here(q, k, v))
            return attend(q, k, v, c10::nullopt, std::vector<int64_t>(lengths, lengths + clips), heads,
                          dropout);
        std::vector<at::Tensor> parts;
        for (int64_t b = 0, row = 0; b < clips; row += lengths[b++])
            parts.push_back(attend_elsewhere(q.narrow(1, row, lengths[b]), k.narrow(1, row, lengths[b]),
                                             v.narrow(1, row, lengths[b]), c10::nullopt, heads, dropout));
        return at::cat(parts, 1);
    });
}
}
