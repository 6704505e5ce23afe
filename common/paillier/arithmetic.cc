#include "paillier/arithmetic.h"

#include <gmp.h>

#include <type_traits>

namespace fed::paillier {
namespace {

static_assert(std::is_same_v<mp_limb_t, std::uint64_t> && GMP_NUMB_BITS == kLimbBits);
static_assert(std::is_same_v<mp_size_t, std::ptrdiff_t>);

mp_size_t size(LimbView a) { return static_cast<mp_size_t>(a.size()); }

}  // namespace

void multiply(LimbSpan product, LimbView a, LimbView b) {
  FED_CHECK(!b.empty() && a.size() >= b.size() && product.size() == a.size() + b.size());
  Scratch scratch(mpn_sec_mul_itch(size(a), size(b)));
  mpn_sec_mul(product.data(), a.data(), size(a), b.data(), size(b), scratch.data());
}

void reduce(LimbSpan value, LimbView modulus) {
  FED_CHECK(!modulus.empty() && value.size() >= modulus.size() && modulus.back() != 0);
  Scratch scratch(mpn_sec_div_r_itch(size(value), size(modulus)));
  mpn_sec_div_r(value.data(), size(value), modulus.data(), size(modulus), scratch.data());
}

void power(LimbSpan result, LimbView base, LimbView exponent, LimbView modulus) {
  FED_CHECK(!base.empty() && !exponent.empty() && result.size() == modulus.size());
  FED_CHECK((modulus.front() & 1) == 1 && modulus.back() != 0);
  const mp_bitcnt_t bits = exponent.size() * kLimbBits;
  Scratch scratch(mpn_sec_powm_itch(size(base), bits, size(modulus)));
  mpn_sec_powm(result.data(), base.data(), size(base), exponent.data(), bits, modulus.data(),
               size(modulus), scratch.data());
}

bool invert(LimbSpan inverse, LimbView value, LimbView modulus) {
  FED_CHECK(value.size() == modulus.size() && inverse.size() == modulus.size());
  FED_CHECK((modulus.front() & 1) == 1);
  Scratch consumed(size(value));
  std::copy(value.begin(), value.end(), consumed.data());
  Scratch scratch(mpn_sec_invert_itch(size(modulus)));
  return mpn_sec_invert(inverse.data(), consumed.data(), modulus.data(), size(modulus),
                        2 * kLimbBits * modulus.size(), scratch.data()) != 0;
}

void increment(LimbSpan value) {
  Scratch scratch(mpn_sec_add_1_itch(size(value)));
  mpn_sec_add_1(value.data(), value.data(), size(value), 1, scratch.data());
}

void decrement(LimbSpan value) {
  Scratch scratch(mpn_sec_sub_1_itch(size(value)));
  mpn_sec_sub_1(value.data(), value.data(), size(value), 1, scratch.data());
}

bool less(LimbView a, LimbView b) {
  FED_CHECK(!a.empty() && a.size() == b.size());
  Scratch difference(size(a));
  return mpn_sub_n(difference.data(), a.data(), b.data(), size(a)) != 0;
}

bool is_zero(LimbView a) {
  std::uint64_t any = 0;
  for (const std::uint64_t word : a) any |= word;
  return any == 0;
}

}  // namespace fed::paillier
