// The public key of the Paillier cryptosystem: who holds it encrypts and adds, and cannot decrypt.
//
// Source: P. Paillier, "Public-key cryptosystems based on composite degree residuosity classes",
// Eurocrypt 1999, section 4, with the generator g = n + 1 of I. Damgard, M. Jurik and J. B.
// Nielsen, "A generalization of Paillier's public-key system with applications to electronic
// voting", 2010, the case s = 1. The modulus n = p q has exactly 3,072 bits, which NIST SP 800-57
// part 1 counts as 128 bits of strength for factoring.
//
// A key as bytes:
//
//   1    version, 1
//   2    bytes of the modulus, little-endian: 384
//   384  n, little-endian
//
// Whose key it is these bytes do not say: who takes another's key must know by other means (a
// pinned hash, a signature) that it is the key holder's, since whoever can exchange it reads
// everything.
#pragma once

#include "base/bytes.h"
#include "base/error.h"
#include "paillier/limbs.h"

namespace fed::paillier {

// n and n^2. Immutable, a value; reads are safe from any thread.
class PublicKey {
 public:
  static constexpr std::size_t kBytes = 3 + kModulusBytes;

  // Errors: malformed for another size or length field, unsupported for another version, and those
  // of from_modulus.
  static Result<PublicKey> from_bytes(ByteView bytes);

  // ErrorCode::invalid unless n is odd, has exactly 3,072 bits and no prime factor below 2^16, and
  // is neither a probable prime nor a perfect power. That finds damage and the cheap ways of making
  // a weak key; that n has two large prime factors only its owner can know.
  static Result<PublicKey> from_modulus(std::span<const std::uint64_t, kModulusLimbs> modulus);

  Bytes to_bytes() const;

  const Limbs<kModulusLimbs>& modulus() const { return modulus_; }
  const Limbs<kSquareLimbs>& square() const { return square_; }

  bool operator==(const PublicKey&) const = default;

 private:
  PublicKey() = default;

  Limbs<kModulusLimbs> modulus_{};
  Limbs<kSquareLimbs> square_{};
};

}  // namespace fed::paillier
