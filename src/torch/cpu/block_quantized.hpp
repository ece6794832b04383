/*
 * Inside torch/ only: numbers in 8 bits, block-wise (Dettmers, Lewis, Shleifer and Zettlemoyer, "8-bit
 * Optimizers via Block-wise Quantization", 2022).
 *
 * A block of BLOCK numbers is kept as its largest magnitude and a code for each number's ratio to it.  The
 * codes are the paper's dynamic tree: ratios down to 1e-7 of the largest, finer towards it.  Two differences:
 * the lowest signed code is -1, so that what was coded is coded the same again; and in the unsigned map,
 * which is for second moments, only zero becomes zero, so that nothing is divided by it.
 */
#ifndef EMOTRAIN_TORCH_BLOCKS_HPP
#define EMOTRAIN_TORCH_BLOCKS_HPP

#include "torch/shim.hpp"

namespace shim
{

enum { BLOCK = 256 };

/* What the 256 codes mean, ascending, and how a ratio finds its code. */
class CodeMap
{
  public:
    explicit CodeMap(bool is_signed);

    /* count <= BLOCK numbers of one block */
    void decode(float *values, const uint8_t *codes, float scale, int64_t count) const;
    float encode(const float *values, uint8_t *codes, int64_t count) const; /* returns the block's scale */

  private:
    float meaning[256];
    float middle[256];    /* between a code's meaning and the next one's; after the last, infinity */
    uint8_t first[65536]; /* by a ratio's upper 16 bits: the code at the lower end of those ratios */
    bool keeps_from_zero; /* only zero becomes zero */
};

/* A tensor in blocks. */
struct Blocks {
    const CodeMap *map = nullptr;
    at::Tensor codes;  /* (elements) uint8 */
    at::Tensor scales; /* (blocks) float32 */

    static Blocks zeros(int64_t elements, bool is_signed);
    void read(float *values) const;
    void write(const float *values);
};

} // namespace shim

#endif
