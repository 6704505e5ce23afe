// FED_WIDE before a function: compiled also for wider vector registers, of which the widest that
// the processor has are used.
//
// For loops over numbers whose result does not depend, in any bit, on how many are done at once;
// their file is compiled with -ffp-contract=off, unless all products are exact. Not with clang,
// which lacks it, nor with sanitizers, whose runtime is not ready yet when the choice is made.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FED_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FED_WIDE
#endif
