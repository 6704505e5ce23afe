#include "privacy/distributed_gaussian.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fed::privacy {

Result<RoundedNorm> rounded_norm(double clip, std::uint64_t dimension, double beta) {
  if (!(clip > 0) || dimension == 0 || !(beta >= 0 && beta < 1)) {
    return Error{
        ErrorCode::invalid,
        fmt::format("rounding needs a length above 0, coordinates and a beta of at least 0 "
                    "and below 1, not {}, {} and {}",
                    clip, dimension, beta)};
  }
  const double root = std::sqrt(static_cast<double>(dimension));
  if (!(clip + root < 0x1p31)) {
    return Error{ErrorCode::invalid,
                 fmt::format("a vector of length {} in {} coordinates is too long for the grid: at "
                             "most 2^31 steps after rounding",
                             clip, dimension)};
  }
  double squared = (clip + root) * (clip + root);
  if (beta > 0) {
    const double spread = std::sqrt(2 * std::log(1 / beta)) * (clip + root / 2);
    squared = std::min(squared, clip * clip + root * root / 4 + spread);
  }
  RoundedNorm norm;
  norm.l2_squared_max = static_cast<std::uint64_t>(squared);
  norm.l2_max = std::sqrt(static_cast<double>(norm.l2_squared_max));
  norm.l1_max = norm.l2_max * std::min(root, norm.l2_max);
  return norm;
}

double convolution_excess(double variance, std::uint64_t survivors) {
  constexpr std::uint64_t kExactTerms = 4096;
  const auto term = [variance](std::uint64_t k) {
    const auto x = static_cast<double>(k);
    return std::exp(-2 * std::numbers::pi * std::numbers::pi * variance * x / (x + 1));
  };
  const std::uint64_t terms = survivors > 0 ? survivors - 1 : 0;
  double sum = 0;
  for (std::uint64_t k = 1; k <= std::min(terms, kExactTerms); ++k) sum += term(k);
  // The terms fall, so the last one bounds those that are left.
  if (terms > kExactTerms) sum += static_cast<double>(terms - kExactTerms) * term(kExactTerms);
  return 10 * sum;
}

Result<RdpCurve> distributed_gaussian_curve(const DistributedGaussian& m) {
  if (!(m.variance >= 0.25 && std::isfinite(m.variance))) {
    return Error{ErrorCode::invalid,
                 fmt::format("a client's noise has a variance of at least 1/4 of a squared grid "
                             "step, not {}",
                             m.variance)};
  }
  if (m.survivors_min == 0 || m.dimension == 0 || !(m.l1 >= 0) || !(m.l2 >= 0)) {
    return Error{
        ErrorCode::invalid,
        fmt::format("a sum needs survivors, coordinates and lengths of at least 0, not {}, "
                    "{}, {} and {}",
                    m.survivors_min, m.dimension, m.l1, m.l2)};
  }
  const double tau = convolution_excess(m.variance, m.survivors_min);
  const auto d = static_cast<double>(m.dimension);
  const double sigma = std::sqrt(static_cast<double>(m.survivors_min) * m.variance);
  const double l1 = m.l1 / sigma;
  const double l2 = m.l2 / sigma;
  return RdpCurve::of([=](double order) {
    const double apart = l2 + tau * std::sqrt(d);
    return std::min({order / 2 * l2 * l2 + tau * d,
                     order / 2 * (l2 * l2 + 2 * tau * l1 + tau * tau * d),
                     order / 2 * apart * apart});
  });
}

}  // namespace fed::privacy
