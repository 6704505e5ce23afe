#include "aggregate/exact_sum.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "tensor/kernels.h"

#ifdef __FAST_MATH__
#error "the exact sum needs IEEE arithmetic: build without -ffast-math"
#endif

namespace fed::aggregate {
namespace {

// Doubles of a stretch: terms are added up here, in the first-level cache, before BLAS adds them to
// the sum.
constexpr std::size_t kStretch = 512;

// The exponent E of the smallest power of two that is >= value.
int exponent_above(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);  // in [0.5, 1)
  return mantissa == 0.5 ? exponent - 1 : exponent;
}

double magic_of(int exponent) { return std::ldexp(1.5, exponent + 1); }  // 1.5 * 2^52 * 2^(E-51)

void set_rounded(double magic, const Term& term, std::size_t at, std::span<double> partial) {
  const float* x = term.update.data() + at;
  for (std::size_t i = 0; i < partial.size(); ++i) {
    partial[i] = (term.weight * static_cast<double>(x[i]) + magic) - magic;
  }
}

// Two terms at a time: half the traffic to `partial`.
void add_rounded(double magic, const Term& a, const Term& b, std::size_t at,
                 std::span<double> partial) {
  const float* x = a.update.data() + at;
  const float* y = b.update.data() + at;
  for (std::size_t i = 0; i < partial.size(); ++i) {
    const double p = (a.weight * static_cast<double>(x[i]) + magic) - magic;
    const double q = (b.weight * static_cast<double>(y[i]) + magic) - magic;
    partial[i] += p + q;
  }
}

}  // namespace

Result<Grid> Grid::make(double total_weight, double update_limit) {
  const double least = std::ldexp(1.0, -64);
  if (!(update_limit >= least && update_limit <= std::ldexp(1.0, 64))) {
    return Error{ErrorCode::invalid,
                 "an update limit of " + std::to_string(update_limit) +
                     " cannot be summed exactly: choose one from 2^-64 to 2^64"};
  }
  if (!(total_weight >= least && total_weight <= std::ldexp(1.0, 128))) {
    return Error{ErrorCode::invalid,
                 "a total weight of " + std::to_string(total_weight) +
                     " cannot be summed exactly: it must be positive and finite"};
  }
  Grid grid;
  grid.total_weight_ = total_weight;
  grid.update_limit_ = update_limit;
  grid.weight_magic_ = magic_of(exponent_above(total_weight));
  // A weight may be rounded up on its grid, so the products' bound is that of the rounded total.
  const double bound = std::max(total_weight, grid.round_weight(total_weight)) * update_limit;
  const int exponent = exponent_above(bound);
  grid.spacing_ = std::ldexp(1.0, exponent - 51);
  grid.magic_ = magic_of(exponent);
  return grid;
}

void accumulate(const Grid& grid, std::span<const Term> terms, std::span<double> sum) {
  std::array<double, kStretch> buffer;
  for (const Term& term : terms) FED_CHECK(term.update.size() == sum.size());
  for (std::size_t at = 0; at < sum.size(); at += kStretch) {
    const std::size_t count = std::min(kStretch, sum.size() - at);
    const std::span<double> partial = std::span(buffer).first(count);
    std::size_t next = terms.size() % 2;
    if (next == 1) {
      set_rounded(grid.magic(), terms[0], at, partial);
    } else {
      std::fill(partial.begin(), partial.end(), 0.0);
    }
    for (; next < terms.size(); next += 2) {
      add_rounded(grid.magic(), terms[next], terms[next + 1], at, partial);
    }
    tensor::daxpy(1.0, partial, sum.subspan(at, count));
  }
}

void merge(std::span<const double> from, std::span<double> into) {
  FED_CHECK(from.size() == into.size());
  tensor::daxpy(1.0, from, into);
}

void divide(std::span<const double> sum, double total_weight, std::span<double> mean) {
  FED_CHECK(sum.size() == mean.size() && total_weight > 0);
  // A true division, not a product with the inverse: rounded once.
  for (std::size_t i = 0; i < sum.size(); ++i) mean[i] = sum[i] / total_weight;
}

bool within(std::span<const float> update, float limit) {
  int outside = 0;
  for (const float x : update) outside |= !(std::fabs(x) <= limit);
  return outside == 0;
}

}  // namespace fed::aggregate
