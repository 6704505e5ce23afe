#include "paillier/public_key.h"

#include <gmp.h>

#include "paillier/arithmetic.h"

namespace fed::paillier {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 3;
constexpr unsigned long kFactorsBelow = 1UL << 16;

Error refused(const char* why) {
  return Error{ErrorCode::invalid, std::string("not a Paillier key: its modulus ") + why};
}

bool has_small_factor(mpz_srcptr n) {
  // Odd numbers that are not prime cost a little time and change nothing.
  for (unsigned long factor = 3; factor < kFactorsBelow; factor += 2) {
    if (mpz_divisible_ui_p(n, factor) != 0) return true;
  }
  return false;
}

}  // namespace

Result<PublicKey> PublicKey::from_modulus(std::span<const std::uint64_t, kModulusLimbs> modulus) {
  if ((modulus.back() >> (kLimbBits - 1)) == 0) return refused("has fewer than 3,072 bits");
  if ((modulus.front() & 1) == 0) return refused("is even");
  mpz_t view;
  const mpz_srcptr n = mpz_roinit_n(view, modulus.data(), kModulusLimbs);
  if (has_small_factor(n)) return refused("has a small factor");
  if (mpz_perfect_power_p(n) != 0) return refused("is a power");
  // Fewer than 24 rounds are GMP's Baillie-PSW test alone, which passes every prime.
  if (mpz_probab_prime_p(n, 1) != 0) return refused("is a prime");

  PublicKey key;
  std::copy(modulus.begin(), modulus.end(), key.modulus_.begin());
  multiply(key.square_, key.modulus_, key.modulus_);
  return key;
}

Result<PublicKey> PublicKey::from_bytes(ByteView bytes) {
  if (bytes.empty() || (bytes[0] == kVersion && bytes.size() != kBytes)) {
    return Error{ErrorCode::malformed, "a Paillier key has " + std::to_string(kBytes) +
                                           " bytes, not " + std::to_string(bytes.size())};
  }
  if (bytes[0] != kVersion) {
    return Error{ErrorCode::unsupported, "a Paillier key of version " + std::to_string(bytes[0]) +
                                             "; this program knows version 1"};
  }
  const std::size_t length = load_le<std::uint16_t>(bytes.data() + 1);
  if (length != kModulusBytes) {
    return Error{ErrorCode::malformed, "a Paillier key says that its modulus has " +
                                           std::to_string(length) + " bytes; it must have 384"};
  }
  Limbs<kModulusLimbs> modulus;
  std::memcpy(modulus.data(), bytes.data() + kHeaderBytes, kModulusBytes);
  return from_modulus(modulus);
}

Bytes PublicKey::to_bytes() const {
  Bytes bytes(kBytes);
  bytes[0] = kVersion;
  store_le(bytes.data() + 1, static_cast<std::uint16_t>(kModulusBytes));
  std::memcpy(bytes.data() + kHeaderBytes, modulus_.data(), kModulusBytes);
  return bytes;
}

}  // namespace fed::paillier
