#include "privacy/laplace.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "privacy/special.h"

namespace fed::privacy {

Result<double> laplace_epsilon(double noise_multiplier) {
  if (noise_multiplier > 0 && std::isfinite(noise_multiplier)) return 1 / noise_multiplier;
  return Error{ErrorCode::invalid,
               fmt::format("a noise multiplier is above 0 and finite, not {}", noise_multiplier)};
}

Result<RdpCurve> pure_curve(double epsilon) {
  if (!(epsilon >= 0)) {
    return Error{ErrorCode::invalid, fmt::format("epsilon is at least 0, not {}", epsilon)};
  }
  if (std::isinf(epsilon)) return RdpCurve::unbounded();
  // log(cosh(x)) without its log(2), which cancels.
  const auto log_cosh = [](long double x) { return x + std::log1p(std::exp(-2 * x)); };
  return RdpCurve::of([&](double order) {
    const long double log_a = log_cosh((order - 0.5L) * epsilon) - log_cosh(0.5L * epsilon);
    return std::min(epsilon, static_cast<double>(log_a / (order - 1.0L)));
  });
}

}  // namespace fed::privacy
