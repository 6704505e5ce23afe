#include "privacy/analytic_gaussian.h"

#include <fmt/core.h>

#include <cmath>

#include "privacy/calibrate.h"
#include "privacy/search.h"
#include "privacy/special.h"

namespace fed::privacy {

namespace {

constexpr double kPrecision = 1e-10;

double delta_of(double epsilon, double sigma) {
  const long double middle = static_cast<long double>(epsilon) * sigma;
  const long double half = 0.5L / sigma;
  const long double log_with = log_normal_tail(middle - half);
  const long double log_without = epsilon + log_normal_tail(middle + half);
  return static_cast<double>(-std::exp(log_with) * std::expm1(log_without - log_with));
}

Status check_sigma(double sigma) {
  if (sigma > 0 && std::isfinite(sigma)) return {};
  return Error{ErrorCode::invalid, fmt::format("sigma is above 0 and finite, not {}", sigma)};
}

}  // namespace

Result<double> gaussian_delta(double epsilon, double sigma) {
  FED_TRY(check_sigma(sigma));
  if (!(epsilon >= 0 && std::isfinite(epsilon))) {
    return Error{ErrorCode::invalid, fmt::format("epsilon is at least 0, not {}", epsilon)};
  }
  return delta_of(epsilon, sigma);
}

Result<double> gaussian_epsilon(double sigma, double delta) {
  FED_TRY(check_sigma(sigma));
  FED_TRY(check(Target{1, delta}));
  if (delta_of(0, sigma) <= delta) return 0.0;
  const double found =
      least_with([&](double epsilon) { return delta_of(epsilon, sigma) <= delta; }, kPrecision);
  if (found > 0) return found;
  return Error{ErrorCode::invalid,
               fmt::format("sigma {} gives no useful epsilon at delta {}", sigma, delta)};
}

Result<double> gaussian_sigma(double epsilon, double delta) {
  FED_TRY(check(Target{epsilon, delta}));
  const double found =
      least_with([&](double sigma) { return delta_of(epsilon, sigma) <= delta; }, kPrecision);
  if (found > 0) return found;
  return Error{ErrorCode::invalid,
               fmt::format("no sigma gives epsilon {} at delta {}", epsilon, delta)};
}

}  // namespace fed::privacy
