/*
 * Inside torch/ only: numbers in 8 bits, block-wise (Dettmers, Lewis, Shleifer and Zettlemoyer, "8-bit
 * Optimizers via Block-wise Quantization", 2022), for AdamW's moments.
 *
 * A block of BLOCK numbers is kept as its largest magnitude and a code for each number's ratio to it.  The
 * codes are the paper's dynamic tree: ratios down to 1e-7 of the largest, finer towards it.  Two
 * differences: the lowest signed code is -1, so that decoded numbers get the same codes again; and in the
 * unsigned codebook, which is for second moments, only zero becomes zero, so that nothing is divided by it.
 *
 * Replaces: at::index_select and at::bucketize.  libtorch has no optimizer with moments in 8 bits.
 *
 * Gains: time, see adamw.cpp.  Memory, of the method itself: 4.42 in place of 6.84 GiB for the XLSR shape in
 * bfloat16, at 5.4 in place of 3.1 s a step (1).
 *
 * May go: when libtorch has such an optimizer on the CPU.
 */
#ifndef EMOTRAIN_TORCH_CPU_BLOCK_QUANTIZED_HPP
#define EMOTRAIN_TORCH_CPU_BLOCK_QUANTIZED_HPP

#include "torch/cpu/kernels.hpp"

namespace cpu
{

enum { BLOCK = 256 };

/* The values of the 256 codes, ascending, and how a ratio finds its code. */
class Codebook
{
  public:
    explicit Codebook(bool is_signed);

    /* count <= BLOCK numbers of one block */
    void decode(float *numbers, const uint8_t *codes, float scale, int64_t count) const;
    float encode(const float *numbers, uint8_t *codes, int64_t count) const; /* returns the block's scale */

    /* The same by libtorch: numbers (blocks, BLOCK), codes alike, scales (blocks). */
    at::Tensor decode_with_libtorch(const at::Tensor &codes, const at::Tensor &scales) const;
    at::Tensor encode_with_libtorch(const at::Tensor &numbers,
                                    const at::Tensor &scales) const; /* fills scales */

  private:
    float values[256];
    float middle[256];    /* between a code's value and the next one's; after the last, infinity */
    uint8_t first[65536]; /* by a ratio's upper 16 bits: the code at the lower end of those ratios */
    bool keeps_from_zero; /* only zero becomes zero */
};

/* Elements in blocks. */
struct BlockQuantized {
    const Codebook *codebook = nullptr;
    at::Tensor codes;  /* (elements) uint8 */
    at::Tensor scales; /* (blocks) float32 */

    static BlockQuantized zeros(int64_t elements, bool is_signed);
    void read(float *numbers) const;
    void write(const float *numbers);
};

} // namespace cpu

#endif
