/* The processors of this machine. */
#ifndef EMOTRAIN_BASE_PROCESSOR_H
#define EMOTRAIN_BASE_PROCESSOR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Processors this process may use: its affinity mask, cut by the control group's CPU quota. */
int processor_count(void);

/* Whether this processor multiplies bfloat16 itself. */
bool processor_has_bfloat16(void);

/* Whether it multiplies matrices of bfloat16 faster than of float32.  Intel's do with tiles (AMX); with
 * AVX-512 alone, as in many virtual machines, products in bfloat16 take 1.75 times as long as in float32
 * (docs/results.md). */
bool processor_gains_by_bfloat16(void);

#ifdef __cplusplus
}
#endif

#endif
