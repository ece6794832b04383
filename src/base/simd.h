/* SIMD_CLONES: compiles a function also for the wider registers of newer processors; the program chooses when
 * it starts.  Instrumented builds and clang compile it once. */
#ifndef EMOTRAIN_BASE_SIMD_H
#define EMOTRAIN_BASE_SIMD_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&     \
    !defined(__SANITIZE_THREAD__)
#define SIMD_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SIMD_CLONES
#endif

#endif
