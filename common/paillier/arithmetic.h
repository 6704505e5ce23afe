// The arithmetic that secrets go through: time and memory accesses depend on the sizes of the
// arguments, never on their values.
//
// Thin covers of GMP's mpn_sec_ functions ("Low-level functions for cryptography" in its manual;
// mpz_powm_sec is the same code behind an allocation that stays unwiped). Their working memory is
// ours and is wiped. Sizes are in words and are part of each contract; a wrong one aborts. Results
// do not overlap arguments. Pure functions; safe from any thread.
#pragma once

#include "paillier/limbs.h"

namespace fed::paillier {

// product = a * b. product.size() == a.size() + b.size(), a.size() >= b.size() > 0.
void multiply(LimbSpan product, LimbView a, LimbView b);

// The first modulus.size() words of `value` become value mod modulus; the others are unspecified.
// value.size() >= modulus.size(); the modulus' last word is not 0.
void reduce(LimbSpan value, LimbView modulus);

// result = base^exponent mod modulus. The modulus is odd and its last word is not 0;
// result.size() == modulus.size(). The cost is that of an exponent of exponent.size() full words.
void power(LimbSpan result, LimbView base, LimbView exponent, LimbView modulus);

// Whether `value`, which is less than the odd modulus, has an inverse; if so, inverse = value^-1
// mod modulus, else it is unspecified. All three have the same size.
bool invert(LimbSpan inverse, LimbView value, LimbView modulus);

// value + 1 and value - 1, modulo 2^(64 * size), in place.
void increment(LimbSpan value);
void decrement(LimbSpan value);

// Whether a < b; both have the same size.
bool less(LimbView a, LimbView b);

// Whether every word is 0.
bool is_zero(LimbView a);

}  // namespace fed::paillier
