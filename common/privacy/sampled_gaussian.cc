#include "privacy/sampled_gaussian.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "privacy/special.h"

namespace fed::privacy {

namespace {

struct Sampled {
  long double q;
  long double sigma;
};

// The logarithm of q^in (1 - q)^out.
long double log_weight(const Sampled& m, long double in, long double out) {
  return in * std::log(m.q) + out * std::log1p(-m.q);
}

// The logarithm of the k-th moment of the likelihood ratio of N(1, sigma^2) to N(0, sigma^2).
long double log_moment(const Sampled& m, long double k) {
  return k * (k - 1) / (2 * m.sigma * m.sigma);
}

// log(A) for a whole order. The weights alone would sum to 1, and the moments of 0 and 1 are 1, so
// A - 1 is a sum of positive terms from k = 2 on, which keeps its digits where A is nearly 1.
long double log_a_whole(const Sampled& m, int order) {
  LogSum above_one;
  long double log_binomial = std::log(static_cast<long double>(order));
  for (int k = 2; k <= order; ++k) {
    log_binomial += std::log(static_cast<long double>(order - k + 1) / k);
    above_one.add(log_binomial + log_weight(m, k, order - k) + log_expm1(log_moment(m, k)));
  }
  return log1p_exp(above_one.log());
}

// The sum of (-1)^j exp(log_term(j)) over j >= 0, asked for in turn, for terms that are the moments
// of some positive measure on [0, 1], to a relative error of 5.8^-kTerms: algorithm 1 of Cohen,
// Rodriguez Villegas and Zagier, "Convergence Acceleration of Alternating Series" (2000).
template <class Function>
long double alternating_sum(Function&& log_term) {
  constexpr int kTerms = 26;
  const long double growth = std::pow(3 + std::sqrt(8.0L), kTerms);
  const long double scale = (growth + 1 / growth) / 2;
  long double b = -1;
  long double c = -scale;
  long double sum = 0;
  for (int k = 0; k < kTerms; ++k) {
    c = b - c;
    sum += c * std::exp(log_term(k));
    b *= (k + kTerms) * static_cast<long double>(k - kTerms) / ((k + 0.5L) * (k + 1));
  }
  return sum / scale;
}

// The two series, split at the point where both parts of the mixture weigh the same.
class FractionalOrder {
 public:
  FractionalOrder(const Sampled& m, long double order)
      : m_(m),
        order_(order),
        split_(m.sigma * m.sigma * (std::log1p(-m.q) - std::log(m.q)) + 0.5L) {}

  // The binomials are positive up to floor(order) + 1 and alternate after it. There each term is a
  // product of moments over [0, 1]: of x^(k - order - 1) (1 - x)^order, which is the binomial, and
  // of the ratio of the lighter part of the mixture to the heavier one.
  long double log_a() const {
    const int first = static_cast<int>(order_) + 2;
    LogSum positive;
    long double log_binomial = 0;
    for (int k = 0; k < first; ++k) {
      positive.add(log_binomial + log_below(k));
      positive.add(log_binomial + log_above(k));
      log_binomial += std::log(std::abs(order_ - k) / (k + 1));
    }
    const long double log_positive = positive.log();
    long double log_tail_binomial = log_binomial;
    const long double tail = alternating_sum([&](int j) {
      const int k = first + j;
      const LogSum both = both_sides(k);
      const long double term = log_tail_binomial + both.log() - log_positive;
      log_tail_binomial += std::log((k - order_) / (k + 1));
      return term;
    });
    return log_positive + std::log1p(-tail);
  }

 private:
  LogSum both_sides(int k) const {
    LogSum sum;
    sum.add(log_below(k));
    sum.add(log_above(k));
    return sum;
  }
  long double log_below(int k) const {
    return log_weight(m_, k, order_ - k) + log_moment(m_, k) +
           log_normal_tail((k - split_) / m_.sigma);
  }
  long double log_above(int k) const {
    const long double in = order_ - k;
    return log_weight(m_, in, k) + log_moment(m_, in) + log_normal_tail((split_ - in) / m_.sigma);
  }

  Sampled m_;
  long double order_;
  long double split_;
};

long double log_a_fractional(const Sampled& m, long double order) {
  const int below = static_cast<int>(order);
  // log(A) is convex in the order and 0 at 1, so the chord between two whole orders is above it. It
  // replaces the series where that would lose its digits beside the 1.
  constexpr long double kDrowning = 1e-12L;
  const long double upper = log_a_whole(m, below + 1);
  if (upper < kDrowning) {
    const long double lower = below == 1 ? 0 : log_a_whole(m, below);
    return lower + (order - below) * (upper - lower);
  }
  return FractionalOrder(m, order).log_a();
}

Status check(double q, double sigma) {
  if (!(q >= 0 && q <= 1)) {
    return Error{ErrorCode::invalid, fmt::format("a sampling rate is between 0 and 1, not {}", q)};
  }
  if (!(sigma > 0 && std::isfinite(sigma))) {
    return Error{ErrorCode::invalid,
                 fmt::format("a noise multiplier is above 0 and finite, not {}", sigma)};
  }
  return {};
}

double rdp_of(double q, double sigma, double order) {
  if (q == 0) return 0;
  const Sampled m{q, sigma};
  const long double alpha = order;
  const long double unsampled = alpha / (2 * m.sigma * m.sigma);
  if (q == 1) return static_cast<double>(unsampled);
  const bool whole = order == std::floor(order);
  const long double log_a =
      whole ? log_a_whole(m, static_cast<int>(order)) : log_a_fractional(m, alpha);
  return static_cast<double>(std::min(unsampled, log_a / (alpha - 1)));
}

}  // namespace

Result<double> sampled_gaussian_rdp(double sampling_rate, double noise_multiplier, double order) {
  FED_TRY(check(sampling_rate, noise_multiplier));
  if (!(order > 1 && order <= 10000)) {
    return Error{ErrorCode::invalid,
                 fmt::format("an order is above 1 and at most 10000, not {}", order)};
  }
  return rdp_of(sampling_rate, noise_multiplier, order);
}

Result<RdpCurve> sampled_gaussian_curve(double sampling_rate, double noise_multiplier) {
  FED_TRY(check(sampling_rate, noise_multiplier));
  return RdpCurve::of([&](double order) { return rdp_of(sampling_rate, noise_multiplier, order); });
}

}  // namespace fed::privacy
