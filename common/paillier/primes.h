// The primes of a key: drawing and checking them. Of the secret side; not constant-time, see
// paillier/secret_key.h. Thread-safe.
#pragma once

#include "paillier/limbs.h"

namespace fed::paillier {

// From the first call on, GMP wipes what it frees, in the whole process. The functions below call
// it; so does every other function that hands a secret to GMP's mpz_ functions.
void make_gmp_wipe();

// Overwrites the part of the stack that calls which have returned may have left secrets in: 64 KiB
// below the caller. GMP keeps its temporaries there, some KiB of them for numbers of this size.
void wipe_stack_below();

// A prime of 1,536 bits whose two highest bits are set (so that a product of two has exactly 3,072
// bits), uniform among these. Composites are found by the Baillie-PSW test and 40 rounds of Miller
// and Rabin, each of which misses one in four at the very most, and random ones hardly ever.
void draw_prime(std::span<std::uint64_t, kPrimeLimbs> prime, const RandomSource& random);

// Whether it has exactly 1,536 bits and passes the Baillie-PSW test, which no composite is known to
// pass. Enough to find damage in a key that was made by draw_prime.
bool is_prime_of_a_key(std::span<const std::uint64_t, kPrimeLimbs> number);

// Whether |p - q| > 2^1436 (FIPS 186-5, appendix A.1.1: or Fermat's method factors p q).
bool far_apart(std::span<const std::uint64_t, kPrimeLimbs> p,
               std::span<const std::uint64_t, kPrimeLimbs> q);

// Whether gcd(p q, (p - 1)(q - 1)) = 1: without it, r^n is no permutation of Z*_n and decryption is
// not unique. Always so for different primes of the same length.
bool coprime_to_order(std::span<const std::uint64_t, kPrimeLimbs> p,
                      std::span<const std::uint64_t, kPrimeLimbs> q);

}  // namespace fed::paillier
