// The primes of a key: drawing and checking them. Of the secret side; not constant-time, see
// paillier/secret_key.h. Thread-safe.
#pragma once

#include "paillier/limbs.h"

namespace fed::paillier {

// From the first call on, GMP wipes what it frees, in the whole process. The functions below call
// it; so does every other function that hands a secret to GMP's mpz_ functions.
void make_gmp_wipe();

// Overwrites the part of the stack that calls which have returned may have left secrets in: 64 KiB
// below the caller. GMP keeps temporaries of up to that size on the stack.
void wipe_stack_below();

// A prime of 1,536 bits whose two highest bits are set (so that a product of two has exactly 3,072
// bits), uniform among these. The Baillie-PSW test and 40 rounds of Miller and Rabin: a composite
// passes with a probability below 2^-80 even if it were chosen by an enemy, and here it is drawn.
void draw_prime(std::span<std::uint64_t, kPrimeLimbs> prime, const RandomSource& random);

// Whether it has exactly 1,536 bits and passes the same test.
bool is_prime_of_a_key(std::span<const std::uint64_t, kPrimeLimbs> number);

// Whether |p - q| > 2^1436 (FIPS 186-5, appendix A.1.1: or Fermat's method factors p q).
bool far_apart(std::span<const std::uint64_t, kPrimeLimbs> p,
               std::span<const std::uint64_t, kPrimeLimbs> q);

// Whether gcd(p q, (p - 1)(q - 1)) = 1: without it, decryption is not unique (Damgard, Jurik and
// Nielsen 2010, section 3).
bool coprime_to_order(std::span<const std::uint64_t, kPrimeLimbs> p,
                      std::span<const std::uint64_t, kPrimeLimbs> q);

}  // namespace fed::paillier
