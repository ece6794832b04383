/* Inside torch/ only: what kernels that go over a tensor row by row share. */
#ifndef EMOTRAIN_TORCH_ROWS_HPP
#define EMOTRAIN_TORCH_ROWS_HPP

#include "torch/shim.hpp"

#include <algorithm>

namespace shim
{

enum { LANES = 16 }; /* partial sums of a row, so that their order is fixed */

/* Rows of so many elements for a thread at least. */
inline int64_t rows_per_thread(int64_t width)
{
    return std::max<int64_t>(1, GRAIN / 4 / width);
}

/* exp(x) for x <= 0 to float's accuracy, in a form that compilers vectorise; NaN stays NaN. */
inline __attribute__((always_inline)) float exp_negative(float x)
{
    const float rounder = 12582912.0F; /* 1.5 * 2^23: adding it leaves the nearest whole number below */
    float clamped = x < -87.0F ? -87.0F : x;
    float shifted = clamped * 1.44269504F + rounder, whole = shifted - rounder;
    float rest = (clamped - whole * 0.693359375F) + whole * 2.12194440e-4F; /* ln 2 in two parts */
    float y = 1.9875691500e-4F;
    uint32_t bits;

    y = y * rest + 1.3981999507e-3F;
    y = y * rest + 8.3334519073e-3F;
    y = y * rest + 4.1665795894e-2F;
    y = y * rest + 1.6666665459e-1F;
    y = y * rest + 5.0000001201e-1F;
    y = y * rest * rest + rest + 1.0F;
    std::memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 127) << 23; /* 2^whole */
    float power;
    std::memcpy(&power, &bits, sizeof power);
    return x < -87.0F ? 0.0F : y * power;
}

WIDE_LOOP inline void widen_row(float *to, const uint16_t *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = shim::widen(from[i]);
}

WIDE_LOOP inline void narrow_row(uint16_t *to, const float *from, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = shim::narrow(from[i]);
}

/* Rows of a contiguous tensor in float32 or bfloat16, read and written as floats. */
class Rows
{
  public:
    explicit Rows(const at::Tensor &x)
        : width(x.size(-1)), halves(x.scalar_type() == at::kBFloat16), data(x.data_ptr())
    {
    }

    void read(int64_t row, float *to) const
    {
        if (halves)
            widen_row(to, static_cast<const uint16_t *>(data) + row * width, width);
        else
            std::memcpy(to, static_cast<const float *>(data) + row * width,
                        static_cast<size_t>(width) * sizeof *to);
    }

    void write(int64_t row, const float *from) const
    {
        if (halves)
            narrow_row(static_cast<uint16_t *>(data) + row * width, from, width);
        else
            std::memcpy(static_cast<float *>(data) + row * width, from,
                        static_cast<size_t>(width) * sizeof *from);
    }

  private:
    int64_t width;
    bool halves;
    void *data;
};

} // namespace shim

#endif
