/* Numbers in 8 bits, block-wise: see block_quantized.hpp. */
#include "torch/cpu/block_quantized.hpp"
#include "torch/cpu/simd.hpp"

#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace
{

/* The dynamic tree's values: evenly spaced in each decade, twice as many as in the decade below. */
void fill_values(bool is_signed, float *values)
{
    const int exponents = 7;
    int count = 0;

    for (int e = 0; e < exponents; e++) {
        int items = (is_signed ? 1 : 2) << e;
        double power = std::pow(10.0, e - exponents + 1);
        for (int i = 0; i < items; i++) {
            double value = power * (0.1 + 0.9 * (i + 0.5) / items);
            values[count++] = static_cast<float>(value);
            if (is_signed)
                values[count++] = static_cast<float>(-value);
        }
    }
    values[count++] = 0;
    values[count++] = 1;
    std::sort(values, values + count);
    if (is_signed)
        values[0] = -1;
}

float float_of(uint32_t bits)
{
    float value;

    std::memcpy(&value, &bits, sizeof value);
    return value;
}

SIMD_CLONES float largest_magnitude(const float *numbers, int64_t count)
{
    return cpu::max_in_lanes(count, 0, [numbers](int64_t i) { return std::fabs(numbers[i]); });
}

/* The upper 16 bits of a ratio give its code, or one of the two codes before it.  Comparisons in place of
 * branches, which a processor could not predict. */
inline uint8_t nearest_code(float ratio, const uint8_t *first, const float *middle)
{
    uint32_t bits;

    std::memcpy(&bits, &ratio, sizeof bits);
    unsigned code = first[bits >> 16];
    code += ratio > middle[code];
    code += ratio > middle[code];
    return static_cast<uint8_t>(code);
}

SIMD_CLONES void decode_codes(float *numbers, const uint8_t *codes, const float *values, float scale,
                              int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        numbers[i] = values[codes[i]] * scale;
}

/* Elements as whole blocks (blocks, BLOCK), zeros after the last. */
at::Tensor as_blocks(const at::Tensor &elements)
{
    const int64_t rest = (cpu::BLOCK - elements.numel() % cpu::BLOCK) % cpu::BLOCK;

    return at::constant_pad_nd(elements, {0, rest}).view({-1, cpu::BLOCK});
}

} // namespace

cpu::Codebook::Codebook(bool is_signed) : keeps_from_zero(!is_signed)
{
    fill_values(is_signed, values);
    for (int c = 0; c < 255; c++)
        middle[c] =
            static_cast<float>((static_cast<double>(values[c]) + static_cast<double>(values[c + 1])) / 2);
    middle[255] = std::numeric_limits<float>::infinity();
    for (uint32_t bits = 0; bits < 65536; bits++) {
        /* The lower end of the ratios with these upper bits: of negative ones the largest magnitude. */
        float low = float_of(bits >> 15 ? bits << 16 | 0xFFFF : bits << 16);
        int code = 0;
        while (code < 255 && low > middle[code])
            code++;
        first[bits] = static_cast<uint8_t>(code);
        float high = float_of(bits >> 15 ? bits << 16 : bits << 16 | 0xFFFF);
        if (std::fabs(high) <= 1 && code < 253 && high > middle[code + 2])
            throw std::logic_error("a code is more than two after the one that its upper bits give");
    }
}

void cpu::Codebook::decode(float *numbers, const uint8_t *codes, float scale, int64_t count) const
{
    decode_codes(numbers, codes, values, scale, count);
}

float cpu::Codebook::encode(const float *numbers, uint8_t *codes, int64_t count) const
{
    float scale = largest_magnitude(numbers, count), inverse = scale > 0 ? 1 / scale : 0;

    if (!std::isfinite(inverse)) /* a subnormal scale: as good as zero */
        scale = inverse = 0;
    for (int64_t i = 0; i < count; i++)
        codes[i] = nearest_code(numbers[i] * inverse, first, middle);
    for (int64_t i = 0; keeps_from_zero && i < count; i++)
        codes[i] = static_cast<uint8_t>(codes[i] + (codes[i] == 0 && numbers[i] > 0 && scale > 0));
    return scale;
}

at::Tensor cpu::Codebook::decode_with_libtorch(const at::Tensor &codes, const at::Tensor &scales) const
{
    at::Tensor all = at::from_blob(const_cast<float *>(values), {256}, at::kFloat);

    return all.index_select(0, codes.view({-1}).to(at::kLong)).view(codes.sizes()) * scales.unsqueeze(1);
}

at::Tensor cpu::Codebook::encode_with_libtorch(const at::Tensor &numbers, const at::Tensor &scales) const
{
    at::Tensor borders = at::from_blob(const_cast<float *>(middle), {255}, at::kFloat);
    at::Tensor largest = numbers.abs().amax(1), inverse = at::reciprocal(largest);
    at::Tensor is_zero = inverse.isfinite().logical_not(); /* or subnormal */

    scales.copy_(largest.masked_fill(is_zero, 0));
    inverse = inverse.masked_fill(is_zero, 0).unsqueeze(1);
    at::Tensor codes = at::bucketize(numbers * inverse, borders);
    if (keeps_from_zero)
        codes = codes + (codes == 0).logical_and(numbers > 0).logical_and(scales.unsqueeze(1) > 0);
    return codes.to(at::kByte);
}

cpu::BlockQuantized cpu::BlockQuantized::zeros(int64_t elements, bool is_signed)
{
    static const Codebook signed_codes(true), unsigned_codes(false);
    BlockQuantized blocks;
    uint8_t zero;
    float nothing = 0;

    blocks.codebook = is_signed ? &signed_codes : &unsigned_codes;
    blocks.codebook->encode(&nothing, &zero, 1);
    blocks.codes = at::full({elements}, zero, at::kByte);
    blocks.scales = at::zeros({(elements + BLOCK - 1) / BLOCK}, at::kFloat);
    return blocks;
}

void cpu::BlockQuantized::read(float *numbers) const
{
    const uint8_t *from = codes.data_ptr<uint8_t>();
    const float *sizes = scales.data_ptr<float>();
    const int64_t count = codes.numel();

    if (shim::plain_torch) {
        at::Tensor all = codebook->decode_with_libtorch(as_blocks(codes), scales);
        std::memcpy(numbers, all.data_ptr<float>(), static_cast<size_t>(count) * sizeof *numbers);
        return;
    }
    at::parallel_for(0, scales.numel(), 64, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; b++)
            codebook->decode(numbers + b * BLOCK, from + b * BLOCK, sizes[b],
                             std::min<int64_t>(BLOCK, count - b * BLOCK));
    });
}

void cpu::BlockQuantized::write(const float *numbers)
{
    uint8_t *to = codes.data_ptr<uint8_t>();
    float *sizes = scales.data_ptr<float>();
    const int64_t count = codes.numel();

    if (shim::plain_torch) {
        at::Tensor all = at::from_blob(const_cast<float *>(numbers), {count}, at::kFloat);
        codes.copy_(codebook->encode_with_libtorch(as_blocks(all), scales).view({-1}).narrow(0, 0, count));
        return;
    }
    at::parallel_for(0, scales.numel(), 64, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; b++)
            sizes[b] = codebook->encode(numbers + b * BLOCK, to + b * BLOCK,
                                        std::min<int64_t>(BLOCK, count - b * BLOCK));
    });
}
