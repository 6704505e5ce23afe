// Exact noise of the discrete Gaussian distribution: P(x) is proportional to
// exp(-x^2 / (2 sigma^2)) for every integer x (Algorithm 3 of Canonne, Kamath and Steinke 2020).
//
// Added to integers it protects as the continuous Gaussian does to reals (their Theorem 4: the
// Renyi divergence is at most alpha D^2 / (2 sigma^2)), without the low-order bits of
// floating-point noise that give the data away (Mironov 2012). sigma^2 is a fraction, and every
// decision compares integers, so a draw has exactly this distribution.
//
// Range: sigma^2 = a / b in lowest terms with b * (floor(sigma) + 1)^2 <= 2^56. So sigma goes up to
// 2^28 for integers and up to 2^18 in steps of 2^-20 (variance_at_least makes such a fraction of a
// double). All products then fit in 128 bits, unless a draw is beyond 128 sigma: its coins fall
// with probability below 2^-180, and the process ends.
#pragma once

#include <span>

#include "privacy/fraction.h"
#include "privacy/random_source.h"
#include "privacy/wide.h"

namespace fed::privacy {

// Immutable; draws are safe from any thread, each with a source of its own.
class DiscreteGaussian {
 public:
  // ErrorCode::invalid for 0 and for a variance out of range.
  static Result<DiscreteGaussian> with_variance(Fraction variance);

  Fraction variance() const { return variance_; }
  std::int64_t draw(RandomSource& source) const;
  // One draw for each.
  void fill(std::span<std::int64_t> values, RandomSource& source) const;

 private:
  DiscreteGaussian(Fraction variance, std::uint64_t t);

  Fraction variance_;     // a / b
  std::uint64_t t_;       // floor(sigma) + 1, the scale of the candidates
  Wide step_;             // b * t
  Wide twice_variances_;  // 2 * a * b * t^2
};

}  // namespace fed::privacy
