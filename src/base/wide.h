/* A loop over many numbers: also compiled for the wider registers of newer processors, and chosen when the
 * program starts.  Instrumented, and by clang, it is compiled once. */
#ifndef EMOTRAIN_BASE_WIDE_H
#define EMOTRAIN_BASE_WIDE_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) &&     \
    !defined(__SANITIZE_THREAD__)
#define WIDE_LOOP __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define WIDE_LOOP
#endif

#endif
