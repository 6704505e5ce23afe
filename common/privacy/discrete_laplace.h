// Exact noise of the discrete Laplace distribution: P(x) is proportional to exp(-|x| / scale) for
// every integer x (Algorithm 2 of Canonne, Kamath and Steinke 2020).
//
// It is the Laplace mechanism of integers: added to an integer vector whose l1 norm one person
// changes by at most D, it is pure (D / scale)-differentially private (privacy/laplace.h). No
// floating point; the draws follow the distribution exactly, not nearly.
//
// Range: the scale is t / s with 1 <= t <= 2^56 and 1 <= s <= 2^56. A draw is below 2^63 but for
// coins that fall with probability below 2^-180, which end the process.
#pragma once

#include "privacy/fraction.h"
#include "privacy/random_source.h"

namespace fed::privacy {

// Immutable; draws are safe from any thread, each with a source of its own.
class DiscreteLaplace {
 public:
  // ErrorCode::invalid for a scale out of range.
  static Result<DiscreteLaplace> with_scale(Fraction scale);

  Fraction scale() const { return scale_; }
  std::int64_t draw(RandomSource& source) const;

 private:
  explicit DiscreteLaplace(Fraction scale) : scale_(scale) {}

  Fraction scale_;
};

// A draw of scale t for 1 <= t <= 2^56, which must hold: the candidates of DiscreteGaussian.
std::int64_t draw_discrete_laplace(std::uint64_t t, std::uint64_t s, RandomSource& source);

}  // namespace fed::privacy
