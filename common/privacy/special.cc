#include "privacy/special.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace fed::privacy {

void LogSum::add(long double log_term) {
  if (std::isinf(log_term) && log_term < 0) return;
  if (scaled_ == 0) {
    largest_ = log_term;
    scaled_ = 1;
  } else if (log_term <= largest_) {
    scaled_ += std::exp(log_term - largest_);
  } else {
    scaled_ = scaled_ * std::exp(largest_ - log_term) + 1;
    largest_ = log_term;
  }
}

long double LogSum::log() const {
  if (scaled_ == 0) return -std::numeric_limits<long double>::infinity();
  return largest_ + std::log(scaled_);
}

long double log_expm1(long double x) {
  return x < 1 ? std::log(std::expm1(x)) : x + std::log1p(-std::exp(-x));
}

long double log1p_exp(long double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

long double log_normal_tail(long double x) {
  constexpr long double kSqrt2 = std::numbers::sqrt2_v<long double>;
  // erfc is accurate far beyond the range of double; its asymptotic series beyond that of long
  // double has an error below 1e-17 there (Abramowitz and Stegun, 7.1.23).
  if (x < 0) return std::log1p(-std::erfc(-x / kSqrt2) / 2);
  if (x < 100) return std::log(std::erfc(x / kSqrt2) / 2);
  const long double s = 1 / (x * x);
  const long double series = -s + 3 * s * s - 15 * s * s * s + 105 * s * s * s * s;
  return -x * x / 2 - std::log(x) - std::log(2 * std::numbers::pi_v<long double>) / 2 +
         std::log1p(series);
}

}  // namespace fed::privacy
