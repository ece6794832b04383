/*
 * For loops that a compiler turns into vector instructions: copies of a function for wider registers,
 * partial results in a fixed order, bfloat16, and the exponential.
 *
 * Replaces: ATen/cpu/vec, whose headers are for one instruction set per source file.
 *
 * Gains: not measured alone.
 *
 * May go: with the kernels that use it.
 */
#ifndef EMOTRAIN_TORCH_CPU_SIMD_HPP
#define EMOTRAIN_TORCH_CPU_SIMD_HPP

#include "base/simd.h" /* SIMD_CLONES */

#include <cstdint>
#include <cstring>

/* For functions that a SIMD_CLONES function calls in its loop: each copy needs them in its own instructions.
 */
#define SIMD_INLINE inline __attribute__((always_inline))

namespace cpu
{

enum { LANES = 16 }; /* partial results of a loop: as many float32 as AVX-512 holds in a register */

/* value(0) + ... + value(count - 1).  The order of additions is the same on every processor. */
template <typename Number, typename Value> SIMD_INLINE Number sum_in_lanes(int64_t count, Value value)
{
    Number lanes[LANES] = {0}, sum = 0;
    int64_t i = 0;

    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++)
            lanes[k] += value(i + k);
    for (; i < count; i++)
        sum += value(i);
    for (Number lane : lanes)
        sum += lane;
    return sum;
}

/* The largest of value(0) ... value(count - 1) and `lowest`.  NaN is passed over. */
template <typename Value> SIMD_INLINE float max_in_lanes(int64_t count, float lowest, Value value)
{
    float lanes[LANES], top = lowest;
    int64_t i = 0;

    for (float &lane : lanes)
        lane = lowest;
    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++) {
            float x = value(i + k);
            lanes[k] = x > lanes[k] ? x : lanes[k];
        }
    for (; i < count; i++) {
        float x = value(i);
        top = x > top ? x : top;
    }
    for (float lane : lanes)
        top = lane > top ? lane : top;
    return top;
}

/* A bfloat16 (the upper half of a float32) as float32. */
SIMD_INLINE float widen_bf16(uint16_t bf16)
{
    uint32_t bits = static_cast<uint32_t>(bf16) << 16;
    float value;

    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/* A float32 as bfloat16, rounded to nearest even. */
SIMD_INLINE uint16_t round_to_bf16(float value)
{
    uint32_t bits;

    std::memcpy(&bits, &value, sizeof bits);
    return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/* exp(x) for x <= 0 to float32's accuracy.  NaN stays NaN. */
SIMD_INLINE float exp_negative(float x)
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

} // namespace cpu

#endif
