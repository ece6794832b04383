/*
 * Rows of a tensor, read and written as float32, for kernels that go over a tensor row by row
 * (attention.cpp, norm.cpp).  A row in bfloat16 is widened when it is read and rounded when it is written.
 *
 * Replaces: a conversion of the whole tensor to float32 and back, which passes through memory twice more.
 *
 * Gains: not measured alone.
 *
 * May go: with the kernels that use it.
 */
#ifndef EMOTRAIN_TORCH_CPU_ROWS_HPP
#define EMOTRAIN_TORCH_CPU_ROWS_HPP

#include "torch/cpu/kernels.hpp"
#include "torch/cpu/simd.hpp"

#include <algorithm>

namespace cpu
{

/* How many rows of `width` elements are worth a thread. */
inline int64_t rows_per_thread(int64_t width)
{
    return std::max<int64_t>(1, GRAIN / 4 / width);
}

SIMD_CLONES inline void widen_row(float *to, const uint16_t *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = widen_bf16(from[i]);
}

SIMD_CLONES inline void round_row(uint16_t *to, const float *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = round_to_bf16(from[i]);
}

/* Rows of a contiguous tensor in float32 or bfloat16. */
class Rows
{
  public:
    explicit Rows(const at::Tensor &x)
        : width(x.size(-1)), is_bf16(x.scalar_type() == at::kBFloat16), data(x.data_ptr())
    {
    }

    void read(int64_t row, float *to) const
    {
        if (is_bf16)
            widen_row(to, static_cast<const uint16_t *>(data) + row * width, width);
        else
            std::memcpy(to, static_cast<const float *>(data) + row * width,
                        static_cast<size_t>(width) * sizeof *to);
    }

    void write(int64_t row, const float *from) const
    {
        if (is_bf16)
            round_row(static_cast<uint16_t *>(data) + row * width, from, width);
        else
            std::memcpy(static_cast<float *>(data) + row * width, from,
                        static_cast<size_t>(width) * sizeof *from);
    }

  private:
    int64_t width;
    bool is_bf16;
    void *data;
};

} // namespace cpu

#endif
