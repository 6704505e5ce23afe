// Arithmetic modulo L = 2^252 + 27742317777372353535851937790883648493, the prime order of
// Ed25519's group (RFC 8032, section 5.1): a field of 252 bits whose operations take the same time
// whatever the values, which is what secret sharing needs.
//
// A scalar is 32 bytes, little-endian, and below L. Nothing here is a signature or a group element.
#pragma once

#include <cstdint>

#include "crypto/random.h"
#include "crypto/secret.h"

namespace fed::crypto {

// A number modulo L, wiped on destruction. Move-only, so that a secret has one place; duplicate()
// states a second one. Zero at first. Not thread-safe; reads are.
class Scalar {
 public:
  Scalar() = default;
  explicit Scalar(std::uint64_t number);
  // Uniform: 64 bytes of `random`, reduced (the bias is below 2^-259).
  static Scalar random(const RandomSource& random);
  // ErrorCode::malformed for a number that is not below L.
  static Result<Scalar> from_bytes(KeyView bytes);

  KeyView view() const { return bytes_.view(); }
  Scalar duplicate() const;

  Scalar& operator+=(const Scalar& other);
  Scalar& operator-=(const Scalar& other);
  Scalar& operator*=(const Scalar& other);
  // This becomes this * factor + summand: a step of Horner's rule at a small point. Ten times as
  // fast as the two operations, since a small factor leaves little to reduce.
  void multiply_add(std::uint32_t factor, const Scalar& summand);
  // 1/x; zero, which has no inverse, is a broken invariant.
  Scalar inverse() const;

  // In constant time.
  bool operator==(const Scalar& other) const { return constant_time_equal(view(), other.view()); }

 private:
  Wiped<32> bytes_;
};

}  // namespace fed::crypto
