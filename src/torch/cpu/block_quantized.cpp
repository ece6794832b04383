#include "torch/cpu/block_quantized.hpp"
#include "torch/cpu/rows.hpp"

#include <ATen/Parallel.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

using shim::LANES;

namespace
{

/* The dynamic tree's values: for each power of ten an equal share of the ratios between it and the next. */
void list_meanings(bool is_signed, float *meaning)
{
    const int exponents = 7;
    int count = 0;

    for (int e = 0; e < exponents; e++) {
        int items = (is_signed ? 1 : 2) << e;
        double power = std::pow(10.0, e - exponents + 1);
        for (int i = 0; i < items; i++) {
            double value = power * (0.1 + 0.9 * (i + 0.5) / items);
            meaning[count++] = static_cast<float>(value);
            if (is_signed)
                meaning[count++] = static_cast<float>(-value);
        }
    }
    meaning[count++] = 0;
    meaning[count++] = 1;
    std::sort(meaning, meaning + count);
    if (is_signed)
        meaning[0] = -1;
}

float float_of(uint32_t bits)
{
    float value;

    std::memcpy(&value, &bits, sizeof value);
    return value;
}

/* The largest magnitude. */
WIDE_LOOP float largest(const float *values, int64_t count)
{
    float most[LANES] = {0}, result = 0;
    int64_t i = 0;

    for (; i + LANES <= count; i += LANES)
        for (int k = 0; k < LANES; k++) {
            float size = std::fabs(values[i + k]);
            most[k] = size > most[k] ? size : most[k];
        }
    for (; i < count; i++)
        result = std::max(result, std::fabs(values[i]));
    for (float lane : most)
        result = std::max(result, lane);
    return result;
}

} // namespace

shim::CodeMap::CodeMap(bool is_signed) : keeps_from_zero(!is_signed)
{
    list_meanings(is_signed, meaning);
    for (int c = 0; c < 255; c++)
        middle[c] =
            static_cast<float>((static_cast<double>(meaning[c]) + static_cast<double>(meaning[c + 1])) / 2);
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
            throw std::logic_error("a code is further than two from where it is looked for");
    }
}

/* Upper 16 bits tell a ratio's code but for two at most: without a branch, as there is no guessing which. */
static inline uint8_t nearest(float ratio, const uint8_t *first, const float *middle)
{
    uint32_t bits;

    std::memcpy(&bits, &ratio, sizeof bits);
    unsigned code = first[bits >> 16];
    code += ratio > middle[code];
    code += ratio > middle[code];
    return static_cast<uint8_t>(code);
}

WIDE_LOOP static void decode_codes(float *values, const uint8_t *codes, const float *meaning, float scale,
                                   int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        values[i] = meaning[codes[i]] * scale;
}

void shim::CodeMap::decode(float *values, const uint8_t *codes, float scale, int64_t count) const
{
    decode_codes(values, codes, meaning, scale, count);
}

float shim::CodeMap::encode(const float *values, uint8_t *codes, int64_t count) const
{
    float scale = largest(values, count), inverse = scale > 0 ? 1 / scale : 0;

    if (!std::isfinite(inverse)) /* a scale that is subnormal: as good as nothing */
        scale = inverse = 0;
    for (int64_t i = 0; i < count; i++)
        codes[i] = nearest(values[i] * inverse, first, middle);
    for (int64_t i = 0; keeps_from_zero && i < count; i++)
        codes[i] = static_cast<uint8_t>(codes[i] + (codes[i] == 0 && values[i] > 0 && scale > 0));
    return scale;
}

shim::Blocks shim::Blocks::zeros(int64_t elements, bool is_signed)
{
    static const CodeMap signed_map(true), unsigned_map(false);
    Blocks blocks;
    uint8_t zero;
    float nothing = 0;

    blocks.map = is_signed ? &signed_map : &unsigned_map;
    blocks.map->encode(&nothing, &zero, 1);
    blocks.codes = at::full({elements}, zero, at::kByte);
    blocks.scales = at::zeros({(elements + BLOCK - 1) / BLOCK}, at::kFloat);
    return blocks;
}

void shim::Blocks::read(float *values) const
{
    const uint8_t *from = codes.data_ptr<uint8_t>();
    const float *sizes = scales.data_ptr<float>();
    const int64_t count = codes.numel();

    at::parallel_for(0, scales.numel(), 64, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; b++)
            map->decode(values + b * BLOCK, from + b * BLOCK, sizes[b],
                        std::min<int64_t>(BLOCK, count - b * BLOCK));
    });
}

void shim::Blocks::write(const float *values)
{
    uint8_t *to = codes.data_ptr<uint8_t>();
    float *sizes = scales.data_ptr<float>();
    const int64_t count = codes.numel();

    at::parallel_for(0, scales.numel(), 64, [&](int64_t begin, int64_t end) {
        for (int64_t b = begin; b < end; b++)
            sizes[b] =
                map->encode(values + b * BLOCK, to + b * BLOCK, std::min<int64_t>(BLOCK, count - b * BLOCK));
    });
}
