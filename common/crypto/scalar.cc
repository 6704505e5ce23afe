#include "crypto/scalar.h"

#include <sodium.h>

#include "crypto/init.h"

namespace fed::crypto {
namespace {

static_assert(crypto_core_ed25519_SCALARBYTES == 32);

// The number of 64 bytes modulo L.
void reduce(std::span<std::uint8_t, 32> into, std::span<const std::uint8_t, 64> wide) {
  crypto_core_ed25519_scalar_reduce(into.data(), wide.data());
}

}  // namespace

Scalar::Scalar(std::uint64_t number) { store_le(bytes_.span().data(), number); }

Scalar Scalar::random(const RandomSource& random) {
  init();
  Wiped<64> wide;
  random(wide.span());
  Scalar scalar;
  reduce(scalar.bytes_.span(), wide.view());
  return scalar;
}

Result<Scalar> Scalar::from_bytes(KeyView bytes) {
  // The library has no test for "below L"; a reduction that changes nothing is one.
  Wiped<64> wide;
  std::copy(bytes.begin(), bytes.end(), wide.span().begin());
  Scalar scalar;
  reduce(scalar.bytes_.span(), wide.view());
  if (!constant_time_equal(scalar.view(), bytes)) {
    return Error{ErrorCode::malformed, "a scalar is not below the order of the group"};
  }
  return scalar;
}

Scalar Scalar::duplicate() const {
  Scalar copy;
  copy.bytes_.assign(view());
  return copy;
}

Scalar& Scalar::operator+=(const Scalar& other) {
  crypto_core_ed25519_scalar_add(bytes_.span().data(), view().data(), other.view().data());
  return *this;
}

Scalar& Scalar::operator-=(const Scalar& other) {
  crypto_core_ed25519_scalar_sub(bytes_.span().data(), view().data(), other.view().data());
  return *this;
}

Scalar& Scalar::operator*=(const Scalar& other) {
  crypto_core_ed25519_scalar_mul(bytes_.span().data(), view().data(), other.view().data());
  return *this;
}

Scalar Scalar::inverse() const {
  Scalar inverse;
  FED_CHECK(crypto_core_ed25519_scalar_invert(inverse.bytes_.span().data(), view().data()) == 0);
  return inverse;
}

}  // namespace fed::crypto
