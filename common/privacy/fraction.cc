#include "privacy/fraction.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace fed::privacy {

Fraction reduced(Fraction fraction) {
  FED_CHECK(fraction.denominator > 0);
  const std::uint64_t common = std::gcd(fraction.numerator, fraction.denominator);
  return {fraction.numerator / common, fraction.denominator / common};
}

Result<Fraction> sampling_rate(double rate) {
  if (!(rate >= 0 && rate <= 1)) {
    return Error{ErrorCode::invalid,
                 fmt::format("a sampling rate is between 0 and 1, not {}", rate)};
  }
  const auto numerator = static_cast<std::uint64_t>(std::ldexp(rate, 62));
  if (numerator == 0 && rate > 0) {
    return Error{ErrorCode::invalid,
                 fmt::format("a sampling rate of {} is below the finest one, 2^-62", rate)};
  }
  return reduced({numerator, std::uint64_t{1} << 62});
}

Result<Fraction> variance_at_least(double sigma) {
  if (!(sigma > 0 && sigma < 0x1p27)) {
    return Error{ErrorCode::invalid,
                 fmt::format("the standard deviation of discrete Gaussian noise is above 0 and "
                             "below 2^27 grid steps, not {}",
                             sigma)};
  }
  // floor(sigma) + 2 <= 2^width, also once the square is rounded up: inside of DiscreteGaussian's
  // range.
  const auto width = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(sigma) + 1));
  const int bits = std::min(20, 56 - 2 * width);
  // sigma^2 is exactly square + rest, and scaling by a power of two is exact. The rest is at most
  // half of the square's last digit: it cannot move a square that is not whole past a whole number.
  const double square = std::ldexp(sigma * sigma, bits);
  const double rest = std::ldexp(std::fma(sigma, sigma, -sigma * sigma), bits);
  auto numerator = static_cast<std::int64_t>(std::ceil(square));
  if (std::ceil(square) == square) numerator += static_cast<std::int64_t>(std::ceil(rest));
  numerator = std::max<std::int64_t>(numerator, 1);  // where the square underflows
  return reduced({static_cast<std::uint64_t>(numerator), std::uint64_t{1} << bits});
}

Result<Fraction> scale_at_least(double scale) {
  if (!(scale > 0 && scale < 0x1p32)) {
    return Error{ErrorCode::invalid,
                 fmt::format("the scale of discrete Laplace noise is above 0 and below 2^32 grid "
                             "steps, not {}",
                             scale)};
  }
  const double steps = std::ceil(std::ldexp(scale, 20));  // exact, but for the ceiling
  return reduced({static_cast<std::uint64_t>(steps), std::uint64_t{1} << 20});
}

std::uint64_t integer_root(std::uint64_t value) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit > 0; bit >>= 1) {
    const std::uint64_t candidate = root | bit;
    if (candidate * candidate <= value) root = candidate;
  }
  return root;
}

}  // namespace fed::privacy
