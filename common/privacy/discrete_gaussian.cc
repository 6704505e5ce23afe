#include "privacy/discrete_gaussian.h"

#include <fmt/core.h>

#include "privacy/bernoulli.h"
#include "privacy/discrete_laplace.h"

namespace fed::privacy {

namespace {

constexpr Wide kRangeMax = Wide{1} << 56;

}  // namespace

Result<DiscreteGaussian> DiscreteGaussian::with_variance(Fraction variance) {
  if (variance.numerator == 0 || variance.denominator == 0) {
    return Error{ErrorCode::invalid, "the variance of discrete Gaussian noise is above 0"};
  }
  variance = reduced(variance);
  const std::uint64_t t = integer_root(variance.numerator / variance.denominator) + 1;
  // t <= 2^32, so the product is below 2^128.
  if (Wide{t} * t > kRangeMax || Wide{t} * t * variance.denominator > kRangeMax) {
    return Error{ErrorCode::invalid,
                 fmt::format("the variance {}/{} of discrete Gaussian noise is out of range: the "
                             "denominator times the variance is at most about 2^56",
                             variance.numerator, variance.denominator)};
  }
  return DiscreteGaussian(variance, t);
}

// a < b t^2 <= 2^56, so 2 a b t^2 < 2^113.
DiscreteGaussian::DiscreteGaussian(Fraction variance, std::uint64_t t)
    : variance_(variance),
      t_(t),
      step_(Wide{variance.denominator} * t),
      twice_variances_(2 * Wide{variance.numerator} * step_ * t) {}

std::int64_t DiscreteGaussian::draw(RandomSource& source) const {
  while (true) {
    const std::int64_t candidate = draw_discrete_laplace(t_, 1, source);
    const auto size = static_cast<std::uint64_t>(candidate < 0 ? -candidate : candidate);
    // Kept with probability exp(-(|y| - a/(b t))^2 / (2 a/b)): both parts times (b t)^2.
    const Wide scaled = times(size, step_);
    const Wide centre = variance_.numerator;
    const Wide distance = scaled > centre ? scaled - centre : centre - scaled;
    if (bernoulli_exp(times(distance, distance), twice_variances_, source)) return candidate;
  }
}

void DiscreteGaussian::fill(std::span<std::int64_t> values, RandomSource& source) const {
  for (std::int64_t& value : values) value = draw(source);
}

}  // namespace fed::privacy
