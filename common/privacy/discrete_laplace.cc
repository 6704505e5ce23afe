#include "privacy/discrete_laplace.h"

#include <fmt/core.h>

#include "privacy/bernoulli.h"

namespace fed::privacy {

namespace {

constexpr std::uint64_t kPartMax = std::uint64_t{1} << 56;
// exp(-128) < 2^-184; t times it stays below 2^63.
constexpr std::uint64_t kWholesMax = 127;

}  // namespace

Result<DiscreteLaplace> DiscreteLaplace::with_scale(Fraction scale) {
  if (scale.numerator == 0 || scale.denominator == 0) {
    return Error{ErrorCode::invalid, "the scale of discrete Laplace noise is above 0"};
  }
  scale = reduced(scale);
  if (scale.numerator > kPartMax || scale.denominator > kPartMax) {
    return Error{ErrorCode::invalid,
                 fmt::format("the scale {}/{} of discrete Laplace noise has a part above 2^56",
                             scale.numerator, scale.denominator)};
  }
  return DiscreteLaplace(scale);
}

std::int64_t DiscreteLaplace::draw(RandomSource& source) const {
  return draw_discrete_laplace(scale_.numerator, scale_.denominator, source);
}

std::int64_t draw_discrete_laplace(std::uint64_t t, std::uint64_t s, RandomSource& source) {
  while (true) {
    // The part below t and the multiple of it: together geometric with exp(-1/t) a step.
    const std::uint64_t part = t == 1 ? 0 : source.below(t);
    if (part > 0 && !bernoulli_exp(part, t, source)) continue;
    std::uint64_t wholes = 0;
    while (bernoulli_exp_one(source)) ++wholes;
    FED_CHECK(wholes <= kWholesMax);
    const std::uint64_t steps = part + t * wholes;
    const std::uint64_t size = s == 1 ? steps : steps / s;
    const bool negative = source.coin();
    if (negative && size == 0) continue;  // or zero would come twice as often
    const auto value = static_cast<std::int64_t>(size);
    return negative ? -value : value;
  }
}

}  // namespace fed::privacy
