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

__extension__ typedef unsigned __int128 Wide;

// L = 2^252 + kLow + kHigh 2^64.
constexpr std::uint64_t kLow = 0x5812631a5cf5d3ed, kHigh = 0x14def9dea2f79cd6;
constexpr unsigned kTopBits = 252 - 3 * 64;  // of the fourth limb
constexpr std::uint64_t kTopMask = (std::uint64_t{1} << kTopBits) - 1;

// Takes b + borrow from a; borrow is 0 or 1, before and after.
std::uint64_t subtract(std::uint64_t a, std::uint64_t b, std::uint64_t& borrow) {
  const Wide difference = static_cast<Wide>(a) - b - borrow;
  borrow = static_cast<std::uint64_t>(difference >> 64) & 1;
  return static_cast<std::uint64_t>(difference);
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

// With t = q 2^252 + r, t - q L = r - q (L - 2^252), which is above -L and below 2^252 as q is
// below 2^34: L is added to it where it is negative, without a branch.
void Scalar::multiply_add(std::uint32_t factor, const Scalar& summand) {
  std::uint64_t limbs[4], carry = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto mine = load_le<std::uint64_t>(view().data() + 8 * i);
    const auto theirs = load_le<std::uint64_t>(summand.view().data() + 8 * i);
    const Wide sum = static_cast<Wide>(mine) * factor + theirs + carry;
    limbs[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<std::uint64_t>(sum >> 64);
  }
  const std::uint64_t quotient = carry << (64 - kTopBits) | limbs[3] >> kTopBits;
  limbs[3] &= kTopMask;
  const Wide low = static_cast<Wide>(quotient) * kLow;
  const Wide high = static_cast<Wide>(quotient) * kHigh + static_cast<std::uint64_t>(low >> 64);
  std::uint64_t borrow = 0;
  limbs[0] = subtract(limbs[0], static_cast<std::uint64_t>(low), borrow);
  limbs[1] = subtract(limbs[1], static_cast<std::uint64_t>(high), borrow);
  limbs[2] = subtract(limbs[2], static_cast<std::uint64_t>(high >> 64), borrow);
  limbs[3] = subtract(limbs[3], 0, borrow);
  const std::uint64_t negative = 0 - borrow;
  const std::uint64_t order[4] = {kLow & negative, kHigh & negative, 0, (kTopMask + 1) & negative};
  Wide sum = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    sum += static_cast<Wide>(limbs[i]) + order[i];
    store_le(bytes_.span().data() + 8 * i, static_cast<std::uint64_t>(sum));
    sum >>= 64;
  }
}

Scalar Scalar::inverse() const {
  Scalar inverse;
  FED_CHECK(crypto_core_ed25519_scalar_invert(inverse.bytes_.span().data(), view().data()) == 0);
  return inverse;
}

}  // namespace fed::crypto
