// Probabilities, rates and variances as fractions of integers, so that what is drawn is exactly
// what is accounted for.
//
// A double such as 0.1 is no fraction of small integers, and a sampler that rounds it draws from
// another distribution than the one whose privacy was proved. So a parameter becomes a Fraction
// once, rounded to the safe side, and from then on both the sampler and the accountant use that
// Fraction. Values; pure functions; safe from any thread.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace fed::privacy {

struct Fraction {
  std::uint64_t numerator = 0;
  std::uint64_t denominator = 1;  // above 0

  // Correctly rounded where both parts are below 2^53 or the denominator is a power of two.
  double value() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
  bool operator==(const Fraction&) const = default;
};

// The same value in lowest terms.
Fraction reduced(Fraction fraction);

// A sampling rate in [0, 1] as a multiple of 2^-62, rounded down: a client that is drawn less often
// is protected more, so an accountant that is told `rate` is right. Exact for doubles of at least
// 2^-10. ErrorCode::invalid outside [0, 1] and for a rate above 0 that would round to 0.
Result<Fraction> sampling_rate(double rate);

// sigma^2 as a multiple of 2^-k, rounded up: more noise protects more. k is 20 for sigma + 1 < 2^18
// and falls by 2 with every doubling beyond, which keeps it in the range of DiscreteGaussian.
// ErrorCode::invalid unless 0 < sigma < 2^27.
Result<Fraction> variance_at_least(double sigma);

// The scale of discrete Laplace noise as a multiple of 2^-20, rounded up. ErrorCode::invalid unless
// 0 < scale < 2^32.
Result<Fraction> scale_at_least(double scale);

// The largest integer whose square is at most `value`.
std::uint64_t integer_root(std::uint64_t value);

}  // namespace fed::privacy
