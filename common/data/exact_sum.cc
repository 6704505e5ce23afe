#include "data/exact_sum.h"

#include <bit>
#include <cmath>

#include "base/error.h"

namespace fed::data {
namespace {

constexpr int kUnitExponent = -1074;

// limbs[from..] += addend, where the carry runs as far as it must.
template <class Limbs>
void add_at(Limbs& limbs, std::size_t from, std::uint64_t addend) {
  for (std::size_t i = from; addend != 0 && i < limbs.size(); ++i) {
    limbs[i] += addend;
    addend = limbs[i] < addend ? 1 : 0;
  }
}

template <class Limbs>
void subtract_at(Limbs& limbs, std::size_t from, std::uint64_t subtrahend) {
  for (std::size_t i = from; subtrahend != 0 && i < limbs.size(); ++i) {
    const std::uint64_t before = limbs[i];
    limbs[i] -= subtrahend;
    subtrahend = before < subtrahend ? 1 : 0;
  }
}

template <class Limbs>
void negate(Limbs& limbs) {
  for (auto& limb : limbs) limb = ~limb;
  add_at(limbs, 0, 1);
}

template <class Limbs>
bool bit(const Limbs& limbs, int at) {
  const auto index = static_cast<std::size_t>(at);
  return (limbs[index / 64] >> (index % 64) & 1) != 0;
}

// Bits [from, from + 64), of which those beyond the end are zero.
template <class Limbs>
std::uint64_t window(const Limbs& limbs, int from) {
  const std::size_t limb = static_cast<std::size_t>(from) / 64;
  const int offset = from % 64;
  std::uint64_t bits = limbs[limb] >> offset;
  if (offset != 0 && limb + 1 < limbs.size()) bits |= limbs[limb + 1] << (64 - offset);
  return bits;
}

template <class Limbs>
bool any_below(const Limbs& limbs, int end) {
  const std::size_t whole = static_cast<std::size_t>(end) / 64;
  for (std::size_t i = 0; i < whole; ++i) {
    if (limbs[i] != 0) return true;
  }
  const int rest = end % 64;
  return rest != 0 && limbs[whole] << (64 - rest) != 0;
}

}  // namespace

void ExactSum::add(double value) {
  FED_CHECK(std::isfinite(value));
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint64_t exponent = bits >> 52 & 0x7ff;
  std::uint64_t mantissa = bits & ((std::uint64_t{1} << 52) - 1);
  if (exponent != 0) mantissa |= std::uint64_t{1} << 52;
  const std::uint64_t shift = exponent == 0 ? 0 : exponent - 1;
  const std::size_t limb = shift / 64;
  const auto offset = static_cast<int>(shift % 64);
  const std::uint64_t low = mantissa << offset;
  const std::uint64_t high = offset == 0 ? 0 : mantissa >> (64 - offset);
  if (std::signbit(value)) {
    subtract_at(limbs_, limb, low);
    subtract_at(limbs_, limb + 1, high);
  } else {
    add_at(limbs_, limb, low);
    add_at(limbs_, limb + 1, high);
  }
}

void ExactSum::add_product(double a, double b) {
  const double product = a * b;
  add(product);
  add(std::fma(a, b, -product));
}

void ExactSum::merge(const ExactSum& other) {
  bool carry = false;
  for (std::size_t i = 0; i < kLimbs; ++i) {
    const std::uint64_t partial = limbs_[i] + other.limbs_[i];
    const bool overflowed = partial < limbs_[i];
    limbs_[i] = partial + (carry ? 1 : 0);
    carry = overflowed || (carry && limbs_[i] == 0);
  }
}

double ExactSum::round() const {
  auto magnitude = limbs_;
  const bool negative = (magnitude.back() >> 63) != 0;
  if (negative) negate(magnitude);

  std::size_t top = kLimbs;
  while (top > 0 && magnitude[top - 1] == 0) --top;
  if (top == 0) return 0;
  const int highest = static_cast<int>(top) * 64 - 1 - std::countl_zero(magnitude[top - 1]);

  // 53 bits, of which the lowest is worth 2^lowest units; below 2^53 units nothing has to be
  // rounded.
  const int lowest = highest < 53 ? 0 : highest - 52;
  std::uint64_t mantissa = window(magnitude, lowest) & ((std::uint64_t{1} << 53) - 1);
  if (lowest > 0 && bit(magnitude, lowest - 1)) {
    if ((mantissa & 1) != 0 || any_below(magnitude, lowest - 1)) ++mantissa;
  }
  const double rounded = std::ldexp(static_cast<double>(mantissa), lowest + kUnitExponent);
  return negative ? -rounded : rounded;
}

}  // namespace fed::data
