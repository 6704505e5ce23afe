#include "coding/statistics_codec.h"

#include <array>
#include <bit>
#include <cmath>

namespace fed::coding {
namespace {

constexpr unsigned kDigitBits = 32;
constexpr std::size_t kDigits = 6;
constexpr int kUnit = -96;  // of the lowest digit: 2^-96
constexpr double kMagnitudeMax = 0x1p95;
constexpr std::uint64_t kDigitMask = 0xffffffff;

using Digits = std::array<std::uint64_t, kDigits>;

// Of a magnitude below kMagnitudeMax.
Digits digits_of(double magnitude) {
  Digits digits{};
  int exponent = 0;
  const double fraction = std::frexp(magnitude, &exponent);
  auto mantissa = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
  int place = exponent - 53 - kUnit;  // of its lowest bit
  if (place < 0) {
    mantissa = place <= -64 ? 0 : mantissa >> -place;
    place = 0;
  }
  const auto at = static_cast<std::size_t>(place) / kDigitBits;
  const unsigned shift = static_cast<unsigned>(place) % kDigitBits;
  const std::uint64_t low = (mantissa & kDigitMask) << shift;
  const std::uint64_t high = ((mantissa >> kDigitBits) << shift) + (low >> kDigitBits);
  const std::array<std::uint64_t, 3> parts{low & kDigitMask, high & kDigitMask, high >> kDigitBits};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] != 0) digits[at + i] = parts[i];
  }
  return digits;
}

// Totals of digits, as two's complement numbers of b bits.
std::int64_t signed_total(std::uint64_t total, unsigned bits) {
  return static_cast<std::int64_t>(total << (64 - bits)) >> (64 - bits);
}

// The number that the totals stand for. Carries first, so that all digits have one sign and little
// is lost when they are added.
double number_of(std::array<std::int64_t, kDigits> totals) {
  const auto carry = [&totals] {
    for (std::size_t i = 0; i + 1 < kDigits; ++i) {
      totals[i + 1] += totals[i] >> kDigitBits;
      totals[i] &= static_cast<std::int64_t>(kDigitMask);
    }
  };
  carry();
  const bool negative = totals.back() < 0;
  if (negative) {
    for (std::int64_t& total : totals) total = -total;
    carry();
  }
  double number = 0;
  for (std::size_t i = 0; i < kDigits; ++i) {
    number += std::ldexp(static_cast<double>(totals[i]), static_cast<int>(i * kDigitBits) + kUnit);
  }
  return negative ? -number : number;
}

}  // namespace

StatisticsCodec::StatisticsCodec(std::uint64_t values, std::uint32_t clients_max)
    : values_(values),
      modulus_bits_(kDigitBits + 1 + static_cast<unsigned>(std::bit_width(clients_max))) {
  FED_CHECK(clients_max >= 1 && clients_max <= (1U << 30));
}

std::uint64_t StatisticsCodec::length() const { return values_ * kDigits; }

Result<secagg::Words> StatisticsCodec::encode(std::span<const double> values) const {
  FED_CHECK(values.size() == values_);
  std::vector<std::uint64_t> words;
  words.reserve(length());
  for (const double value : values) {
    if (!(std::fabs(value) < kMagnitudeMax)) {
      return Error{ErrorCode::invalid, "a sum of this site's columns is too large, or no number"};
    }
    for (const std::uint64_t digit : digits_of(std::fabs(value))) {
      words.push_back(value < 0 ? ~digit + 1 : digit);
    }
  }
  return secagg::Words(std::move(words));
}

std::vector<double> StatisticsCodec::decode(const secagg::Words& sum) const {
  const auto& words = std::get<std::vector<std::uint64_t>>(sum);
  FED_CHECK(words.size() == length());
  std::vector<double> values;
  for (std::size_t at = 0; at < words.size(); at += kDigits) {
    std::array<std::int64_t, kDigits> totals{};
    for (std::size_t i = 0; i < kDigits; ++i) {
      totals[i] = signed_total(words[at + i], modulus_bits_);
    }
    values.push_back(number_of(totals));
  }
  return values;
}

}  // namespace fed::coding
